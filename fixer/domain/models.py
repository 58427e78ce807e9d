"""The things fixer talks about: a failing test, the attempts to fix it, and the values they carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal
from uuid import UUID, uuid4

from fixer.domain.ladder import Rung

ErrorStatus = Literal["unfixed", "fixed"]
AttemptStatus = Literal["pending", "success", "failed"]
DiagnosisKind = Literal["flaky", "order-dependent", "environment", "test at fault", "same cause", "not chosen"]


@dataclass(frozen=True)
class CodeLocation:
    """A place in a source file; line and column count from 1."""

    file: Path
    line: int
    column: int | None = None


@dataclass(frozen=True)
class CodeChanges:
    """What an attempt changed: the text before, the text after, and a description (a unified diff where known)."""

    original: str
    modified: str
    description: str = ""


@dataclass(frozen=True)
class ErrorDetails:
    """How a test failed: exception, complete message (with the assertion's diff), traceback, captured output."""

    error_type: str
    message: str
    stack_trace: str = ""
    captured_output: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """Why no model was asked about a red test: what is wrong instead, with evidence, and the cure if there is one."""

    kind: DiagnosisKind
    message: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.message}. {self.cure}" if self.cure else self.message


@dataclass(eq=False)
class FixAttempt:
    """One try at fixing one test."""

    error_id: UUID
    attempt_number: int
    temperature: float
    id: UUID = field(default_factory=uuid4)
    status: AttemptStatus = "pending"
    changes: CodeChanges | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    completed_at: datetime | None = None
    reason: str = ""
    rung: Rung | None = None
    """What it was to differ in from the others, where there is a ladder."""
    refused_by: str = ""
    """The guard that refused the change for what it is, where one did; such a change is nobody's example."""
    cut_off: bool = False
    """Ended by something else than its own outcome: whoever goes on makes it again."""

    def complete(self, status: AttemptStatus, reason: str = "") -> None:
        """Close the attempt, with why it failed, or what its model said of the fix."""
        self.status = status
        self.reason = reason
        self.completed_at = datetime.now(timezone.utc)


@dataclass(eq=False)
class TestError:
    """One failing test, and what has been tried on it.

    `test_file` and `test_function` are the two halves of pytest's node id, split at the first `::`;
    a file that cannot be collected has an empty `test_function`.
    """

    __test__: ClassVar[bool] = False

    test_file: Path
    test_function: str
    error_details: ErrorDetails
    location: CodeLocation | None = None
    frames: tuple[CodeLocation, ...] = ()
    """The project's frames of the traceback, outermost first."""
    id: UUID = field(default_factory=uuid4)
    fix_attempts: list[FixAttempt] = field(default_factory=list)
    status: ErrorStatus = "unfixed"
    fixed_by: UUID | None = None
    """The error whose fix made this test pass too, where it was not one of its own."""
    diagnosis: Diagnosis | None = None
    """Set where the test is left alone, although it is red."""

    @property
    def nodeid(self) -> str:
        """The exact node id that pytest knows the test by."""
        file = Path(self.test_file).as_posix()
        return f"{file}::{self.test_function}" if self.test_function else file

    def can_attempt_fix(self) -> bool:
        """Whether there is anything left to fix."""
        return self.status == "unfixed"

    def start_fix_attempt(self, temperature: float, rung: Rung | None = None) -> FixAttempt:
        """Open the next attempt."""
        attempt = FixAttempt(self.id, len(self.fix_attempts) + 1, temperature, rung=rung)
        self.fix_attempts.append(attempt)
        return attempt

    def mark_fixed(self, attempt: FixAttempt) -> None:
        """Record that this attempt's change was verified."""
        attempt.complete("success", attempt.reason)
        self.status = "fixed"

    def mark_attempt_failed(self, attempt: FixAttempt, reason: str = "") -> None:
        """Record that this attempt came to nothing; the test stays unfixed."""
        attempt.complete("failed", reason)

    def set_aside(self, diagnosis: Diagnosis) -> None:
        """Record why this test is left alone; it stays unfixed."""
        self.diagnosis = diagnosis

    def reopen(self, reason: str) -> None:
        """Record that a fix, verified before, was taken back again."""
        self.status = "unfixed"
        self.fixed_by = None
        for attempt in self.fix_attempts:
            if attempt.status == "success":
                attempt.complete("failed", reason)

    def mark_fixed_by(self, other: TestError) -> None:
        """Record that the fix of another test made this one pass."""
        self.status = "fixed"
        self.fixed_by = other.id
        self.diagnosis = None


class Verdict(Enum):
    """What a run showed of one test. Only PASSED is a pass; a crash, a skip or silence never is."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class TestResult:
    """What one run showed of one test; true exactly when the test ran and passed."""

    __test__: ClassVar[bool] = False

    nodeid: str
    verdict: Verdict
    reason: str = ""
    """Why it is not a pass: `AssertionError`, `skipped`, `timed out`, `crashed (SIGSEGV)`, `not collected` …"""
    details: ErrorDetails | None = None
    location: CodeLocation | None = None
    frames: tuple[CodeLocation, ...] = ()
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return self.verdict is Verdict.PASSED


@dataclass(frozen=True)
class TestRun:
    """The results of one pytest run, in the order in which they were reported."""

    __test__: ClassVar[bool] = False

    results: tuple[TestResult, ...]
    executed: dict[str, dict[Path, frozenset[int]]] = field(default_factory=dict)
    """Node id to project file to lines executed, where the run was traced."""
    seconds: float = 0.0

    @cached_property
    def passed(self) -> frozenset[str]:
        """The node ids that passed."""
        return frozenset(result.nodeid for result in self.results if result)

    def of(self, nodeid: str) -> TestResult:
        """The result of exactly this test; NOT_RUN where the run does not know it."""
        return self._first.get(nodeid, TestResult(nodeid, Verdict.NOT_RUN, "not collected"))

    @cached_property
    def _first(self) -> dict[str, TestResult]:
        return {result.nodeid: result for result in reversed(self.results)}


@dataclass(frozen=True)
class Usage:
    """What an attempt cost. `temperature` is what was really sent, None where the model was sent none;
    `cost_usd` is None where the model's price is unknown."""

    model: str = ""
    temperature: float | None = None
    calls: int = 0
    tokens_sent: int = 0
    tokens_received: int = 0
    cost_usd: float | None = 0.0
    model_seconds: float = 0.0


@dataclass(frozen=True)
class Proposal:
    """What the engine made of an attempt: changes in the working tree, or nothing."""

    changes: CodeChanges | None
    reason: str = ""
    """Why there are no changes; or what the model says of them."""
    usage: Usage = field(default_factory=Usage)
    files: tuple[str, ...] = ()
    """Paths changed, relative to the working tree's top."""

    def __bool__(self) -> bool:
        return self.changes is not None
