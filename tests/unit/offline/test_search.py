"""What a search says of an edit that leaves other tests red."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

import pytest
from pretended import PretendedChecker

from fixer.application.ports import Overlay, RepairRequest
from fixer.domain.models import CodeLocation, ErrorDetails, TestError, TestResult, TestRun, Verdict
from fixer.offline.rank import Candidate
from fixer.offline.search import Search, is_later
from fixer.offline.source import Edit, Source

TEXT = "def half(n):\n    return n * 2\n\n\ndef add(a, b):\n    return a - b\n"
FILE, OTHER = Path("/project/calc.py"), Path("/project/other.py")
DETAILS = ErrorDetails("AssertionError", "")
ASKED = "test_calc.py::test_half"


class Mends(PretendedChecker):
    """A checker for whose tests any edit mends the one that is asked about."""

    def __init__(self, mended: str = ASKED) -> None:
        super().__init__()
        self._mended = mended

    def shown(self, text: str, nodeids: Sequence[str], vital: Sequence[str]) -> TestRun:
        verdicts = (Verdict.PASSED if nodeid == self._mended else Verdict.FAILED for nodeid in nodeids)
        return TestRun(tuple(TestResult(*pair, details=DETAILS) for pair in zip(nodeids, verdicts, strict=True)))


@pytest.mark.parametrize(
    ("runs", "complete", "alike"),
    [
        ({FILE: frozenset({6})}, True, False),
        ({FILE: frozenset({2})}, False, True),
        ({FILE: frozenset({2, 6})}, False, False),
        ({FILE: frozenset({2}), OTHER: frozenset({1})}, False, False),
        ({FILE: frozenset({2}), Path("/project/test_calc.py"): frozenset({9})}, False, True),
    ],
)
def test_a_test_that_stays_red_speaks_against_an_edit_as_far_as_it_runs_nothing_else(
    runs: dict[Path, frozenset[int]], complete: bool, alike: bool
) -> None:
    other = "test_calc.py::test_other"
    results = tuple(TestResult(nodeid, Verdict.FAILED, details=DETAILS) for nodeid in (ASKED, other))
    evidence = TestRun(results, {ASKED: {FILE: frozenset({2})}, other: runs})
    request = RepairRequest(TestError(Path("test_calc.py"), "test_half", DETAILS), 1, 0.4, (FILE, OTHER), evidence)
    (found,) = Search(Mends(), request, [ASKED, other], print, 5.0)([_halved()]).found
    assert (found.complete, found.misses_alike) == (complete, alike)


@pytest.mark.parametrize(
    ("other", "error", "complete"),
    [
        ("test_calc.py::test_all[2]", "AssertionError", False),
        ("test_calc.py::test_all[2]", "KeyError", True),
        ("test_calc.py::test_all_else[2]", "AssertionError", True),
    ],
)
def test_another_case_of_the_same_test_is_of_the_same_matter_whatever_it_runs(
    other: str, error: str, complete: bool
) -> None:
    asked = "test_calc.py::test_all[1]"
    ends = {asked: DETAILS, other: ErrorDetails(error, "")}
    results = tuple(TestResult(nodeid, Verdict.FAILED, details=details) for nodeid, details in ends.items())
    evidence = TestRun(results, {asked: {FILE: frozenset({2})}, other: {FILE: frozenset({6})}})
    request = RepairRequest(TestError(Path("test_calc.py"), "test_all[1]", DETAILS), 1, 0.4, (FILE,), evidence)
    (found,) = Search(Mends(asked), request, [asked, other], print, 5.0)([_halved()]).found
    assert found.complete == complete


@pytest.mark.parametrize(
    ("lines", "error", "shared"),
    [({2, 6}, "AssertionError", True), ({6}, "AssertionError", False), ({2, 6}, "ModuleNotFoundError", False)],
)
def test_a_search_goes_on_with_red_tests_that_run_what_the_failing_one_runs_and_die_alike(
    lines: set[int], error: str, shared: bool
) -> None:
    other = "test_calc.py::test_other"
    ends = {ASKED: DETAILS, other: ErrorDetails(error, "")}
    results = tuple(TestResult(nodeid, Verdict.FAILED, details=details) for nodeid, details in ends.items())
    evidence = TestRun(results, {ASKED: {FILE: frozenset({2})}, other: {FILE: frozenset(lines)}})
    request = RepairRequest(TestError(Path("test_calc.py"), "test_half", DETAILS), 1, 0.4, (FILE,), evidence)
    assert Search(Mends(), request, [ASKED, other], print, 5.0).also_red == ([other] if shared else [])


class Remembers(Mends):
    """A checker that notes which tests it was asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, ...]] = []

    def shown(self, text: str, nodeids: Sequence[str], vital: Sequence[str]) -> TestRun:
        self.asked.append(tuple(nodeids))
        return super().shown(text, nodeids, vital)


