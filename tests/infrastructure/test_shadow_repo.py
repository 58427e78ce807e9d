"""A snapshot holds exactly what `git add -A` would, whatever has happened to the tree."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tree import Tree

from fixer.infrastructure.project import locate
from fixer.infrastructure.shadow_repo import LARGEST_UNTRACKED, ShadowRepo


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", "x = 1\n")
    tree.write("pkg/mod.py", "y = 1\n")
    tree.write("run.sh", "true\n")
    tree.write(".gitignore", "*.log\n")
    tree.commit("start")
    return tree


def open_shadow(tree: Tree) -> ShadowRepo:
    shadow = ShadowRepo(locate(tree.path, os.environ))
    shadow.open()
    return shadow


def tree_of(shadow: ShadowRepo, commit: str) -> str:
    return shadow.git.line("rev-parse", f"{commit}^{{tree}}")


def whole_tree(shadow: ShadowRepo, tmp_path: Path) -> str:
    """What git itself makes of the working tree, with an index of its own."""
    index = tmp_path / "index-of-all"
    shutil.copyfile(shadow.git_dir / "index", index)
    git = shadow.git.with_env(GIT_INDEX_FILE=str(index))
    git.run("add", "-A", "--", ".")
    return git.line("write-tree")


def nothing(tree: Tree) -> None:
    del tree


def edits_and_new_files(tree: Tree) -> None:
    tree.write("calc.py", "x = 2\n")
    tree.write("new.py", "n = 1\n")
    tree.write("deep/er/new [*].py", "n = 1\n")
    tree.write("new\nline.py", "n = 1\n")
    tree.write("build.log", "ignored\n")


def a_deleted_file(tree: Tree) -> None:
    (tree.path / "pkg/mod.py").unlink()


def a_file_where_a_folder_was(tree: Tree) -> None:
    shutil.rmtree(tree.path / "pkg")
    tree.write("pkg", "now a file\n")


def a_folder_where_a_file_was(tree: Tree) -> None:
    (tree.path / "calc.py").unlink()
    tree.write("calc.py/__init__.py", "x = 1\n")


def a_link_where_a_folder_was(tree: Tree) -> None:
    (tree.path / "pkg").rename(tree.path / "moved")
    (tree.path / "pkg").symlink_to("moved")


def a_link_where_a_file_was(tree: Tree) -> None:
    (tree.path / "run.sh").unlink()
    (tree.path / "run.sh").symlink_to("nowhere")


def another_mode(tree: Tree) -> None:
    (tree.path / "run.sh").chmod(0o755)


def staged_edited_and_to_be_added(tree: Tree) -> None:
    tree.write("calc.py", "x = 2\n")
    tree.write("later.py", "n = 1\n")
    tree.write("gone.py", "n = 1\n")
    tree.git("add", "calc.py", "gone.py")
    tree.git("add", "-N", "later.py")
    (tree.path / "gone.py").unlink()
    tree.write("calc.py", "x = 3\n")
    tree.git("rm", "-q", "--cached", "run.sh")


def a_merge_with_conflicts(tree: Tree) -> None:
    tree.git("checkout", "-q", "-b", "side")
    tree.write("calc.py", "x = 'side'\n")
    (tree.path / "run.sh").unlink()
    tree.commit()
    tree.git("checkout", "-q", "main")
    tree.write("calc.py", "x = 'main'\n")
    tree.write("run.sh", "false\n")
    tree.commit()
    with pytest.raises(AssertionError):
        tree.git("merge", "-q", "side")
    (tree.path / "run.sh").unlink()


def ignored_but_tracked(tree: Tree) -> None:
    tree.write("kept.log", "1\n")
    tree.git("add", "-f", "kept.log")
    tree.write("kept.log", "2\n")


def an_own_taste_in_status(tree: Tree) -> None:
    for name, value in {
        "status.showUntrackedFiles": "no",
        "status.showStash": "true",
        "status.relativePaths": "true",
        "core.quotePath": "true",
        "core.untrackedCache": "true",
        "diff.renames": "copies",
        "branch.fixer.remote": ".",
        "branch.fixer.merge": "refs/heads/main",
    }.items():
        tree.git("config", name, value)
    tree.write("new.py", "x = 1\n")


STATES = [
    nothing,
    edits_and_new_files,
    a_deleted_file,
    a_file_where_a_folder_was,
    a_folder_where_a_file_was,
    a_link_where_a_folder_was,
    a_link_where_a_file_was,
    another_mode,
    staged_edited_and_to_be_added,
    a_merge_with_conflicts,
    ignored_but_tracked,
    an_own_taste_in_status,
]


@pytest.mark.parametrize("make", STATES)
def test_the_first_snapshot_of_a_run_is_the_whole_tree(
    tree: Tree, make: Callable[[Tree], None], tmp_path: Path
) -> None:
    make(tree)
    before = tree.fingerprint()
    shadow = open_shadow(tree)
    commit = shadow.snapshot()
    assert shadow.head() == commit
    assert tree_of(shadow, commit) == whole_tree(shadow, tmp_path)
    assert shadow.git.run("status", "--porcelain") == b""
    assert tree.fingerprint() == before


@pytest.mark.parametrize("make", STATES)
def test_a_later_snapshot_is_the_whole_tree_too(tree: Tree, make: Callable[[Tree], None], tmp_path: Path) -> None:
    shadow = open_shadow(tree)
    first = shadow.snapshot()
    make(tree)
    later = shadow.snapshot()
    assert tree_of(shadow, later) == whole_tree(shadow, tmp_path)
    assert (first == later) == (tree_of(shadow, first) == tree_of(shadow, later))


@pytest.mark.parametrize("make", [nothing, edits_and_new_files])
def test_without_a_commit_and_without_git_it_is_the_whole_tree_as_well(
    make: Callable[[Tree], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for tree in (Tree(tmp_path / "unborn").init(), Tree(tmp_path / "plain")):
        tree.write("calc.py", "x = 1\n")
        make(tree)
        shadow = open_shadow(tree)
        assert tree_of(shadow, shadow.snapshot()) == whole_tree(shadow, tmp_path)


def test_nothing_new_is_no_new_commit(tree: Tree) -> None:
    shadow = open_shadow(tree)
    tree.write("new.py", "n = 1\n")
    first = shadow.snapshot()
    objects = sorted(shadow.git_dir.rglob("objects/??/*"))
    assert shadow.snapshot() == first
    assert sorted(shadow.git_dir.rglob("objects/??/*")) == objects


def test_what_an_engine_left_in_the_index_only_is_not_in_the_snapshot(tree: Tree) -> None:
    shadow = open_shadow(tree)
    first = shadow.snapshot()
    tree.write("calc.py", "x = 'attempt'\n")
    shadow.git.run("add", "calc.py")
    tree.write("calc.py", "x = 1\n")
    assert tree_of(shadow, shadow.snapshot()) == tree_of(shadow, first)


def test_big_untracked_files_and_repositories_inside_are_left_out(tree: Tree) -> None:
    tree.write("data.bin", b"\0" * (LARGEST_UNTRACKED + 1))
    tree.write("fits.bin", b"\0" * LARGEST_UNTRACKED)
    inner = Tree(tree.path / "inner").init()
    inner.write("a.py", "1\n")
    inner.commit()
    shadow = open_shadow(tree)
    commit = shadow.snapshot()
    listed = shadow.git.line("ls-tree", "-r", "--name-only", commit).split()
    assert listed == [".gitignore", "calc.py", "fits.bin", "pkg/mod.py", "run.sh"]
    assert shadow.snapshot() == commit


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_an_untracked_file_that_is_not_ours_to_read_is_left_out(tree: Tree) -> None:
    tree.write("secret.key", "x").chmod(0)
    shadow = open_shadow(tree)
    assert b"secret" not in shadow.git.run("ls-tree", "-r", shadow.snapshot())


def test_the_users_file_modes_setting_holds(tree: Tree) -> None:
    tree.git("config", "core.fileMode", "false")
    shadow = open_shadow(tree)
    first = shadow.snapshot()
    (tree.path / "run.sh").chmod(0o755)
    assert shadow.snapshot() == first


def test_a_submodule_counts_with_its_commit_and_not_with_the_edits_in_it(tree: Tree, tmp_path: Path) -> None:
    origin = Tree(tmp_path / "origin").init()
    origin.write("a.py", "1\n")
    origin.commit()
    tree.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(origin.path), "sub")
    tree.commit()
    sub = Tree(tree.path / "sub")
    shadow = open_shadow(tree)
    first = shadow.snapshot()
    sub.write("a.py", "2\n")
    assert shadow.snapshot() == first
    newest = sub.commit()
    assert newest in shadow.git.line("ls-tree", shadow.snapshot(), "sub")


def test_a_folder_with_quotes_in_its_name_is_no_trouble(tmp_path: Path) -> None:
    tree = Tree(tmp_path / 'a "quoted" \\ [folder] #;').init()
    tree.write("calc.py", "x = 1\n")
    tree.git("config", "core.autocrlf", "input")
    tree.commit()
    tree.write("calc.py", "x = 2\r\n")
    shadow = open_shadow(tree)
    assert shadow.git.run("cat-file", "blob", f"{shadow.snapshot()}:calc.py") == b"x = 2\n"
