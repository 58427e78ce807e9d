"""Finds a fix's commit again after a rebase or an amend."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from fixer.infrastructure.git import Git


@dataclass(frozen=True)
class CommitSearch:
    """Looks through the history of HEAD."""

    git: Git

    def find(self, commit: str, trailer: str) -> str:
        """The commit itself, or else the newest with this line in its message, or with the same change; or empty."""
        if self.git.succeeds("merge-base", "--is-ancestor", commit, "HEAD"):
            return commit
        found = self.git.line("rev-list", "-n1", "--fixed-strings", f"--grep={trailer}", "HEAD")
        return found or self._find_same_change(commit)

    def is_same_change(self, one: str, other: str) -> bool:
        """Whether two commits make the same change, wherever it stands."""
        patches = self._patch_ids([commit for commit in (one, other) if self.knows(commit)])
        return one == other or (len(patches) == 2 and len(set(patches.values())) == 1)

    def knows(self, commit: str) -> bool:
        """Whether the commit is still there: what no branch holds is deleted by git after some weeks."""
        return self.git.succeeds("cat-file", "-e", f"{commit}^{{commit}}")

    def _find_same_change(self, commit: str) -> str:
        """Among the newest 500 commits of its files, one that makes the very change of `commit`; empty if none."""
        if not self.knows(commit):
            return ""
        paths = paths_of(self.git, commit)
        recent = self.git.line("rev-list", "--no-merges", f"--max-count={_RECENT}", "HEAD", "--", *paths).split()
        wanted = self._patch_ids([commit])
        return next((found for found, patch in self._patch_ids(recent).items() if patch in wanted.values()), "")

    def _patch_ids(self, commits: Sequence[str]) -> dict[str, str]:
        """By commit. The id stands for the changed lines and what is around them, not for line numbers."""
        plain = ("-r", "-p", "--root", "--no-renames", "--no-ext-diff", "--no-textconv")
        patches = self.git.run("diff-tree", "--stdin", *plain, stdin="\n".join([*commits, ""]).encode())
        pairs = self.git.line("patch-id", "--stable", stdin=patches).splitlines()
        return {commit: patch for patch, commit in (pair.split() for pair in pairs)}


def paths_of(git: Git, commit: str) -> list[str]:
    """The files that a commit changed, as git writes them."""
    listed = git.run("diff-tree", "-r", "-z", "--no-renames", "--name-only", f"{commit}^", commit)
    return [os.fsdecode(path) for path in listed.split(b"\0") if path]


_RECENT = 500
