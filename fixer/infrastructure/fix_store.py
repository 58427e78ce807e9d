"""The part of the ledger that undo and recovery stand on: checkpoints, touched files, fixes, moves begun."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from fixer.domain.errors import UsageError
from fixer.infrastructure.fault_points import reach
from fixer.infrastructure.ledger import Ledger
from fixer.infrastructure.user_branch import FileChange, Move
from fixer.infrastructure.working_file import FileState

DRY_RUN = "dry run"
"""The note of a fix that is in the tree only until its run ends."""


@dataclass(frozen=True)
class StoredFix:
    """A fix as the ledger knows it; `commit` is empty where it was never committed."""

    id: str
    attempt_id: str
    nodeid: str
    run_id: str
    state: str
    commit: str
    message: str


@dataclass(frozen=True)
class BegunMove:
    """A move of the user's tree that was begun and not ended."""

    id: int
    fix_id: str
    move: Move
    files: tuple[FileChange, ...]
    state_after: str
    commit_after: str


@dataclass(frozen=True)
class TouchedFile:
    """A file of an open attempt. Until the engine has `finished`, it may also hold a beginning of any of the texts."""

    path: str
    before: FileState | None
    after: FileState | None
    intended: bytes | None
    finished: bool


@dataclass(frozen=True)
class OpenCheckpoint:
    """An attempt whose changes were neither landed nor taken back."""

    attempt_id: str
    nodeid: str
    files: tuple[TouchedFile, ...]


