"""A checker of candidates that takes on nothing more when the time is up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from fixer.application.ports import CandidateChecker, Overlay
from fixer.domain.models import TestRun


class Hurried:
    """A CandidateChecker that asks another one, as long as `is_over` does not say that the time is up."""

    def __init__(self, checker: CandidateChecker, is_over: Callable[[], bool]) -> None:
        self._checker = checker
        self._is_over = is_over
        self.left_out = False
        """Whether any candidate was not taken on."""

    def begin(self) -> None:
        """As the other one does."""
        self._checker.begin()

    def check(
        self,
        candidates: Iterable[Overlay],
        nodeids: Sequence[str],
        *,
        vital: Sequence[str] = (),
        known: TestRun | None = None,
    ) -> Iterator[tuple[Overlay, TestRun]]:
        """What the other one says of those that come in time; the others are not among what is returned."""
        return self._checker.check(self._in_time(candidates), nodeids, vital=vital, known=known)

    def _in_time(self, candidates: Iterable[Overlay]) -> Iterator[Overlay]:
        for candidate in candidates:
            if self._is_over():
                self.left_out = True
                return
            yield candidate
