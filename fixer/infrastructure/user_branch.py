"""Moves the user's branch by one commit, and the index with it, leaving every edit of the user's where it is.

A move is prepared first, without changing anything a person can see; `publish` is its only step that counts, and
is atomic: the new index is locked in, the branch moves (if nobody else moved it), the index follows.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fixer.infrastructure.commit_search import CommitSearch, paths_of
from fixer.infrastructure.fault_points import reach
from fixer.infrastructure.git import GitFailed, Repository
from fixer.infrastructure.hooks import HookRefused, HookRewrote, Hooks
from fixer.infrastructure.quarantine import Quarantine
from fixer.infrastructure.stored_form import stored_form
from fixer.infrastructure.working_file import Conflict, FileState, merge_states


@dataclass(frozen=True)
class FileChange:
    """One file of a change; `path` is relative to the top of the working tree, as git writes it."""

    path: str
    before: FileState | None
    after: FileState | None

    def reversed(self) -> FileChange:
        """The change that takes this one back."""
        return FileChange(self.path, self.after, self.before)


@dataclass(frozen=True)
class Move:
    """A prepared move of the branch from one commit to another. Equal heads: nothing of git's moves."""

    old_head: str
    new_head: str
    index: tuple[tuple[str, FileState | None], ...] = ()


class NotClean(Exception):
    """The branch cannot move without touching what is the user's; the reason is for a person to read."""


class Rewritten(NotClean):
    """A hook changed files of the fix: how, from what a checkout held, in the form that working files have."""

    def __init__(self, told: HookRewrote) -> None:
        super().__init__(str(told))
        self.hook = told.hook
        self.words = told.words
        self.changes = tuple(FileChange(*file) for file in told.files)


