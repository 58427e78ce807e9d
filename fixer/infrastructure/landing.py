"""Lands, undoes and redoes fixes on the user's tree, and completes or forgets what a crash cut off.

Each follows the same steps: prepare everything, write down what is about to happen, move the branch and index in one
atomic step, write the files, write down that it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fixer.application.ports import Arbiter, Landed
from fixer.domain.errors import TreeNeedsPerson
from fixer.infrastructure.fix_store import BegunMove, FixStore, StoredFix
from fixer.infrastructure.hooks import Hooks
from fixer.infrastructure.project import Project
from fixer.infrastructure.user_branch import FileChange, Move, NotClean, Rewritten, UserBranch
from fixer.infrastructure.working_file import Conflict, FileState, merge_states, read_state, write_state


class Landing:
    """Verified fixes on one working tree."""

    def __init__(
        self, project: Project, store: FixStore, *, commit: bool = True, why_not: str = "", run_hooks: bool = True
    ) -> None:
        self._top = project.top
        self._scratch = project.worktree_state
        self._store = store
        self._commit = commit
        self._why_not = why_not
        self._branch = _open_branch(project, run_hooks)

    def land(self, fix: StoredFix, changes: Sequence[FileChange]) -> Landed:
        """Commit a fix that is in the tree already, or leave it there uncommitted and say why.

        Raises Rewritten, with nothing changed, where one of the user's hooks wants its files to be different.
        """
        try:
            move = self._prepare(changes, fix.message)
            begun = self._store.begun_move(self._store.add_landing(fix, move))
        except Rewritten:
            raise
        except NotClean as reason:
            return self.leave(fix, changes, str(reason))
        try:
            self._complete(begun, move)
        except NotClean as reason:
            self._store.cancel_move(begun)
            return self.leave(fix, changes, str(reason))
        return Landed(fix.id, move.new_head, "", tuple(change.path for change in changes))

    def leave(self, fix: StoredFix, changes: Sequence[FileChange], why: str) -> Landed:
        """Leave a verified fix in the tree, uncommitted."""
        self._store.add_uncommitted(fix, why)
        return Landed(fix.id, "", why, tuple(change.path for change in changes))

    def undo(self, fix: StoredFix) -> str:
        """Take a fix back; how, in a few words. Raises TreeNeedsPerson, with nothing changed."""
        if fix.state == "undone":
            raise TreeNeedsPerson(f"Fix {fix.id} is undone already.", f"fixer redo {fix.id} brings it back.")
        commit = _locate(self._branch, fix) if self._branch and fix.commit else ""
        files = self._carry_over([change.reversed() for change in self._store.changes(fix.attempt_id)], fix)
        move, how = self._prepare_undo(fix, commit)
        self._move(fix, move, files, "undone", fix.commit)
        return how

    def redo(self, fix: StoredFix) -> str:
        """Bring an undone fix back; how, in a few words. Raises TreeNeedsPerson, with nothing changed."""
        if fix.state != "undone":
            raise TreeNeedsPerson(f"Fix {fix.id} is in place already.", f"fixer undo {fix.id} takes it back.")
        changes = self._store.changes(fix.attempt_id)
        files = self._carry_over(changes, fix)
        if not fix.commit:
            self._move(fix, Move("", ""), files, "uncommitted", "")
            return "brought back, uncommitted"
        try:
            move = self._prepare(changes, fix.message)
        except NotClean as reason:
            raise TreeNeedsPerson(
                f"Fix {fix.id} cannot be committed again: {reason}. Nothing was changed.",
                "Commit or set aside what is in its way, then redo again.",
            ) from reason
        self._move(fix, move, files, "landed", move.new_head)
        return f"committed again as {move.new_head[:9]}"

    def recover(self, arbiter: Arbiter) -> list[str]:
        """Complete the moves that a crash cut off after their commit point, forget the others; what was done.

        Raises TreeNeedsPerson, with nothing changed, where a file was edited since and the arbiter does not decide.
        """
        said = [self._recover(begun, arbiter) for begun in self._store.begun_moves()]
        self._tidy()
        return said

    def _recover(self, begun: BegunMove, arbiter: Arbiter) -> str:
        moves_branch = begun.move.old_head != begun.move.new_head
        happened = not moves_branch or bool(self._branch and self._branch.happened(begun.move))
        files = [self._settle(file, arbiter) for file in begun.files] if happened else []
        if self._branch and moves_branch:
            self._branch.recover(begun.move, happened=happened)
        if not happened:
            self._store.cancel_move(begun)
            return f"An interrupted step of fix {begun.fix_id} had not begun to count; it was dropped."
        self._write(files)
        self._store.end_move(begun)
        return f"An interrupted step of fix {begun.fix_id} was completed: it is now {begun.state_after}."

    def _settle(self, file: FileChange, arbiter: Arbiter) -> FileChange:
        """The change as it is to be made to the file as it stands. Raises TreeNeedsPerson."""
        current = read_state(self._top / file.path)
        try:
            return FileChange(file.path, current, merge_states(current, file.before, file.after))
        except Conflict:
            texts = [state.content if state else b"" for state in (current, file.after)]
            mine = arbiter.keeps_mine(file.path, *texts)
            save_aside(self._scratch, file.path, file.after if mine else current)
            return FileChange(file.path, current, current if mine else file.after)

    def _prepare(self, changes: Sequence[FileChange], message: str) -> Move:
        if self._branch is None or not self._commit:
            # Said at the start of the run, or asked for: mostly there is no reason to give for each fix.
            raise NotClean(self._why_not)
        try:
            return self._branch.prepare_commit(self._branch.cleaned(changes), message)
        except NotClean:
            self._tidy()
            raise

    def _prepare_undo(self, fix: StoredFix, commit: str) -> tuple[Move, str]:
        if not commit or self._branch is None:
            return Move("", ""), "taken out of the tree; it was never committed"
        try:
            return self._prepare_uncommit(self._branch, fix, commit)
        except NotClean as reason:
            self._tidy()
            raise TreeNeedsPerson(
                f"Fix {fix.id} cannot be undone: {reason}. Nothing was changed.",
                "Commit or set aside what you are at there, then undo again.",
            ) from reason

    def _prepare_uncommit(self, branch: UserBranch, fix: StoredFix, commit: str) -> tuple[Move, str]:
        # Amended with work of the user's own, the commit is more than the fix: only the fix may be taken out of it.
        is_only_the_fix = branch.search.is_same_change(commit, fix.commit)
        if is_only_the_fix and commit == branch.head() and not branch.is_pushed(commit):
            return branch.prepare_drop(), f"commit {commit[:9]} removed"
        changes = branch.changes_of(commit) if is_only_the_fix else self._made_changes(branch, fix)
        subject = fix.message.splitlines()[0]
        message = f'Revert "{subject}"\n\nThis reverts commit {commit}.\n'
        # A way back must not depend on what a hook thinks of the state that it leads to.
        move = branch.prepare_commit([change.reversed() for change in changes], message, verify=False)
        return move, f"commit {commit[:9]} reverted by {move.new_head[:9]}"

    def _made_changes(self, branch: UserBranch, fix: StoredFix) -> list[FileChange]:
        if branch.search.knows(fix.commit):
            return branch.changes_of(fix.commit)
        return branch.cleaned(self._store.changes(fix.attempt_id))

    def _tidy(self) -> None:
        if self._branch:
            self._branch.tidy()

    def _carry_over(self, changes: Sequence[FileChange], fix: StoredFix) -> list[FileChange]:
        """What to write into the tree, around the edits made since. Raises TreeNeedsPerson."""
        planned = []
        for change in changes:
            current = read_state(self._top / change.path)
            try:
                planned.append(FileChange(change.path, current, merge_states(current, change.before, change.after)))
            except Conflict as conflict:
                raise TreeNeedsPerson(
                    f"{change.path} was edited on the very lines of fix {fix.id}. Nothing was changed.",
                    f"See the fix with: fixer show {fix.id}",
                ) from conflict
        return planned

    def _move(
        self, fix: StoredFix, move: Move, files: Sequence[FileChange], state_after: str, commit_after: str
    ) -> None:
        begun = self._store.begun_move(self._store.begin_move(fix, move, files, state_after, commit_after))
        try:
            self._complete(begun, move)
        except NotClean as reason:
            self._store.cancel_move(begun)
            raise TreeNeedsPerson(f"Nothing was changed: {reason}.", "Try again.") from reason

    def _complete(self, begun: BegunMove, move: Move) -> None:
        try:
            if self._branch:
                self._branch.publish(move)
            self._write(begun.files)
            self._store.end_move(begun)
            if self._branch:
                self._branch.report(move)
        finally:
            self._tidy()

    def _write(self, files: Sequence[FileChange]) -> None:
        for file in files:
            path = self._top / file.path
            current = read_state(path)
            if current == file.after:
                continue
            try:
                write_state(path, merge_states(current, file.before, file.after), self._scratch)
            except Conflict:
                # Edited between the plan and now: the user's text stays, what we meant to write is kept beside it.
                save_aside(self._scratch, file.path, file.after)


def _open_branch(project: Project, run_hooks: bool) -> UserBranch | None:
    if project.repository is None:
        return None
    return UserBranch(project.repository, project.worktree_state, Hooks(project.repository, enabled=run_hooks))


def _locate(branch: UserBranch, fix: StoredFix) -> str:
    """The commit that the fix is now. Raises TreeNeedsPerson."""
    commit = branch.search.find(fix.commit, f"Fixer-Fix: {fix.id}")
    if not commit:
        raise TreeNeedsPerson(
            f"Fix {fix.id} cannot be undone: its commit {fix.commit[:9]} is not on the branch that is checked out. "
            "Nothing was changed.",
            f"Check out a branch that has it, or see what it changed with: fixer show {fix.id}",
        )
    return commit


def save_aside(scratch: Path, path: str, state: FileState | None) -> Path:
    """Keep a file's content where no command of fixer's will ever overwrite it; where it is."""
    target = saved_name(scratch, path)
    target.write_bytes(state.content if state else b"")
    return target


def saved_name(scratch: Path, path: str) -> Path:
    """A new file's name in the folder of texts that fixer replaced."""
    folder = scratch / "saved"
    folder.mkdir(exist_ok=True)
    numbers = [int(saved.name[:4]) for saved in folder.iterdir() if saved.name[:4].isdigit()]
    return folder / f"{max(numbers, default=-1) + 1:04d}-{path.replace('/', '__')[-60:]}"
