"""What fixer keeps on disk is bounded, and pruning takes nothing that is still needed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from bench import BUGGY, FIXED, Bench, open_bench
from tree import Tree

from fixer.infrastructure.landing import save_aside
from fixer.infrastructure.pruning import Pruned, prune
from fixer.infrastructure.run_lock import run_lock
from fixer.infrastructure.working_file import FileState


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", BUGGY)
    tree.commit("start")
    return open_bench(tree)


def make_old(path: Path, days: float) -> None:
    then = time.time() - days * 86_400
    for each in (path, *path.rglob("*")):
        os.utime(each, (then, then))


def test_what_is_in_use_is_kept(bench: Bench) -> None:
    bench.land({"calc.py": FIXED})
    save_aside(bench.project.worktree_state, "calc.py", FileState(b"x"))
    assert prune(bench.project).files == 0
    assert sorted(path.name for path in bench.project.worktree_state.iterdir()) == ["lock", "saved", "shadow.git"]


def test_an_old_shadow_goes_and_undo_and_the_next_run_work_all_the_same(bench: Bench) -> None:
    bench.land({"calc.py": FIXED})
    make_old(bench.project.worktree_state / "shadow.git", 31)
    assert prune(bench.project, keep_days=32).files == 0
    assert prune(bench.project).bytes > 0
    assert [path.name for path in bench.project.worktree_state.iterdir()] == ["lock"]
    later = open_bench(bench.tree)
    later.landing.undo(later.fix())
    assert bench.tree.read("calc.py") == BUGGY
    assert later.land({"calc.py": FIXED}).commit


def test_the_shadow_of_a_vanished_worktree_goes(bench: Bench) -> None:
    linked = Tree(bench.tree.path.parent / "linked")
    bench.tree.git("worktree", "add", "-q", str(linked.path), "-b", "side")
    gone = open_bench(linked).project.worktree_state
    bench.tree.git("worktree", "remove", "--force", str(linked.path))
    make_old(gone, 40)
    prune(bench.project)
    assert [path.name for path in gone.iterdir()] == ["lock"]
    assert bench.workspace.git_dir.exists()


def test_a_tree_that_a_run_works_in_is_left_alone(bench: Bench) -> None:
    make_old(bench.workspace.git_dir, 99)
    with run_lock(bench.project.worktree_state):
        assert prune(bench.project).files == 0
    assert bench.workspace.git_dir.exists()


def test_saved_texts_are_kept_for_ninety_days_and_never_overwritten(bench: Bench) -> None:
    scratch = bench.project.worktree_state
    old = save_aside(scratch, "calc.py", FileState(b"old"))
    young = save_aside(scratch, "calc.py", FileState(b"young"))
    make_old(old, 91)
    make_old(young, 89)
    assert prune(bench.project).files == 1
    assert [path.read_bytes() for path in (scratch / "saved").iterdir()] == [b"young"]
    save_aside(scratch, "calc.py", FileState(b"new"))
    assert young.read_bytes() == b"young"


def test_bytecode_beyond_its_bound_goes(bench: Bench) -> None:
    bytecode = bench.project.worktree_state / "bytecode"
    bytecode.mkdir()
    (bytecode / "calc.pyc").write_bytes(b"x" * 1000)
    assert prune(bench.project).files == 0
    assert prune(bench.project, most_bytecode=999) == Pruned(1, 1000)


def test_what_a_crash_left_goes_but_never_a_link_target(bench: Bench, tmp_path: Path) -> None:
    scratch = bench.project.worktree_state
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").write_text("mine")
    (scratch / "objects").symlink_to(tmp_path / "precious")
    (scratch / ".fixer-abc").write_text("half")
    make_old(scratch / ".fixer-abc", 2)
    prune(bench.project)
    assert (tmp_path / "precious/file").read_text() == "mine"
    assert sorted(path.name for path in scratch.iterdir()) == ["lock", "shadow.git"]
