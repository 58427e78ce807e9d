"""Shows a verified fix to the person at the terminal, and asks what to do with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TextIO

from fixer.application.ports import Decision, Hint
from fixer.domain.models import FixAttempt, TestError
from fixer.ui.foreign_text import harmless
from fixer.ui.keyboard import ReadKey, ReadLine
from fixer.ui.paint import diff_lines
from fixer.ui.proof import Proof

QUESTION = "[K]eep, [u]ndo, [h]int, [e]dit, [s]kip, [a]ll, [q]uit? "
LEGEND = """\
  k, Enter  keep this fix
  u         take it back and make the next attempt
  h         the same, and tell the model what to mind
  e         change it in your editor, and verify that
  s         take it back and leave this test alone
  a         keep this fix and all further ones
  q         take it back and end the run
"""
HINT = "Hint for the next attempt (Enter for none): "


class TerminalReviewer:
    """A Reviewer that asks by one key. Ctrl-C interrupts the run, as it does everywhere else."""

    def __init__(
        self,
        stream: TextIO,
        read_key: ReadKey,
        pause: Callable[[], AbstractContextManager[None]],
        *,
        color: bool = False,
        read_line: ReadLine = lambda: "",
        proof: Proof | None = None,
    ) -> None:
        self._stream = stream
        self._read_key = read_key
        self._pause = pause
        self._color = color
        self._read_line = read_line
        self._proof = proof or Proof()
        self._keep_all = False

    def review(self, error: TestError, attempt: FixAttempt) -> Decision | Hint:
        """Show the fix and ask, unless everything is to be kept."""
        if self._keep_all:
            return Decision.KEEP
        with self._pause():
            self._show(error, attempt)
            return self._ask()

    def _show(self, error: TestError, attempt: FixAttempt) -> None:
        diff = attempt.changes.description if attempt.changes else ""
        head = f"passes with this change (attempt {attempt.attempt_number}, temperature {attempt.temperature:g}):"
        lines = ["", harmless(error.nodeid), head, "", *diff_lines(diff, color=self._color), ""]
        self._stream.write("".join(f"{line}\n" for line in [*lines, *self._proof.lines()]))

    def _ask(self) -> Decision | Hint:
        while True:
            self._stream.write(QUESTION)
            self._stream.flush()
            key = self._read_key().lower()
            self._stream.write(f"{key.strip()}\n")
            self._keep_all = key == "a"
            decision = self._hint() if key == "h" else _ANSWERS.get(key)
            if decision:
                return decision
            self._stream.write(LEGEND)

    def _hint(self) -> Decision | Hint:
        self._stream.write(HINT)
        self._stream.flush()
        words = harmless(self._read_line()).strip()
        return Hint(words) if words else Decision.UNDO


_ANSWERS = {
    "k": Decision.KEEP,
    "\n": Decision.KEEP,
    "a": Decision.KEEP,
    "u": Decision.UNDO,
    "e": Decision.EDIT,
    "s": Decision.SKIP,
    "q": Decision.QUIT,
    "": Decision.QUIT,
}
