"""Runs the tests, and remembers what the first run showed, so that later runs can be held against it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fixer.application.ports import TestRunner
from fixer.domain.models import TestResult, TestRun, Verdict


class Baseline:
    """A TestRunner that knows what its first discovery showed."""

    def __init__(self, runner: TestRunner) -> None:
        self._runner = runner
        self._modules: dict[str, list[TestResult]] = {}

    def discover(self) -> TestRun:
        """Run the selection; the first time, remember what it showed."""
        run = self._runner.discover()
        if not self._modules:
            for result in run.results:
                self._modules.setdefault(_module(result.nodeid), []).append(result)
        return run

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        """Run exactly these tests."""
        return self._runner.run(nodeids, trace=trace)

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        """Run exactly this test."""
        return self._runner.run_test_and_check(test_file, test_function)

    def module_ids(self, nodeid: str) -> list[str]:
        """The tests of the same file that were run, in order."""
        return [result.nodeid for result in self._results(nodeid) if result.verdict is not Verdict.NOT_RUN]

    def passed_before(self, nodeid: str) -> list[str]:
        """The tests of the same file that passed."""
        return [result.nodeid for result in self._results(nodeid) if result]

    def _results(self, nodeid: str) -> list[TestResult]:
        return self._modules.get(_module(nodeid), [])


def _module(nodeid: str) -> str:
    return nodeid.partition("::")[0]
