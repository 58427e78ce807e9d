"""The model that needs no network: it searches for a small edit that makes the failing test pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from time import monotonic
from uuid import UUID

from fixer.application.ports import CandidateChecker, RepairRequest
from fixer.domain.models import ErrorDetails
from fixer.offline.climb import climb
from fixer.offline.doubt import Choice, choose
from fixer.offline.edit_block import changed_lines, edit_block
from fixer.offline.hurried import Hurried
from fixer.offline.localise import Suspect, suspects
from fixer.offline.place import Failure
from fixer.offline.rank import Candidate, ranked
from fixer.offline.search import Found, Outcome, Search, running
from fixer.offline.source import Source
from fixer.offline.templates import CATALOGUE


class OfflineModel:
    """Localises, proposes, ranks and checks; answers with the most natural of the edits that pass.

    One object does not try on a test again what failed for it before, so that every attempt searches on.
    """

    def __init__(
        self,
        *,
        checker: CandidateChecker,
        top: Path,
        module_ids: Callable[[str], Sequence[str]],
        progress: Callable[[str], None],
        budget_seconds: float = 30,
        seed: int = 0,
        least_confidence: float = 0.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._checker = checker
        self._top = top.resolve()
        self._module_ids = module_ids
        self._progress = progress
        self._budget = budget_seconds
        self._seed = seed
        self._least = least_confidence
        self._clock = clock
        self._failed: defaultdict[UUID, set[str]] = defaultdict(set)
        self._unsure: dict[UUID, str] = {}

    def answer(self, request: RepairRequest) -> str:
        """A short explanation with one SEARCH/REPLACE block, or one without where no fix was found."""
        if request.error.id in self._unsure:  # without its rivals the next one would only seem surer
            return self._unsure[request.error.id]
        self._checker.begin()
        sources, unreadable = self._read(request.sources)
        places = suspects(request, sources)
        others = self._module_ids(request.error.nodeid)
        outcome = self._searched(request, sources, others)
        self._failed[request.error.id] |= outcome.failed
        if not outcome.found:
            return _nothing_found(places, outcome, unreadable)
        choice = self._chosen(request, others, outcome, places)
        best = choice.best.candidate
        self._failed[request.error.id].add(best.key)  # where it is refused anyway, go on to the next
        if choice.confidence < self._least:
            self._unsure[request.error.id] = _unsure(choice, outcome)
            return self._unsure[request.error.id]
        return _explained(choice, outcome) + "\n" + edit_block(best, self._top)

    def _searched(self, request: RepairRequest, sources: Sequence[Source], others: Sequence[str]) -> Outcome:
        """Single edits first; where other tests are red too, half the time is kept for several at once.

        So is some where edits let the test fail later than before.
        """
        search = Search(self._checker, request, others, self._progress, self._budget, clock=self._clock)
        singles = self._candidates(request, sources)
        if not search.also_red:
            outcome = search(singles, share_if_further=_FOR_SINGLES)
            if outcome.found or not outcome.further:
                return outcome
        else:
            outcome = search(singles, share=_FOR_SINGLES)
            if not outcome.found:
                outcome = outcome.joined(search(singles, share=_FOR_SINGLES))
        if not outcome.is_enough:
            outcome = outcome.joined(climb(search, request, sources, outcome, self._candidates))
        return outcome if outcome.is_enough else outcome.joined(search(singles))

    def _chosen(
        self, request: RepairRequest, others: Sequence[str], outcome: Outcome, places: Sequence[Suspect]
    ) -> Choice:
        nodeid = request.error.nodeid
        near = set().union(*(running(request.evidence, one.candidate) for one in outcome.found))
        asked = [nodeid, *sorted(set(others) - {nodeid}, key=lambda other: (other not in near, others.index(other)))]
        self._progress(f"{len(outcome.found)} edits pass; holding them against each other")
        until = self._clock() + _FOR_DOUBTS * self._budget
        hurried = Hurried(self._checker, lambda: self._clock() > until)
        choice = choose(outcome.found, hurried, asked[:_MOST_WITNESSES], request.evidence, places)
        return choice.in_haste() if hurried.left_out else choice

    def _candidates(self, request: RepairRequest, sources: Sequence[Source]) -> Iterator[Candidate]:
        places = suspects(request, sources)
        failure = _failure(request.error.error_details)
        scale = min(_MOST_NOISE, _NOISE_PER_ATTEMPT * (request.attempt_number - 1))
        seed = self._seed + request.attempt_number
        before = {_changes(diff) for diff in request.tried}
        known = set(self._failed[request.error.id])
        for width in _WIDTHS:  # where time is left, look wider
            per_group = width * request.attempt_number
            for candidate in ranked(places, CATALOGUE, failure, scale=scale, seed=seed, per_group=per_group):
                if candidate.key in known or (before and changed_lines(candidate) in before):
                    continue
                known.add(candidate.key)
                if edit_block(candidate, self._top):
                    yield candidate

    def _read(self, paths: Sequence[Path]) -> tuple[list[Source], list[str]]:
        sources: list[Source] = []
        unreadable: list[str] = []
        inside = (path.resolve() for path in paths if path.resolve().is_relative_to(self._top))
        for path in islice(inside, _MOST_SOURCES):
            try:
                sources.append(Source.read(path))
            except (OSError, SyntaxError, ValueError) as error:
                unreadable.append(f"{path.name}: {error}")
        return sources, unreadable


_MOST_SOURCES = 24
_MOST_WITNESSES = 40
_MOST_TOLD = 3
_FOR_SINGLES = 0.5
"""Of the time; of the rest, again, where there is nothing yet to go on from."""
_FOR_DOUBTS = 0.5
"""Of the budget, besides it: what a few dozen tests in processes of their own take, in all but large projects."""
_WIDTHS = (60, 240, 960)
"""Edits of one template at one statement, times the number of the attempt."""
_NOISE_PER_ATTEMPT = 0.25
_MOST_NOISE = 1.0
"""Beyond this the order is hardly better than chance."""


def _failure(details: ErrorDetails) -> Failure:
    return Failure(details.error_type, details.message)


def _changes(diff: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    removed = tuple(line[1:] for line in lines if line.startswith("-"))
    added = tuple(line[1:] for line in lines if line.startswith("+"))
    return removed, added


def _explained(choice: Choice, outcome: Outcome) -> str:
    candidate = choice.best.candidate
    green = "turns every red test of its file that runs it green" if choice.best.complete else "makes the test pass"
    return (
        f"Changed the {candidate.template} at {candidate.source.path.name}:{candidate.line}. That {green}, and breaks "
        f"none that passed before. It was found by trying {outcome.tried} edits in {outcome.seconds:.1f} seconds, not "
        f"by understanding the program.{_others(choice)} {_sureness(choice)} Read it before you rely on it.\n"
    )


def _unsure(choice: Choice, outcome: Outcome) -> str:
    return (
        f"Not sure enough to change anything by itself: the best of {outcome.tried} edits is "
        f"{_told(choice.best)}.{_others(choice)} {_sureness(choice)}\n"
    )


def _told(found: Found) -> str:
    """An edit in a few words, on one line."""
    removed, added = (" ".join(line.strip() for line in lines) for lines in changed_lines(found.candidate))
    place = f"{found.candidate.source.path.name}:{found.candidate.line}"
    if not removed:
        return f"at {place} to add `{added}`"
    return f"at {place} `{added}` for `{removed}`" if added else f"at {place} to drop `{removed}`"


def _others(choice: Choice) -> str:
    if not choice.others:
        return ""
    count = len(choice.others)
    also = f"{count} other edits pass too" if count > 1 else "One other edit passes too"
    return f" {also}: {'; '.join(_told(other) for other in choice.others[:_MOST_TOLD])}."


def _sureness(choice: Choice) -> str:
    why = f" ({'; '.join(choice.reasons)})" if choice.reasons else ""
    return f"Confidence {choice.confidence:.0%}{why}."


def _places(places: Sequence[Suspect]) -> str:
    """The most suspicious, for whoever comes next."""
    named = dict.fromkeys(f"{place.source.path.name}:{place.statement.lineno}" for place in places[:20])
    first, *more = list(named)[:5]
    return f"{first} (then {', '.join(more)})" if more else first


def _near(candidate: Candidate) -> str:
    removed, added = (" ".join(line.strip() for line in lines) for lines in changed_lines(candidate))
    return f"a near miss at {candidate.source.path.name}:{candidate.line}: `{added}` for `{removed}` breaks other tests"


def _nothing_found(places: Sequence[Suspect], outcome: Outcome, unreadable: Sequence[str]) -> str:
    best = places[0] if places else None
    where = f"; best place {_places(places)}" if best else "; no place to look at"
    where += "".join(f"; {_near(candidate)}" for candidate in outcome.near)
    unread = f" Not searched: {'; '.join(unreadable)}." if unreadable else ""
    if best and not outcome.tried:
        return f"No fix found: every edit that can be thought of was tried before{where}.{unread}\n"
    return f"No fix found: {outcome.tried} candidates in {outcome.seconds:.1f} seconds{where}.{unread}\n"
