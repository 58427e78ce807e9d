"""Fixes land, are undone and redone on real git, in every state that a working tree can be in."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bench import BUGGY, FIXED, open_bench
from tree import Tree

from fixer.domain.errors import TreeNeedsPerson
from fixer.infrastructure.git import Git


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", BUGGY)
    tree.write("other.py", "x = 1\n")
    tree.commit("start")
    return tree


def test_a_fix_on_a_clean_tree_is_exactly_one_commit_by_the_user(tree: Tree) -> None:
    bench = open_bench(tree)
    landed = bench.land({"calc.py": FIXED})
    assert tree.git("rev-list", "--count", "HEAD").strip() == "2"
    assert tree.git("rev-parse", "HEAD").strip() == landed.commit
    assert tree.git("status", "--porcelain") == ""
    assert tree.git("show", "HEAD:calc.py") == FIXED
    assert tree.git("log", "-1", "--format=%an") == tree.git("log", "-1", "--format=%an", "HEAD~1")
    assert tree.git("log", "-1", "--format=%(trailers:key=Co-authored-by,valueonly)").startswith("aider (")


def edits_in_other_files(tree: Tree) -> None:
    tree.write("other.py", "x = 2\n")
    tree.write("notes.txt", "mine\n")


def edits_elsewhere_in_the_file(tree: Tree) -> None:
    tree.write("calc.py", BUGGY.replace("return 2", "return 22"))


def staged_and_unstaged_edits(tree: Tree) -> None:
    tree.write("calc.py", BUGGY.replace("return 1", "return 11"))
    tree.git("add", "calc.py")
    tree.write("calc.py", BUGGY.replace("return 1", "return 11").replace("return 2", "return 22"))


def a_staged_new_file(tree: Tree) -> None:
    tree.write("new.py", "n = 1\n")
    tree.git("add", "new.py")


def an_intent_to_add(tree: Tree) -> None:
    tree.write("later.py", "l = 1\n")
    tree.git("add", "-N", "later.py")


def a_deleted_file(tree: Tree) -> None:
    (tree.path / "other.py").unlink()


def a_stash(tree: Tree) -> None:
    tree.write("other.py", "x = 3\n")
    tree.git("stash")


def a_detached_head(tree: Tree) -> None:
    tree.git("checkout", "-q", "--detach")


STATES = [
    edits_in_other_files,
    edits_elsewhere_in_the_file,
    staged_and_unstaged_edits,
    a_staged_new_file,
    an_intent_to_add,
    a_deleted_file,
    a_stash,
    a_detached_head,
]


@pytest.mark.parametrize("make", STATES)
def test_work_in_progress_is_the_same_after_landing_and_after_undo(tree: Tree, make: Callable[[Tree], None]) -> None:
    make(tree)
    before = tree.fingerprint()
    numstat, cached = tree.git("diff", "--numstat"), tree.git("diff", "--cached")
    bench = open_bench(tree)

    landed = bench.land({"calc.py": tree.read("calc.py").replace("a - b", "a + b")})

    assert landed.commit
    assert landed.note == ""
    assert tree.git("show", "--format=", "HEAD") == _only_the_fix()
    assert tree.git("diff", "--numstat") == numstat
    assert _without_index_lines(tree.git("diff", "--cached")) == _without_index_lines(cached)
    assert tree.git("stash", "list") == before.stash
    assert bench.landing.undo(bench.fix()).endswith("removed")
    assert tree.fingerprint() == before


@pytest.mark.parametrize("make", STATES)
def test_a_reverted_attempt_leaves_every_byte_as_it_was(tree: Tree, make: Callable[[Tree], None]) -> None:
    make(tree)
    before, index = tree.fingerprint(), (tree.path / ".git/index").read_bytes()
    bench = open_bench(tree)
    bench.attempt(
        {"calc.py": "nonsense\n", "created.py": "x\n", "other.py": None if make is not a_deleted_file else "y"}
    )
    bench.workspace.revert()
    assert (tree.path / ".git/index").read_bytes() == index  # looked at first: a mere `git diff` rewrites it
    assert tree.fingerprint() == before


def _only_the_fix() -> str:
    return (
        "diff --git a/calc.py b/calc.py\n"
        f"index {_blobs()} 100644\n"
        "--- a/calc.py\n+++ b/calc.py\n@@ -1,5 +1,5 @@\n def add(a, b):\n-    return a - b\n+    return a + b\n"
        " \n \n def one():\n"
    )


def _blobs() -> str:
    import hashlib

    def blob(text: str) -> str:
        return hashlib.sha1(f"blob {len(text)}\0{text}".encode()).hexdigest()[:7]

    return f"{blob(BUGGY)}..{blob(FIXED)}"


def _without_index_lines(diff: str) -> str:
    return "\n".join(line for line in diff.splitlines() if not line.startswith(("index ", "@@")))


def test_an_edit_in_the_second_of_the_commit_is_not_hidden(tree: Tree) -> None:
    """Of the same size too: git then knows only by the index file's own time that it has to look."""
    tree.write("other.py", "x = 2\n")
    index, now = tree.path / ".git/index", (tree.path / "other.py").stat().st_mtime_ns
    tree.write("other.py", "x = 1\n")
    os.utime(tree.path / "other.py", ns=(now, now))
    tree.git("update-index", "--refresh")
    tree.write("other.py", "x = 2\n")
    os.utime(tree.path / "other.py", ns=(now, now))
    os.utime(index, ns=(now, now))
    time.sleep(1.1)

    bench = open_bench(tree)
    bench.attempt({"calc.py": FIXED})
    assert Git(tree.path, {"GIT_DIR": str(bench.workspace.git_dir)}).run("show", "HEAD:other.py") == b"x = 2\n"
    bench.workspace.commit_changes("Fix it")

    assert tree.git("diff", "--name-only") == "other.py\n"


