"""Commits as files in a temporary folder: no worktree that git knows of, nothing of the user's touched."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fixer.domain.errors import UsageError
from fixer.infrastructure.git import Git, GitFailed, Repository


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A place for checkouts, resolved; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="fixer-verify-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


def check_out(repository: Repository, commit: str, folder: Path) -> Path:
    """All tracked files of the commit, in a new folder that is called like the working tree. Raises UsageError.

    What lies in submodules is not there.
    """
    top = folder / repository.top.name
    top.mkdir(parents=True)
    env = {
        "GIT_DIR": str(repository.git_dir),
        "GIT_WORK_TREE": str(top),
        "GIT_INDEX_FILE": str(folder / "index"),
    }
    # What the user's settings make of an index (halves, a daemon that watches the other tree) is not for this one.
    plain = ("core.splitIndex=false", "core.fsmonitor=false", "core.untrackedCache=false", "core.sparseCheckout=false")
    options = [word for setting in plain for word in ("-c", setting)]
    try:
        Git(top, env).run(*options, "read-tree", "-m", "-u", commit)
    except GitFailed as failed:
        raise UsageError(f"Commit {commit[:9]} cannot be checked out: {failed.stderr}") from failed
    return top


def parent_of(git: Git, commit: str) -> str:
    """The commit before it. Raises UsageError where there is none."""
    try:
        return git.line("rev-parse", "--verify", "-q", f"{commit}^1^{{commit}}")
    except GitFailed as failed:
        raise UsageError(f"Commit {commit[:9]} has none before it, so there is nothing to compare it with.") from failed


def submodules_of(git: Git, commit: str) -> list[str]:
    """The paths of the submodules that a commit has."""
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")
    return [os.fsdecode(entry.partition(b"\t")[2]) for entry in listed if entry.startswith(b"160000 ")]
