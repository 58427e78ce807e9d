"""Every run is told of; a fix must not break what passed at first in its module, nor what became green since."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from fixer.domain.events import DomainEvent, FixedAlong, FixLanded, FixTakenBack, Notice, TestsRan
from fixer.domain.models import TestResult, TestRun, Verdict
from fixer.infrastructure.baseline import MOST_RED, SELECTION, Baseline


class Everything:
    """A runner in which all that is asked for passes, except what is named to be red or skipped."""

    def discover(self) -> TestRun:
        return self.run(["t.py::ok", "t.py::red", "t.py::skipped"])

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        took = 0.5 if trace else 0.2
        results = (TestResult(nodeid, _verdict(nodeid), seconds=took) for nodeid in nodeids)
        return TestRun(tuple(results), seconds=2.0)

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        return self.run([f"{test_file}::{test_function}"]).results[0]


def test_what_recording_lines_costs_is_told() -> None:
    heard: list[DomainEvent] = []
    baseline = Baseline(Everything(), heard.append)
    baseline.discover()
    baseline.run(["t.py::red", "t.py::ok"], trace=True)
    (told,) = (event for event in heard if isinstance(event, Notice))
    assert told == Notice("Recorded the lines of 2 tests: 1.00 s of testing, 0.40 s at first.", detail=True)


def test_runs_are_told_of_in_words_with_their_counts() -> None:
    heard: list[DomainEvent] = []
    baseline = Baseline(Everything(), heard.append)
    baseline.discover()
    baseline.run(["a.py::one"])
    baseline.run(["a.py::one", "a.py::red"])
    baseline.run(["a.py::one", "b.py::two", "c.py::three"])
    result = baseline.run_test_and_check(Path("a.py"), "red")
    told = [event for event in heard if isinstance(event, TestsRan)]
    assert [(event.what, event.passed, event.failed, event.not_run) for event in told] == [
        (SELECTION, 1, 1, 1),
        ("a.py::one", 1, 0, 0),
        ("2 tests of a.py", 1, 1, 0),
        ("3 tests of 3 files", 3, 0, 0),
        ("a.py::red", 0, 1, 0),
    ]
    assert told[0].seconds == 2.0
    assert not result


class OneRun:
    def __init__(self, more: Sequence[TestResult] = ()) -> None:
        self.more = more

    def discover(self) -> TestRun:
        passed = [TestResult(f"a.py::test_{n}", Verdict.PASSED) for n in (1, 2)]
        red = [TestResult(nodeid, Verdict.FAILED) for nodeid in ("a.py::test_3", "b.py::test_1", "b.py::test_2")]
        return TestRun((*passed, *red, TestResult("a.py::test_4", Verdict.NOT_RUN, "skipped"), *self.more))

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        raise AssertionError("not asked for")

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        raise AssertionError("not asked for")


@pytest.fixture
def baseline() -> Baseline:
    baseline = Baseline(OneRun())
    baseline.discover()
    return baseline


def test_at_first_it_is_what_passed_in_the_module(baseline: Baseline) -> None:
    assert baseline.passed_before("a.py::test_3") == ["a.py::test_1", "a.py::test_2"]
    assert baseline.module_ids("a.py::test_3") == ["a.py::test_1", "a.py::test_2", "a.py::test_3"]


def test_of_many_that_fail_a_few_are_looked_at_beside_one() -> None:
    red = [TestResult(f"r.py::test_{n}", Verdict.FAILED) for n in range(100)]
    many = Baseline(OneRun(red))
    many.discover()
    found = many.module_ids("r.py::test_90")
    assert found[-1] == "r.py::test_90"
    assert len(found) == MOST_RED + 1


def test_what_was_fixed_is_to_stay_fixed(baseline: Baseline) -> None:
    baseline.follow(FixLanded(uuid4(), "b.py::test_1", "f1", "c0ffee", "", ("b.py",)))
    baseline.follow(FixedAlong(uuid4(), "b.py::test_2", "b.py::test_1"))
    baseline.follow(FixLanded(uuid4(), "c.py", "f2", "c0ffee", "", ("c.py",)))
    assert baseline.passed_before("a.py::test_3")[2:] == ["b.py::test_1", "b.py::test_2"]
    assert baseline.passed_before("b.py::test_1") == ["b.py::test_2"]
    baseline.follow(FixTakenBack("b.py::test_1", "f1", ("a.py::test_1",)))
    assert baseline.passed_before("a.py::test_3") == ["a.py::test_1", "a.py::test_2"]


def _verdict(nodeid: str) -> Verdict:
    words = {"red": Verdict.FAILED, "skipped": Verdict.NOT_RUN}
    return words.get(nodeid.rpartition("::")[2], Verdict.PASSED)
