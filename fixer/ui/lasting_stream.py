"""A stream that outlives its reader: a closed terminal must not keep an attempt from being taken back."""

from __future__ import annotations

from typing import Any, TextIO, cast


def lasting(stream: TextIO) -> TextIO:
    """The stream, silent from the moment on at which nobody reads it any more."""
    return cast("TextIO", _Lasting(stream))


class _Lasting:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False

    def write(self, text: str) -> int:
        if not self._gone:
            try:
                self._stream.write(text)
            except OSError:
                self._gone = True
        return len(text)

    def flush(self) -> None:
        if not self._gone:
            try:
                self._stream.flush()
            except OSError:
                self._gone = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
