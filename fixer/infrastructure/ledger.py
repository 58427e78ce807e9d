"""The durable record: runs, failing tests, attempts, fixes, and what it takes to undo them. SQLite.

Everything that a crash or an undo needs is here, file contents included: the shadow repository may be thrown away.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from uuid import UUID, uuid4

from fixer.domain.errors import LedgerUnusable
from fixer.domain.ladder import Rung
from fixer.domain.models import CodeChanges, CodeLocation, Diagnosis, ErrorDetails, FixAttempt, TestError

_MIGRATIONS = (
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, worktree TEXT NOT NULL, model TEXT NOT NULL, pid INTEGER NOT NULL,
        started_at TEXT NOT NULL, ended_at TEXT, exit_code INTEGER, newly_broken TEXT NOT NULL DEFAULT '[]');
    CREATE TABLE errors (
        id TEXT PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs(id), position INTEGER NOT NULL,
        test_file TEXT NOT NULL, test_function TEXT NOT NULL, status TEXT NOT NULL, fixed_by TEXT,
        error_type TEXT NOT NULL, message TEXT NOT NULL, stack_trace TEXT NOT NULL, captured_output TEXT NOT NULL,
        places TEXT NOT NULL);
    CREATE INDEX errors_of_run ON errors(run_id, position);
    CREATE TABLE attempts (
        id TEXT PRIMARY KEY, error_id TEXT NOT NULL REFERENCES errors(id), number INTEGER NOT NULL,
        temperature REAL NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, started_at TEXT NOT NULL,
        completed_at TEXT, original TEXT, modified TEXT, description TEXT,
        model TEXT NOT NULL DEFAULT '', temperature_sent REAL, tokens_sent INTEGER NOT NULL DEFAULT 0,
        tokens_received INTEGER NOT NULL DEFAULT 0, cost_usd REAL, model_seconds REAL NOT NULL DEFAULT 0,
        test_seconds REAL NOT NULL DEFAULT 0);
    CREATE INDEX attempts_of_error ON attempts(error_id, number);
    -- A checkpoint exists from before an attempt touches the tree until its changes are landed or taken back.
    CREATE TABLE checkpoints (
        attempt_id TEXT PRIMARY KEY REFERENCES attempts(id), worktree TEXT NOT NULL, snapshot TEXT NOT NULL,
        closed INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE touched_files (
        attempt_id TEXT NOT NULL REFERENCES checkpoints(attempt_id), path TEXT NOT NULL,
        before BLOB, before_executable INTEGER, after BLOB, after_executable INTEGER,
        finished INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (attempt_id, path));
    CREATE TABLE fixes (
        id TEXT PRIMARY KEY, attempt_id TEXT NOT NULL UNIQUE REFERENCES attempts(id), worktree TEXT NOT NULL,
        state TEXT NOT NULL, commit_id TEXT NOT NULL, note TEXT NOT NULL, message TEXT NOT NULL,
        landed_at TEXT NOT NULL);
    -- A move of the user's tree that has begun: after its commit point it is completed, before it it never happened.
    CREATE TABLE moves (
        id INTEGER PRIMARY KEY, fix_id TEXT NOT NULL REFERENCES fixes(id), worktree TEXT NOT NULL,
        old_head TEXT NOT NULL, new_head TEXT NOT NULL, state_after TEXT NOT NULL, commit_after TEXT NOT NULL,
        done INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE move_files (
        move_id INTEGER NOT NULL REFERENCES moves(id), path TEXT NOT NULL,
        before BLOB, before_executable INTEGER, after BLOB, after_executable INTEGER);
    """,
    # The text that the engine was about to write: a crash may have left it, or a beginning of it.
    "ALTER TABLE touched_files ADD COLUMN intended BLOB;",
    """
    -- What a fix was verified by, as a JSON document; what else a receipt shows stands with its error and attempt.
    CREATE TABLE receipts (fix_id TEXT PRIMARY KEY REFERENCES fixes(id), document TEXT NOT NULL);
    """,
    # Why a test is left alone: [kind, message, cure], or null.
    "ALTER TABLE errors ADD COLUMN diagnosis TEXT",
    """
    -- What a later run needs in order to go on with this one, as JSON; and of attempts, where they stood on the ladder.
    ALTER TABLE runs ADD COLUMN wishes TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE attempts ADD COLUMN rung TEXT;
    ALTER TABLE attempts ADD COLUMN refused_by TEXT NOT NULL DEFAULT '';
    ALTER TABLE attempts ADD COLUMN cut_off INTEGER NOT NULL DEFAULT 0;
    """,
)


