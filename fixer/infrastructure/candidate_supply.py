"""Deals candidates out: many at a time as long as that works, and those that need a closer look one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain, islice

from fixer.application.ports import Overlay

MOST_SLOW = 10
"""Candidates that take too long, and are given more time when there is nothing else to try."""

MOST_FURTHER = 16
"""Candidates with which the test fails later than before, and of which it is wanted to know how."""


class Supply:
    """Candidates to be tried, `together` at a time at the most; what a batch does not decide is dealt out again.

    What cannot be tried in company costs ten or twenty times as much as what can, and is no likelier to be right: as
    long as there is company to be had, only a part of the time goes to it.
    """

    def __init__(self, candidates: Iterator[Overlay], together: int) -> None:
        self._fresh = candidates
        self._again: deque[Overlay] = deque()
        self._together = together
        self._promising: deque[Overlay] = deque()
        self._closely: deque[Overlay] = deque()
        self._hardly: deque[Overlay] = deque()
        self._slow: deque[Overlay] = deque()
        self._cut_short = self._further = 0
        self._seconds_alone = self._seconds_together = 0.0
        self.early = True
        """Whether batches may change what ran while the tests were collected; what that left may be in the way."""

    def deal(self) -> tuple[Overlay, ...]:
        """The next to be tried; empty where there is none at present."""
        if self._promising:
            return (self._promising.popleft(),)
        for waiting, share in ((self._closely, _ALONE), (self._hardly, _HARDLY)):
            if waiting and self._seconds_alone <= share * self._seconds_together:
                return (waiting.popleft(),)
        dealt = tuple(islice(chain(_taken_from(self._again), self._fresh), self._together))
        if dealt:
            return dealt
        left = (self._closely, self._slow, self._hardly)
        return tuple(islice(chain.from_iterable(map(_taken_from, left)), 1))

    def spent(self, seconds: float, candidates: int) -> None:
        """Note how long so many candidates have taken that were dealt out together."""
        if candidates > 1:
            self._seconds_together += seconds
        else:
            self._seconds_alone += seconds

    def take_back(self, dealt: tuple[Overlay, ...], letters: str, *, early: bool) -> list[tuple[Overlay, str]]:
        """Those of a batch that have failed, with the letters of `fixer_batch`; the others are dealt out again."""
        if not self._is_trustworthy(dealt, letters):
            self._together, self.early = self._together if early else 1, False
            self._again.extendleft(reversed(dealt))
            return []
        failed = []
        for overlay, letter in zip(dealt, letters[1:], strict=False):
            self._further += letter == "g"
            final = letter in "fn" or (letter == "g" and self._further > MOST_FURTHER)
            if final or (letter == "t" and len(self._slow) >= MOST_SLOW):
                failed.append((overlay, letter))
            else:
                lists = {"t": self._slow, "l": self._promising, "g": self._promising, "v": self._hardly}
                lists.get(letter, self._closely).append(overlay)
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
_ALONE = 0.5
"""Seconds for what has to be tried alone, for each that goes to what need not."""
_HARDLY = 0.2
"""The same for what is likely to fail there, too."""


def _taken_from(left: deque[Overlay]) -> Iterator[Overlay]:
    while left:
        yield left.popleft()
