"""One run per working tree: a lock that dies with its process, and says who holds it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from fixer.domain.errors import TreeNeedsPerson


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold the working tree. Raises TreeNeedsPerson naming the process that holds it already.

    The operating system drops the lock with the process, so none can be stale.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as taken:
        raise TreeNeedsPerson(
            f"Another fixer works on this tree: {_holder(folder)}.", "Wait for it, or stop it with Ctrl-C."
        ) from taken
    try:
        started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        (folder / "lock.json").write_text(json.dumps({"pid": os.getpid(), "started": started}))
        yield
    finally:
        (folder / "lock.json").unlink(missing_ok=True)
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether a run is at work in this working tree."""
    try:
        with run_lock(folder):
            return False
    except TreeNeedsPerson:
        return True


def _holder(folder: Path) -> str:
    try:
        holder = json.loads((folder / "lock.json").read_text())
        return f"pid {int(holder['pid'])}, since {holder['started']}"
    except (OSError, ValueError, KeyError):
        return "a process that has only just started"
