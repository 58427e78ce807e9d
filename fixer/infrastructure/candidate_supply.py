"""Deals candidates out: many at a time as long as that works, and those that need a closer look one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain, islice

from fixer.application.ports import Overlay

MOST_SLOW = 10
"""Candidates that take too long, and are given more time when there is nothing else to try."""


class Supply:
    """Candidates to be tried, `together` at a time at the most; what a batch does not decide is dealt out again."""

    def __init__(self, candidates: Iterator[Overlay], together: int) -> None:
        self._fresh = candidates
        self._again: deque[Overlay] = deque()
        self._together = together
        self._closely: deque[Overlay] = deque()
        self._slow: list[Overlay] = []
        self._cut_short = 0

    def deal(self) -> tuple[Overlay, ...]:
        """The next to be tried; empty where there is none at present."""
        if self._closely:
            return (self._closely.popleft(),)
        dealt = tuple(islice(chain(_taken_from(self._again), self._fresh), self._together))
        if not dealt and self._slow:
            return (self._slow.pop(0),)
        return dealt

    def take_back(self, dealt: tuple[Overlay, ...], letters: str) -> list[tuple[Overlay, str]]:
        """Those of a batch that have failed, with the letters of `fixer_batch`; the others are dealt out again."""
        if not self._is_trustworthy(dealt, letters):
            self._together = 1
            self._again.extendleft(reversed(dealt))
            return []
        failed = []
        for overlay, letter in zip(dealt, letters[1:], strict=False):
            if letter in "fn" or (letter == "t" and len(self._slow) >= MOST_SLOW):
                failed.append((overlay, letter))
            else:
                (self._slow if letter == "t" else self._closely).append(overlay)
        left = dealt[len(letters) - 1 :]
        if len(letters) == 1:  # whatever the first one does, it is not answered in company
            self._closely.append(left[0])
            left = left[1:]
        self._again.extendleft(reversed(left))
        return failed

    def _is_trustworthy(self, dealt: tuple[Overlay, ...], letters: str) -> bool:
        """Whether the unchanged sources failed, first and last, and the process lasts for more than one or two."""
        ended_early = len(letters) < min(4, len(dealt)) and letters[-1:] != "t"  # to hang costs more alone
        self._cut_short = self._cut_short + 1 if ended_early else 0
        ends = letters[:1] + letters[len(dealt) + 1 :]
        return set(ends) == {"f"} and self._cut_short < _MOST_CUT_SHORT


_MOST_CUT_SHORT = 5


def _taken_from(left: deque[Overlay]) -> Iterator[Overlay]:
    while left:
        yield left.popleft()
