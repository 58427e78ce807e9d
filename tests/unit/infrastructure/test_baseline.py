"""Every run is told of, with what was run and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fixer.domain.events import DomainEvent, TestsRan
from fixer.domain.models import TestResult, TestRun, Verdict
from fixer.infrastructure.baseline import SELECTION, Baseline


class Everything:
    """A runner in which all that is asked for passes, except what is named to be red or skipped."""

    def discover(self) -> TestRun:
        return self.run(["t.py::ok", "t.py::red", "t.py::skipped"])

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        del trace
        return TestRun(tuple(TestResult(nodeid, _verdict(nodeid)) for nodeid in nodeids), seconds=2.0)

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        return self.run([f"{test_file}::{test_function}"]).results[0]


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


def _verdict(nodeid: str) -> Verdict:
    words = {"red": Verdict.FAILED, "skipped": Verdict.NOT_RUN}
    return words.get(nodeid.rpartition("::")[2], Verdict.PASSED)
