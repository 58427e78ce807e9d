"""Reads an answer while the model writes it: each line is told as it ends, and then the whole is there at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast


def watched(chunks: Iterable[Any], model: str, messages: list[Any], tell: Callable[[str], None]) -> Any:
    """What an answer in one piece would be, with its price; None where what came was no stream."""
    import litellm

    read, line, finish = [], "", None
    for chunk in chunks:
        read.append(chunk)
        finish = (chunk.choices[0].finish_reason if chunk.choices else None) or finish
        *ended, line = (line + _text_of(chunk)).split("\n")
        for one in ended:
            tell(one)
    if line:
        tell(line)
    # litellm ends a stream that had no end with one of its own
    if getattr(chunks, "received_finish_reason", finish) is None and not any(map(_text_of, read)):
        return None
    answer = cast("Any", litellm.stream_chunk_builder(read, messages=messages))
    answer.choices[0].finish_reason = finish  # litellm's is that of the last chunk, which only holds the usage
    answer._hidden_params["response_cost"] = _price(answer, model)  # noqa: SLF001  where it stands in one piece
    return answer


def _text_of(chunk: Any) -> str:
    return (chunk.choices[0].delta.content or "") if chunk.choices else ""


def _price(answer: Any, model: str) -> float | None:
    """litellm works it out by itself only for an answer in one piece."""
    import litellm

    try:
        return cast("float", litellm.completion_cost(answer, model=model))
    except Exception:  # noqa: BLE001  it raises a bare one where it does not know the model
        return None
