"""Lets the fixes of a run land on a new branch: the one that was checked out stays where it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fixer.domain.errors import UsageError
from fixer.infrastructure.git import Git, Repository


@contextmanager
def new_branch(repository: Repository, name: str) -> Iterator[None]:
    """Check a new branch out where HEAD is, without touching a file; without a commit it is gone in the end.

    Raises UsageError for a name that git refuses, or that is taken, and where there is no commit yet.
    """
    git, ref = repository.git, f"refs/heads/{name}"
    if not git.succeeds("check-ref-format", "--branch", name) or name.startswith(("-", "@")):
        raise UsageError(f"{name} is no name for a branch.", "Name another: --branch fixer/fixes")
    if git.succeeds("show-ref", "--verify", "--quiet", ref):
        raise UsageError(f"There is a branch {name} already.", f"Name another, or delete it: git branch -D {name}")
    if not git.succeeds("rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
        raise UsageError("There is no commit yet that a branch could begin at.", "git commit")
    start = git.line("rev-parse", "--verify", "HEAD^{commit}")
    before = git.line("symbolic-ref", "--quiet", "HEAD") if git.succeeds("symbolic-ref", "--quiet", "HEAD") else ""
    git.run("update-ref", ref, start, "")
    git.run("symbolic-ref", "-m", f"fixer: moving to {name}", "HEAD", ref)
    try:
        yield
    finally:
        if git.line("rev-parse", "HEAD") == start and git.line("symbolic-ref", "--quiet", "HEAD") == ref:
            _go_back(git, before, start, ref)


def _go_back(git: Git, before: str, start: str, ref: str) -> None:
    if before:
        git.run("symbolic-ref", "-m", "fixer: moving back", "HEAD", before)
    else:
        git.run("update-ref", "--no-deref", "HEAD", start)
    git.run("update-ref", "-d", ref, start)
