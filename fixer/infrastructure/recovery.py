"""Takes attempts back: the one that just failed, and those that a crash cut off.

What is to be done is decided for all files of an attempt before the first of them is written.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fixer.application.ports import Arbiter
from fixer.domain.errors import TreeNeedsPerson
from fixer.infrastructure.fault_points import reach
from fixer.infrastructure.fix_store import FixStore, OpenCheckpoint, StoredFix, TouchedFile
from fixer.infrastructure.landing import Landing, saved_name
from fixer.infrastructure.patch_text import patch_between
from fixer.infrastructure.project import Project
from fixer.infrastructure.working_file import Conflict, FileState, merge_states, read_state, write_state


def is_interrupted(store: FixStore) -> bool:
    """Whether a crash left anything in this working tree that `recover` would put right."""
    return bool(store.begun_moves() or store.open_checkpoints() or store.left_by_dry_runs())


def recover(project: Project, store: FixStore, landing: Landing, arbiter: Arbiter) -> list[str]:
    """Bring the tree out of whatever a crash left; what was done, in sentences for a person.

    Raises TreeNeedsPerson where the user has edited the same lines since and the arbiter does not decide.
    """
    said = landing.recover(arbiter)
    said += [_recover_dry_run(store, landing, fix) for fix in store.left_by_dry_runs()]
    for checkpoint in store.open_checkpoints():
        said.append(_recover_attempt(project, checkpoint, arbiter))
        store.abandon(checkpoint.attempt_id, "interrupted by a crash")
    return said


def take_back(project: Project, files: Sequence[TouchedFile]) -> None:
    """Put every file back to how it was before, around edits made since.

    Raises TreeNeedsPerson where an edit is on the same lines, with nothing changed.
    """
    _carry_out(project, _plan(project, files, NobodyToAsk()))


class NobodyToAsk:
    """An Arbiter without a terminal: it leaves the decision to a later command."""

    def keeps_mine(self, path: str, mine: bytes, before: bytes) -> bool:
        """Raises TreeNeedsPerson."""
        del mine, before
        raise TreeNeedsPerson(
            f"{path} was edited by you on lines that an interrupted fixer was at work on. Nothing was touched.",
            "Decide: fixer recover (on a terminal, shows both texts), or fixer recover --keep mine|before.",
        )


@dataclass(frozen=True)
class StandingAnswer:
    """An Arbiter whose answer was given beforehand."""

    mine: bool

    def keeps_mine(self, path: str, mine: bytes, before: bytes) -> bool:
        """The answer."""
        del path, mine, before
        return self.mine


@dataclass(frozen=True)
class _Step:
    path: str
    current: FileState | None
    wanted: FileState | None


def _recover_attempt(project: Project, checkpoint: OpenCheckpoint, arbiter: Arbiter) -> str:
    steps = _plan(project, checkpoint.files, arbiter)
    kept = f"\n  What stood there instead is kept in {_save_patch(project, steps)}." if steps else ""
    _carry_out(project, steps)
    return f"An interrupted attempt on {checkpoint.nodeid} was taken back: your files are as they were.{kept}"


def _recover_dry_run(store: FixStore, landing: Landing, fix: StoredFix) -> str:
    try:
        landing.undo(fix)
        said = "was taken back."
    except TreeNeedsPerson:
        said = f"stays in the tree, because you have edited its lines since.\n  Take it back: fixer undo {fix.id}"
    store.forget_note(fix)
    return f"A dry run was killed: its fix of {fix.nodeid} {said}"


def _plan(project: Project, files: Sequence[TouchedFile], arbiter: Arbiter) -> list[_Step]:
    steps = [_plan_file(project.top, file, arbiter) for file in files]
    return [step for step in steps if step.current != step.wanted]


def _plan_file(top: Path, file: TouchedFile, arbiter: Arbiter) -> _Step:
    current = read_state(top / file.path)
    try:
        return _Step(file.path, current, merge_states(current, _base(file, current), file.before))
    except Conflict:
        texts = [state.content if state else b"" for state in (current, file.before)]
        return _Step(file.path, current, current if arbiter.keeps_mine(file.path, *texts) else file.before)


def _carry_out(project: Project, steps: Sequence[_Step]) -> None:
    for step in steps:
        write_state(project.top / step.path, step.wanted, project.worktree_state)
        _drop_stale_bytecode(project.top / step.path)


def _base(file: TouchedFile, current: FileState | None) -> FileState | None:
    """The text that the user's edits, if there are any, were made on."""
    if file.finished:
        return file.after
    texts = [state.content for state in (file.before, file.after) if state]
    texts += [file.intended] if file.intended is not None else []
    if current is None or not current.content or any(text.startswith(current.content) for text in texts):
        return current  # the engine's own doing, cut off or complete
    if file.intended is None:
        return file.before
    return FileState(file.intended, current.executable)


def _save_patch(project: Project, steps: Sequence[_Step]) -> Path:
    """What `git apply` needs to bring the replaced texts back, onto the files as they are about to be."""
    patch = patch_between((step.path, step.wanted, step.current) for step in steps)
    path = saved_name(project.worktree_state, "interrupted.patch")
    path.write_bytes(patch)
    reach("patch saved")
    return path


def _drop_stale_bytecode(path: Path) -> None:
    """A .pyc is matched by size and second: an edit and its undo within one second would leave the wrong one."""
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        if os.access(compiled, os.W_OK):
            compiled.unlink(missing_ok=True)
