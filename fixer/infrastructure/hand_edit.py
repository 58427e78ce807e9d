"""Opens the files of an attempt in the person's own editor, as copies, and carries over what they make of them."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from fixer.domain.errors import EditFailed
from fixer.domain.models import CodeChanges
from fixer.infrastructure.landing import save_aside
from fixer.infrastructure.project import Project
from fixer.infrastructure.rewriting import describe
from fixer.infrastructure.user_branch import FileChange
from fixer.infrastructure.working_file import FileState
from fixer.infrastructure.workspace import Workspace


class HandEdit:
    """A HandEditor. Copies are edited, so that a crash of editor or terminal leaves the tree to the ledger alone."""

    def __init__(
        self,
        workspace: Workspace,
        project: Project,
        environ: Mapping[str, str],
        pause: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._workspace = workspace
        self._project = project
        self._environ = environ
        self._pause = pause
        self._last: tuple[FileChange, ...] = ()

    def edit(self) -> CodeChanges | None:
        """Open the files and wait; None where they were left as they were. Raises EditFailed, TreeNeedsPerson."""
        self._last = ()
        command = editor_command(self._environ)
        present = [change for change in self._workspace.changes() if change.after]
        with tempfile.TemporaryDirectory(prefix="fixer-edit-") as folder:
            copies = [_copy(Path(folder), change) for change in present]
            with self._pause():
                _wait_for(command, copies, self._project.top)
            edits = [_edited(change, copy) for change, copy in zip(present, copies, strict=True)]
        edits = [edit for edit in edits if edit.before != edit.after]
        if not edits:
            return None
        self._last = self._workspace.amend(edits)
        return describe([change for change in self._workspace.changes() if change.before != change.after])

    def restore(self) -> str:
        """Take the last edit out of the tree again; the copy of it that is kept."""
        kept = [str(save_aside(self._project.worktree_state, change.path, change.after)) for change in self._last]
        self._workspace.amend([change.reversed() for change in self._last])
        self._last = ()
        return ", ".join(kept)


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """$VISUAL, else $EDITOR, as words. Raises EditFailed."""
    for name in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(environ.get(name, ""))
        except ValueError as unclear:
            raise EditFailed(f"${name} cannot be understood: {unclear}.", f"export {name}=nano") from unclear
        if words:
            return words
    raise EditFailed("No editor is named.", "export EDITOR=nano (or any other that waits), then run fixer again")


def _copy(folder: Path, change: FileChange) -> Path:
    """Below its own path, so that an editor knows the language and a person the file."""
    copy = folder / change.path
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(change.after.content if change.after else b"")
    return copy


def _wait_for(command: list[str], copies: list[Path], directory: Path) -> None:
    try:
        # What stdout is does not matter to a person at a terminal: it may be a file that waits for data.
        code = subprocess.run([*command, *map(str, copies)], cwd=directory, stdout=sys.stderr, check=False).returncode
    except OSError as refused:
        raise EditFailed(f"Your editor could not be started: {command[0]}: {refused.strerror}.") from refused
    if code:
        raise EditFailed(f"Your editor {command[0]} ended with {code}: nothing of it was taken over.")


def _edited(change: FileChange, copy: Path) -> FileChange:
    if change.after is None:
        return change
    try:
        after: FileState | None = replace(change.after, content=copy.read_bytes())
    except FileNotFoundError:
        after = change.after
    return FileChange(change.path, change.after, after)
