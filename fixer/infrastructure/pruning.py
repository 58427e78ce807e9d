"""Deletes what fixer keeps only for speed or for a while: old shadows, old saved texts, bytecode beyond its bound."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fixer.domain.errors import TreeNeedsPerson
from fixer.infrastructure.project import Project
from fixer.infrastructure.run_lock import run_lock

SAVED_DAYS = 90
"""How long a text that fixer replaced is kept in `saved/`."""
MOST_BYTECODE = 200_000_000
"""Bytes. Above it the whole folder goes; the next run compiles what it needs."""

_DAY = 86_400.0
_FOLDERS = {"shadow repositories": "shadow.git", "bytecode": "bytecode", "saved texts": "saved"}
_WORKTREE = "*-" + "[0-9a-f]" * 12
_LEFT_BY_A_CRASH = (".fixer-*", ".write-*", "index.next", "index.commit")


@dataclass(frozen=True)
class Pruned:
    """What was deleted: how many files, and their bytes."""

    files: int
    bytes: int


def prune(project: Project, keep_days: float = 30, most_bytecode: int = MOST_BYTECODE) -> Pruned:
    """Go over all working trees of this repository; one that a run is at work in is left alone.

    A shadow that nobody used for `keep_days` goes, whether its working tree is still there or not: the next run
    makes a new one. The ledger stays, so that every fix can still be undone. Call it without holding the lock.
    """
    # By name: what someone else put there is not ours to look into, and a link may lead anywhere.
    found = (project.state / "worktrees").glob(_WORKTREE)
    folders = sorted(path for path in found if path.is_dir() and not path.is_symlink())
    deleted = [size for folder in folders for size in _prune_if_idle(folder, keep_days, most_bytecode)]
    return Pruned(len(deleted), sum(deleted))


def disk_use(project: Project) -> dict[str, int]:
    """The bytes that fixer takes here, by what they are for; all working trees of the repository together."""
    worktrees = project.state / "worktrees"
    places = {"ledger": [project.state / "ledger.db"]} | {
        name: list(worktrees.glob(f"*/{folder}")) for name, folder in _FOLDERS.items()
    }
    return {name: sum(size for path in paths for size in _sizes(path)) for name, paths in places.items()}


def _prune_if_idle(folder: Path, keep_days: float, most_bytecode: int) -> list[int]:
    try:
        # The folder itself stays, for its lock: deleted here, it could be the one that a run is just taking.
        with run_lock(folder):
            return list(_prune_folder(folder, keep_days, most_bytecode))
    except (TreeNeedsPerson, OSError):  # at work, or not ours to write in: the next run looks again
        return []


def _prune_folder(folder: Path, keep_days: float, most_bytecode: int) -> Iterator[int]:
    if _age(folder / "shadow.git" / "index") > keep_days and _age(folder / "shadow.git") > keep_days:
        yield from _delete(folder / "shadow.git")
    if sum(_sizes(folder / "bytecode")) > most_bytecode:
        yield from _delete(folder / "bytecode")
    yield from _delete(folder / "objects")
    for saved in (folder / "saved").glob("*"):
        if _age(saved) > SAVED_DAYS:
            yield from _delete(saved)
    for pattern in _LEFT_BY_A_CRASH:
        for left in folder.glob(pattern):
            if _age(left) > 1:
                yield from _delete(left)


def _age(path: Path) -> float:
    """In days; endless for what is not there."""
    try:
        return (time.time() - path.lstat().st_mtime) / _DAY
    except FileNotFoundError:
        return float("inf")


def _delete(path: Path) -> list[int]:
    sizes = list(_sizes(path))
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return sizes


def _sizes(path: Path) -> Iterator[int]:
    for file in (path, *path.rglob("*")) if path.exists() else ():
        if file.is_file() and not file.is_symlink():
            yield file.stat().st_size
