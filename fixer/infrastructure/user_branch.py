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

from fixer.infrastructure.git import GitFailed, Repository
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


class UserBranch:
    """The branch and index of the user's working tree."""

    def __init__(self, repository: Repository, scratch: Path) -> None:
        self._repository = repository
        self._scratch = scratch
        self._git = repository.git.with_env(GIT_LITERAL_PATHSPECS="1")
        self._staged = scratch / "index.next"
        self._lock = repository.git_dir / "index.lock"

    def head(self) -> str:
        """The commit that HEAD is at; empty on a branch without commits."""
        code, out = self._git.exit_code("rev-parse", "-q", "--verify", "HEAD^{commit}")
        return "" if code else out.decode().strip()

    def contains(self, commit: str) -> bool:
        """Whether the branch's history holds this commit."""
        return self._git.succeeds("merge-base", "--is-ancestor", commit, "HEAD")

    def find_commit(self, trailer: str) -> str:
        """The newest commit of this branch whose message has this line; empty if none: survives a rebase."""
        found = self._git.line("log", "-n1", "--format=%H", "--fixed-strings", f"--grep={trailer}", "HEAD")
        return found.strip()

    def is_pushed(self, commit: str) -> bool:
        """Whether any remote-tracking branch holds this commit."""
        return bool(self._git.line("for-each-ref", "--count=1", f"--contains={commit}", "refs/remotes"))

    def cleaned(self, changes: Sequence[FileChange]) -> list[FileChange]:
        """The changes as git stores them: after line-ending conversion and the project's clean filters."""
        return [
            FileChange(change.path, self._clean(change.path, change.before), self._clean(change.path, change.after))
            for change in changes
        ]

    def changes_of(self, commit: str) -> list[FileChange]:
        """What a commit changed, as git stores it."""
        listed = self._git.run("diff-tree", "-r", "-z", "--no-renames", "--name-only", f"{commit}^", commit)
        paths = [os.fsdecode(path) for path in listed.split(b"\0") if path]
        return [FileChange(path, self._in_tree(f"{commit}^", path), self._in_tree(commit, path)) for path in paths]

    def prepare_commit(self, changes: Sequence[FileChange], message: str) -> Move:
        """A commit on top of HEAD that holds exactly this change (as git stores it). Raises NotClean."""
        head = self._require_quiet()
        merged = [(change.path, *self._merge_into_head(head, change)) for change in changes]
        if all(new == ours for _, ours, new in merged):
            raise NotClean("your last commit already holds this change")
        tree = self._tree(head, [(path, new) for path, _, new in merged])
        return Move(head, self._commit(tree, head, message), self._merge_into_index(merged))

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
        self._lock_index(move)
        try:
            self._git.run("update-ref", "-m", "fixer: move", "HEAD", move.new_head, move.old_head)
        except GitFailed as failed:
            self._lock.unlink()
            raise NotClean(f"the branch moved meanwhile ({failed.stderr})") from failed
        self._lock.replace(self._repository.git_dir / "index")
        self._staged.unlink(missing_ok=True)

    def recover(self, move: Move) -> bool:
        """Complete a publish that was cut off after the branch had moved; false if the branch never moved."""
        happened = self._happened(move)
        ours = self._lock.exists() and self._staged.exists() and self._lock.samefile(self._staged)
        if ours and happened:
            self._lock.replace(self._repository.git_dir / "index")
        elif ours:
            self._lock.unlink()
        self._staged.unlink(missing_ok=True)
        return happened

    def _happened(self, move: Move) -> bool:
        if not self.contains(move.new_head):
            return False
        is_drop = self._git.succeeds("merge-base", "--is-ancestor", move.new_head, move.old_head)
        return not (is_drop and self.contains(move.old_head))

    def _require_quiet(self) -> str:
        head = self.head()
        if not head:
            raise NotClean("the branch has no commit yet")
        for name in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"):
            if (self._repository.git_dir / name).exists():
                raise NotClean("a merge, rebase, cherry-pick or revert is going on")
        return head

    def _merge_into_head(self, head: str, change: FileChange) -> tuple[FileState | None, FileState | None]:
        ours = self._in_tree(head, change.path)
        change = _without_disk_mode(change, ours)
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

    def _clean(self, path: str, state: FileState | None) -> FileState | None:
        if state is None:
            return None
        objects = self._scratch / "objects"
        objects.mkdir(exist_ok=True)
        git = self._git.with_env(
            GIT_OBJECT_DIRECTORY=str(objects),
            GIT_ALTERNATE_OBJECT_DIRECTORIES=str(self._repository.common_dir / "objects"),
        )
        blob = git.line("hash-object", "-w", "--stdin", f"--path={path}", stdin=state.content)
        return replace(state, content=git.run("cat-file", "blob", blob))

    def _in_tree(self, commit: str, path: str) -> FileState | None:
        listed = self._git.run("ls-tree", "-z", "--full-tree", commit, "--", path)
        return self._state(path, listed, blob_field=2)

    def _in_index(self, path: str) -> FileState | None:
        listed = self._git.run("ls-files", "-s", "-z", "--", path)
        if listed.count(b"\0") > 1:
            raise NotClean(f"{path} has an unresolved merge conflict")
        return self._state(path, listed, blob_field=1)

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
        git = self._git.with_env(GIT_INDEX_FILE=str(index))
        git.run("read-tree", head)
        git.run("update-index", "-z", "--index-info", stdin=self._index_info(entries))
        tree = git.line("write-tree", "--missing-ok")
        index.unlink()
        return tree

    def _commit(self, tree: str, parent: str, message: str) -> str:
        signed = self._git.exit_code("config", "--type=bool", "commit.gpgSign")[1] == b"true\n"
        sign = ["-S"] if signed else []
        try:
            return self._git.line("commit-tree", *sign, tree, "-p", parent, "-F", "-", stdin=os.fsencode(message))
        except GitFailed as failed:
            if "tell me who you are" in failed.stderr or "empty ident" in failed.stderr:
                raise NotClean("git does not know your name (git config user.name, user.email)") from failed
            raise NotClean(f"git could not make the commit: {failed.stderr}") from failed

    def _index_info(self, entries: Sequence[tuple[str, FileState | None]]) -> bytes:
        lines = []
        for path, state in entries:
            if state is None:
                lines.append(b"0 " + b"0" * len(self.head()) + b"\t" + os.fsencode(path))
                continue
            blob = self._git.line("hash-object", "-w", "--stdin", "--no-filters", stdin=state.content)
            mode = b"100755" if state.executable else b"100644"
            lines.append(mode + b" " + blob.encode() + b"\t" + os.fsencode(path))
        return b"".join(line + b"\0" for line in lines)

    def _lock_index(self, move: Move) -> None:
        """Put the index as it shall be in place as git's own `index.lock`. Raises NotClean."""
        index = self._repository.git_dir / "index"
        for _ in range(3):
            seen = index.read_bytes()
            shutil.copyfile(index, self._staged)
            git = self._git.with_env(GIT_INDEX_FILE=str(self._staged))
            git.run("update-index", "-z", "--index-info", stdin=self._index_info(move.index))
            try:
                os.link(self._staged, self._lock)
            except FileExistsError as taken:
                raise NotClean(f"another git command holds {self._lock}") from taken
            if index.read_bytes() == seen:
                return
            self._lock.unlink()
        raise NotClean("the index kept changing")


def _without_disk_mode(change: FileChange, ours: FileState | None) -> FileChange:
    """Where the change leaves the executable bit alone, what the disk says of it does not matter (core.fileMode)."""
    if not (ours and change.before and change.after) or change.before.executable != change.after.executable:
        return change
    return FileChange(
        change.path,
        replace(change.before, executable=ours.executable),
        replace(change.after, executable=ours.executable),
    )
