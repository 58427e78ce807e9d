"""The ledger keeps what it is told, refuses what it cannot trust, and reads back what happened."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from uuid import uuid4

import pytest

from fixer.domain.errors import LedgerUnusable, UsageError
from fixer.domain.events import FixAttemptCompleted, FixAttemptStarted, TestsRan
from fixer.domain.models import CodeChanges, CodeLocation, Diagnosis, DiagnosisKind, ErrorDetails, TestError, Usage
from fixer.infrastructure.fix_store import FixStore, StoredFix
from fixer.infrastructure.ledger import _MIGRATIONS, Ledger, LedgerErrors
from fixer.infrastructure.ledger_reader import CostKeeper, LedgerReader


def an_error(function: str = "test_x[1 + 1 :: ünï]") -> TestError:
    place = CodeLocation(Path("/p/calc.py"), 3, 5)
    details = ErrorDetails("AssertionError", "assert 1 == 2\n\ud800", "trace", "out")
    return TestError(Path("tests/test_x.py"), function, details, place, (place, CodeLocation(Path("/p/b.py"), 9)))


def test_an_error_and_its_attempts_survive_the_process(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    errors = LedgerErrors(ledger, ledger.start_run(tmp_path, "offline"))
    error = an_error()
    attempt = error.start_fix_attempt(0.4)
    attempt.changes = CodeChanges("a", "b", "diff")
    error.mark_attempt_failed(attempt, "no luck")
    errors.save(error)
    error.set_aside(Diagnosis("flaky", "passed 1 of 3 runs", "look"))
    errors.save(error)

    loaded = LedgerErrors(Ledger(tmp_path), "another").get_by_id(error.id)

    assert loaded is not None
    assert loaded.nodeid == error.nodeid
    assert loaded.diagnosis == Diagnosis("flaky", "passed 1 of 3 runs", "look")
    assert loaded.error_details.message == "assert 1 == 2\n\\ud800"
    assert (loaded.location, loaded.frames) == (error.location, error.frames)
    kept = loaded.fix_attempts[0]
    assert (kept.id, kept.status, kept.reason, kept.changes) == (attempt.id, "failed", "no luck", attempt.changes)
    assert kept.completed_at == attempt.completed_at


def test_unfixed_errors_are_those_of_the_run_in_the_order_found_and_stay_the_same_objects(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    errors = LedgerErrors(ledger, ledger.start_run(tmp_path, "offline"))
    first, second, third = an_error("test_c"), an_error("test_a"), an_error("test_b")
    for error in (first, second, third):
        errors.save(error)
    second.mark_fixed(second.start_fix_attempt(0.4))
    errors.save(second)
    assert errors.get_unfixed_errors() == [first, third]
    assert errors.get_by_id(first.id) is first
    assert errors.get_by_id(uuid4()) is None


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("flaky", "flaky"),
        ("order-dependent", "flaky"),
        ("environment", "environment"),
        ("test at fault", "unfixed"),
        ("same cause", "unfixed"),
    ],
)
def test_why_a_test_was_left_alone_is_told_by_its_status(tmp_path: Path, kind: DiagnosisKind, status: str) -> None:
    ledger = Ledger(tmp_path)
    run_id = ledger.start_run(tmp_path, "offline")
    error = an_error("test_a")
    error.set_aside(Diagnosis(kind, "why"))
    LedgerErrors(ledger, run_id).save(error)
    record, run = LedgerReader(ledger).test(error.nodeid)
    assert (record.status, record.diagnosis, run.id) == (status, Diagnosis(kind, "why"), run_id)


def test_a_test_is_shown_as_the_newest_run_knows_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    runs = [ledger.start_run(tmp_path, "offline") for _ in range(2)]
    for run_id in runs:
        LedgerErrors(ledger, run_id).save(an_error("test_a"))
    assert LedgerReader(ledger).test(an_error("test_a").nodeid)[1].id == runs[1]
    with pytest.raises(UsageError, match="No run knows a red test"):
        LedgerReader(ledger).test("t.py::nope")


def test_a_ledger_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "ledger.db")
    old.executescript(f"{_MIGRATIONS[0]}; PRAGMA user_version = 1;")
    old.execute("INSERT INTO runs (id, worktree, model, pid, started_at) VALUES ('r1', '/p', 'm', 1, '2024-01-01')")
    old.execute("INSERT INTO errors VALUES ('e1', 'r1', 0, 't.py', 'test_a', 'unfixed', NULL, 'E', 'm', '', '', '[]')")
    old.commit()
    old.close()
    record, _ = LedgerReader(Ledger(tmp_path)).test("t.py::test_a")
    assert (record.status, record.diagnosis) == ("unfixed", None)


def test_a_corrupt_ledger_is_named_with_its_cure_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database, but long enough to look at" * 30)
    with pytest.raises(LedgerUnusable, match="cannot be used") as refused:
        Ledger(tmp_path)
    assert refused.value.cure.startswith("Move it away")
    assert (tmp_path / "ledger.db").read_bytes().startswith(b"not a database")


def test_a_ledger_of_a_newer_fixer_is_refused(tmp_path: Path) -> None:
    Ledger(tmp_path).db.execute("PRAGMA user_version = 99")
    with pytest.raises(LedgerUnusable, match="newer fixer"):
        Ledger(tmp_path)


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)

    def write_half() -> None:
        with ledger.transaction() as db:
            db.execute("INSERT INTO runs VALUES ('r', 'w', 'm', 1, 'now', NULL, NULL, '[]', '{}')")
            db.execute("INSERT INTO nonsense VALUES (1)")

    with pytest.raises(sqlite3.OperationalError):
        write_half()
    assert ledger.db.execute("SELECT COUNT(*) FROM runs").fetchone()[0] == 0


def test_a_run_reads_back_with_costs_times_and_its_fix(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    run_id = ledger.start_run(tmp_path, "openai/gpt-x")
    errors, store, keeper = LedgerErrors(ledger, run_id), FixStore(ledger, tmp_path), CostKeeper(ledger)
    error = an_error("test_y")
    attempt = error.start_fix_attempt(0.4)
    errors.save(error)
    store.open_checkpoint(str(attempt.id), "snapshot")
    keeper(TestsRan("before it", 1, 0, 0, 7.0))
    keeper(FixAttemptStarted(error.id, attempt.id, error.nodeid, 1, 3, 0.4))
    keeper(TestsRan("the test", 1, 0, 0, 0.25))
    keeper(TestsRan("its file", 3, 0, 0, 0.5))
    usage = Usage("openai/gpt-x", 0.4, 1, 100, 20, None, 1.5)
    store.add_uncommitted(StoredFix("abcd1234", str(attempt.id), error.nodeid, run_id, "", "", "Fix it"), "a note")
    error.mark_fixed(attempt)
    errors.save(error)
    keeper(FixAttemptCompleted(error.id, attempt.id, error.nodeid, 1, True, "", usage))
    ledger.end_run(run_id, 0, ["tests/b.py::t"])

    reader = LedgerReader(ledger)
    run = reader.run(run_id[:4])

    assert (run.exit_code, run.newly_broken, run.cost_usd) == (0, ("tests/b.py::t",), None)
    assert run.seconds > 0
    (test,) = run.tests
    assert (test.nodeid, test.status) == ("tests/test_x.py::test_y", "fixed")
    assert test.fix is not None
    assert (test.fix.id, test.fix.state, test.fix.note) == ("abcd1234", "uncommitted", "a note")
    assert (test.attempts[0].tokens_sent, test.attempts[0].temperature_sent) == (100, 0.4)
    assert test.attempts[0].test_seconds == 0.75
    assert reader.fix("tests/test_x.py::test_y") == test.fix
    assert [known.id for known in reader.runs()] == [run_id]


def test_unknown_names_are_refused_with_the_command_that_lists_them(tmp_path: Path) -> None:
    reader = LedgerReader(Ledger(tmp_path))
    for ask in (reader.run, reader.fix):
        with pytest.raises(UsageError) as refused:
            ask("nope")
        assert refused.value.cure == "List them with: fixer history"


def test_an_attempt_s_reason_is_kept_without_secrets(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    errors = LedgerErrors(ledger, ledger.start_run(tmp_path, "m"), lambda text: text.replace("hunter2", "***"))
    error = an_error("test_y")
    error.mark_attempt_failed(error.start_fix_attempt(0.4), "it printed hunter2")
    errors.save(error)
    assert ledger.db.execute("SELECT reason FROM attempts").fetchone()[0] == "it printed ***"
