"""Any fix can be taken back and brought again, whatever came after it; a refusal changes nothing and says what next."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bench import BUGGY, Bench, open_bench
from tree import Tree

from fixer.domain.errors import TreeNeedsPerson
from fixer.infrastructure.fix_choice import choose_fixes
from fixer.infrastructure.fix_store import StoredFix

FIXES = {"add": ("a - b", "a + b"), "one": ("return 1", "return 11"), "two": ("return 2", "return 22")}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", BUGGY)
    tree.write("other.py", "x = 1\n")
    tree.commit("start")
    return tree


def land(bench: Bench, name: str) -> StoredFix:
    old, new = FIXES[name]
    assert bench.land({"calc.py": bench.tree.read("calc.py").replace(old, new)}).commit
    return bench.fix()


def current(bench: Bench, fix: StoredFix) -> StoredFix:
    return next(found for found in bench.store.fixes() if found.id == fix.id)


def undo(bench: Bench, fix: StoredFix) -> str:
    return bench.landing.undo(current(bench, fix))


def redo(bench: Bench, fix: StoredFix) -> str:
    return bench.landing.redo(current(bench, fix))


def with_fixes(*names: str) -> str:
    text = BUGGY
    for name in names:
        text = text.replace(*FIXES[name])
    return text


def assert_holds(tree: Tree, *names: str) -> None:
    assert tree.read("calc.py") == with_fixes(*names)
    assert tree.git("show", "HEAD:calc.py") == with_fixes(*names)
    assert tree.git("status", "--porcelain") == ""


def assert_refused(tree: Tree, act: Callable[[], object], why: str) -> None:
    before, index = tree.fingerprint(), tree.git("ls-files", "--stage", "-v")
    with pytest.raises(TreeNeedsPerson, match=why) as refused:
        act()
    assert refused.value.cure
    assert (tree.fingerprint(), tree.git("ls-files", "--stage", "-v")) == (before, index)
    assert "dangling" not in tree.git("fsck", "--no-progress")


def test_fixes_are_undone_and_redone_out_of_order(tree: Tree) -> None:
    bench = open_bench(tree)
    add, one, two = (land(bench, name) for name in FIXES)
    undo(bench, add)
    assert_holds(tree, "one", "two")
    undo(bench, two)
    assert_holds(tree, "one")
    redo(bench, add)
    undo(bench, one)
    assert_holds(tree, "add")
    redo(bench, two)
    redo(bench, one)
    assert_holds(tree, "add", "one", "two")


@pytest.mark.parametrize("seed", range(4))
def test_any_interleaving_ends_where_its_last_steps_say(tree: Tree, seed: int) -> None:
    bench, chance = open_bench(tree), random.Random(seed)
    fixes = {name: land(bench, name) for name in FIXES}
    inside = set(FIXES)
    for _ in range(8):
        name = chance.choice(sorted(FIXES))
        if chance.random() < 0.3:
            tree.write("other.py", f"x = {chance.random()}\n")
            tree.git("commit", "-q", "-m", "mine", "other.py")
        (undo if name in inside else redo)(bench, fixes[name])
        inside ^= {name}
        assert_holds(tree, *inside)
    assert "missing" not in tree.git("fsck", "--no-progress")


def test_undo_by_fix_test_and_run_finds_the_same(tree: Tree) -> None:
    bench = open_bench(tree)
    land(bench, "one")
    land(bench, "two")
    fixes = bench.store.fixes()
    assert choose_fixes(fixes, fixes[1].id[:4], whole_run=False, undone=False) == [fixes[1]]
    assert choose_fixes(fixes, fixes[0].nodeid, whole_run=False, undone=False) == [fixes[0]]
    for fix in choose_fixes(fixes, "", whole_run=True, undone=False):
        undo(bench, fix)
    assert_holds(tree)


def test_a_fix_that_was_rebased_is_found_and_reverted(tree: Tree) -> None:
    tree.git("switch", "-q", "-c", "side")
    bench = open_bench(tree)
    fix = land(bench, "add")
    tree.git("switch", "-q", "main")
    tree.write("other.py", "x = 2\n")
    tree.commit("upstream")
    tree.git("switch", "-q", "side")
    tree.git("rebase", "-q", "main")
    assert "removed" in undo(bench, fix)
    assert_holds(tree)
    assert tree.git("log", "--format=%s").split() == ["upstream", "start"]
    redo(bench, fix)
    assert_holds(tree, "add")


@pytest.mark.parametrize("message", [(), ("-m", "my own words")], ids=["same-message", "other-message"])
@pytest.mark.parametrize("later", [False, True], ids=["on-top", "below-later-work"])
def test_an_amended_fix_is_found_by_trailer_or_by_what_it_changes(
    tree: Tree, message: tuple[str, ...], later: bool
) -> None:
    bench = open_bench(tree)
    fix = land(bench, "add")
    tree.git("commit", "-q", "--amend", *(message or ("--no-edit",)), "--date", "2020-01-01T00:00:00")
    if later:
        tree.write("calc.py", with_fixes("add", "two"))
        tree.commit("later")
    assert ("reverted by" if later else "removed") in undo(bench, fix)
    assert_holds(tree, *(["two"] if later else []))
    redo(bench, fix)
    assert_holds(tree, "add", *(["two"] if later else []))


def test_work_that_the_user_amended_into_a_fix_stays_when_the_fix_is_undone(tree: Tree) -> None:
    bench = open_bench(tree)
    fix = land(bench, "add")
    tree.write("other.py", "x = 'mine'\n")
    tree.git("commit", "-q", "-a", "--amend", "--no-edit")
    assert "reverted by" in undo(bench, fix)
    assert_holds(tree)
    assert tree.git("show", "HEAD:other.py") == "x = 'mine'\n"


def test_a_fix_whose_commit_git_has_deleted_is_undone_from_the_ledger(tree: Tree) -> None:
    bench = open_bench(tree)
    fix = land(bench, "add")
    tree.write("other.py", "x = 2\n")
    tree.git("commit", "-q", "-a", "--amend", "--no-edit")
    tree.git("reflog", "expire", "--expire=now", "--all")
    tree.git("gc", "-q", "--prune=now")
    assert "reverted by" in undo(bench, fix)
    assert_holds(tree)


def test_a_squashed_fix_is_refused(tree: Tree) -> None:
    bench = open_bench(tree)
    fix = land(bench, "add")
    tree.git("reset", "-q", "--soft", "HEAD~1")
    tree.write("other.py", "x = 2\n")
    tree.git("commit", "-q", "-a", "-m", "all in one")
    assert_refused(tree, lambda: undo(bench, fix), "is not on the branch that is checked out")


def test_a_fix_on_another_branch_is_refused(tree: Tree) -> None:
    tree.git("switch", "-q", "-c", "side")
    bench = open_bench(tree)
    fix = land(bench, "add")
    tree.git("switch", "-q", "main")
    assert_refused(tree, lambda: undo(bench, fix), "is not on the branch that is checked out")


def test_undo_after_a_push_adds_a_commit_and_redo_another(tree: Tree) -> None:
    bench = open_bench(tree)
    fix = land(bench, "add")
    tree.git("init", "-q", "--bare", str(tree.path.parent / "remote.git"))
    tree.git("remote", "add", "origin", str(tree.path.parent / "remote.git"))
    tree.git("push", "-q", "origin", "main")
    undo(bench, fix)
    redo(bench, fix)
    undo(bench, fix)
    assert tree.git("rev-list", "--count", "origin/main..HEAD").strip() == "1"
    assert_holds(tree)
    tree.git("push", "-q", "origin", "main")


def test_undo_and_redo_keep_every_uncommitted_line(tree: Tree) -> None:
    bench = open_bench(tree)
    fix = land(bench, "add")
    tree.write("calc.py", with_fixes("add", "one"))
    tree.git("add", "calc.py")
    tree.write("calc.py", with_fixes("add", "one", "two"))
    tree.write("other.py", "x = 5\n")
    tree.write("untracked.py", "u = 1\n")
    before = tree.fingerprint()
    undo(bench, fix)
    assert tree.read("calc.py") == with_fixes("one", "two")
    assert tree.git("show", ":calc.py") == with_fixes("one")
    redo(bench, fix)
    assert replace(tree.fingerprint(), refs="") == replace(before, refs="")


def staged_on_the_lines(tree: Tree) -> None:
    tree.write("calc.py", with_fixes("add").replace("a + b", "b + a"))
    tree.git("add", "calc.py")
    tree.write("calc.py", with_fixes("add"))


def edited_on_the_lines(tree: Tree) -> None:
    tree.write("calc.py", with_fixes("add").replace("a + b", "b + a"))


def committed_on_the_lines(tree: Tree) -> None:
    edited_on_the_lines(tree)
    tree.commit("mine")


def deleted_the_file(tree: Tree) -> None:
    tree.git("rm", "-q", "calc.py")


def merging(tree: Tree) -> None:
    tree.git("branch", "side", "HEAD~1")
    tree.git("merge", "-q", "--no-ff", "--no-commit", "HEAD")
    (tree.path / ".git/MERGE_HEAD").write_text(tree.git("rev-parse", "side"))


@pytest.mark.parametrize(
    "make", [staged_on_the_lines, edited_on_the_lines, committed_on_the_lines, deleted_the_file, merging]
)
def test_an_undo_that_is_not_clean_is_refused(tree: Tree, make: Callable[[Tree], None]) -> None:
    bench = open_bench(tree)
    fix = land(bench, "add")
    make(tree)
    assert_refused(tree, lambda: undo(bench, fix), "Nothing was changed|fixer show")


def test_a_redo_that_is_not_clean_is_refused(tree: Tree) -> None:
    bench = open_bench(tree)
    fix = land(bench, "add")
    undo(bench, fix)
    tree.write("calc.py", BUGGY.replace("a - b", "b - a"))
    assert_refused(tree, lambda: redo(bench, fix), "was edited on the very lines")
    tree.commit("mine")
    assert_refused(tree, lambda: redo(bench, fix), "was edited on the very lines")


def test_twice_is_refused_with_the_way_back(tree: Tree) -> None:
    bench = open_bench(tree)
    fix = land(bench, "add")
    assert_refused(tree, lambda: redo(bench, fix), "in place already")
    undo(bench, fix)
    assert_refused(tree, lambda: undo(bench, fix), "undone already")


def test_landed_undone_and_redone_fixes_leave_nothing_but_what_the_reflog_has(tree: Tree) -> None:
    bench = open_bench(tree)
    add, one = land(bench, "add"), land(bench, "one")
    undo(bench, add)
    redo(bench, add)
    undo(bench, one)
    assert tree.git("fsck", "--no-progress", "--strict") == ""
    assert tree.git("stash", "list") + tree.git("status", "--porcelain", "--ignored") == ""
    assert tree.git("for-each-ref", "--format=%(refname)").split() == ["refs/heads/main"]
    scratch = bench.project.worktree_state
    assert [path.name for path in scratch.iterdir()] == ["shadow.git"]