def test_edits_on_the_very_lines_keep_the_fix_out_of_the_commit_and_say_so(tree: Tree) -> None:
    tree.write("calc.py", BUGGY.replace("a - b", "a - b  # hm"))
    bench = open_bench(tree)
    landed = bench.land({"calc.py": BUGGY.replace("a - b", "a + b  # hm")})
    assert landed.commit == ""
    assert landed.note == "the fix stands on lines of calc.py that you have not committed"
    assert tree.git("rev-list", "--count", "HEAD").strip() == "1"
    assert bench.landing.undo(bench.fix()) == "taken out of the tree; it was never committed"
    assert "a - b  # hm" in tree.read("calc.py")


def test_a_fix_in_a_file_that_git_does_not_know_stays_uncommitted(tree: Tree) -> None:
    tree.write("fresh.py", BUGGY)
    bench = open_bench(tree)
    landed = bench.land({"fresh.py": FIXED})
    assert landed.note == "fresh.py is not in your last commit"
    assert tree.git("status", "--porcelain") == "?? fresh.py\n"


def test_a_fix_may_create_delete_and_chmod_files(tree: Tree) -> None:
    bench = open_bench(tree)
    before = tree.fingerprint()
    bench.attempt({"calc.py": FIXED, "pkg/new.py": "n = 1\n", "other.py": None})
    (tree.path / "calc.py").chmod(0o755)
    bench.workspace.finished()
    landed = bench.workspace.commit_changes("Fix it")
    assert landed.commit
    assert tree.git("show", "--format=", "--name-status", "HEAD").split() == [
        "M", "calc.py", "D", "other.py", "A", "pkg/new.py",
    ]  # fmt: skip
    assert tree.git("ls-tree", "HEAD", "calc.py").startswith("100755")
    assert tree.git("status", "--porcelain") == ""
    bench.landing.undo(bench.fix())
    assert tree.fingerprint() == before
    bench.landing.redo(bench.fix())
    assert tree.git("status", "--porcelain") == ""
    assert stat.S_IMODE((tree.path / "calc.py").stat().st_mode) & 0o111


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BUGGY.replace("\n", "\r\n").encode(), FIXED.replace("\n", "\r\n").encode()),
        (BUGGY.rstrip("\n").encode(), FIXED.rstrip("\n").encode()),
        (b"\xef\xbb\xbf" + BUGGY.encode(), b"\xef\xbb\xbf" + FIXED.encode()),
        (
            b"# -*- coding: latin-1 -*-\nn = '\xe9'\n" + BUGGY.encode(),
            b"# -*- coding: latin-1 -*-\nn = '\xe9'\n" + FIXED.encode(),
        ),
    ],
    ids=["crlf", "no-final-newline", "bom", "latin-1"],
)
def test_bytes_survive_landing_undo_and_redo(tree: Tree, before: bytes, after: bytes) -> None:
    tree.write("calc.py", before)
    tree.commit()
    bench = open_bench(tree)
    bench.land({"calc.py": after})
    assert tree.git("show", "--format=", "--numstat", "HEAD") == "1\t1\tcalc.py\n"
    bench.landing.undo(bench.fix())
    assert (tree.path / "calc.py").read_bytes() == before
    bench.landing.redo(bench.fix())
    assert (tree.path / "calc.py").read_bytes() == after
    assert tree.git("status", "--porcelain") == ""


def test_line_ending_conversion_gives_the_users_blobs(tree: Tree) -> None:
    tree.git("config", "core.autocrlf", "true")
    tree.write("calc.py", BUGGY.replace("\n", "\r\n"))
    tree.git("add", "calc.py")
    bench = open_bench(tree)
    bench.land({"calc.py": FIXED.replace("\n", "\r\n")})
    assert tree.git("show", "HEAD:calc.py") == FIXED
    assert tree.git("status", "--porcelain") == ""


