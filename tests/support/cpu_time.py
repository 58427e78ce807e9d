"""Counts the CPU seconds of a process and of all that it starts, orphans too, on Linux."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

_PR_SET_CHILD_SUBREAPER = 36


def begin_counting() -> float:
    """From here on orphans are waited for by this process (prctl(2)); the seconds so far."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    return _spent()


def counted() -> float:
    """The seconds by now; waits for whatever is left."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    return _spent()


def so_far() -> float:
    """The seconds of this process and of all that live under it, and of those that they waited for; waits for none."""
    return _spent() + sum(map(_ticks, _below(os.getpid()))) / os.sysconf("SC_CLK_TCK")


class Clock:
    """Tells `so_far`, which takes longer than it takes to think of an edit, a hundred times a second at the most."""

    def __init__(self) -> None:
        self._looked = -1.0
        self._seconds = 0.0

    def __call__(self) -> float:
        """The seconds as they were at most a hundredth of a second ago; no finer does Linux count those of others."""
        now = monotonic()
        if now - self._looked >= _TICK:
            self._looked, self._seconds = now, so_far()
        return self._seconds


_TICK = 0.01


def _below(pid: int) -> Iterator[int]:
    for thread in _read(f"/proc/{pid}/task", os.listdir, []):
        for child in _read(f"/proc/{pid}/task/{thread}/children", _words, []):
            yield int(child)
            yield from _below(int(child))


def _ticks(pid: int) -> int:
    """utime, stime, cutime and cstime of proc(5), counted from behind the name, which may hold anything."""
    fields = _read(f"/proc/{pid}/stat", _words_after_name, [])
    return sum(int(field) for field in fields[11:15])


def _read(path: str, how: Callable[[str], list[str]], gone: list[str]) -> list[str]:
    try:
        return how(path)
    except (FileNotFoundError, ProcessLookupError):
        return gone


def _words(path: str) -> list[str]:
    return Path(path).read_text("ascii").split()


def _words_after_name(path: str) -> list[str]:
    return Path(path).read_text("utf-8", "replace").rpartition(")")[2].split()


def _spent() -> float:
    return sum(os.times()[:4])
