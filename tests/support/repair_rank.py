"""Tells where the right edit stands in the order in which the offline model tries them, and when one first passes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixer.application.ports import CandidateChecker, Overlay, RepairRequest
from fixer.domain.models import TestRun
from fixer.offline.localise import suspects
from fixer.offline.place import Failure
from fixer.offline.rank import Candidate, ranked
from fixer.offline.source import Source
from fixer.offline.templates import CATALOGUE


@dataclass(frozen=True)
class Rank:
    """The place of the first right edit, from 1, among `of`; `by_chance` is the place to expect in random order."""

    place: int
    of: int
    by_chance: float


def rank_of_right(request: RepairRequest, file: Path, right: Collection[str]) -> Rank | None:
    """Looked for as wide as the search itself goes; None where no template proposes a text of one of these trees."""
    trees = {tree(text) for text in right}
    seen: set[str] = set()
    places: list[int] = []
    for width in _WIDTHS:
        numbered = ((len(seen), candidate) for candidate in _new(request, file, width, seen))
        places.extend(number for number, candidate in numbered if tree(candidate.text) in trees)
        if places:
            return Rank(places[0], len(seen), (len(seen) + 1) / (len(places) + 1))
    return None


def tree(text: str) -> str:
    """What a program says, its documentation left out."""
    parsed = ast.parse(text)
    for node in ast.walk(parsed):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and _is_text(body[0].value):
            del body[0]
    return ast.dump(parsed)


class TimedChecker:
    """A checker that notes when an edit first passes the failing test and breaks none; `clock` is in seconds."""

    def __init__(self, checker: CandidateChecker, request: RepairRequest, clock: Callable[[], float]) -> None:
        self.first: float | None = None
        self._checker = checker
        self._request = request
        self._clock = clock

    def begin(self) -> None:
        """As the checker does."""
        self._checker.begin()

    def check(
        self,
        candidates: Iterable[Overlay],
        nodeids: Sequence[str],
        *,
        vital: Sequence[str] = (),
        known: TestRun | None = None,
    ) -> Iterator[tuple[Overlay, TestRun]]:
        """As the checker does."""
        for overlay, run in self._checker.check(candidates, nodeids, vital=vital, known=known):
            if self.first is None and self._passes(run, nodeids):
                self.first = self._clock()
            yield overlay, run

    def _passes(self, run: TestRun, nodeids: Sequence[str]) -> bool:
        failing = self._request.error.nodeid
        others = {result.nodeid for result in self._request.evidence.results} - {failing}
        if list(nodeids) == [failing]:
            return not others and failing in run.passed
        if failing in nodeids and failing not in run.passed:
            return False
        return run.passed >= self._request.evidence.passed & set(nodeids)


_WIDTHS = (60, 240, 960)
"""As in the model."""


def _new(request: RepairRequest, file: Path, width: int, seen: set[str]) -> Iterator[Candidate]:
    details = request.error.error_details
    places = suspects(request, [Source.read(file)])
    for candidate in ranked(places, CATALOGUE, Failure(details.error_type, details.message), per_group=width):
        if candidate.key not in seen:
            seen.add(candidate.key)
            yield candidate


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