class Ledger:
    """One database per repository. Raises LedgerUnusable where it cannot be trusted."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.db"
        try:
            self.db = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
            self.db.row_factory = sqlite3.Row
            self.db.execute("PRAGMA foreign_keys = ON")
            self.db.execute("PRAGMA synchronous = FULL")
            self._check()
            self._migrate()
        except sqlite3.DatabaseError as broken:
            raise LedgerUnusable(
                f"The ledger {self.path} cannot be used: {broken}. Your files were not touched.",
                f"Move it away to start a new one: mv '{self.path}' '{self.path}.bad'",
            ) from broken

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, on disk when it ends."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def start_run(self, worktree: Path, model: str, wishes: Mapping[str, object] | None = None) -> str:
        """Open a run; its short id. `wishes` is whatever JSON can hold."""
        run_id = uuid4().hex[:8]
        self.db.execute(
            "INSERT INTO runs (id, worktree, model, pid, started_at, wishes) VALUES (?, ?, ?, ?, ?, ?)",
            (run_id, str(worktree), model, os.getpid(), _now(), json.dumps(wishes or {})),
        )
        return run_id

    def end_run(self, run_id: str, exit_code: int, newly_broken: Sequence[str] = ()) -> None:
        """Close a run."""
        self.db.execute(
            "UPDATE runs SET ended_at = ?, exit_code = ?, newly_broken = ? WHERE id = ?",
            (_now(), exit_code, json.dumps(list(newly_broken)), run_id),
        )

    def _check(self) -> None:
        # All of it, now: a damaged page that is met halfway through an undo would leave the tree halfway too.
        found = self.db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"it is damaged ({' '.join(found.split())})")

    def _migrate(self) -> None:
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(_MIGRATIONS):
            raise LedgerUnusable(
                f"The ledger {self.path} was written by a newer fixer (version {version}, this one knows "
                f"{len(_MIGRATIONS)}).",
                "Upgrade: pipx upgrade pytest-fixer",
            )
        for number, script in enumerate(_MIGRATIONS[version:], version + 1):
            self.db.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")


class LedgerErrors:
    """The failing tests of one run: a TestErrorRepository on the ledger.

    Within a process every error is one object, so that whoever holds it sees what became of it.
    """

    def __init__(self, ledger: Ledger, run_id: str, mask: Callable[[str], str] = lambda text: text) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._mask = mask
        self._known: dict[UUID, TestError] = {}

    def get_by_id(self, error_id: UUID) -> TestError | None:
        """The error with this id, of this run or of an earlier one."""
        if error_id not in self._known:
            row = self._ledger.db.execute("SELECT * FROM errors WHERE id = ?", (str(error_id),)).fetchone()
            if not row:
                return None
            self._known[error_id] = self._load(row)
        return self._known[error_id]

    def save(self, error: TestError) -> None:
        """Store the error and all its attempts, in one transaction."""
        self._known[error.id] = error
        with self._ledger.transaction() as db:
            db.execute(_SAVE_ERROR, {**_error_values(error), **self._masked(error), "run_id": self._run_id})
            db.executemany(_SAVE_ATTEMPT, [self._attempt_values(attempt) for attempt in error.fix_attempts])

    def _attempt_values(self, attempt: FixAttempt) -> dict[str, object]:
        """Its reason may quote what a test has printed; its diff is the user's own text, and stays what it is."""
        return {**_attempt_values(attempt), "reason": storable(self._mask(attempt.reason))}

    def _masked(self, error: TestError) -> dict[str, str]:
        """What a test has printed may hold keys, and the ledger outlives them."""
        details = error.error_details
        texts = {
            "message": details.message,
            "stack_trace": details.stack_trace,
            "captured_output": details.captured_output,
        }
        return {name: storable(self._mask(text)) for name, text in texts.items()}

    def get_unfixed_errors(self) -> Sequence[TestError]:
        """The unfixed errors of this run, in the order in which they were found."""
        rows = self._ledger.db.execute(
            "SELECT id FROM errors WHERE run_id = ? AND status = 'unfixed' ORDER BY position", (self._run_id,)
        ).fetchall()
        return [error for row in rows if (error := self.get_by_id(UUID(row["id"])))]

    def _load(self, row: sqlite3.Row) -> TestError:
        attempts = self._ledger.db.execute("SELECT * FROM attempts WHERE error_id = ? ORDER BY number", (row["id"],))
        places = read_places(row["places"])
        return TestError(
            Path(row["test_file"]),
            row["test_function"],
            ErrorDetails(row["error_type"], row["message"], row["stack_trace"], row["captured_output"]),
            places[0] if places else None,
            tuple(places[1:]),
            UUID(row["id"]),
            [load_attempt(attempt) for attempt in attempts],
            row["status"],
            UUID(row["fixed_by"]) if row["fixed_by"] else None,
            read_diagnosis(row["diagnosis"]),
        )


