"""Shows a verified fix to the person at the terminal, and asks what to do with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import TextIO

from fixer.application.ports import Decision
from fixer.domain.models import FixAttempt, TestError
from fixer.ui.foreign_text import harmless
from fixer.ui.paint import diff_lines

ReadKey = Callable[[], str]
"""One key that was pressed, or the first letter of a line; empty at the end of input."""

QUESTION = "[K]eep, [u]ndo and retry, [s]kip, keep [a]ll, [q]uit? "
LEGEND = """\
  k, Enter  keep this fix
  u         take it back and make the next attempt
  s         take it back and leave this test alone
  a         keep this fix and all further ones
  q         take it back and end the run
"""


class TerminalReviewer:
    """A Reviewer that asks by one key. Ctrl-C interrupts the run, as it does everywhere else."""

    def __init__(
        self,
        stream: TextIO,
        read_key: ReadKey,
        pause: Callable[[], AbstractContextManager[None]],
        *,
        color: bool = False,
    ) -> None:
        self._stream = stream
        self._read_key = read_key
        self._pause = pause
        self._color = color
        self._keep_all = False

    def review(self, error: TestError, attempt: FixAttempt) -> Decision:
        """Show the fix and ask, unless everything is to be kept."""
        if self._keep_all:
            return Decision.KEEP
        with self._pause():
            self._show(error, attempt)
            return self._ask()

    def _show(self, error: TestError, attempt: FixAttempt) -> None:
        diff = attempt.changes.description if attempt.changes else ""
        head = f"passes with this change (attempt {attempt.attempt_number}):"
        lines = ["", harmless(error.nodeid), head, "", *diff_lines(diff, color=self._color), ""]
        self._stream.write("".join(f"{line}\n" for line in lines))

    def _ask(self) -> Decision:
        while True:
            self._stream.write(QUESTION)
            self._stream.flush()
            key = self._read_key().lower()
            self._stream.write(f"{key.strip()}\n")
            self._keep_all = key == "a"
            decision = _ANSWERS.get(key)
            if decision:
                return decision
            self._stream.write(LEGEND)


def read_key() -> str:
    """A key from the terminal, without waiting for Enter where that can be had."""
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
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


_ANSWERS = {
    "k": Decision.KEEP,
    "\n": Decision.KEEP,
    "a": Decision.KEEP,
    "u": Decision.UNDO,
    "s": Decision.SKIP,
    "q": Decision.QUIT,
    "": Decision.QUIT,
}
_END_OF_INPUT = "\x04"


def _meaning(pressed: str) -> str:
    """One key. An arrow or function key arrives as several characters; none of them is an answer."""
    key = pressed[:1]
    return {"\r": "\n", _END_OF_INPUT: ""}.get(key, key)


def _first_letter(line: str) -> str:
    return (line.strip() or line)[:1]
