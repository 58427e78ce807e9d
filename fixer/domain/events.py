"""What has happened, in the past tense; published by the use cases, shown by whoever listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from fixer.domain.models import Diagnosis, TestError, Usage


class DomainEvent:
    """The common type of all events."""


@dataclass(frozen=True)
class DiscoveryStarted(DomainEvent):
    """The project's tests are being run."""


@dataclass(frozen=True)
class ErrorsDiscovered(DomainEvent):
    """The first run is over; these tests are red."""

    errors: tuple[TestError, ...]
    passed: int
    seconds: float


@dataclass(frozen=True)
class Diagnosed(DomainEvent):
    """These red tests are left alone, all for one reason."""

    errors: tuple[TestError, ...]
    diagnosis: Diagnosis


@dataclass(frozen=True)
class FixAttemptStarted(DomainEvent):
    """An attempt is about to begin."""

    error_id: UUID
    attempt_id: UUID
    nodeid: str
    attempt_number: int
    max_attempts: int
    temperature: float
    model: str = ""
    """The model of its rung, where the ladder has more than one."""


@dataclass(frozen=True)
class PhaseEntered(DomainEvent):
    """The current attempt moved on: `thinking`, `testing`, `guarding`, `landing`, `undoing`."""

    error_id: UUID
    phase: str


@dataclass(frozen=True)
class TestsRan(DomainEvent):
    """A pytest run ended; `what` says what was run, in words for people. Seconds are wall time."""

    __test__: ClassVar[bool] = False

    what: str
    passed: int
    failed: int
    not_run: int
    seconds: float


@dataclass(frozen=True)
class GuardPassed(DomainEvent):
    """A guard has nothing against the current attempt."""

    error_id: UUID
    name: str


@dataclass(frozen=True)
class FixAttemptCompleted(DomainEvent):
    """An attempt ended: verified and kept, or undone for the reason given."""

    error_id: UUID
    attempt_id: UUID
    nodeid: str
    attempt_number: int
    success: bool
    reason: str
    usage: Usage


@dataclass(frozen=True)
class FixLanded(DomainEvent):
    """A verified fix is in the tree: as a commit, or uncommitted for the reason given."""

    error_id: UUID
    nodeid: str
    fix_id: str
    commit: str
    note: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class FixedAlong(DomainEvent):
    """A test turned green by the fix of another."""

    error_id: UUID
    nodeid: str
    by: str


@dataclass(frozen=True)
class FixTakenBack(DomainEvent):
    """A landed fix was undone again, because the last run over everything showed that it broke a test."""

    nodeid: str
    fix_id: str
    broke: tuple[str, ...]


@dataclass(frozen=True)
class Notice(DomainEvent):
    """Something a person should know; `detail` notices are shown only with -v."""

    text: str
    detail: bool = False
