"""What the use cases need of the world, as protocols; each is satisfied by one adapter, wired in `bootstrap`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from fixer.domain.events import DomainEvent
from fixer.domain.models import CodeChanges, FixAttempt, Proposal, TestError, TestResult, TestRun, Usage


class AIManager(Protocol):
    """Changes the working tree so that a test may pass."""

    def generate_fix(self, error: TestError, temperature: float) -> Proposal:
        """Try once. Raises ProviderFailed where asking again would be pointless."""
        ...


class TestRunner(Protocol):
    """Runs the project's tests in the project's own interpreter."""

    def discover(self) -> TestRun:
        """Run what the user selected. Raises TestsCannotRun."""
        ...

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        """Run exactly these tests, in the order of their files; with `trace`, record the lines each executed."""
        ...

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        """Run exactly this test in a fresh process; the result is true when it passed."""
        ...


TestRunner.__test__ = False  # type: ignore[attr-defined]  # not a test; outside, so that no adapter has to repeat it


class VcsManager(Protocol):
    """Lands verified fixes."""

    def commit_changes(self, message: str) -> Landed:
        """Land the current attempt's changes on the user's branch.

        What is answered with `rewritten` is to be verified, and then landed again or left: after a few rounds it ends.
        """
        ...

    def keep_verified(self, failure: str) -> Landed:
        """Leave the attempt uncommitted, as it was before a hook rewrote it, because the hook's version failed so."""
        ...


class ChangeApplier(Protocol):
    """Takes changes back."""

    def revert(self) -> object:
        """Put every file that the current attempt touched back to its checkpoint. Raises TreeNeedsPerson."""
        ...


class Checkpointer(Protocol):
    """Remembers the working tree before an attempt, durably."""

    def checkpoint(self, error: TestError, attempt: FixAttempt) -> None:
        """Record the state of the working tree; must be on disk before the attempt touches anything."""
        ...

    def take_back(self, error: TestError) -> str:
        """Undo the landed fix of this error and return the fix's id. Raises TreeNeedsPerson, with nothing changed."""
        ...

    def put_back(self, error: TestError) -> None:
        """Redo what `take_back` undid."""
        ...


class Guard(Protocol):
    """A check that a candidate fix must pass besides its own test."""

    name: str
    after_test: bool
    """Whether it runs tests itself, and so comes after the failing test has passed."""

    def refuse(self, error: TestError, proposal: Proposal) -> str:
        """Why the fix is refused, in a sentence that the next prompt can quote; empty when it is not."""
        ...


class Decision(Enum):
    """What a person wants done with a verified fix."""

    KEEP = "keep"
    UNDO = "undo"
    """Take it back and make the next attempt."""
    EDIT = "edit"
    """Change it by hand, have that verified, and ask again."""
    SKIP = "skip"
    """Take it back and leave this test alone."""
    QUIT = "quit"
    """Take it back and end the run."""


@dataclass(frozen=True)
class Hint:
    """Take the fix back and make the next attempt, which is told these words of a person."""

    words: str


@dataclass(frozen=True)
class Estimate:
    """What a call will take at the least: its prompt, and an answer of usual length. No price: it is unknown."""

    tokens: int = 0
    cost_usd: float | None = 0.0


class Meter(Protocol):
    """Knows what has been spent, and what may be."""

    def before_call(self, estimate: Estimate) -> None:
        """See that a call of this size fits. Raises CapReached."""
        ...

    def call_ended(self, usage: Usage) -> None:
        """Add what one call has cost, whether it was answered or not."""
        ...

    def attempt_begins(self, error: TestError) -> None:
        """Begin to count the next attempt at this test. Raises CapReached."""
        ...

    @property
    def attempt_usage(self) -> Usage:
        """What the current attempt has cost so far, however it ends."""
        ...


class Reviewer(Protocol):
    """Lets a person decide about a verified fix before it lands."""

    def review(self, error: TestError, attempt: FixAttempt) -> Decision | Hint:
        """Show the fix and ask."""
        ...


class HandEditor(Protocol):
    """Lets a person change the open attempt by hand."""

    def edit(self) -> CodeChanges | None:
        """Open its files; what it consists of afterwards, None where nothing was changed. Raises EditFailed."""
        ...

    def restore(self) -> str:
        """Put back what it consisted of before the last edit; where the edit is kept. Raises TreeNeedsPerson."""
        ...


class Arbiter(Protocol):
    """Decides about a file that an unfinished attempt changed and its owner has edited since, on the same lines."""

    def keeps_mine(self, path: str, mine: bytes, before: bytes) -> bool:
        """Whether the text that stands there now stays, and not the one from before the attempt.

        Raises TreeNeedsPerson where there is nobody to ask.
        """
        ...


class Listener(Protocol):
    """Hears of everything that happens."""

    def __call__(self, event: DomainEvent, /) -> None: ...


@dataclass(frozen=True)
class Landed:
    """A fix in the user's tree. `commit` is empty where it was left uncommitted, for the reason in `note`."""

    fix_id: str
    commit: str = ""
    note: str = ""
    files: tuple[str, ...] = ()
    rewritten: bool = False
    """Nothing was committed yet: one of the user's hooks changed the fix, and nobody has tested what is there now."""
    changes: CodeChanges | None = None
    """What a rewritten fix consists of."""


@dataclass(frozen=True)
class RepairRequest:
    """What a model on this machine is asked: make this test pass by changing these files only."""

    error: TestError
    attempt_number: int
    temperature: float
    sources: tuple[Path, ...]
    """Absolute paths that may be edited, most suspicious first."""
    evidence: TestRun
    """A traced run of the failing test and the passing tests of its module."""
    tried: frozenset[str] = frozenset()
    """Unified diffs of the attempts that failed before."""


class LocalModel(Protocol):
    """A model that runs on this machine and answers like any other: with text that holds an edit."""

    def answer(self, request: RepairRequest) -> str:
        """A short explanation with one SEARCH/REPLACE block, or one without where no fix was found."""
        ...


Overlay = Mapping[Path, str]
"""Absolute path to the new text of that file: a candidate, without touching the tree."""


class CandidateChecker(Protocol):
    """Runs tests against sources that are not on disk."""

    def begin(self) -> None:
        """Forget what was read of the sources: what is on disk stays as it is from here until this is said again."""
        ...

    def check(
        self,
        candidates: Iterable[Overlay],
        nodeids: Sequence[str],
        *,
        vital: Sequence[str] = (),
        known: TestRun | None = None,
    ) -> Iterator[tuple[Overlay, TestRun]]:
        """The candidates with what the tests showed, as they finish; stops early when the caller stops iterating.

        `vital` are those of the tests without which a candidate is of no use, the most telling first: where one of
        them fails, nothing need be known of the tests behind it, unless the first fails later than it did. `known` is
        what a fresh process has shown of the unchanged sources; it may spare a run of them. A single overlay without
        files asks what they show.
        """
        ...
