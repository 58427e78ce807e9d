"""What the newest run of a working tree has left undone, as the ledger tells it: for a run that goes on with it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixer.domain.ladder import Rung, timeless
from fixer.domain.models import FixAttempt, TestError
from fixer.infrastructure.ledger import Ledger, load_attempt, storable
from fixer.infrastructure.ledger_reader import LedgerReader


@dataclass(frozen=True)
class Unfinished:
    """A run to go on with: the tests that it left red, how it called pytest, and the attempts it meant to make."""

    run_id: str
    left: tuple[str, ...]
    pytest_args: tuple[str, ...]
    ladder: tuple[Rung, ...]


def find_unfinished(ledger: Ledger, worktree: Path) -> Unfinished | None:
    """The newest run of this tree; None where there was none, or where nothing is left red."""
    row = ledger.db.execute(
        "SELECT * FROM runs WHERE worktree = ? ORDER BY started_at DESC, rowid DESC LIMIT 1", (str(worktree),)
    ).fetchone()
    tests = LedgerReader(ledger).run(row["id"]).tests if row else ()
    left = tuple(test.nodeid for test in tests if test.status == "unfixed")
    if not left:
        return None
    wishes: dict[str, Any] = json.loads(row["wishes"])
    rungs = tuple(Rung(**rung) for rung in wishes.get("ladder", ()))
    return Unfinished(row["id"], left, tuple(wishes.get("pytest_args", ())), rungs)


class Recall:
    """What was tried in vain on a test in a run, and in those that it went on with, where it still fails as then."""

    def __init__(self, ledger: Ledger, run_id: str, mask: Callable[[str], str] = lambda text: text) -> None:
        self._ledger = ledger
        self._runs = tuple(_chain(ledger, run_id))
        self._mask = mask

    def __call__(self, error: TestError) -> Sequence[FixAttempt]:
        """The attempts, oldest first; those that were cut off are not among them."""
        found: list[FixAttempt] = []
        for run_id in self._runs:
            rows = [row for row in _left_red(self._ledger, run_id) if _nodeid(row) == error.nodeid]
            if not any(self._fails_so(row, error) for row in rows):
                break
            found = [*(attempt for row in rows for attempt in self._ended(row["id"])), *found]
        return found

    def _fails_so(self, row: sqlite3.Row, error: TestError) -> bool:
        details = error.error_details
        told = details.error_type, timeless(storable(self._mask(details.message)))
        return told == (row["error_type"], timeless(row["message"]))

    def _ended(self, error_id: str) -> Iterator[FixAttempt]:
        rows = self._ledger.db.execute(
            "SELECT * FROM attempts WHERE error_id = ? AND status = 'failed' AND NOT cut_off ORDER BY number",
            (error_id,),
        )
        return map(load_attempt, rows.fetchall())


def _chain(ledger: Ledger, run_id: str) -> Iterator[str]:
    """The run and those before it that it went on with, newest first."""
    while run_id:
        yield run_id
        row = ledger.db.execute("SELECT wishes FROM runs WHERE id = ?", (run_id,)).fetchone()
        run_id = json.loads(row["wishes"]).get("resumed", "") if row else ""


def _left_red(ledger: Ledger, run_id: str) -> list[sqlite3.Row]:
    return ledger.db.execute(
        "SELECT * FROM errors WHERE run_id = ? AND status = 'unfixed' ORDER BY position", (run_id,)
    ).fetchall()


def _nodeid(row: sqlite3.Row) -> str:
    return f"{row['test_file']}::{row['test_function']}" if row["test_function"] else str(row["test_file"])
