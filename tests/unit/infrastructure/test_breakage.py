"""What a fix breaks is named with how it fails; what only fails once is not held against it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from fixer.domain.models import ErrorDetails, TestResult, TestRun, Verdict
from fixer.infrastructure.guards.breakage import breakage

A, B = "t.py::test_a", "t.py::test_b"


class Runner:
    """Shows one script of failing tests after the other, and remembers what it was asked."""

    __test__: ClassVar[bool] = False

    def __init__(self, *failing: set[str]) -> None:
        self._failing = list(failing)
        self.asked: list[list[str]] = []

    def discover(self) -> TestRun:
        raise AssertionError

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        del trace
        self.asked.append(list(nodeids))
        failing = self._failing.pop(0)
        return TestRun(tuple(result(nodeid, nodeid not in failing) for nodeid in nodeids))

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        raise AssertionError


def result(nodeid: str, passed: bool) -> TestResult:
    if passed:
        return TestResult(nodeid, Verdict.PASSED)
    return TestResult(nodeid, Verdict.FAILED, "ValueError", ErrorDetails("ValueError", "no such thing"))


def test_where_all_is_well_one_run_is_enough() -> None:
    runner = Runner(set())
    assert breakage(runner, [A, B]) == ""
    assert runner.asked == [[A, B]]


def test_what_fails_twice_is_broken() -> None:
    assert breakage(Runner({A, B}, {B}), [A, B]) == f"broke {B}: ValueError: no such thing"


def test_the_second_run_is_in_company_too() -> None:
    runner = Runner({B}, {A})
    assert breakage(runner, [A, B]) == ""
    assert runner.asked == [[A, B], [A, B]]
