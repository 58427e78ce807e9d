"""The user's commit hooks run on a landing, see nothing but the fix, and have the last word."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from bench import BUGGY, FIXED, Bench, open_bench
from tree import Tree

from fixer.application.ports import Landed
from fixer.domain.errors import TreeNeedsPerson
from fixer.infrastructure.fault_points import EVENT
from fixer.infrastructure.hooks import HookRefused, Hooks
from fixer.infrastructure.project import locate
from fixer.infrastructure.quarantine import Quarantine
from fixer.infrastructure.recovery import NobodyToAsk, recover

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
    ("script", "path"),
    [
        ("rm other.py; exit 1", "other.py"),
        ("git rm -q other.py", "other.py"),
        ("echo >> calc.py; echo >> other.py", "other.py"),
        ("echo >> new.py; git add new.py", "new.py"),
        ("rm calc.py", "calc.py"),
        ("mv calc.py ..; ln -s ../calc.py calc.py; echo >> calc.py", "calc.py"),
    ],
)
def test_a_hook_that_changes_more_than_the_fixs_texts_keeps_it_uncommitted(tree: Tree, script: str, path: str) -> None:
    hook(tree, "pre-commit", script)
    landed = open_bench(tree).land({"calc.py": FIXED})
    assert landed.note == f"your pre-commit hook wants to change {path}; commit the fix yourself to let it"
    assert not landed.rewritten
    assert tree.read("calc.py") == FIXED
    assert tree.read("other.py") == "x = 1\n"
    assert not (tree.path / "new.py").exists()
    assert subject(tree) == "start"


def test_a_hook_may_not_rewrite_what_a_fix_may_not_touch(tree: Tree) -> None:
    hook(tree, "pre-commit", "echo >> setup.py")
    landed = open_bench(tree).land({"setup.py": "x = 1\n"})
    assert landed.note.startswith("your pre-commit hook wants to change setup.py")
    assert tree.read("setup.py") == "x = 1\n"


FORMAT = "sed -i 's/return a + b/return (a + b)/' calc.py"
FORMATTED = FIXED.replace("a + b", "(a + b)")


def land_again(bench: Bench) -> Landed:
    return bench.workspace.commit_changes("Fix tests/test_calc.py::test_add")


@pytest.mark.parametrize(
    "script",
    [
        FORMAT,
        f"{FORMAT}; git add -u",
        f"grep -q 'return (a' calc.py || {{ {FORMAT}; echo reformatted; exit 1; }}",
        f"{FORMAT}; mkdir .cache; echo x > .cache/x",
    ],
)
def test_what_a_formatter_makes_of_a_fix_is_in_the_tree_until_verified_and_then_in_the_commit(
    tree: Tree, script: str
) -> None:
    before = tree.fingerprint()
    hook(tree, "pre-commit", script)
    bench = open_bench(tree)

    first = bench.land({"calc.py": FIXED})

    assert (first.rewritten, first.commit, first.files) == (True, "", ("calc.py",))
    assert first.note == "your pre-commit hook changed the fix, which is therefore verified again"
    assert first.changes
    assert "+    return (a + b)\n" in first.changes.description
    assert (tree.read("calc.py"), subject(tree)) == (FORMATTED, "start")
    assert "dangling" not in tree.git("fsck", "--no-progress")
    assert land_again(bench).commit
    assert tree.git("show", "HEAD:calc.py") == FORMATTED
    assert tree.git("status", "--porcelain") == ""
    bench.landing.undo(bench.fix())
    assert tree.fingerprint() == before


def test_a_formatter_leaves_edits_elsewhere_in_the_file_as_they_are(tree: Tree) -> None:
    tree.write("calc.py", BUGGY.replace("return 2", "return 22"))
    tree.write("other.py", "x = 'staged'\n")
    tree.git("add", "other.py")
    before = tree.fingerprint()
    hook(tree, "pre-commit", FORMAT)
    bench = open_bench(tree)
    assert bench.land({"calc.py": tree.read("calc.py").replace("a - b", "a + b")}).rewritten
    tree.write("calc.py", tree.read("calc.py").replace("return 1", "return 11"))  # while the test runs
    assert land_again(bench).commit
    assert tree.git("show", "HEAD:calc.py") == FORMATTED
    assert tree.git("show", "--format=", "--name-only", "HEAD") == "calc.py\n"
    assert tree.read("calc.py") == FORMATTED.replace("return 2", "return 22").replace("return 1", "return 11")
    bench.landing.undo(bench.fix())
    tree.write("calc.py", tree.read("calc.py").replace("return 11", "return 1"))
    assert tree.fingerprint() == before


def test_a_formatter_that_wants_lines_that_are_being_edited_does_not_get_them(tree: Tree) -> None:
    mine = BUGGY.replace("return 2", "return 22")
    tree.write("calc.py", mine)
    hook(tree, "pre-commit", "sed -i 's/return 2/return 2  # two/' calc.py")
    landed = open_bench(tree).land({"calc.py": mine.replace("a - b", "a + b")})
    assert not landed.rewritten
    assert landed.note == "your pre-commit hook wants to change lines of calc.py that you have not committed"
    assert tree.read("calc.py") == mine.replace("a - b", "a + b")
    assert subject(tree) == "start"


@pytest.mark.parametrize("attributes", ["*.py text eol=crlf\n", None])
def test_a_formatter_leaves_line_endings_as_the_working_tree_has_them(tree: Tree, attributes: str | None) -> None:
    if attributes:
        tree.write(".gitattributes", attributes)
    else:
        tree.git("config", "core.autocrlf", "true")
    tree.write("calc.py", BUGGY.replace("\n", "\r\n"))
    tree.commit()
    hook(tree, "pre-commit", FORMAT)
    bench = open_bench(tree)
    assert bench.land({"calc.py": FIXED.replace("\n", "\r\n")}).rewritten
    assert tree.read("calc.py") == FORMATTED.replace("\n", "\r\n")
    assert land_again(bench).commit
    assert tree.git("show", "HEAD:calc.py") == FORMATTED
    assert tree.git("status", "--porcelain") == ""


def test_a_formatter_in_a_tree_with_other_line_endings_than_a_checkout_leaves_the_fix_alone(tree: Tree) -> None:
    tree.git("config", "core.autocrlf", "input")
    tree.write("calc.py", BUGGY.replace("\n", "\r\n"))
    hook(tree, "pre-commit", FORMAT)
    landed = open_bench(tree).land({"calc.py": FIXED.replace("\n", "\r\n")})
    assert (landed.rewritten, landed.commit) == (False, "")
    assert tree.read("calc.py") == FIXED.replace("\n", "\r\n")


def test_a_hook_that_is_never_content_keeps_the_last_verified_text_uncommitted(tree: Tree) -> None:
    hook(tree, "pre-commit", "echo >> calc.py; echo one more line; exit 1")
    bench = open_bench(tree)
    assert bench.land({"calc.py": FIXED}).rewritten
    assert land_again(bench).rewritten
    landed = land_again(bench)
    assert (landed.rewritten, landed.commit) == (False, "")
    assert landed.note == "your pre-commit hook changes the fix again each time: one more line"
    assert (tree.read("calc.py"), subject(tree)) == (FIXED + "\n\n", "start")
    bench.landing.undo(bench.fix())
    assert tree.read("calc.py") == BUGGY


def test_a_hook_that_formats_and_then_refuses_has_the_last_word(tree: Tree) -> None:
    hook(tree, "pre-commit", f"{FORMAT}; echo too short; exit 1")
    bench = open_bench(tree)
    assert bench.land({"calc.py": FIXED}).rewritten
    assert land_again(bench).note == "your pre-commit hook refused: too short"
    assert (tree.read("calc.py"), subject(tree)) == (FORMATTED, "start")


def test_what_a_hook_broke_is_put_back_and_the_fix_stays_uncommitted(tree: Tree) -> None:
    hook(tree, "pre-commit", "sed -i 's/a + b/a * b/' calc.py")
    bench = open_bench(tree)
    assert bench.land({"calc.py": FIXED}).rewritten
    tree.write("calc.py", tree.read("calc.py").replace("return 2", "return 22"))  # while the test runs
    landed = bench.workspace.keep_verified("the test still fails")
    assert landed.note == "your pre-commit hook's changes break it again: the test still fails"
    assert (landed.rewritten, landed.commit, landed.files) == (False, "", ("calc.py",))
    assert (tree.read("calc.py"), subject(tree)) == (FIXED.replace("return 2", "return 22"), "start")
    bench.landing.undo(bench.fix())
    assert tree.read("calc.py") == BUGGY.replace("return 2", "return 22")


def test_a_hooks_change_that_was_edited_meanwhile_is_left_to_its_owner(tree: Tree) -> None:
    hook(tree, "pre-commit", FORMAT)
    bench = open_bench(tree)
    assert bench.land({"calc.py": FIXED}).rewritten
    mine = tree.read("calc.py").replace("(a + b)", "(a + b)  # mine")
    tree.write("calc.py", mine)
    with pytest.raises(TreeNeedsPerson, match="edited on the very lines that your pre-commit hook had changed"):
        bench.workspace.keep_verified("the test still fails")
    assert tree.read("calc.py") == mine


def test_a_hook_that_changes_the_executable_bit_has_its_way(tree: Tree) -> None:
    hook(tree, "pre-commit", "chmod +x calc.py")
    bench = open_bench(tree)
    assert bench.land({"calc.py": FIXED}).rewritten
    assert land_again(bench).commit
    assert tree.git("ls-tree", "HEAD", "calc.py").startswith("100755 ")
    assert tree.git("status", "--porcelain") == ""


def test_a_fix_that_brings_and_deletes_files_is_formatted_too(tree: Tree) -> None:
    before = tree.fingerprint()
    hook(tree, "pre-commit", "sed -i 's/y=2/y = 2/' sub/new.py")
    bench = open_bench(tree)
    assert bench.land({"sub/new.py": "y=2\n", "other.py": None}).rewritten
    assert land_again(bench).commit
    assert tree.git("show", "HEAD:sub/new.py") == tree.read("sub/new.py") == "y = 2\n"
    bench.landing.undo(bench.fix())
    assert tree.fingerprint() == before


def test_between_two_rounds_the_attempt_can_be_taken_back(tree: Tree) -> None:
    tree.write("calc.py", BUGGY + "mine = 1\n")
    before = tree.fingerprint()
    hook(tree, "pre-commit", FORMAT)
    bench = open_bench(tree)
    assert bench.land({"calc.py": FIXED + "mine = 1\n"}).rewritten
    bench.workspace.revert()
    assert tree.fingerprint() == before
    assert bench.store.open_checkpoints() == []


def test_an_interrupt_while_a_hook_rewrites_comes_before_the_test_runs_again(tree: Tree) -> None:
    hook(tree, "pre-commit", f"{FORMAT}; kill -INT $PPID")
    before = tree.fingerprint()
    bench = open_bench(tree)
    with pytest.raises(KeyboardInterrupt):
        bench.land({"calc.py": FIXED})
    bench.workspace.revert()
    assert tree.fingerprint() == before


class Killed(BaseException):
    """As if the process had ended here."""


class Cut:
    """Ends the process, so to speak, at the durable step of this number; until it is lifted."""

    def __init__(self, stop: int) -> None:
        self.left = stop
        sys.addaudithook(self._listen)

    def lift(self) -> None:
        self.left = -1

    def _listen(self, event: str, args: tuple[object, ...]) -> None:
        if event == EVENT and self.left >= 0:
            self.left -= 1
            if self.left < 0:
                raise Killed


@pytest.mark.slow
@pytest.mark.parametrize("verdict", ["holds", "fails"])
@pytest.mark.parametrize("stop", range(20))
def test_a_crash_at_any_step_of_a_rewriting_is_as_before_or_as_after_it(tree: Tree, stop: int, verdict: str) -> None:
    mine = BUGGY.replace("return 2", "return 22")
    tree.write("calc.py", mine)
    hook(tree, "pre-commit", f"{FORMAT}; sed -i 's/y=2/y = 2/' new.py")
    before = tree.fingerprint()
    bench = open_bench(tree)
    bench.attempt({"calc.py": mine.replace("a - b", "a + b"), "new.py": "y=2\n"})
    cut = Cut(stop)
    try:
        assert land_again(bench).rewritten
        if verdict == "holds":
            land_again(bench)
        else:
            bench.workspace.keep_verified("it fails")
    except Killed:
        pass
    cut.lift()
    later = open_bench(tree)
    recover(later.project, later.store, later.landing, NobodyToAsk())
    if later.store.fixes():
        assert tree.read("new.py") == ("y = 2\n" if verdict == "holds" else "y=2\n")
        later.landing.undo(later.fix())
    assert tree.fingerprint() == before


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


@pytest.mark.parametrize("script", ["exit 1", FORMAT])
def test_hooks_can_be_left_out(tree: Tree, script: str) -> None:
    for name in NAMES:
        hook(tree, name, script)
    assert open_bench(tree, run_hooks=False).land({"calc.py": FIXED}).commit
    assert tree.git("show", "HEAD:calc.py") == FIXED


def test_a_message_is_changed_once_however_often_the_fix_is_landed(tree: Tree) -> None:
    hook(tree, "pre-commit", FORMAT)
    hook(tree, "commit-msg", "sed -i '1s/^/PROJ-7 /' \"$1\"")
    bench = open_bench(tree)
    bench.land({"calc.py": FIXED})
    land_again(bench)
    assert subject(tree) == "PROJ-7 Fix tests/test_calc.py::test_add"


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
