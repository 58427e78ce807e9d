"""Carries what a hook made of a fix over into the working tree, and takes it out again where it does not hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fixer.domain.models import CodeChanges
from fixer.infrastructure.fix_store import FixStore, StoredFix
from fixer.infrastructure.patch_text import patch_between
from fixer.infrastructure.project import Project
from fixer.infrastructure.user_branch import FileChange
from fixer.infrastructure.working_file import Conflict, FileState, merge_states, read_state, write_state


@dataclass(frozen=True)
class Adopted:
    """A hook's changes that are in the tree: to what the attempt had left, file by file."""

    fix: StoredFix
    hook: str
    changes: tuple[FileChange, ...]


def carry_over(
    project: Project, store: FixStore, attempt_id: str, changes: Sequence[FileChange]
) -> tuple[FileChange, ...]:
    """Make these changes to files of an open attempt, around edits made since; what that makes of the attempt's text.

    The ledger follows as for the engine's own writing, so that a crash meanwhile takes the whole attempt back.
    Raises TreeEdited, with nothing changed, where an edit is on the same lines.
    """
    left = {change.path: change.after for change in store.changes(attempt_id)}
    steps = [_plan(project, left[change.path], change) for change in changes]
    for step in steps:
        text = step.after.content if step.after else b""
        store.intend(attempt_id, step.path, step.left, text)
        write_state(project.top / step.path, step.wanted, project.worktree_state)
    store.finish(attempt_id, [(step.path, step.after) for step in steps])
    return tuple(FileChange(step.path, step.left, step.after) for step in steps if step.left != step.after)


class TreeEdited(Exception):
    """A file of the fix was edited by its owner on the lines that are to change; its path."""


def describe(changes: Sequence[FileChange]) -> CodeChanges:
    """The changes as a person is shown them."""
    before, after = (
        b"".join(state.content for state in states if state)
        for states in ([change.before for change in changes], [change.after for change in changes])
    )
    patch = patch_between((change.path, change.before, change.after) for change in changes)
    return CodeChanges(*(text.decode(errors="replace") for text in (before, after, patch)))


@dataclass(frozen=True)
class _Step:
    """One file: what the attempt had left, what it leaves now, and what the working file becomes."""

    path: str
    left: FileState | None
    after: FileState | None
    wanted: FileState | None


def _plan(project: Project, left: FileState | None, change: FileChange) -> _Step:
    current = read_state(project.top / change.path)
    try:
        after = merge_states(left, change.before, change.after)
        return _Step(change.path, left, after, merge_states(current, left, after))
    except Conflict as conflict:
        raise TreeEdited(change.path) from conflict
