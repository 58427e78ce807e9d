"""A model's provider on loopback: speaks OpenAI's protocol, answers from a script, and records what it was asked."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What the provider does with one request."""

    text: str | None = ""
    finish_reason: str = "stop"
    status: int = 200
    body: bytes | None = None
    """Sent instead of a completion where given."""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before anything is sent."""
    pace: float = 0.0
    """Seconds before each line of a stream."""
    dropped: bool = False
    endless: bytes = b""
    """Sent again and again instead of a body, until the client has enough, `delay` seconds apart."""
    choices: int = 1
    tokens: tuple[int, int] = (100, 20)


def edit(path: str, search: str, replace: str) -> Answer:
    """One SEARCH/REPLACE block; the texts end with a newline, or are empty."""
    return edits((path, search, replace))


def edits(*blocks: tuple[str, str, str]) -> Answer:
    """Several SEARCH/REPLACE blocks."""
    return Answer("\n".join(_block(*block) for block in blocks))


def whole_file(path: str, text: str) -> Answer:
    """A complete file, as the `whole` edit format wants it."""
    return Answer(f"{path}\n```\n{text}```\n")


def error_inside(error: object, **more: object) -> Answer:
    """An error that comes as an answer of status 200."""
    return Answer(body=json.dumps({"error": error, **more}).encode())


def failure(status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    """An error in the provider's own form."""
    error = {"message": message, "type": "error", "code": code or None, "param": None}
    return Answer(status=status, body=json.dumps({"error": error}).encode(), headers=headers or {})


DROPPED = Answer(dropped=True)
HTML = Answer(body=b"<html><body>Welcome to the proxy</body></html>", content_type="text/html")
NO_CHOICES = Answer(choices=0)


class ScriptedModel:
    """Answers each request with the next answer of the script; the last one is repeated for ever."""

    def __init__(self, *script: Answer) -> None:
        self.requests: list[dict[str, Any]] = []
        self._script = list(script)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.model = self

    def answers(self, *script: Answer) -> ScriptedModel:
        """Begin a new script."""
        with self._lock:
            self._script = list(script)
        return self

    @property
    def base_url(self) -> str:
        """What OPENAI_API_BASE is to be."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def prompts(self) -> list[str]:
        """The last user message of each request."""
        return [request["messages"][-1]["content"] for request in self.requests]

    @contextmanager
    def running(self) -> Iterator[ScriptedModel]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def next_answer(self, request: dict[str, Any]) -> Answer:
        """Record the request and take the next answer."""
        with self._lock:
            self.requests.append(request)
            if not self._script:
                return failure(500, "the script is empty")
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    model: ScriptedModel

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the script."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent."""

    def do_GET(self) -> None:
        """Nothing but completions is served; what else is asked for is recorded all the same."""
        self._send(self.server.model.next_answer({"path": self.path, "messages": [{"content": ""}]}))

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request["path"] = self.path
        answer = self.server.model.next_answer(request)
        if answer.endless:
            self._send_for_ever(answer)
            return
        time.sleep(answer.delay)
        if answer.dropped:
            self._drop()
        elif request.get("stream") and answer.body is None:
            self._stream(request, answer)
        else:
            self._send(answer, request)

    def _drop(self) -> None:
        # A reset instead of an orderly end, as from a crashed server.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _send_for_ever(self, answer: Answer) -> None:
        self.send_response(200)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        until = time.monotonic() + _FOR_EVER
        while time.monotonic() < until:
            self.wfile.write(answer.endless)
            self.wfile.flush()
            time.sleep(answer.delay)

    def _send(self, answer: Answer, request: Mapping[str, Any] | None = None) -> None:
        body = answer.body if answer.body is not None else json.dumps(_completion(request or {}, answer)).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": answer.content_type, "Content-Length": len(body), **answer.headers}.items():
            self.send_header(str(name), str(value))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, request: Mapping[str, Any], answer: Answer) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        deltas = [{"role": "assistant", "content": line} for line in (answer.text or "").splitlines(keepends=True)]
        ends = [*(None for _ in deltas), answer.finish_reason]
        for delta, finish in zip([*deltas, {}], ends, strict=True):
            time.sleep(answer.pace if delta else 0.0)
            chunk = _completion(request, answer)
            chunk["object"] = "chat.completion.chunk"
            chunk["choices"] = [{"index": 0, "delta": delta, "finish_reason": finish}]
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")


_FOR_EVER = 120
"""Seconds: a test that waits as long has failed."""


def _completion(request: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer.text}
    sent, received = answer.tokens
    return {
        "id": "scripted",
        "object": "chat.completion",
        "created": 0,
        "model": request.get("model", "scripted"),
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}] * answer.choices,
        "usage": {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received},
    }


def _block(path: str, search: str, replace: str) -> str:
    return f"{path}\n```python\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n```\n"
