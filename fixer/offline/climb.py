"""Repairs that take several edits: goes on from one that turned more red tests green, or got one further."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from fixer.application.ports import RepairRequest
from fixer.domain.models import ErrorDetails, TestError, TestRun, Verdict
from fixer.offline.executed import executed_after
from fixer.offline.rank import Candidate, composed, naturalness
from fixer.offline.search import Aim, Found, Outcome, Search, own_line
from fixer.offline.source import Source

Propose = Callable[[RepairRequest, Sequence[Source]], Iterator[Candidate]]
"""What is worth trying for a failing test in sources that need not be what is on disk."""


@dataclass(frozen=True)
class _Step:
    """A text in which more tests are green than before; `edit` made it out of the original, None where it is that."""

    edit: Candidate | None
    request: RepairRequest
    sources: Sequence[Source]
    worth: float = 0.0

    @property
    def green(self) -> frozenset[str]:
        return self.request.evidence.passed

    @property
    def depth(self) -> int:
        return self.edit.steps if self.edit else 0


def climb(
    search: Search, request: RepairRequest, sources: Sequence[Source], before: Outcome, propose: Propose
) -> Outcome:
    """Searches on from the best that was found and from what it finds there, until nothing is left red or time is up.

    A beam over partial fixes, each of which keeps what the one before turned green. The number of tests that pass as
    the measure of progress is GenProg's (Le Goues et al. 2012); that none may be lost keeps the beam small. Where no
    test turns green, one that fails at a later line of its own is progress, too.
    """
    asked = tuple(result for result in request.evidence.results if result.nodeid in search.asked)
    root = _Step(None, replace(request, evidence=TestRun(asked, request.evidence.executed)), sources)
    waiting = [(root, nodeid) for nodeid in search.also_red[:_OTHER_TESTS]] + _next(root, root, before)
    visits: Counter[int] = Counter()
    outcome = Outcome((), frozenset(), 0, 0.0)
    while waiting and search.seconds_left and not outcome.is_enough:
        step, nodeid = waiting.pop(waiting.index(max(waiting, key=_promise)))
        if visits[step.depth] < _BREADTH:
            visits[step.depth] += 1
            aim = Aim(nodeid, step.green, step.request.evidence.of(nodeid))
            later = search(_continued(step, nodeid, propose), aim, _SHARE)
            waiting += _next(root, step, later)
            mended = tuple(found for found in later.found if found.run.of(request.error.nodeid))
            outcome = outcome.joined(replace(later, found=mended))
    return outcome


_BREADTH = 3
"""Texts of the same number of edits that are searched on from."""
_OTHER_TESTS = 3
"""Beside the one that is asked about, for which a first edit is looked for."""
_KEPT = 3
"""Steps out of one search."""
_MOST_STEPS = 4
_SHARE = 0.4
"""Of the time that is left, for one search."""
_MOST_TRIED = 3000


def _promise(pair: tuple[_Step, str]) -> tuple[int, float]:
    return len(pair[0].green), pair[0].worth


def _continued(step: _Step, nodeid: str, propose: Propose) -> Iterator[Candidate]:
    is_root = step.edit is None and step.request.error.nodeid == nodeid
    error = step.request.error if is_root else _error(step.request.evidence, nodeid)
    found = propose(replace(step.request, error=error), step.sources)
    for candidate in islice(found, _MOST_TRIED):
        whole = composed(step.edit, candidate) if step.edit else candidate
        if whole.key:
            yield whole


def _error(run: TestRun, nodeid: str) -> TestError:
    result = run.of(nodeid)
    file, _, function = nodeid.partition("::")
    details = result.details or ErrorDetails("", "")
    return TestError(Path(file), function, details, result.location, result.frames)


def _next(root: _Step, step: _Step, outcome: Outcome) -> list[tuple[_Step, str]]:
    """The best of what was found, each with the test to mend next: the one that is asked about, or else the first."""
    best: dict[frozenset[str], _Step] = {}
    for one in sorted(outcome.found, key=_worth, reverse=True):
        if one.run.passed > step.green and one.candidate.steps < _MOST_STEPS:
            best.setdefault(one.run.passed, _taken(root, one))
    steps = sorted(best.values(), key=lambda one: (len(one.green), one.worth), reverse=True)[:_KEPT]
    pairs = ((one, _red(one.request.evidence)) for one in steps)
    wanted = root.request.error.nodeid
    return [(one, wanted if wanted in red else red[0]) for one, red in pairs if red] + _further(root, outcome)


def _further(root: _Step, outcome: Outcome) -> list[tuple[_Step, str]]:
    """The best of those that only get the test further, one for each line at which it ends, the last line first."""
    wanted = root.request.error.nodeid
    best: dict[int, _Step] = {}
    for one in sorted(outcome.further, key=_worth, reverse=True):
        if one.candidate.steps < _MOST_STEPS and one.run.of(wanted).details:
            best.setdefault(own_line(one.run.of(wanted)), _taken(root, one))
    return [(best[line], wanted) for line in sorted(best, reverse=True)[:_KEPT]]


def _worth(found: Found) -> float:
    return naturalness(found.candidate)


def _red(run: TestRun) -> list[str]:
    return [result.nodeid for result in run.results if result.verdict is Verdict.FAILED]


def _taken(root: _Step, found: Found) -> _Step:
    edit = found.candidate
    source = Source(edit.source.path, edit.text)
    evidence = TestRun(found.run.results, executed_after(root.request.evidence, edit, source, found.run.passed))
    return _Step(edit, replace(root.request, evidence=evidence), [source], naturalness(edit))
