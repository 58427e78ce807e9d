"""Keeps the ledger within its bound: of old runs it forgets what neither undo nor history needs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from fixer.infrastructure.ledger import Ledger

MOST_LEDGER = 50_000_000
"""Bytes. Above it the details of younger runs are forgotten too, the oldest first."""

_AGES = (90, 30, 7, 1)
_NEEDED_NO_MORE = (
    """
    UPDATE touched_files SET intended = NULL
    WHERE intended IS NOT NULL AND attempt_id IN (SELECT attempt_id FROM checkpoints WHERE closed = 1)
    """,
    "DELETE FROM move_files WHERE move_id IN (SELECT id FROM moves WHERE done = 1)",
)
_DETAILS = (
    """
    UPDATE errors SET stack_trace = '', captured_output = ''
    WHERE (stack_trace <> '' OR captured_output <> '')
      AND run_id IN (SELECT id FROM runs WHERE started_at < :before)
    """,
    """
    UPDATE attempts SET original = NULL, modified = NULL
    WHERE original IS NOT NULL AND started_at < :before
    """,
    """
    DELETE FROM touched_files
    WHERE attempt_id IN (SELECT attempt_id FROM checkpoints WHERE closed = 1)
      AND attempt_id IN (SELECT id FROM attempts WHERE started_at < :before)
      AND attempt_id NOT IN (SELECT attempt_id FROM fixes)
    """,
)


def forget_details(ledger: Ledger, most_bytes: int = MOST_LEDGER) -> None:
    """Forget tracebacks, outputs and whole files of runs older than 90 days, or younger ones above the bound.

    Every fix keeps what undo and redo need, every run what history and show print; nothing of the last day goes.
    """
    with ledger.transaction() as db:
        for statement in _NEEDED_NO_MORE:
            db.execute(statement)
    for days in _AGES:
        before = datetime.now(timezone.utc) - timedelta(days=days)
        with ledger.transaction() as db:
            for statement in _DETAILS:
                db.execute(statement, {"before": before.isoformat()})
        if _used(ledger) <= most_bytes:
            return


def compact(ledger: Ledger) -> int:
    """Give the file system back what was forgotten, which SQLite otherwise keeps for what comes next; the bytes.

    Raises sqlite3.OperationalError where another process is writing, or the disk has no room for the copy.
    """
    size = ledger.path.stat().st_size
    ledger.db.execute("VACUUM")
    return size - ledger.path.stat().st_size


def _used(ledger: Ledger) -> int:
    pages, free, size = (
        int(ledger.db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
