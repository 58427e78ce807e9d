"""Bounds what one answer of a provider may be, in bytes and seconds, and turns an error inside a 200 into an error."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

MOST_BYTES = 16_000_000
"""Of one answer. The longest that models give, with all that they thought aloud, is a tenth of it."""


class EndlessAnswer(Exception):
    """An answer that was still going on after so many bytes."""


def bound_answers() -> None:
    """Let whatever this process asks by httpx, as litellm and its providers' clients do, come to an end.

    httpx knows only how long to wait for the next byte: a server that sends one now and then would hold us for ever.
    It offers no seam that also holds for a proxy from the environment, hence the method of its class is replaced.
    """
    import httpx

    send = httpx.HTTPTransport.handle_request
    if getattr(send, "is_bounded", False):
        return

    def handle_request(transport: httpx.HTTPTransport, request: httpx.Request) -> Any:
        return _bounded(lambda: send(transport, request), request)

    setattr(handle_request, "is_bounded", True)  # noqa: B010
    setattr(httpx.HTTPTransport, "handle_request", handle_request)  # noqa: B010  # to mypy a method is no variable


def error_inside(body: bytes) -> tuple[int, str] | None:
    """The HTTP status and the words of an error that was sent as if it were an answer; None where it is none.

    OpenRouter, llama.cpp's and vLLM's older servers, and many gateways send such: their own 200 was out already.
    """
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    choice = next(iter(_list(answer.get("choices"))), {})
    inside = answer.get("error") or choice.get("error")
    if answer.get("object") == "error":
        inside = inside or answer
    if not inside and choice.get("finish_reason") != "error":
        return None
    return _status(inside, answer), _words(inside)


def _bounded(send: Callable[[], Any], request: Any) -> Any:
    """The response, read to its end unless it is a stream of events, which is read while it is written.

    Raises httpx.ReadTimeout, or has the stream raise it, where that takes longer than the call may.
    """
    seconds = (request.extensions.get("timeout") or {}).get("read")
    ends = time.monotonic() + seconds if seconds else float("inf")
    response = send()
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        return _with_content(response, _closing(response, _until(ends, response.stream)), request)
    raw = b"".join(_closing(response, _until(ends, response.stream)))
    return _told_as_error(_with_content(response, raw, request))


def _with_content(response: Any, content: bytes | Iterator[bytes], request: Any) -> Any:
    import httpx

    with_content = httpx.Response(response.status_code, headers=response.headers, content=content, request=request)
    with_content.extensions = response.extensions
    return with_content


def _closing(response: Any, parts: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from parts
    finally:
        response.close()


def _until(ends: float, stream: Iterable[bytes]) -> Iterator[bytes]:
    import httpx

    size = 0
    for part in stream:
        size += len(part)
        if size > MOST_BYTES:
            raise EndlessAnswer(f"the answer had not ended after {size // 1_000_000} MB")
        if time.monotonic() > ends:
            raise httpx.ReadTimeout("the answer had not ended in time")
        yield part


def _told_as_error(response: Any) -> Any:
    """litellm loses what an error inside a 200 says; one with a status of its own is named like any other."""
    found = error_inside(response.content) if response.status_code == _FINE else None
    if found is None:
        return response
    import httpx

    status, words = found
    body = {"error": {"message": f"{words} (an error inside an answer of status 200)", "type": "error", "code": None}}
    return httpx.Response(status, json=body, request=response.request)


_FINE = 200


def _list(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _status(inside: object, answer: dict[str, Any]) -> int:
    """The status that the error claims for itself; a bad request where it claims none."""
    places = [inside, answer] if isinstance(inside, dict) else [answer]
    claimed = (place.get(word) for place in places for word in ("code", "status", "status_code"))
    return next((code for code in claimed if isinstance(code, int) and 400 <= code < 600), 400)


def _words(inside: object) -> str:
    said = (inside.get("message") or inside.get("type")) if isinstance(inside, dict) else inside
    return " ".join(str(said or "it does not say what went wrong").split())
