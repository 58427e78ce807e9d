"""Of all that fixer does, the user's repository shows nothing but the commits that were landed."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import BUGGY, FIXED, Bench, open_bench
from tree import Tree

from fixer.domain.errors import TreeNeedsPerson

GREETING = "def greet():\n    return 'helo'\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", BUGGY)
    tree.write("greet.py", GREETING)
    tree.commit("start")
    return open_bench(tree)


def unreachable(tree: Tree) -> list[str]:
    """What no branch, tag or stash leads to, reflogs left aside."""
    listed = tree.git("fsck", "--full", "--unreachable", "--no-reflogs", "--no-progress", "--strict")
    return sorted(line.split()[2] for line in listed.splitlines())


def assert_shows_nothing(bench: Bench, subjects: list[str]) -> None:
    tree = bench.tree
    assert tree.git("log", "--all", "--format=%s").splitlines() == subjects
    assert tree.git("status", "--porcelain", "--ignored") == ""
    assert tree.git("stash", "list") == ""
    assert tree.git("for-each-ref", "--format=%(refname)") == "refs/heads/main\n"
    assert tree.git("worktree", "list", "--porcelain").count("worktree ") == 1
    assert tree.git("fsck", "--full", "--no-progress", "--strict") == ""


def test_a_failed_attempt_leaves_no_object(bench: Bench) -> None:
    before = tree_objects(bench)
    bench.attempt({"calc.py": "wrong\n", "new.py": "x\n"})
    bench.workspace.revert()
    assert tree_objects(bench) == before
    assert unreachable(bench.tree) == []
    assert_shows_nothing(bench, ["start"])


def test_a_refused_landing_leaves_no_object(bench: Bench) -> None:
    hook = bench.tree.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    before = tree_objects(bench)
    assert bench.land({"calc.py": FIXED}).commit == ""
    assert tree_objects(bench) == before
    bench.landing.undo(bench.fix())
    assert unreachable(bench.tree) == []
    assert_shows_nothing(bench, ["start"])


def test_a_landing_on_the_very_lines_of_an_edit_leaves_no_object(bench: Bench) -> None:
    bench.tree.write("calc.py", BUGGY.replace("a - b", "a - b  # mine"))
    before = tree_objects(bench)
    assert bench.land({"calc.py": FIXED}).commit == ""
    assert tree_objects(bench) == before


def test_after_undo_and_redo_nothing_hangs_about_but_the_undone_commit_that_the_reflog_has(bench: Bench) -> None:
    tree = bench.tree
    landed = bench.land({"calc.py": FIXED}).commit
    assert unreachable(tree) == []
    bench.landing.undo(bench.fix())
    assert unreachable(tree) == sorted([landed, *_made_by(tree, landed, "calc.py")])
    bench.landing.redo(bench.fix())
    again = tree.git("rev-parse", "HEAD").strip()
    assert unreachable(tree) == ([landed] if again != landed else [])
    assert landed in tree.git("reflog", "--format=%H").split()
    assert_shows_nothing(bench, ["Fix tests/test_calc.py::test_add", "start"])


def test_a_refused_undo_and_a_refused_redo_leave_no_object(bench: Bench) -> None:
    bench.land({"calc.py": FIXED})
    fix = bench.fix()
    with pytest.raises(TreeNeedsPerson):
        bench.landing.redo(fix)
    bench.tree.write("calc.py", FIXED.replace("a + b", "b + a"))
    before = tree_objects(bench)
    with pytest.raises(TreeNeedsPerson):
        bench.landing.undo(fix)
    assert tree_objects(bench) == before
    assert unreachable(bench.tree) == []


def test_the_users_own_gc_finds_nothing_to_complain_of_and_takes_the_undone_commit_away(bench: Bench) -> None:
    bench.land({"calc.py": FIXED})
    bench.landing.undo(bench.fix())
    bench.tree.git("reflog", "expire", "--expire=now", "--all")
    bench.tree.git("gc", "-q", "--prune=now")
    assert unreachable(bench.tree) == []
    bench.landing.redo(bench.fix())
    assert bench.tree.git("show", "HEAD:calc.py") == FIXED
    assert_shows_nothing(bench, ["Fix tests/test_calc.py::test_add", "start"])


def tree_objects(bench: Bench) -> list[str]:
    return sorted(bench.tree.git("cat-file", "--batch-all-objects", "--batch-check").splitlines())


def _made_by(tree: Tree, commit: str, path: str) -> list[str]:
    return [tree.git("rev-parse", name).strip() for name in (f"{commit}^{{tree}}", f"{commit}:{path}")]
