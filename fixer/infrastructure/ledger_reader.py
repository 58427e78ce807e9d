"""Reads the ledger back as records for history, show and reports, and writes down what events tell of cost and time."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Literal

from fixer.application.records import (
    AttemptRecord,
    ErrorRecord,
    FixRecord,
    Receipt,
    RunCounts,
    RunRecord,
    TestStatus,
)
from fixer.domain.errors import UsageError
from fixer.domain.events import DomainEvent, FixAttemptCompleted, FixAttemptStarted, TestsRan
from fixer.domain.models import Diagnosis, ErrorDetails
from fixer.infrastructure.ledger import Ledger, read_diagnosis, read_places


class LedgerReader:
    """What the ledger of one repository remembers."""

    def __init__(self, ledger: Ledger) -> None:
        self._db = ledger.db

    def runs(self, limit: int = 20) -> list[RunRecord]:
        """The newest runs, newest first."""
        rows = self._db.execute("SELECT * FROM runs ORDER BY started_at DESC, rowid DESC LIMIT ?", (limit,))
        return [self._run(row) for row in rows.fetchall()]

    def run(self, run_id: str) -> RunRecord:
        """One run, by a prefix of its id. Raises UsageError."""
        rows = self._db.execute("SELECT * FROM runs WHERE substr(id, 1, ?) = ?", (len(run_id), run_id)).fetchall()
        if len(rows) != 1:
            raise UsageError(f"No run is called {run_id!r}.", "List them with: fixer history")
        return self._run(rows[0])

    def test(self, nodeid: str) -> tuple[ErrorRecord, RunRecord]:
        """A test that was red, as the newest run that knows it tells. Raises UsageError."""
        file, _, function = nodeid.partition("::")
        row = self._db.execute(
            "SELECT run_id FROM errors WHERE test_file = ? AND test_function = ? ORDER BY rowid DESC LIMIT 1",
            (file, function),
        ).fetchone()
        if row is None:
            raise UsageError(f"No run knows a red test {nodeid!r}.", "List the runs with: fixer history")
        run = self.run(row["run_id"])
        return next(test for test in run.tests if test.nodeid == nodeid), run

    def fix(self, name: str) -> FixRecord:
        """The newest fix called so: by a prefix of its id or commit, or by its test. Raises UsageError."""
        rows = self._db.execute(f"{_FIXES} ORDER BY f.landed_at DESC, f.rowid DESC").fetchall()
        fixes = [_fix(row) for row in rows]
        for fix in fixes:
            if name and (fix.id.startswith(name) or fix.commit.startswith(name) or fix.nodeid == name):
                return fix
        raise UsageError(f"No fix is called {name!r}.", "List them with: fixer history")

    def receipt(self, fix: FixRecord) -> Receipt:
        """What this fix rests on."""
        row = self._db.execute(
            "SELECT e.error_type, e.message, e.stack_trace, e.captured_output, a.*, r.document FROM fixes f "
            "JOIN attempts a ON a.id = f.attempt_id JOIN errors e ON e.id = a.error_id "
            "LEFT JOIN receipts r ON r.fix_id = f.id WHERE f.id = ?",
            (fix.id,),
        ).fetchone()
        before = ErrorDetails(row["error_type"], row["message"], row["stack_trace"], row["captured_output"])
        kept = json.loads(row["document"] or "{}")
        return Receipt(
            fix,
            before,
            _attempt(row),
            tuple(kept.get("guards", ())),
            tuple(RunCounts(**run) for run in kept.get("runs", ())),
            kept.get("made_with", {}),
        )

    def _run(self, row: sqlite3.Row) -> RunRecord:
        errors = self._db.execute("SELECT * FROM errors WHERE run_id = ? ORDER BY position", (row["id"],)).fetchall()
        names = {error["id"]: _nodeid(error) for error in errors}
        return RunRecord(
            row["id"],
            datetime.fromisoformat(row["started_at"]),
            datetime.fromisoformat(row["ended_at"]) if row["ended_at"] else None,
            row["model"],
            row["exit_code"],
            tuple(self._error(error, names) for error in errors),
            tuple(json.loads(row["newly_broken"])),
        )

    def _error(self, row: sqlite3.Row, names: dict[str, str]) -> ErrorRecord:
        attempts = self._db.execute("SELECT * FROM attempts WHERE error_id = ? ORDER BY number", (row["id"],))
        fix = self._db.execute(f"{_FIXES} WHERE e.id = ? ORDER BY f.rowid DESC LIMIT 1", (row["id"],)).fetchone()
        diagnosis = read_diagnosis(row["diagnosis"])
        return ErrorRecord(
            _nodeid(row),
            _status(row["status"], diagnosis),
            row["error_type"],
            row["message"],
            names.get(row["fixed_by"] or "", ""),
            _fix(fix) if fix else None,
            tuple(_attempt(attempt) for attempt in attempts),
            diagnosis,
            next(iter(read_places(row["places"])), None),
        )


class CostKeeper:
    """A listener that writes into the ledger what each attempt cost: tokens, money, seconds of model and of pytest."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._test_seconds = 0.0

    def __call__(self, event: DomainEvent) -> None:
        """Hear of an event."""
        if isinstance(event, FixAttemptStarted):
            self._test_seconds = 0.0
        elif isinstance(event, TestsRan):
            self._test_seconds += event.seconds
        elif isinstance(event, FixAttemptCompleted):
            self._save(event)

    def _save(self, event: FixAttemptCompleted) -> None:
        usage = event.usage
        self._ledger.db.execute(
            "UPDATE attempts SET model = ?, temperature_sent = ?, tokens_sent = ?, tokens_received = ?, cost_usd = ?, "
            "model_seconds = ?, test_seconds = ? WHERE id = ?",
            (
                usage.model,
                usage.temperature,
                usage.tokens_sent,
                usage.tokens_received,
                usage.cost_usd,
                usage.model_seconds,
                self._test_seconds,
                str(event.attempt_id),
            ),
        )


