"""Keeps a library that prints from being heard, without silencing the rest of the program."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any


class Quiet:
    """While entered, what this thread prints or warns is dropped; other threads are heard as before."""

    def __enter__(self) -> Quiet:
        self._streams = (_Muted(sys.stdout), _Muted(sys.stderr))
        sys.stdout, sys.stderr = self._streams
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")
        return self

    def __exit__(self, *raised: object) -> None:
        self._warnings.__exit__(None, None, None)
        out, err = self._streams
        out.thread = err.thread = None
        # Somebody may have wrapped them meanwhile: then they stay in the chain, and let everything pass.
        if sys.stdout is out:
            sys.stdout = out.stream
        if sys.stderr is err:
            sys.stderr = err.stream

    def aloud(self, say: Callable[[str], None], text: str) -> None:
        """Say something that is meant to be heard."""
        out, err = self._streams
        thread, out.thread, err.thread = out.thread, None, None
        try:
            say(text)
        finally:
            out.thread = err.thread = thread


class _Muted:
    """A text stream that swallows what one thread writes."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.thread: int | None = threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() == self.thread:
            return len(text)
        written: int = self.stream.write(text)
        return written

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
