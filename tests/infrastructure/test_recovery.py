"""What a crash left is put right by the next command, around whatever its owner did in the meantime."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from bench import BUGGY, FIXED, Bench, open_bench
from tree import Tree

from fixer.application.ports import Arbiter
from fixer.domain.errors import TreeNeedsPerson
from fixer.infrastructure.fault_points import EVENT
from fixer.infrastructure.recovery import NobodyToAsk, StandingAnswer, recover


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", BUGGY)
    tree.write("other.py", "x = 1\n")
    tree.commit("start")
    return tree


def put_right(bench: Bench, arbiter: Arbiter | None = None) -> list[str]:
    return recover(bench.project, bench.store, bench.landing, arbiter or NobodyToAsk())


def test_an_attempt_cut_off_by_a_crash_is_taken_back_and_its_text_kept(tree: Tree) -> None:
    tree.write("calc.py", BUGGY.replace("return 2", "return 22"))
    before = tree.fingerprint()
    open_bench(tree).attempt({"calc.py": "half an answer\n", "created.py": "x\n"})
    later = open_bench(tree)
    said = put_right(later)
    assert tree.fingerprint() == before
    assert said[0].startswith("An interrupted attempt on tests/test_calc.py::test_add was taken back")
    (patch,) = (later.project.worktree_state / "saved").iterdir()
    assert str(patch) in said[0]
    tree.git("apply", str(patch))
    assert (tree.read("calc.py"), tree.read("created.py")) == ("half an answer\n", "x\n")
    assert put_right(later) == []


def test_edits_of_the_user_after_a_crash_survive_recovery(tree: Tree) -> None:
    open_bench(tree).attempt({"calc.py": FIXED})
    tree.write("calc.py", FIXED.replace("return 2", "return 22"))
    later = open_bench(tree)
    put_right(later)
    assert tree.read("calc.py") == BUGGY.replace("return 2", "return 22")


def test_edits_of_the_user_on_the_same_lines_are_left_and_both_texts_kept(tree: Tree) -> None:
    open_bench(tree).attempt({"calc.py": FIXED})
    mine = FIXED.replace("a + b", "sum((a, b))")
    tree.write("calc.py", mine)
    later = open_bench(tree)
    before = tree.fingerprint()
    for _ in range(2):  # until it is decided
        with pytest.raises(TreeNeedsPerson, match=r"calc\.py was edited by you .* Nothing was touched"):
            put_right(later)
        assert tree.fingerprint() == before


@pytest.mark.parametrize("mine", [True, False])
def test_a_decision_about_the_same_lines_is_carried_out_and_the_other_text_is_kept(tree: Tree, mine: bool) -> None:
    open_bench(tree).attempt({"calc.py": FIXED, "other.py": "x = 2\n"})
    edited = FIXED.replace("a + b", "sum((a, b))")
    tree.write("calc.py", edited)
    later = open_bench(tree)
    put_right(later, StandingAnswer(mine))
    assert tree.read("calc.py") == (edited if mine else BUGGY)
    assert tree.read("other.py") == "x = 1\n"
    (patch,) = (later.project.worktree_state / "saved").iterdir()
    assert ("sum((a, b))" in patch.read_text()) is not mine
    assert put_right(later) == []


def test_an_engine_cut_off_in_the_middle_of_writing_is_no_edit_of_the_users(tree: Tree) -> None:
    bench = open_bench(tree)
    start(bench, "calc.py", FIXED, written=FIXED[:20])
    put_right(open_bench(tree))
    assert tree.read("calc.py") == BUGGY


def test_what_the_user_wrote_after_a_crash_while_writing_stays(tree: Tree) -> None:
    bench = open_bench(tree)
    start(bench, "calc.py", FIXED, written=FIXED)
    tree.write("calc.py", FIXED + "mine = 1\n")
    put_right(open_bench(tree))
    assert tree.read("calc.py") == BUGGY + "mine = 1\n"


def test_what_the_user_wrote_after_a_crash_before_writing_stays(tree: Tree) -> None:
    bench = open_bench(tree)
    start(bench, "calc.py", FIXED, written=BUGGY)
    tree.write("calc.py", BUGGY + "mine = 1\n")
    put_right(open_bench(tree))
    assert tree.read("calc.py") == BUGGY + "mine = 1\n"


def test_an_index_lock_that_the_user_removed_does_not_leave_the_fix_staged_in_reverse(tree: Tree) -> None:
    tree.write("other.py", "x = 'staged'\n")
    tree.git("add", "other.py")
    bench = open_bench(tree)
    cut_off_after_the_branch_moved(bench)
    (tree.path / ".git/index.lock").unlink()
    put_right(open_bench(tree))
    assert tree.git("status", "--porcelain") == "M  other.py\n"


def start(bench: Bench, name: str, text: str, *, written: str) -> None:
    """An attempt that gets as far as writing."""
    bench.attempt({})
    path = bench.project.top / name
    assert bench.workspace.about_to_edit(path)
    bench.workspace.about_to_write(path, text.encode())
    bench.tree.write(name, written)


def cut_off_after_the_branch_moved(bench: Bench) -> None:
    bench.attempt({"calc.py": FIXED})
    seen: list[str] = []

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == EVENT and args == ("branch moved",) and not seen:
            seen.append("once")
            raise Killed

    sys.addaudithook(hook)
    with pytest.raises(Killed):
        bench.workspace.commit_changes("Fix it")


class Killed(BaseException):
    """As if the process had ended here."""
