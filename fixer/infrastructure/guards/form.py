"""Guards on the form of a fix: it can be parsed, and it is small."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff

from fixer.infrastructure.guards.candidate import Candidate, DiffGuard, Look
from fixer.infrastructure.guards.change import SourceChange


class SyntaxGuard(DiffGuard):
    """A file that could be parsed before can still be parsed, and so can a new one: else no guard could read it.

    What this Python could not parse before either may be newer than it, and is left to the tests.
    """

    name = "syntax"
    about = "a file that can no longer be parsed; no test run is spent on it"

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """The line and the parser's words."""
        for change in candidate.changes:
            broken = change.new.error
            if broken and not change.old.error:
                yield f"{change.path}:{broken.lineno or 1}: SyntaxError: {broken.msg}; write the file so that it parses"


class SizeGuard(DiffGuard):
    """A fix is small; a rewrite is for a person to ask for. Lines are those added and those removed."""

    name = "size"
    about = "more than 200 changed lines or 5 files (`max_lines`, `max_files`)"

    def __init__(self, look: Look, max_lines: int = 200, max_files: int = 5) -> None:
        super().__init__(look)
        self._max_lines = max_lines
        self._max_files = max_files

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """How large it is, and how large it may be."""
        files, lines = len(candidate.changes), sum(_changed_lines(change) for change in candidate.changes)
        if files > self._max_files:
            yield f"it changes {files} files, {self._max_files} are allowed; change only what removes the cause"
        if lines > self._max_lines:
            yield f"it changes {lines} lines, {self._max_lines} are allowed; change only what removes the cause"


def _changed_lines(change: SourceChange) -> int:
    before, after = (change.before or "").splitlines(), (change.after or "").splitlines()
    return sum(line[:1] in "+-" for line in list(unified_diff(before, after, n=0, lineterm=""))[2:])
