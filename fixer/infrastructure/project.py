"""Where a project lives, and where fixer keeps what it remembers of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fixer.domain.errors import UsageError
from fixer.infrastructure.git import Repository, find_repository


@dataclass(frozen=True)
class Project:
    """A project: where it was called from, the top of its working tree, its repository if it has one."""

    directory: Path
    """Where fixer was called, and where pytest is run."""
    top: Path
    """The top of the git working tree; without git, `directory`."""
    repository: Repository | None
    state: Path
    """Shared by all worktrees of the repository: the ledger."""
    worktree_state: Path
    """This working tree's own: the shadow repository, the lock, patches."""

    def relative(self, path: Path) -> str:
        """The path as git writes it. Raises ValueError outside the working tree."""
        return path.relative_to(self.top).as_posix()


def locate(directory: Path, environ: Mapping[str, str]) -> Project:
    """Find the project around a directory. Raises UsageError where fixer cannot work or remember anything."""
    project = find_project(directory, environ)
    _make_writable(project.worktree_state)
    _refuse_foreign(project.worktree_state)
    return project


def find_project(directory: Path, environ: Mapping[str, str]) -> Project:
    """The same, without leaving a trace. Raises UsageError where fixer cannot work."""
    directory = directory.resolve()
    repository = find_repository(directory)
    top = repository.top if repository else directory
    state = repository.common_dir / "fixer" if repository else _home_state(environ) / _key(directory)
    return Project(directory, top, repository, state, state / "worktrees" / _key(top))


def _home_state(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "fixer"


def _key(path: Path) -> str:
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return f"{path.name[:20]}-{digest}"


def _make_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".write-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as refused:
        in_the_way = next((place for place in (folder, *folder.parents) if os.path.lexists(place)), folder)
        cure = f"Make it writable: chmod -R u+w '{in_the_way}'" if in_the_way.is_dir() else _move_away(in_the_way)
        raise UsageError(
            f"fixer cannot write to {folder}: {refused.strerror}. Without it nothing could be undone, "
            "so nothing was started.",
            cure,
        ) from refused


def _refuse_foreign(folder: Path) -> None:
    wrong = [folder / name for name in _OUR_FOLDERS if os.path.lexists(folder / name) and not (folder / name).is_dir()]
    wrong += [folder / name for name in _OUR_FILES if (folder / name).is_dir()]
    if wrong:
        raise UsageError(
            f"{wrong[0]} is not fixer's: something else stands where fixer keeps its own. Nothing was touched.",
            _move_away(wrong[0]),
        )


def _move_away(path: Path) -> str:
    return f"Move it away: mv '{path}' '{path}.bad'"


_OUR_FOLDERS = ("shadow.git", "saved", "bytecode", "objects")
_OUR_FILES = ("lock", "lock.json", "index.next", "index.commit", "report.html")
