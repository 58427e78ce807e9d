"""Collects what verified the fix that a person is about to be asked about."""

from __future__ import annotations

from fixer.domain.events import DomainEvent, FixAttemptStarted, GuardPassed, TestsRan
from fixer.ui.foreign_text import harmless


class Proof:
    """A Listener that remembers the runs and guards of the current attempt."""

    def __init__(self) -> None:
        self._runs: dict[str, tuple[int, int, float]] = {}
        self._guards: list[str] = []

    def __call__(self, event: DomainEvent, /) -> None:
        match event:
            case FixAttemptStarted():
                self._runs.clear()
                self._guards.clear()
            case TestsRan(what=what, passed=passed, failed=0, seconds=seconds) if passed:
                times, _, before = self._runs.get(what, (0, 0, 0.0))
                self._runs[what] = (times + 1, passed, before + seconds)
            case GuardPassed(name=name) if name not in self._guards:
                self._guards.append(name)

    def lines(self) -> list[str]:
        """A line for each run, and one for the guards; none where nothing was heard of."""
        runs = [_told(what, *counts) for what, counts in self._runs.items()]
        return [*runs, f"  {len(self._guards)} guards have nothing against it"] if self._guards else runs


def _told(what: str, times: int, passed: int, seconds: float) -> str:
    count = f"passed {times} of {times} runs" if passed == 1 else f"{passed} passed"
    return f"  {harmless(what)}: {count} ({seconds:.1f} s)"
