"""Reads what a person answers: one key without Enter where the terminal gives it, or a line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

ReadKey = Callable[[], str]
"""One key that was pressed, or the first letter of a line; empty at the end of input."""
ReadLine = Callable[[], str]
"""A line with its end, whatever bytes were typed; empty at the end of input."""


def read_key() -> str:
    """A key, without waiting for Enter where that can be had; what was pasted behind it is dropped."""
    import termios
    import tty

    try:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (OSError, ValueError, termios.error):
        return _first_letter(sys.stdin.readline())
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        return _meaning(os.read(descriptor, 64).decode(errors="replace"))
    except OSError:  # the terminal was closed while it was waited for
        return ""
    finally:
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


def read_line() -> str:
    """A line from the terminal; further lines of a paste are dropped, so that they answer no question to come."""
    import termios

    try:
        line = sys.stdin.buffer.readline().decode(errors="replace")
    except OSError:  # the terminal was closed while it was waited for
        return ""
    with suppress(OSError, ValueError, termios.error):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    return line


_END_OF_INPUT = "\x04"


def _meaning(pressed: str) -> str:
    """One key. An arrow or function key arrives as several characters; none of them is an answer."""
    key = pressed[:1]
    return {"\r": "\n", _END_OF_INPUT: ""}.get(key, key)


def _first_letter(line: str) -> str:
    return (line.strip() or line)[:1]
