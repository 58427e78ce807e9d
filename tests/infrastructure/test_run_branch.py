"""A branch for the fixes of a run, in real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest
from tree import Tree

from fixer.domain.errors import UsageError
from fixer.infrastructure.git import Repository, find_repository
from fixer.infrastructure.run_branch import new_branch


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("a.py", "a = 1\n")
    tree.commit("start")
    tree.write("a.py", "a = 2\n")
    tree.git("add", "a.py")
    tree.write("b.py", "b = 1\n")
    return tree


def repository(tree: Tree) -> Repository:
    found = find_repository(tree.path)
    assert found
    return found


def branch(tree: Tree) -> str:
    return tree.git("rev-parse", "--abbrev-ref", "HEAD").strip()


def test_commits_land_on_the_new_branch_and_nothing_else_moves(tree: Tree) -> None:
    status = tree.git("status", "--porcelain")
    with new_branch(repository(tree), "fixer/one"):
        assert branch(tree) == "fixer/one"
        assert tree.git("status", "--porcelain") == status
        tree.git("commit", "-q", "-m", "fix")
    assert branch(tree) == "fixer/one"
    assert tree.git("log", "--format=%s", "main") == "start\n"


@pytest.mark.parametrize("detached", [False, True])
def test_without_a_commit_everything_is_as_before(tree: Tree, detached: bool) -> None:
    if detached:
        tree.git("checkout", "-q", "--detach")
    before = (branch(tree), tree.fingerprint())
    with pytest.raises(KeyboardInterrupt), new_branch(repository(tree), "fixer/one"):
        raise KeyboardInterrupt
    assert (branch(tree), tree.fingerprint()) == before
    assert tree.git("branch", "--format=%(refname:short)", "--list", "fixer/*") == ""


@pytest.mark.parametrize(
    ("name", "said"), [("a b", "is no name"), ("-x", "is no name"), ("@{-1}", "is no name"), ("main", "already")]
)
def test_a_name_that_cannot_be_is_refused(tree: Tree, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said), new_branch(repository(tree), name):
        pass
    assert branch(tree) == "main"


def test_without_a_commit_to_begin_at_there_is_no_branch(tmp_path: Path) -> None:
    empty = Tree(tmp_path / "empty").init()
    with pytest.raises(UsageError, match="no commit yet"), new_branch(repository(empty), "x"):
        pass