class FixStore:
    """Reads and writes them, for one working tree."""

    def __init__(self, ledger: Ledger, worktree: Path) -> None:
        self._ledger = ledger
        self._worktree = str(worktree)

    def open_checkpoint(self, attempt_id: str, snapshot: str) -> None:
        """On disk before an attempt touches anything."""
        self._ledger.db.execute(
            "INSERT INTO checkpoints (attempt_id, worktree, snapshot) VALUES (?, ?, ?)",
            (attempt_id, self._worktree, snapshot),
        )
        reach("checkpoint opened")

    def touch(self, attempt_id: str, path: str, before: FileState | None) -> None:
        """On disk before the engine writes this file; the first state seen counts."""
        self._ledger.db.execute(
            "INSERT OR IGNORE INTO touched_files (attempt_id, path, before, before_executable) VALUES (?, ?, ?, ?)",
            (attempt_id, path, *_columns(before)),
        )
        reach("file touched")

    def intend(self, attempt_id: str, path: str, now: FileState | None, text: bytes) -> None:
        """On disk before the engine writes this text over what stands there now."""
        self._ledger.db.execute(
            "UPDATE touched_files SET after = ?, after_executable = ?, intended = ?, finished = 0 "
            "WHERE attempt_id = ? AND path = ?",
            (*_columns(now), text, attempt_id, path),
        )
        reach("text intended")

    def resume(self, attempt_id: str) -> None:
        """The engine is about to write these files again, to take its work back."""
        self._ledger.db.execute("UPDATE touched_files SET finished = 0 WHERE attempt_id = ?", (attempt_id,))
        reach("engine resumed")

    def finish(self, attempt_id: str, states: Iterable[tuple[str, FileState | None]]) -> None:
        """What the engine made of the files it touched."""
        with self._ledger.transaction() as db:
            db.executemany(
                "UPDATE touched_files SET after = ?, after_executable = ?, finished = 1 "
                "WHERE attempt_id = ? AND path = ?",
                [(*_columns(state), attempt_id, path) for path, state in states],
            )
        reach("engine finished")

    def changes(self, attempt_id: str) -> tuple[FileChange, ...]:
        """The files that an attempt touched, as they were and as it left them."""
        rows = self._ledger.db.execute("SELECT * FROM touched_files WHERE attempt_id = ? ORDER BY path", (attempt_id,))
        return tuple(_change(row) for row in rows)

    def touched(self, attempt_id: str) -> tuple[TouchedFile, ...]:
        """The files of an attempt, with what the engine may have left half written."""
        rows = self._ledger.db.execute("SELECT * FROM touched_files WHERE attempt_id = ? ORDER BY path", (attempt_id,))
        changed = ((row, _change(row)) for row in rows)
        return tuple(
            TouchedFile(change.path, change.before, change.after, row["intended"], bool(row["finished"]))
            for row, change in changed
        )

    def close_checkpoint(self, attempt_id: str) -> None:
        """Nothing of this attempt is left to take back."""
        self._ledger.db.execute("UPDATE checkpoints SET closed = 1 WHERE attempt_id = ?", (attempt_id,))
        reach("checkpoint closed")

    def open_checkpoints(self) -> list[OpenCheckpoint]:
        """The attempts that were cut off in this working tree."""
        rows = self._ledger.db.execute(
            "SELECT c.attempt_id, e.test_file, e.test_function FROM checkpoints c "
            "JOIN attempts a ON a.id = c.attempt_id JOIN errors e ON e.id = a.error_id "
            "WHERE c.closed = 0 AND c.worktree = ?",
            (self._worktree,),
        ).fetchall()
        return [OpenCheckpoint(row["attempt_id"], _nodeid(row), self.touched(row["attempt_id"])) for row in rows]

    def abandon(self, attempt_id: str, reason: str) -> None:
        """Close the checkpoint of an attempt that a crash cut off."""
        with self._ledger.transaction() as db:
            db.execute("UPDATE checkpoints SET closed = 1 WHERE attempt_id = ?", (attempt_id,))
            db.execute(
                "UPDATE attempts SET status = 'failed', reason = ?, completed_at = ? WHERE id = ?",
                (reason, _now(), attempt_id),
            )
        reach("attempt abandoned")

    def add_uncommitted(self, fix: StoredFix, note: str) -> None:
        """A verified fix that stays in the tree, uncommitted."""
        with self._ledger.transaction() as db:
            self._insert(db, fix, "uncommitted", note)
            db.execute("UPDATE checkpoints SET closed = 1 WHERE attempt_id = ?", (fix.attempt_id,))
        reach("fix kept uncommitted")

    def add_landing(self, fix: StoredFix, move: Move) -> int:
        """A verified fix that is about to be committed; the move's id."""
        with self._ledger.transaction() as db:
            self._insert(db, fix, "landing", "")
            move_id = self._begin(db, fix.id, move, (), "landed", move.new_head)
        reach("landing begun")
        return move_id

    def begin_move(
        self, fix: StoredFix, move: Move, files: Sequence[FileChange], state_after: str, commit_after: str
    ) -> int:
        """An undo or redo that is about to happen; the move's id."""
        with self._ledger.transaction() as db:
            move_id = self._begin(db, fix.id, move, files, state_after, commit_after)
        reach("move begun")
        return move_id

    def end_move(self, begun: BegunMove) -> None:
        """The move is complete."""
        with self._ledger.transaction() as db:
            db.execute("UPDATE moves SET done = 1 WHERE id = ?", (begun.id,))
            db.execute(
                "UPDATE fixes SET state = ?, commit_id = ? WHERE id = ?",
                (begun.state_after, begun.commit_after, begun.fix_id),
            )
            db.execute(
                "UPDATE checkpoints SET closed = 1 WHERE attempt_id = (SELECT attempt_id FROM fixes WHERE id = ?)",
                (begun.fix_id,),
            )
        reach("move ended")

    def cancel_move(self, begun: BegunMove) -> None:
        """The move never happened; a fix that was only about to land was none."""
        with self._ledger.transaction() as db:
            db.execute("DELETE FROM move_files WHERE move_id = ?", (begun.id,))
            db.execute("DELETE FROM moves WHERE id = ?", (begun.id,))
            db.execute("DELETE FROM fixes WHERE id = ? AND state = 'landing'", (begun.fix_id,))
        reach("move cancelled")

    def begun_moves(self) -> list[BegunMove]:
        """The moves that were cut off in this working tree, oldest first."""
        rows = self._ledger.db.execute(
            "SELECT * FROM moves WHERE done = 0 AND worktree = ? ORDER BY id", (self._worktree,)
        ).fetchall()
        return [self._load_move(row) for row in rows]

    def begun_move(self, move_id: int) -> BegunMove:
        """One of them."""
        return self._load_move(self._ledger.db.execute("SELECT * FROM moves WHERE id = ?", (move_id,)).fetchone())

    def fixes(self) -> list[StoredFix]:
        """All fixes of this working tree, newest first."""
        rows = self._ledger.db.execute(
            "SELECT f.*, e.test_file, e.test_function, e.run_id FROM fixes f JOIN attempts a ON a.id = f.attempt_id "
            "JOIN errors e ON e.id = a.error_id WHERE f.worktree = ? ORDER BY f.landed_at DESC, f.rowid DESC",
            (self._worktree,),
        )
        return [
            StoredFix(
                row["id"],
                row["attempt_id"],
                _nodeid(row),
                row["run_id"],
                row["state"],
                row["commit_id"],
                row["message"],
            )
            for row in rows
        ]

    def fix_of_error(self, error_id: str) -> StoredFix:
        """The newest fix of this error. Raises UsageError where there is none."""
        attempts = self._ledger.db.execute("SELECT id FROM attempts WHERE error_id = ?", (error_id,)).fetchall()
        ids = {row["id"] for row in attempts}
        for fix in self.fixes():
            if fix.attempt_id in ids:
                return fix
        raise UsageError("This test has no fix.")

    def left_by_dry_runs(self) -> list[StoredFix]:
        """What dry runs that were killed have left in the tree, newest first."""
        rows = self._ledger.db.execute(
            "SELECT f.id FROM fixes f JOIN attempts a ON a.id = f.attempt_id JOIN errors e ON e.id = a.error_id "
            "JOIN runs r ON r.id = e.run_id WHERE f.state = 'uncommitted' AND f.note = ? AND r.ended_at IS NULL",
            (DRY_RUN,),
        )
        left = {row["id"] for row in rows}
        return [fix for fix in self.fixes() if fix.id in left]

    def forget_note(self, fix: StoredFix) -> None:
        """The reason why the fix is not committed no longer holds."""
        self._ledger.db.execute("UPDATE fixes SET note = '' WHERE id = ?", (fix.id,))

    def _insert(self, db: sqlite3.Connection, fix: StoredFix, state: str, note: str) -> None:
        db.execute(
            "INSERT INTO fixes VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (fix.id, fix.attempt_id, self._worktree, state, "", note, fix.message, _now()),
        )

    def _begin(
        self,
        db: sqlite3.Connection,
        fix_id: str,
        move: Move,
        files: Sequence[FileChange],
        state_after: str,
        commit_after: str,
    ) -> int:
        cursor = db.execute(
            "INSERT INTO moves (fix_id, worktree, old_head, new_head, state_after, commit_after) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (fix_id, self._worktree, move.old_head, move.new_head, state_after, commit_after),
        )
        move_id = cursor.lastrowid or 0
        db.executemany(
            "INSERT INTO move_files VALUES (?, ?, ?, ?, ?, ?)",
            [(move_id, file.path, *_columns(file.before), *_columns(file.after)) for file in files],
        )
        return move_id

    def _load_move(self, row: sqlite3.Row) -> BegunMove:
        files = self._ledger.db.execute("SELECT * FROM move_files WHERE move_id = ?", (row["id"],))
        return BegunMove(
            row["id"],
            row["fix_id"],
            Move(row["old_head"], row["new_head"]),
            tuple(_change(file) for file in files),
            row["state_after"],
            row["commit_after"],
        )


def _columns(state: FileState | None) -> tuple[bytes | None, bool | None]:
    return (state.content, state.executable) if state else (None, None)


def _change(row: sqlite3.Row) -> FileChange:
    before = None if row["before"] is None else FileState(row["before"], bool(row["before_executable"]))
    after = None if row["after"] is None else FileState(row["after"], bool(row["after_executable"]))
    return FileChange(row["path"], before, after)


def _nodeid(row: sqlite3.Row) -> str:
    return f"{row['test_file']}::{row['test_function']}" if row["test_function"] else row["test_file"]


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
