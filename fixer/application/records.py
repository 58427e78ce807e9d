"""What the ledger remembers, as plain values for whoever shows it: runs, their tests, attempts and fixes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from fixer.domain.models import CodeLocation, Diagnosis, ErrorDetails

FixState = Literal["landed", "uncommitted", "undone"]
TestStatus = Literal["fixed", "unfixed", "flaky", "environment", "skipped"]


@dataclass(frozen=True)
class AttemptRecord:
    """One attempt as it went. Seconds are wall time; `cost_usd` is None where the price is unknown."""

    number: int
    model: str
    temperature: float
    temperature_sent: float | None
    status: Literal["pending", "success", "failed"]
    reason: str
    seconds: float
    model_seconds: float
    test_seconds: float
    tokens_sent: int
    tokens_received: int
    cost_usd: float | None
    diff: str
    started_at: datetime


@dataclass(frozen=True)
class FixRecord:
    """A verified fix. `commit` is empty where it was left uncommitted, for the reason in `note`."""

    id: str
    run_id: str
    nodeid: str
    state: FixState
    commit: str
    note: str
    files: tuple[str, ...]
    diff: str
    landed_at: datetime


@dataclass(frozen=True)
class RunCounts:
    """One pytest run that verified a fix: what was run, and what became of the tests. Seconds are wall time."""

    what: str
    passed: int
    failed: int
    not_run: int
    seconds: float


@dataclass(frozen=True)
class Receipt:
    """Everything that a fix rests on. Of a fix that was cut off by a crash, guards, runs and `made_with` are empty."""

    fix: FixRecord
    before: ErrorDetails
    """The report of the failing test."""
    attempt: AttemptRecord
    guards: tuple[str, ...] = ()
    """The guards that had nothing against it, in the order in which they were asked."""
    runs: tuple[RunCounts, ...] = ()
    """The runs that verified it; after the fixes of a run, also the last one over the whole selection."""
    made_with: Mapping[str, str] = field(default_factory=dict)
    """`python` (a path), `python_version`, `pytest`, `fixer`, `platform`; `directory` and `rootdir`, relative to the
    top of the working tree."""


@dataclass(frozen=True)
class ErrorRecord:
    """One test that was red, and what became of it. `fixed_by` names the test whose fix turned it green."""

    nodeid: str
    status: TestStatus
    error_type: str
    message: str
    fixed_by: str
    fix: FixRecord | None
    attempts: tuple[AttemptRecord, ...]
    diagnosis: Diagnosis | None = None
    """Why it was left alone, where it was."""
    place: CodeLocation | None = None
    """The line of the project where it failed; the path is absolute."""


@dataclass(frozen=True)
class RunRecord:
    """One run. `ended_at` and `exit_code` are None while it goes on, and where it was killed."""

    id: str
    started_at: datetime
    ended_at: datetime | None
    model: str
    exit_code: int | None
    tests: tuple[ErrorRecord, ...]
    newly_broken: tuple[str, ...]

    @property
    def attempts(self) -> tuple[AttemptRecord, ...]:
        """All attempts of the run, test by test."""
        return tuple(attempt for test in self.tests for attempt in test.attempts)

    @property
    def seconds(self) -> float:
        """Wall time from start to end; 0 while it goes on."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else 0.0

    @property
    def cost_usd(self) -> float | None:
        """What the run cost; None as soon as the price of one attempt is unknown.

        Of an attempt in which fixer was killed it is, unless the model is the one that never costs anything.
        """
        if self.model == "offline":
            return 0.0
        costs = [attempt.cost_usd for attempt in self.attempts]
        return None if None in costs else sum(cost for cost in costs if cost)