def test_of_slow_tests_those_that_run_the_edited_line_are_asked_first() -> None:
    others = [f"test_calc.py::test_{number}" for number in range(12)]
    slow = tuple(TestResult(nodeid, Verdict.PASSED, seconds=60.0) for nodeid in others)
    lines = {others[1]: frozenset({1}), others[2]: frozenset({2}), others[0]: frozenset({6})}
    executed = {nodeid: {FILE: ran} for nodeid, ran in {ASKED: frozenset({2}), **lines}.items()}
    evidence = TestRun((TestResult(ASKED, Verdict.FAILED, details=DETAILS), *slow), executed)
    request = RepairRequest(TestError(Path("test_calc.py"), "test_half", DETAILS), 1, 0.4, (FILE,), evidence)
    checker = Remembers()
    assert not Search(checker, request, [ASKED, *others], print, 5.0)([_halved()]).found
    assert checker.asked == [(ASKED,), (others[2], others[1])]


class PutsOff(PretendedChecker):
    """A checker that answers only when it has all that there is to try."""

    def taken(self, candidates: Iterable[Overlay]) -> Iterable[Overlay]:
        return list(candidates)

    def shown(self, text: str, nodeids: Sequence[str], vital: Sequence[str]) -> TestRun:
        return TestRun((TestResult(ASKED, Verdict.FAILED, details=DETAILS),))


def test_what_was_put_off_is_not_waited_for_when_the_time_is_up() -> None:
    evidence = TestRun((TestResult(ASKED, Verdict.FAILED, details=DETAILS),), {ASKED: {FILE: frozenset({2})}})
    request = RepairRequest(TestError(Path("test_calc.py"), "test_half", DETAILS), 1, 0.4, (FILE,), evidence)
    source, start = Source(FILE, TEXT), TEXT.index("n * 2")
    candidates = [Candidate(source, Edit(start, start + 5, f"n - {number}"), "kind", 2, 0.0) for number in range(100)]
    ticks = count()
    search = Search(PutsOff(), request, [ASKED], print, 20.0, clock=lambda: next(ticks))
    assert 1 <= search(candidates).tried < 5


@pytest.mark.parametrize(
    ("line", "error", "later"),
    [
        (4, "TypeError", True),
        (3, "AssertionError", True),
        (3, "KeyError", False),
        (2, "AssertionError", False),
        (None, "AssertionError", False),
    ],
)
def test_a_test_gets_further_to_a_later_line_of_its_own_or_to_a_comparison(
    line: int | None, error: str, later: bool
) -> None:
    assert is_later(_ended(line, error), _ended(3, "KeyError")) == later


def test_where_a_comparison_failed_another_at_the_same_line_is_no_later() -> None:
    assert not is_later(_ended(3, "AssertionError"), _ended(3, "AssertionError"))


def _ended(line: int | None, error: str) -> TestResult:
    frames = (CodeLocation(Path("/project/test_calc.py"), line),) if line else ()
    called = CodeLocation(FILE, 2)
    return TestResult(ASKED, Verdict.FAILED, details=ErrorDetails(error, ""), frames=(*frames, called))


def _halved() -> Candidate:
    start = TEXT.index("n * 2")
    return Candidate(Source(FILE, TEXT), Edit(start, start + 5, "n / 2"), "kind", 2, 0.0)