def read_places(stored: str) -> list[CodeLocation]:
    """Where an error came from: the place itself, then the frames of its traceback."""
    return [CodeLocation(Path(file), line, column) for file, line, column in json.loads(stored)]


def read_diagnosis(stored: str | None) -> Diagnosis | None:
    """What was stored of why a test is left alone."""
    return Diagnosis(*json.loads(stored)) if stored else None


def load_attempt(row: sqlite3.Row) -> FixAttempt:
    """An attempt as it was saved."""
    changes = CodeChanges(row["original"], row["modified"], row["description"]) if row["original"] is not None else None
    completed = datetime.fromisoformat(row["completed_at"]) if row["completed_at"] else None
    return FixAttempt(
        UUID(row["error_id"]),
        row["number"],
        row["temperature"],
        UUID(row["id"]),
        row["status"],
        changes,
        datetime.fromisoformat(row["started_at"]),
        completed,
        row["reason"],
        Rung(**json.loads(row["rung"])) if row["rung"] else None,
        row["refused_by"],
        bool(row["cut_off"]),
    )


_SAVE_ERROR = """
    INSERT INTO errors VALUES (:id, :run_id, (SELECT COUNT(*) FROM errors WHERE run_id = :run_id), :test_file,
        :test_function, :status, :fixed_by, :error_type, :message, :stack_trace, :captured_output, :places, :diagnosis)
    ON CONFLICT (id) DO UPDATE SET status = :status, fixed_by = :fixed_by, diagnosis = :diagnosis
"""
_SAVE_ATTEMPT = """
    INSERT INTO attempts (id, error_id, number, temperature, status, reason, started_at, completed_at, original,
        modified, description, rung, refused_by, cut_off)
    VALUES (:id, :error_id, :number, :temperature, :status, :reason, :started_at, :completed_at, :original,
        :modified, :description, :rung, :refused_by, :cut_off)
    ON CONFLICT (id) DO UPDATE SET status = :status, reason = :reason, completed_at = :completed_at,
        original = :original, modified = :modified, description = :description, refused_by = :refused_by,
        cut_off = :cut_off
"""


def _error_values(error: TestError) -> dict[str, object]:
    details = error.error_details
    # The place of the error comes first; without one there are no frames either.
    places = [error.location, *error.frames] if error.location else []
    diagnosis = error.diagnosis
    return {
        "id": str(error.id),
        "test_file": Path(error.test_file).as_posix(),
        "test_function": error.test_function,
        "status": error.status,
        "fixed_by": str(error.fixed_by) if error.fixed_by else None,
        "error_type": storable(details.error_type),
        "message": storable(details.message),
        "stack_trace": storable(details.stack_trace),
        "captured_output": storable(details.captured_output),
        "places": json.dumps([(str(place.file), place.line, place.column) for place in places]),
        "diagnosis": json.dumps([diagnosis.kind, diagnosis.message, diagnosis.cure]) if diagnosis else None,
    }


def _attempt_values(attempt: FixAttempt) -> dict[str, object]:
    changes = attempt.changes
    return {
        "id": str(attempt.id),
        "error_id": str(attempt.error_id),
        "number": attempt.attempt_number,
        "temperature": attempt.temperature,
        "status": attempt.status,
        "reason": storable(attempt.reason),
        "started_at": attempt.started_at.isoformat(),
        "completed_at": attempt.completed_at.isoformat() if attempt.completed_at else None,
        "original": changes.original if changes else None,
        "modified": changes.modified if changes else None,
        "description": changes.description if changes else None,
        "rung": json.dumps(asdict(attempt.rung)) if attempt.rung else None,
        "refused_by": attempt.refused_by,
        "cut_off": attempt.cut_off,
    }


def storable(text: str) -> str:
    """Without lone surrogates, which tests may print and SQLite cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
