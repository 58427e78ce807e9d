"""Runs the tests, and remembers what the first run showed, so that later runs can be held against it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fixer.application.ports import Listener, TestRunner
from fixer.domain.events import DomainEvent, FixedAlong, FixLanded, FixTakenBack, Notice, TestsRan
from fixer.domain.models import TestResult, TestRun, Verdict

SELECTION = "the selection"
"""What a run of everything that the user selected is called."""

MOST_RED = 20
"""Failing tests of a file that are looked at beside one of them: more say the same again, and failing is slow."""


class Baseline:
    """A TestRunner that knows what its first discovery showed, and tells of every run."""

    def __init__(self, runner: TestRunner, publish: Listener | None = None) -> None:
        self._runner = runner
        self._publish = publish
        self._modules: dict[str, list[TestResult]] = {}
        self._first = TestRun(())
        self._fixed: dict[str, str] = {}
        """Tests that were red and are not any more, each with the test whose fix did it."""

    def discover(self) -> TestRun:
        """Run the selection; the first time, remember what it showed."""
        run = self._runner.discover()
        self._tell(SELECTION, run.results, run.seconds)
        if not self._modules:
            self._first = run
            for result in run.results:
                self._modules.setdefault(_module(result.nodeid), []).append(result)
        return run

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        """Run exactly these tests."""
        run = self._runner.run(nodeids, trace=trace)
        self._tell(_named(nodeids), run.results, run.seconds)
        if trace and self._publish:
            self._publish(Notice(self._cost_of_tracing(run), detail=True))
        return run

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        """Run exactly this test."""
        started = time.monotonic()
        result = self._runner.run_test_and_check(test_file, test_function)
        self._tell(result.nodeid, (result,), time.monotonic() - started)
        return result

    def first_run(self) -> TestRun:
        """What the first discovery showed; empty before it."""
        return self._first

    def follow(self, event: DomainEvent) -> None:
        """Learn of an event which tests are green by now."""
        match event:
            case FixLanded(nodeid=nodeid):
                self._fixed[nodeid] = nodeid
            case FixedAlong(nodeid=nodeid, by=by):
                self._fixed[nodeid] = by
            case FixTakenBack(nodeid=nodeid):
                self._fixed = {fixed: by for fixed, by in self._fixed.items() if by != nodeid}

    def module_ids(self, nodeid: str) -> list[str]:
        """The tests of the same file that were run, in order; of those that failed, `MOST_RED` at the most."""
        red = [result.nodeid for result in self._results(nodeid) if result.verdict is Verdict.FAILED]
        told = {nodeid, *red[:MOST_RED], *(result.nodeid for result in self._results(nodeid) if result)}
        return [result.nodeid for result in self._results(nodeid) if result.nodeid in told]

    def passed_before(self, nodeid: str) -> list[str]:
        """The tests of the same file that passed, and whatever this run has made green, wherever it is."""
        passed = [result.nodeid for result in self._results(nodeid) if result]
        fixed = [other for other in self._fixed if other != nodeid and "::" in other and other not in passed]
        return passed + fixed

    def _cost_of_tracing(self, run: TestRun) -> str:
        """The tests' own time, with their lines recorded and, in the first run, without."""
        before = {result.nodeid: result.seconds for result in self._first.results}
        known = [result for result in run.results if result.nodeid in before]
        with_lines, without = sum(result.seconds for result in known), sum(before[one.nodeid] for one in known)
        return (
            f"Recorded the lines of {len(run.results)} tests: {with_lines:.2f} s of testing, {without:.2f} s at first."
        )

    def _results(self, nodeid: str) -> list[TestResult]:
        return self._modules.get(_module(nodeid), [])

    def _tell(self, what: str, results: Sequence[TestResult], seconds: float) -> None:
        if self._publish:
            counts = Counter(result.verdict for result in results)
            self._publish(
                TestsRan(what, counts[Verdict.PASSED], counts[Verdict.FAILED], counts[Verdict.NOT_RUN], seconds)
            )


def _named(nodeids: Sequence[str]) -> str:
    """The test, the file with a count, or the count alone."""
    if len(nodeids) == 1:
        return nodeids[0]
    modules = {_module(nodeid) for nodeid in nodeids}
    where = modules.pop() if len(modules) == 1 else f"{len(modules)} files"
    return f"{len(nodeids)} tests of {where}"


def _module(nodeid: str) -> str:
    return nodeid.partition("::")[0]
