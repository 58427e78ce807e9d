"""What is written down with a fix, from the events of its run."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from fixer.application.records import Receipt, RunCounts
from fixer.domain.events import (
    DomainEvent,
    FixAttemptCompleted,
    FixAttemptStarted,
    FixLanded,
    GuardPassed,
    PhaseEntered,
    TestsRan,
)
from fixer.domain.models import ErrorDetails, TestError, Usage
from fixer.infrastructure.baseline import SELECTION
from fixer.infrastructure.fix_store import FixStore, StoredFix
from fixer.infrastructure.ledger import Ledger, LedgerErrors
from fixer.infrastructure.ledger_reader import CostKeeper, LedgerReader
from fixer.infrastructure.receipts import ReceiptKeeper

ALONE = TestsRan("tests/test_x.py::test_x", 1, 0, 0, 0.5)
MODULE = TestsRan("3 tests of tests/test_x.py", 3, 0, 0, 1.0)
EVERYTHING = TestsRan(SELECTION, 9, 1, 2, 4.0)


def test_a_receipt_holds_what_verified_the_fix_and_nothing_else(tmp_path: Path) -> None:
    kept = receipt_after(tmp_path, [PhaseEntered(NOBODY, "thinking"), MODULE, PhaseEntered(NOBODY, "testing"), ALONE])
    assert kept.runs == (RunCounts("tests/test_x.py::test_x", 1, 0, 0, 0.5),)
    assert (kept.before.error_type, kept.before.stack_trace) == ("AssertionError", "trace")
    assert (kept.attempt.model, kept.attempt.temperature, kept.attempt.temperature_sent) == ("m", 0.4, None)
    assert kept.made_with == {"python": "/p/bin/python"}


def test_guards_are_named_in_order_and_once(tmp_path: Path) -> None:
    passed = [GuardPassed(NOBODY, name) for name in ("a", "b", "a")]
    assert receipt_after(tmp_path, [PhaseEntered(NOBODY, "guarding"), *passed]).guards == ("a", "b")


def test_what_an_attempt_before_was_spared_is_not_credited_to_this_one(tmp_path: Path) -> None:
    again = FixAttemptStarted(NOBODY, NOBODY, "tests/test_x.py::test_x", 2, 3, 0.5)
    kept = receipt_after(tmp_path, [PhaseEntered(NOBODY, "testing"), ALONE, GuardPassed(NOBODY, "a"), again])
    assert (kept.runs, kept.guards) == ((), ())


def test_the_last_run_over_everything_is_added_to_the_fixes_of_the_run(tmp_path: Path) -> None:
    kept = receipt_after(tmp_path, [PhaseEntered(NOBODY, "testing"), ALONE], [EVERYTHING, MODULE])
    assert [run.what for run in kept.runs] == [ALONE.what, SELECTION]
    assert kept.runs[1] == RunCounts(SELECTION, 9, 1, 2, 4.0)


def test_a_fix_whose_run_was_killed_before_it_could_be_kept_has_a_bare_receipt(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    landed(ledger, tmp_path)
    reader = LedgerReader(ledger)
    kept = reader.receipt(reader.fix("f1"))
    assert (kept.guards, kept.runs, kept.made_with) == ((), (), {})
    assert kept.before.message == "assert 0"


NOBODY = UUID(int=0)


def receipt_after(folder: Path, verifying: list[DomainEvent], afterwards: list[DomainEvent] | None = None) -> Receipt:
    """The receipt of a fix that landed after these events, read by another process."""
    ledger = Ledger(folder)
    keeper, costs = ReceiptKeeper(ledger, lambda: {"python": "/p/bin/python"}), CostKeeper(ledger)
    error = landed(ledger, folder)
    attempt = error.fix_attempts[0]
    ended = FixAttemptCompleted(error.id, attempt.id, error.nodeid, 1, True, "", Usage("m", None, 1, 10, 5))
    for event in [*verifying, ended, FixLanded(error.id, error.nodeid, "f1", "", "", ()), *(afterwards or [])]:
        keeper(event)
        costs(event)
    reader = LedgerReader(Ledger(folder))
    return reader.receipt(reader.fix("f1"))


def landed(ledger: Ledger, folder: Path) -> TestError:
    error = TestError(Path("tests/test_x.py"), "test_x", ErrorDetails("AssertionError", "assert 0", "trace"))
    errors, store = LedgerErrors(ledger, ledger.start_run(folder, "m")), FixStore(ledger, folder)
    attempt = error.start_fix_attempt(0.4)
    errors.save(error)
    store.open_checkpoint(str(attempt.id), "")
    error.mark_fixed(attempt)
    errors.save(error)
    store.add_uncommitted(StoredFix("f1", str(attempt.id), error.nodeid, "r", "uncommitted", "", "m"), "")
    return error