class UserBranch:
    """The branch and index of the user's working tree. `hooks`: without them none of the user's is run."""

    def __init__(self, repository: Repository, scratch: Path, hooks: Hooks | None = None) -> None:
        self._repository = repository
        self._hooks = hooks or Hooks(repository, enabled=False)
        self._quarantine = Quarantine(repository, scratch)
        self._scratch = scratch
        self._git = repository.git.with_env(GIT_LITERAL_PATHSPECS="1")
        self.search = CommitSearch(self._git)
        self._staged = scratch / "index.next"
        self._lock = repository.git_dir / "index.lock"

    def head(self) -> str:
        """The commit that HEAD is at; empty on a branch without commits."""
        code, out = self._git.exit_code("rev-parse", "-q", "--verify", "HEAD^{commit}")
        return "" if code else out.decode().strip()

    def contains(self, commit: str) -> bool:
        """Whether the branch's history holds this commit."""
        return self._git.succeeds("merge-base", "--is-ancestor", commit, "HEAD")

    def is_pushed(self, commit: str) -> bool:
        """Whether any remote-tracking branch holds this commit."""
        return bool(self._git.line("for-each-ref", "--count=1", f"--contains={commit}", "refs/remotes"))

    def cleaned(self, changes: Sequence[FileChange]) -> list[FileChange]:
        """The changes as git stores them: after line-ending conversion and clean filters. Raises NotClean."""
        return [
            FileChange(change.path, self._clean(change.path, change.before), self._clean(change.path, change.after))
            for change in changes
        ]

    def changes_of(self, commit: str) -> list[FileChange]:
        """What a commit changed, as git stores it."""
        paths = paths_of(self._git, commit)
        return [FileChange(path, self._in_tree(f"{commit}^", path), self._in_tree(commit, path)) for path in paths]

    def prepare_commit(self, changes: Sequence[FileChange], message: str, *, verify: bool = True) -> Move:
        """A commit on top of HEAD that holds exactly this change (as git stores it). Raises NotClean.

        `verify`: ask the user's hooks, which may refuse it, change the message, or change its files: then it
        raises Rewritten.
        """
        head = self._require_quiet()
        merged = [(change.path, *self._merge_into_head(head, change)) for change in changes]
        if all(new == ours for _, ours, new in merged):
            raise NotClean("your last commit already holds this change")
        index = self._merge_into_index(merged)
        tree = self._tree(head, [(path, new) for path, _, new in merged])
        if verify:
            message = self._ask_hooks(tree, message, [change.path for change in changes])
        return Move(head, self._commit(tree, head, message), index)

    def prepare_drop(self) -> Move:
        """HEAD back to its parent. Raises NotClean."""
        head = self._require_quiet()
        parents = self._git.line("rev-list", "--parents", "-n1", head).split()[1:]
        if len(parents) != 1:
            raise NotClean("the commit has not exactly one parent")
        merged = [(change.path, change.after, change.before) for change in self.changes_of(head)]
        return Move(head, parents[0], self._merge_into_index(merged))

    def publish(self, move: Move) -> None:
        """Make the move. Raises NotClean, with nothing changed, where somebody else was faster."""
        if move.old_head == move.new_head:
            return
        blobs = self._lock_index(move)
        reach("index locked")
        try:
            if self.head() != move.old_head:
                raise NotClean("the branch moved meanwhile")
            self._quarantine.release(move.new_head, move.old_head, blobs)
            reach("objects released")
            self._git.run("update-ref", "-m", "fixer: move", "HEAD", move.new_head, move.old_head)
            reach("branch moved")
        except (GitFailed, NotClean) as failed:
            self._lock.unlink()
            self._staged.unlink(missing_ok=True)
            raise NotClean(failed.stderr if isinstance(failed, GitFailed) else str(failed)) from failed
        self._lock.replace(self._repository.git_dir / "index")
        reach("index replaced")
        self._staged.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Delete what was made for a move that is made by now, or never will be."""
        self._quarantine.drop()

    def report(self, move: Move) -> None:
        """Tell the user's post-commit hook of a commit that this move has made."""
        if move.new_head != move.old_head and self._git.succeeds(
            "merge-base", "--is-ancestor", move.old_head, move.new_head
        ):
            self._hooks.report(move.new_head)

    def recover(self, move: Move, *, happened: bool) -> None:
        """Complete a publish that was cut off; the index follows where the branch had moved."""
        if not self._staged.exists():
            return
        index = self._repository.git_dir / "index"
        ours = self._lock.exists() and self._lock.samefile(self._staged)
        if ours and happened:
            self._lock.replace(index)
        elif ours:
            self._lock.unlink()
        elif happened and not self._staged.samefile(index):
            self._follow(move)
        self._staged.unlink(missing_ok=True)

    def happened(self, move: Move) -> bool:
        """Whether the branch moved."""
        if not self.contains(move.new_head):
            return False
        is_drop = self._git.succeeds("merge-base", "--is-ancestor", move.new_head, move.old_head)
        return not (is_drop and self.contains(move.old_head))

    def _follow(self, move: Move) -> None:
        """Bring the index after the branch where somebody has removed our lock: it would stage the move's reverse."""
        paths = self._git.run("diff-tree", "-r", "-z", "--no-renames", "--name-only", move.old_head, move.new_head)
        names = [os.fsdecode(path) for path in paths.split(b"\0") if path]
        merged = [(path, self._in_tree(move.old_head, path), self._in_tree(move.new_head, path)) for path in names]
        try:
            self._staged.unlink()
            blobs = self._lock_index(replace(move, index=self._merge_into_index(merged)))
            self._quarantine.release(move.new_head, move.old_head, blobs)
            self._lock.replace(self._repository.git_dir / "index")
        except NotClean:
            return  # staged meanwhile, on the same lines: what its owner staged is what counts

    def _require_quiet(self) -> str:
        head = self.head()
        if not head:
            raise NotClean("the branch has no commit yet")
        for name in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "sequencer", "rebase-merge", "rebase-apply"):
            if (self._repository.git_dir / name).exists():
                raise NotClean("a merge, rebase, cherry-pick or revert is going on")
        return head

    def _merge_into_head(self, head: str, change: FileChange) -> tuple[FileState | None, FileState | None]:
        ours = self._in_tree(head, change.path)
        change = self._without_disk_mode(change, ours)
        try:
            return ours, merge_states(ours, change.before, change.after)
        except Conflict as conflict:
            why = (
                f"{change.path} is not in your last commit"
                if ours is None
                else f"the fix stands on lines of {change.path} that you have not committed"
            )
            raise NotClean(why) from conflict

    def _merge_into_index(
        self, merged: Sequence[tuple[str, FileState | None, FileState | None]]
    ) -> tuple[tuple[str, FileState | None], ...]:
        entries = []
        for path, ours, new in merged:
            try:
                entries.append((path, merge_states(self._in_index(path), ours, new)))
            except Conflict as conflict:
                raise NotClean(f"the fix stands on lines of {path} that you have staged") from conflict
        return tuple(entries)

    def _ask_hooks(self, tree: str, message: str, paths: Sequence[str]) -> str:
        try:
            hook = next((path for path in paths if self._hooks.hold(path)), "")
            if hook:
                raise NotClean(f"{hook} is one of your git hooks")
            return self._hooks.check(self._quarantine.git(), tree, message, paths)
        except HookRewrote as told:
            raise Rewritten(told) from told
        except (HookRefused, GitFailed) as refused:
            raise NotClean(str(refused)) from refused

    def _clean(self, path: str, state: FileState | None) -> FileState | None:
        if state is None:
            return None
        entry = self._listed_in_index(path)
        try:
            return stored_form(self._repository, self._quarantine.git(), path, state, entry)
        except GitFailed as failed:
            raise NotClean(f"git cannot store {path}: {failed.stderr}") from failed

    def _in_tree(self, commit: str, path: str) -> FileState | None:
        listed = self._git.run("ls-tree", "-z", "--full-tree", commit, "--", path)
        return self._state(path, listed, blob_field=2)

    def _in_index(self, path: str) -> FileState | None:
        listed = self._listed_in_index(path)
        if listed.count(b"\0") > 1:
            raise NotClean(f"{path} has an unresolved merge conflict")
        return self._state(path, listed, blob_field=1)

    def _listed_in_index(self, path: str) -> bytes:
        # In quarantine, because to unfold a sparse index git makes trees even when it only reads.
        return self._quarantine.git().run("ls-files", "--stage", "-z", "--", path)

    def _state(self, path: str, listed: bytes, blob_field: int) -> FileState | None:
        if not listed:
            return None
        fields = listed.split(b"\t", 1)[0].split()
        if not fields[0].startswith(b"100"):
            raise NotClean(f"{path} is not a regular file in git")
        content = self._git.run("cat-file", "blob", fields[blob_field].decode())
        return FileState(content, fields[0] == b"100755")

    def _tree(self, head: str, entries: Sequence[tuple[str, FileState | None]]) -> str:
        index = self._scratch / "index.commit"
        git = self._quarantine.git().with_env(GIT_INDEX_FILE=str(index))
        plain = ("-c", "core.splitIndex=false")
        git.run(*plain, "read-tree", head)
        git.run(*plain, "update-index", "-z", "--index-info", stdin=self._index_info(entries)[0])
        tree = git.line("write-tree", "--missing-ok")
        index.unlink()
        return tree

    def _commit(self, tree: str, parent: str, message: str) -> str:
        signed = self._git.exit_code("config", "--type=bool", "commit.gpgSign")[1] == b"true\n"
        sign = ["-S"] if signed else []
        try:
            git = self._quarantine.git()
            return git.line("commit-tree", *sign, tree, "-p", parent, "-F", "-", stdin=os.fsencode(message))
        except GitFailed as failed:
            if "tell me who you are" in failed.stderr or "empty ident" in failed.stderr:
                raise NotClean("git does not know your name (git config user.name, user.email)") from failed
            raise NotClean(f"git could not make the commit: {failed.stderr}") from failed

    def _index_info(self, entries: Sequence[tuple[str, FileState | None]]) -> tuple[bytes, list[str]]:
        """The entries as `update-index --index-info` reads them, and the names of their blobs."""
        lines, blobs = [], []
        for path, state in entries:
            if state is None:
                lines.append(b"0 " + b"0" * len(self.head()) + b"\t" + os.fsencode(path))
                continue
            git = self._quarantine.git()
            blob = git.line("hash-object", "-w", "--stdin", "--no-filters", stdin=state.content)
            blobs.append(blob)
            mode = b"100755" if state.executable else b"100644"
            lines.append(mode + b" " + blob.encode() + b"\t" + os.fsencode(path))
        return b"".join(line + b"\0" for line in lines), blobs

    def _lock_index(self, move: Move) -> list[str]:
        """Put the index as it shall be in place as git's own `index.lock`; the blobs it needs. Raises NotClean."""
        index = self._repository.git_dir / "index"
        info, blobs = self._index_info(move.index)
        for _ in range(3):
            seen = index.read_bytes()
            # With its time, by which git knows the entries that it must not trust (racy-git, git's own manual).
            shutil.copy2(index, self._staged)
            git = self._quarantine.git().with_env(GIT_INDEX_FILE=str(self._staged))
            # Not sparse: a folded folder of the index would stand on a tree that is in quarantine only.
            git.run("-c", "index.sparse=false", "update-index", "-z", "--index-info", stdin=info)
            try:
                os.link(self._staged, self._lock)
            except FileExistsError as taken:
                raise NotClean(f"another git command holds {self._lock}") from taken
            if index.read_bytes() == seen:
                return blobs
            self._lock.unlink()
        raise NotClean("the index kept changing")

    def _without_disk_mode(self, change: FileChange, ours: FileState | None) -> FileChange:
        """Where the executable bit is not changed, or git is not to trust it, what the disk says of it is not used."""
        unchanged = change.before and change.after and change.before.executable == change.after.executable
        trusted = self._git.exit_code("config", "--type=bool", "core.fileMode")[1] != b"false\n"
        if not (ours and unchanged) and trusted:
            return change
        executable = bool(ours and ours.executable)
        return FileChange(
            change.path,
            change.before and replace(change.before, executable=executable),
            change.after and replace(change.after, executable=executable),
        )