def test_a_linked_worktree_and_a_subfolder_have_their_own_state(tree: Tree, tmp_path: Path) -> None:
    tree.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    linked = Tree(tmp_path / "linked")
    (linked.path / "sub").mkdir()
    bench = open_bench(linked, directory=linked.path / "sub")
    landed = bench.land({"calc.py": FIXED})
    assert linked.git("rev-parse", "HEAD").strip() == landed.commit
    assert tree.git("rev-list", "--count", "HEAD").strip() == "1"
    assert tree.git("status", "--porcelain") == ""
    assert open_bench(tree).store.fixes() == []


def test_an_unborn_branch_keeps_the_fix_uncommitted(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "fresh").init()
    tree.write("calc.py", BUGGY)
    bench = open_bench(tree)
    assert bench.land({"calc.py": FIXED}).note == "the branch has no commit yet"
    bench.landing.undo(bench.fix())
    assert tree.read("calc.py") == BUGGY


def test_without_git_nothing_is_committed_and_undo_still_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    tree = Tree(tmp_path / "plain")
    tree.write("calc.py", BUGGY)
    bench = open_bench(tree)
    landed = bench.land({"calc.py": FIXED})
    assert (landed.commit, landed.note) == ("", "")
    assert sorted(path.name for path in tree.path.iterdir()) == ["calc.py"]
    bench.landing.undo(bench.fix())
    assert tree.read("calc.py") == BUGGY


def test_a_pushed_fix_is_undone_by_a_revert_commit(tree: Tree, tmp_path: Path) -> None:
    bench = open_bench(tree)
    landed = bench.land({"calc.py": FIXED})
    tree.git("init", "-q", "--bare", str(tmp_path / "remote.git"))
    tree.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    tree.git("push", "-q", "origin", "main")
    assert "reverted by" in bench.landing.undo(bench.fix())
    assert tree.git("rev-parse", "HEAD~1").strip() == landed.commit
    assert tree.git("show", "HEAD:calc.py") == BUGGY
    assert tree.git("status", "--porcelain") == ""


def test_undo_finds_a_rebased_fix_below_later_work_and_merges_around_edits(tree: Tree) -> None:
    bench = open_bench(tree)
    bench.land({"calc.py": FIXED})
    tree.git("commit", "-q", "--amend", "--no-edit", "--date", "2020-01-01T00:00:00")
    tree.write("other.py", "x = 5\n")
    tree.commit("later")
    tree.write("calc.py", FIXED.replace("return 2", "return 22"))
    assert "reverted by" in bench.landing.undo(bench.fix())
    assert tree.git("show", "HEAD:calc.py") == BUGGY
    assert tree.read("calc.py") == BUGGY.replace("return 2", "return 22")


def test_undo_refuses_where_the_fixed_lines_were_edited_and_changes_nothing(tree: Tree) -> None:
    bench = open_bench(tree)
    bench.land({"calc.py": FIXED})
    tree.write("calc.py", FIXED.replace("a + b", "b + a"))
    before = tree.fingerprint()
    with pytest.raises(TreeNeedsPerson, match=r"calc\.py was edited on the very lines"):
        bench.landing.undo(bench.fix())
    assert tree.fingerprint() == before


def test_undo_twice_and_redo_twice_are_refused(tree: Tree) -> None:
    bench = open_bench(tree)
    bench.land({"calc.py": FIXED})
    with pytest.raises(TreeNeedsPerson, match="in place already"):
        bench.landing.redo(bench.fix())
    bench.landing.undo(bench.fix())
    with pytest.raises(TreeNeedsPerson, match="undone already"):
        bench.landing.undo(bench.fix())


def test_a_locked_index_leaves_the_fix_uncommitted(tree: Tree) -> None:
    bench = open_bench(tree)
    (tree.path / ".git/index.lock").write_bytes(b"")
    landed = bench.land({"calc.py": FIXED})
    assert "another git command holds" in landed.note
    assert tree.git("rev-list", "--count", "HEAD").strip() == "1"


def test_nothing_of_ours_shows_in_the_users_repository(tree: Tree) -> None:
    bench = open_bench(tree)
    bench.attempt({"calc.py": "wrong\n"})
    bench.workspace.revert()
    bench.land({"calc.py": FIXED})
    bench.landing.undo(bench.fix())
    assert tree.git("log", "--all", "--format=%s") == "start\n"
    assert tree.git("status", "--porcelain", "--ignored") == ""
    assert tree.git("for-each-ref") == tree.git("for-each-ref", "refs/heads/main")
