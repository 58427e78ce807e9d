"""Replays a fix: its test has to fail without it and to pass with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fixer.domain.models import TestResult, Verdict

RunTest = Callable[[], TestResult]
"""Runs the fix's test once, in a fresh process, on one state of the project."""


@dataclass(frozen=True)
class Replay:
    """What the test showed on both; `reason` says why that is no proof, and is empty where it is one."""

    before: TestResult
    after: tuple[TestResult, ...] = ()
    reason: str = ""

    @property
    def verified(self) -> bool:
        """Whether the fix is what makes the test pass."""
        return not self.reason


def replay(without: RunTest, with_fix: RunTest, confirm: int = 2) -> Replay:
    """Run the test once without the fix, and with it until it does not pass, `confirm` times at the most."""
    before = without()
    if before:
        return Replay(before, (), "the test passes without the fix, too")
    if before.verdict is Verdict.NOT_RUN:
        return Replay(before, (), f"without the fix the test does not run: {before.reason}")
    after: list[TestResult] = []
    for _ in range(confirm):
        after.append(with_fix())
        if not after[-1]:
            return Replay(before, tuple(after), f"with the fix the test does not pass: {_why(after[-1])}")
    return Replay(before, tuple(after))


def _why(result: TestResult) -> str:
    if result.details is None:
        return result.reason or result.verdict.value
    return f"{result.details.error_type}: {result.details.message}".strip(": ")