_FIXES = (
    "SELECT f.*, a.description, e.test_file, e.test_function, e.run_id, "
    "(SELECT json_group_array(path) FROM touched_files t WHERE t.attempt_id = f.attempt_id "
    "AND (t.before IS NOT t.after OR t.before_executable IS NOT t.after_executable)) AS files "
    "FROM fixes f JOIN attempts a ON a.id = f.attempt_id JOIN errors e ON e.id = a.error_id"
)


def _status(stored: Literal["fixed", "unfixed"], diagnosis: Diagnosis | None) -> TestStatus:
    if stored == "fixed" or diagnosis is None:
        return stored
    return _STATUS_OF_KIND.get(diagnosis.kind, stored)


_STATUS_OF_KIND: dict[str, TestStatus] = {
    "flaky": "flaky",
    "order-dependent": "flaky",
    "environment": "environment",
    "not chosen": "skipped",
}


def _fix(row: sqlite3.Row) -> FixRecord:
    return FixRecord(
        row["id"],
        row["run_id"],
        _nodeid(row),
        "uncommitted" if row["state"] == "landing" else row["state"],
        row["commit_id"],
        row["note"],
        tuple(json.loads(row["files"])),
        row["description"] or "",
        datetime.fromisoformat(row["landed_at"]),
    )


def _attempt(row: sqlite3.Row) -> AttemptRecord:
    started = datetime.fromisoformat(row["started_at"])
    completed = datetime.fromisoformat(row["completed_at"]) if row["completed_at"] else started
    return AttemptRecord(
        row["number"],
        row["model"],
        row["temperature"],
        row["temperature_sent"],
        row["status"],
        row["reason"],
        (completed - started).total_seconds(),
        row["model_seconds"],
        row["test_seconds"],
        row["tokens_sent"],
        row["tokens_received"],
        row["cost_usd"],
        row["description"] or "",
        started,
    )


def _nodeid(row: sqlite3.Row) -> str:
    return f"{row['test_file']}::{row['test_function']}" if row["test_function"] else str(row["test_file"])
