"""A checker of candidates that is not listened to any more when the time is up."""

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
        """Whether it may have had more to say."""

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
        """What the other one says until the time is up; it stops with what is under way then.

        The candidates are handed on as they are, for how many there are tells it what to prepare.
        """
        answers = self._checker.check(candidates, nodeids, vital=vital, known=known)
        while not self._is_over():
            answer = next(answers, None)
            if answer is None:
                return
            yield answer
        self.left_out = True
