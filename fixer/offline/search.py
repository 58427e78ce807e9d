"""Tries candidates on the tests until the time is up or enough of them pass."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

from fixer.application.ports import CandidateChecker, Overlay, RepairRequest
from fixer.domain.models import TestResult, TestRun, Verdict
from fixer.offline.rank import Candidate


@dataclass(frozen=True)
class Found:
    """A candidate that passes the failing test and breaks none of the others; how many more it turns green."""

    candidate: Candidate
    also_fixed: int
    complete: bool
    """Whether no test of the file that runs the edited function, or is a case of the mended one, is red any more."""
    misses_alike: bool = False
    """Whether one that stays red runs nothing that the mended test does not run: the same fault is behind both."""
    run: TestRun = field(default_factory=lambda: TestRun(()))
    """What the tests that were asked showed with it."""
    tries: int = 1
    """How many edits were tried up to this one."""


@dataclass(frozen=True)
class Outcome:
    """What a search came to."""

    found: tuple[Found, ...]
    failed: frozenset[str]
    """The keys of the candidates that do not pass."""
    tried: int
    seconds: float
    near: tuple[Candidate, ...] = ()
    """Some that pass the failing test, and break another."""
    further: tuple[Found, ...] = ()
    """Some with which the failing test fails later than without, and no other fails that passed."""

    @property
    def is_enough(self) -> bool:
        """Whether one of them leaves nothing red, or only what may have another fault of its own."""
        return any(one.complete or not one.misses_alike for one in self.found)

    def joined(self, later: Outcome) -> Outcome:
        """Two parts of one search; the seconds count from its beginning."""
        found, failed = (*self.found, *later.found), self.failed | later.failed
        seconds = max(self.seconds, later.seconds)
        near, further = (*self.near, *later.near)[:3], (*self.further, *later.further)
        return Outcome(found, failed, self.tried + later.tried, seconds, near, further)


@dataclass(frozen=True)
class Aim:
    """The red test that has to pass, those that an earlier edit turned green, which must stay so, and where it stands.

    `end` is how the red test ended before.
    """

    nodeid: str
    kept: frozenset[str] = frozenset()
    end: TestResult | None = None


class Search:
    """One search for one failing test; `others`, the tests of its file, are asked with it where that is quick.

    `clock` tells the seconds that the budget is counted in.
    """

    def __init__(
        self,
        checker: CandidateChecker,
        request: RepairRequest,
        others: Sequence[str],
        progress: Callable[[str], None],
        budget_seconds: float,
        enough: int = 5,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._checker = checker
        self._nodeid = request.error.nodeid
        self._others = [nodeid for nodeid in others if nodeid != self._nodeid]
        self._evidence = self._known = request.evidence
        self._sources = {path.resolve() for path in request.sources}
        self._must_pass = frozenset(request.evidence.passed & set(self._others))
        self._unseen = set(self._others) - {result.nodeid for result in request.evidence.results}
        self._red = _red(request.evidence) & set(self._others)
        self._cases = {other for other in self._red if _is_case(other, self._nodeid) and self._dies_alike(other)}
        self._beside = _quick(request.evidence, self._others) if "::" in self._nodeid else []
        self._afterwards = [nodeid for nodeid in self._others if nodeid not in self._beside]
        self._progress = progress
        self._budget = budget_seconds
        self._enough = enough
        self._clock = clock
        self._started = self._said = self._began = clock()
        self._deadline = self._until = self._started + budget_seconds
        self._in_flight: dict[str, Candidate] = {}
        self._tried = 0

    @property
    def asked(self) -> list[str]:
        """The tests that each edit is tried on."""
        return [self._nodeid, *self._beside]

    @property
    def also_red(self) -> list[str]:
        """The other red tests of the file that run what this one runs, where they are asked with each edit.

        Only those that die of the same kind of error: what is not installed, or warned of, is another matter.
        """
        own = self._lines_run(self._nodeid)
        alike = (other for other in self._beside if other in self._red and self._dies_alike(other))
        return [other for other in alike if not own.isdisjoint(self._lines_run(other))]

    @property
    def seconds_left(self) -> float:
        """Until the budget is used up."""
        return max(0.0, self._deadline - self._clock())

    def __call__(
        self, candidates: Iterable[Candidate], aim: Aim | None = None, share: float = 1.0, share_if_further: float = 1.0
    ) -> Outcome:
        """Try them in their order, for a share of the time that is left; for another if one gets the test further.

        Once one mends every test that runs what it changes, only as long again as it took to find it.
        """
        aim = aim or Aim(self._nodeid, end=self._evidence.of(self._nodeid))
        self._began = self._clock()
        self._until = self._began + share * self.seconds_left
        until_if_further = self._began + share_if_further * self.seconds_left
        found: list[Found] = []
        failed: set[str] = set()
        near: list[Candidate] = []
        further: list[Found] = []
        number = 0
        for number, (candidate, run) in enumerate(self._results(iter(candidates), aim), start=1):
            passed = passes(run, aim.nodeid)
            passing = self._judged(candidate, run, aim) if passed else None
            near += [candidate] if passed and not passing else []
            if self._gets_further(run, aim):
                further.append(Found(candidate, 0, complete=False, run=run))
                self._until = min(self._until, until_if_further)
            if passing is None:
                failed.add(candidate.key)
            else:
                found.append(replace(passing, tries=self._tried + number))
                self._hurry(whole=passing.complete)
            self._say(number, len(found))
            if sum(one.complete for one in found) >= self._enough or self._clock() > self._latest:
                break
        self._tried += number
        seconds = self._clock() - self._started
        return Outcome(tuple(found), frozenset(failed), number, seconds, tuple(near[:3]), tuple(further))

    def _results(self, candidates: Iterator[Candidate], aim: Aim) -> Iterator[tuple[Candidate, TestRun]]:
        kept = self._must_pass | aim.kept
        vital = [aim.nodeid, *(nodeid for nodeid in self.asked if nodeid in kept and nodeid != aim.nodeid)]
        overlays = self._overlays(candidates)
        for overlay, run in self._checker.check(overlays, self.asked, vital=vital, known=self._known):
            (text,) = overlay.values()
            yield self._in_flight.pop(text), run

    def _overlays(self, candidates: Iterator[Candidate]) -> Iterator[Overlay]:
        while self._clock() <= self._until and (candidate := next(candidates, None)):
            text = candidate.text
            self._in_flight[text] = candidate
            yield {candidate.source.path: text}

    @property
    def _latest(self) -> float:
        """When not even those that hang, and were put off, are waited for any more."""
        return self._until + _LATER * self._budget

    def _judged(self, candidate: Candidate, run: TestRun, aim: Aim) -> Found | None:
        """What it does to the other tests; None where one that passed does not any more."""
        passed = run.passed & set(self.asked)
        if not passed >= (self._must_pass & set(self._beside)) | aim.kept or not self._holds(candidate):
            return None
        self._see_the_rest()
        if self._afterwards:
            passed |= self._also_passed(candidate, self._afterwards, self._must_pass)
        if not passed >= self._must_pass:
            return None
        asked = {aim.nodeid, self._nodeid}
        left = (self._concerned(candidate) | {self._nodeid}) - passed - {aim.nodeid}
        alike = any(self._is_alike(other, candidate) for other in left)
        return Found(candidate, len(passed - self._must_pass - asked), not left, alike, run)

    def _gets_further(self, run: TestRun, aim: Aim) -> bool:
        kept = (self._must_pass & set(self._beside)) | aim.kept
        return aim.end is not None and run.passed >= kept and is_later(run.of(aim.nodeid), aim.end)

    def _holds(self, candidate: Candidate) -> bool:
        """Whether the tests that run the edited function pass still: the whole of a large file is asked only then.

        Those that run the edited lines come first, for they are likelier to fail, and then no other need be asked.
        """
        near = (self._must_pass & running(self._evidence, candidate)).difference(self._beside)
        if not near or len(near) * _MUCH_LESS > len(self._others):
            return True
        touching = running(self._evidence, candidate, candidate.lines)
        order = sorted(near, key=lambda nodeid: (nodeid not in touching, self._others.index(nodeid)))
        return self._also_passed(candidate, order, near) >= near

    def _also_passed(self, candidate: Candidate, nodeids: Sequence[str], needed: Collection[str]) -> set[str]:
        """Those of these tests that pass; not all of them, where one does not that is needed."""
        overlay = {candidate.source.path: candidate.text}
        vital = [nodeid for nodeid in nodeids if nodeid in needed]
        checked = self._checker.check([overlay], nodeids, vital=vital, known=self._known)
        return {nodeid for _, run in checked for nodeid in run.passed & set(nodeids)}

    def _see_the_rest(self) -> None:
        """Of a large file not every test is traced: the others are run once on the unchanged source."""
        if not self._unseen:
            return
        unseen, self._unseen = sorted(self._unseen), set()
        for _, run in self._checker.check([{}], unseen):
            self._must_pass |= run.passed & set(unseen)
            self._known = TestRun((*self._known.results, *run.results))

    def _concerned(self, candidate: Candidate) -> set[str]:
        """The red tests that the same fault may be behind: those of another function are another matter.

        Other cases of one test are of one matter, whatever they run.
        """
        return self._red & (running(self._evidence, candidate) | self._cases)

    def _is_alike(self, other: str, candidate: Candidate) -> bool:
        return self._parts_run(other, candidate) <= self._parts_run(self._nodeid, candidate)

    def _parts_run(self, nodeid: str, candidate: Candidate) -> set[tuple[Path, int]]:
        """Functions of the edited file, and lines of the others, each by where it begins."""
        parts: set[tuple[Path, int]] = set()
        for file, lines in self._evidence.executed.get(nodeid, {}).items():
            path = file.resolve()
            if path == candidate.source.path:
                parts |= {(path, start) for start in map(candidate.source.function_at, lines)}
            elif path in self._sources:
                parts |= {(path, line) for line in lines}
        return parts

    def _dies_alike(self, other: str) -> bool:
        ends = [self._evidence.of(nodeid).details for nodeid in (other, self._nodeid)]
        return len({end.error_type if end else "" for end in ends}) == 1

    def _lines_run(self, nodeid: str) -> set[tuple[Path, int]]:
        """Of the sources that may be edited."""
        files = ((file.resolve(), lines) for file, lines in self._evidence.executed.get(nodeid, {}).items())
        return {(path, line) for path, lines in files if path in self._sources for line in lines}

    def _hurry(self, *, whole: bool) -> None:
        """An edit for a part of the tests may be a coincidence: half the budget goes to look for a better one."""
        now = self._clock()
        more = now + max(_AT_LEAST_MORE, now - self._began)
        self._until = min(self._until, more if whole else max(more, self._started + self._budget / 2))

    def _say(self, number: int, passing: int) -> None:
        if self._clock() - self._said >= 1:
            self._said = self._clock()
            self._progress(f"{number} edits tried, {passing} pass")


def running(evidence: TestRun, candidate: Candidate, among: Iterable[int] = ()) -> set[str]:
    """The tests that execute the function that an edit changes, or those `among` its lines that are given."""
    start, end = (candidate.source.line_of(offset) for offset in candidate.source.unit(candidate.edit))
    path, lines = candidate.source.path, set(among or range(start, end + 1))
    return {
        nodeid
        for nodeid, files in evidence.executed.items()
        if any(lines & ran and file.resolve() == path for file, ran in files.items())
    }


def passes(run: TestRun, nodeid: str) -> bool:
    """Whether a run shows that a test passed; for a file that could not be collected, that it now can and is green."""
    if "::" in nodeid:
        return bool(run.of(nodeid))
    own = [result for result in run.results if result.nodeid.partition("::")[0] == nodeid]
    return any(own) and not any(result.verdict is Verdict.FAILED for result in own)


def is_later(end: TestResult, before: TestResult) -> bool:
    """Whether a test fails at a later line of its own than before, or at the same on a comparison, not of an error."""
    line, last = own_line(end), own_line(before)
    if not line or not last:
        return False
    return line > last or (line == last and _asserts(end) and not _asserts(before))


def own_line(result: TestResult) -> int:
    """Where the test's file is left for what it calls, or the test ends; 0 where it did not get so far."""
    file = result.nodeid.partition("::")[0]
    own = (frame.line for frame in result.frames if frame.file.as_posix().endswith(file))
    return next(own, 0) if result.verdict is Verdict.FAILED else 0


_MUCH_LESS = 4
"""How many times fewer tests are worth a look of their own."""
_AT_LEAST_MORE = 2.0
"""Seconds."""
_LATER = 0.1
"""Of the budget."""
_QUICK_SECONDS = 1.0


def _quick(run: TestRun, nodeids: Sequence[str]) -> list[str]:
    """Those of these that were seen, less those that hang; none where all take too long to be run each time."""
    seen = {result.nodeid for result in run.results}
    slow = {result.nodeid for result in run.results if result.details and result.details.error_type == "Timeout"}
    seconds = sum(result.seconds for result in run.results if result.nodeid in nodeids)
    return [nodeid for nodeid in nodeids if nodeid in seen - slow] if seconds < _QUICK_SECONDS else []


def _is_case(other: str, nodeid: str) -> bool:
    """Whether both are cases of one parametrised test."""
    test, bracket, _ = nodeid.partition("[")
    return bool(bracket) and other.startswith(test + bracket)


def _red(run: TestRun) -> set[str]:
    return {result.nodeid for result in run.results if result.verdict is Verdict.FAILED}


def _asserts(result: TestResult) -> bool:
    return result.details is not None and result.details.error_type == "AssertionError"
