"""The user's commit hooks run on a landing, see nothing but the fix, and have the last word."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from bench import BUGGY, FIXED, open_bench
from tree import Tree

from fixer.domain.errors import TreeNeedsPerson
from fixer.infrastructure.hooks import HookRefused, Hooks
from fixer.infrastructure.project import locate
from fixer.infrastructure.quarantine import Quarantine

NAMES = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", BUGGY)
    tree.write("other.py", "x = 1\n")
    tree.commit("start")
    return tree


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """Where the hooks of a test may write, outside the tree."""
    return tmp_path / "seen"


def hook(tree: Tree, name: str, script: str, folder: str = ".git/hooks") -> Path:
    path = tree.write(f"{folder}/{name}", f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def subject(tree: Tree) -> str:
    return tree.git("log", "-1", "--format=%s").strip()


def work_in_progress(tree: Tree) -> None:
    tree.write("calc.py", BUGGY.replace("return 2", "return 22"))
    tree.write("other.py", "x = 'staged'\n")
    tree.git("add", "other.py")
    tree.write("notes.txt", "mine\n")


def test_all_hooks_run_in_gits_order_and_find_the_fix_staged_on_head(tree: Tree, seen: Path) -> None:
    for name in NAMES:
        hook(tree, name, f'echo "{name} $# $(git rev-parse HEAD) $(git diff --cached --name-only)" >> "{seen}"')
    start = tree.git("rev-parse", "HEAD").strip()
    landed = open_bench(tree).land({"calc.py": FIXED})
    assert seen.read_text().splitlines() == [
        f"pre-commit 0 {start} calc.py",
        f"prepare-commit-msg 2 {start} calc.py",
        f"commit-msg 1 {start} calc.py",
        f"post-commit 0 {landed.commit} ",
    ]


def test_hooks_see_and_touch_nothing_of_the_users_uncommitted_work(tree: Tree, seen: Path) -> None:
    work_in_progress(tree)
    before = tree.fingerprint()
    script = f'cat calc.py other.py notes.txt >> "{seen}" 2>/dev/null; pwd >> "{seen}"; git status --short >> "{seen}"'
    for name in NAMES:
        hook(tree, name, script)
    hook(tree, "pre-commit", f"{script}; echo x > junk.txt; git stash -q; git checkout -q -- . ; git clean -fdq; true")
    bench = open_bench(tree)

    landed = bench.land({"calc.py": tree.read("calc.py").replace("a - b", "a + b")})

    assert landed.commit
    told = seen.read_text()
    assert "a + b" in told
    assert not [word for word in ("return 22", "staged", "mine", "??", str(tree.path)) if word in told]
    assert tree.git("show", "HEAD:calc.py") == FIXED
    bench.landing.undo(bench.fix())
    assert tree.fingerprint() == before


@pytest.mark.parametrize("name", NAMES[:3])
def test_a_hook_that_refuses_leaves_the_fix_uncommitted_with_its_last_words(tree: Tree, name: str) -> None:
    work_in_progress(tree)
    hook(tree, name, "printf '\\033[31mline 3:\\033[0m too\\a long\\n' >&2; exit 3")
    start, index = tree.git("rev-parse", "HEAD"), tree.git("ls-files", "--stage")
    fixed = tree.read("calc.py").replace("a - b", "a + b")
    landed = open_bench(tree).land({"calc.py": fixed})
    assert (landed.commit, landed.note) == ("", f"your {name} hook refused: line 3: too long")
    assert (tree.git("rev-parse", "HEAD"), tree.git("ls-files", "--stage")) == (start, index)
    assert tree.read("calc.py") == fixed
    assert "dangling" not in tree.git("fsck", "--no-progress")


@pytest.mark.parametrize(
    "script", ["echo >> calc.py", "sed -i s/b/c/ calc.py; git add -u", "rm other.py; exit 1", "git rm -q other.py"]
)
def test_a_hook_that_rewrites_files_keeps_the_fix_uncommitted(tree: Tree, script: str) -> None:
    hook(tree, "pre-commit", script)
    landed = open_bench(tree).land({"calc.py": FIXED})
    assert landed.note.startswith("your pre-commit hook wants to change the fix")
    assert tree.read("calc.py") == FIXED
    assert tree.read("other.py") == "x = 1\n"
    assert subject(tree) == "start"


def test_a_hook_may_change_the_message_but_not_empty_it(tree: Tree) -> None:
    hook(tree, "prepare-commit-msg", "sed -i '1s/^/PROJ-7 /' \"$1\"")
    bench = open_bench(tree)
    bench.land({"calc.py": FIXED})
    assert subject(tree) == "PROJ-7 Fix tests/test_calc.py::test_add"
    assert tree.git("log", "-1", "--format=%(trailers:key=Fixer-Fix,valueonly)").strip() == bench.fix().id
    hook(tree, "commit-msg", ': > "$1"')
    assert bench.land({"other.py": "x = 2\n"}).note == "your hooks left no commit message"


def test_what_post_commit_says_changes_nothing(tree: Tree) -> None:
    hook(tree, "post-commit", "exit 1")
    assert open_bench(tree).land({"calc.py": FIXED}).note == ""


def test_a_hook_cannot_move_the_users_refs_before_the_landing_is_sure(tree: Tree) -> None:
    hook(tree, "pre-commit", "git update-ref refs/heads/stolen HEAD; git commit-tree -m x 'HEAD^{tree}'; true")
    landed = open_bench(tree).land({"calc.py": FIXED})
    assert landed.commit
    assert tree.git("for-each-ref", "--format=%(refname)").split() == ["refs/heads/main"]
    assert "dangling" not in tree.git("fsck", "--no-progress")


@pytest.mark.parametrize("folder", [".husky/_", "{outside}"])
def test_hooks_are_taken_from_where_the_users_configuration_says(tree: Tree, tmp_path: Path, folder: str) -> None:
    folder = folder.format(outside=tmp_path / "hooks")
    hook(tree, "pre-commit", "echo from elsewhere; exit 1", folder)
    hook(tree, "pre-commit", "exit 0")
    tree.git("config", "core.hooksPath", folder)
    assert "from elsewhere" in open_bench(tree).land({"calc.py": FIXED}).note


def test_a_fix_that_changes_a_hook_does_not_get_it_run(tree: Tree, seen: Path) -> None:
    hook(tree, "pre-commit", "exit 0", "hooks")
    tree.commit()
    tree.git("config", "core.hooksPath", "hooks")
    landed = open_bench(tree).land({"hooks/pre-commit": f'#!/bin/sh\ntouch "{seen}"\n'})
    assert landed.note == "hooks/pre-commit is one of your git hooks"
    assert not seen.exists()


def test_no_tracked_folder_becomes_a_hook_by_its_name(tree: Tree, seen: Path) -> None:
    for folder in (".githooks", ".husky", "hooks", ".git-hooks"):
        hook(tree, "pre-commit", f'touch "{seen}"', folder)
    tree.commit()
    assert open_bench(tree).land({"calc.py": FIXED}).commit
    assert not seen.exists()


def test_hooks_can_be_left_out(tree: Tree) -> None:
    for name in NAMES:
        hook(tree, name, "exit 1")
    assert open_bench(tree, run_hooks=False).land({"calc.py": FIXED}).commit


def test_a_hook_that_is_not_executable_or_a_sample_does_not_count(tree: Tree) -> None:
    hook(tree, "pre-commit", "exit 1").chmod(0o644)
    hook(tree, "commit-msg.sample", "exit 1")
    assert open_bench(tree).land({"calc.py": FIXED}).commit


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("(sleep 60; touch \"$0.late\") & sleep 60", "your pre-commit hook took longer than 0.5 s"),
        ("yes", "your pre-commit hook "),
        ("kill -SEGV $$", "your pre-commit hook crashed (SIGSEGV)"),
    ],
)  # fmt: skip
def test_a_hook_that_hangs_floods_or_crashes_is_ended_with_all_it_started(tree: Tree, script: str, why: str) -> None:
    hook(tree, "pre-commit", script)
    project = locate(tree.path, {})
    assert project.repository
    git = Quarantine(project.repository, project.worktree_state).git()
    started = time.monotonic()
    with pytest.raises(HookRefused) as refused:
        Hooks(project.repository, seconds=0.5).check(git, "HEAD^{tree}", "message")
    assert str(refused.value).startswith(why)
    assert len(str(refused.value)) < 500
    assert time.monotonic() - started < 5


def test_a_hook_without_an_interpreter_is_a_refusal(tree: Tree) -> None:
    tree.write(".git/hooks/pre-commit", b"#!/no/such/interpreter\n").chmod(0o755)
    assert "cannot be run" in open_bench(tree).land({"calc.py": FIXED}).note


def test_undo_is_not_stopped_by_a_hook_and_redo_is(tree: Tree) -> None:
    bench = open_bench(tree)
    bench.land({"calc.py": FIXED})
    tree.write("other.py", "x = 2\n")
    tree.commit("later")
    hook(tree, "pre-commit", "exit 1")
    assert "reverted by" in bench.landing.undo(bench.fix())
    before = tree.fingerprint()
    with pytest.raises(TreeNeedsPerson, match="your pre-commit hook refused"):
        bench.landing.redo(bench.fix())
    assert tree.fingerprint() == before


def test_hooks_of_a_linked_worktree_and_of_filtered_files_see_what_a_checkout_has(tree: Tree, seen: Path) -> None:
    tree.write(".gitattributes", "*.py text eol=crlf\n")
    tree.commit()
    tree.git("worktree", "add", "-q", str(tree.path.parent / "linked"), "-b", "side")
    linked = Tree(tree.path.parent / "linked")
    hook(tree, "pre-commit", f'cat calc.py > "{seen}"; git rev-parse --abbrev-ref HEAD >> "{seen}"')
    landed = open_bench(linked).land({"calc.py": FIXED.replace("\n", "\r\n")})
    assert landed.note == ""
    assert seen.read_bytes().decode() == FIXED.replace("\n", "\r\n") + "side\n"
    assert replace(tree.fingerprint(), refs="").diff == ""
