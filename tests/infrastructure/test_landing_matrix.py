"""Whatever a repository is like and its owner does meanwhile: a fix is one exact commit, or stays with a reason."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bench import BUGGY, FIXED, Bench, open_bench
from tree import Tree

CRLF_BUGGY = BUGGY.replace("\n", "\r\n")
FILTER = "import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read().swapcase())\n"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", BUGGY)
    tree.write("other.py", "x = 1\n")
    tree.commit("start")
    return tree


def a_symlinked_source(tree: Tree) -> str:
    tree.write("real/sums.py", BUGGY)
    (tree.path / "alias.py").symlink_to("real/sums.py")
    tree.commit()
    return "alias.py"


def a_symlinked_folder(tree: Tree) -> str:
    tree.write("real/sums.py", BUGGY)
    (tree.path / "lib").symlink_to("real")
    tree.commit()
    return "lib/sums.py"


def a_dirty_submodule(tree: Tree) -> str:
    library = Tree(tree.path.parent / "library").init()
    library.write("inner.py", "i = 1\n")
    library.commit()
    tree.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.path), "library")
    tree.commit()
    tree.write("library/inner.py", "i = 2\n")
    tree.write("library/fresh.py", "f = 1\n")
    return "calc.py"


def a_sparse_checkout(tree: Tree) -> str:
    tree.write("far/away.py", "a = 1\n")
    tree.write("near/sums.py", BUGGY)
    tree.commit()
    tree.git("sparse-checkout", "set", "near")
    return "near/sums.py"


def a_sparse_index(tree: Tree) -> str:
    path = a_sparse_checkout(tree)
    tree.git("sparse-checkout", "set", "--sparse-index", "near")
    return path


def autocrlf_true(tree: Tree) -> str:
    tree.git("config", "core.autocrlf", "true")
    tree.write("calc.py", CRLF_BUGGY)
    tree.git("add", "calc.py")
    return "calc.py"


def autocrlf_input_over_stored_crlf(tree: Tree) -> str:
    tree.write("calc.py", CRLF_BUGGY)
    tree.commit()
    tree.git("config", "core.autocrlf", "input")
    return "calc.py"


def autocrlf_true_with_mixed_endings_and_safecrlf(tree: Tree) -> str:
    tree.write("calc.py", BUGGY.replace("return 1\n", "return 1\r\n"))
    tree.commit()
    tree.git("config", "core.autocrlf", "true")
    tree.git("config", "core.safecrlf", "true")
    return "calc.py"


def text_auto_over_stored_crlf(tree: Tree) -> str:
    tree.write("calc.py", CRLF_BUGGY)
    tree.commit()
    tree.write(".gitattributes", "* text=auto\n")
    tree.git("add", ".gitattributes")
    tree.git("commit", "-q", "-m", "attributes")
    return "calc.py"


def an_eol_attribute(tree: Tree) -> str:
    tree.write("win/.gitattributes", "*.py text eol=crlf\n")
    tree.write("win/sums.py", CRLF_BUGGY)
    tree.commit()
    return "win/sums.py"


def a_required_filter(tree: Tree) -> str:
    script = tree.path.parent / "filter.py"
    script.write_text(FILTER)
    for way in ("clean", "smudge"):
        tree.git("config", f"filter.toy.{way}", f"{sys.executable} {script}")
    tree.git("config", "filter.toy.required", "true")
    tree.write(".gitattributes", "sums.py filter=toy\n")
    tree.write("sums.py", BUGGY)
    tree.commit()
    assert tree.git("show", "HEAD:sums.py") == BUGGY.swapcase()
    return "sums.py"


def no_file_modes(tree: Tree) -> str:
    tree.git("config", "core.fileMode", "false")
    (tree.path / "calc.py").chmod(0o755)
    return "calc.py"


def a_split_index(tree: Tree) -> str:
    tree.git("config", "core.splitIndex", "true")
    tree.git("update-index", "--split-index")
    tree.write("more.py", "m = 1\n")
    tree.git("add", "more.py")
    return "calc.py"


def assume_unchanged(tree: Tree) -> str:
    tree.git("update-index", "--assume-unchanged", "other.py")
    tree.write("other.py", "x = 9\n")
    return "calc.py"


def tracked_though_ignored(tree: Tree) -> str:
    tree.write(".gitignore", "gen/\n")
    tree.write("gen/sums.py", BUGGY)
    tree.git("add", "-f", "gen/sums.py")
    tree.commit()
    return "gen/sums.py"


def objects_packed_and_refs_too(tree: Tree) -> str:
    tree.git("gc", "-q")
    return "calc.py"


def objects_borrowed_from_elsewhere(tree: Tree) -> str:
    store = tree.path.parent / "store"
    tree.git("clone", "-q", "--bare", str(tree.path), str(store))
    shutil.rmtree(tree.path / ".git/objects")
    (tree.path / ".git/objects/info").mkdir(parents=True)
    (tree.path / ".git/objects/info/alternates").write_text(f"{store}/objects\n")
    return "calc.py"


def named(name: str) -> Callable[[Tree], str]:
    def make(tree: Tree) -> str:
        tree.write(name, BUGGY)
        tree.commit()
        return name

    return make


REPOSITORIES = [
    a_symlinked_source,
    a_symlinked_folder,
    a_dirty_submodule,
    a_sparse_checkout,
    a_sparse_index,
    autocrlf_true,
    autocrlf_input_over_stored_crlf,
    autocrlf_true_with_mixed_endings_and_safecrlf,
    text_auto_over_stored_crlf,
    an_eol_attribute,
    a_required_filter,
    no_file_modes,
    a_split_index,
    assume_unchanged,
    tracked_though_ignored,
    objects_packed_and_refs_too,
    objects_borrowed_from_elsewhere,
    *[named(name) for name in ("a file.py", "ünïcode.py", "new\nline.py", "-rf.py", "*.py", "pkg/:(top)x.py")],
]
IDS = [getattr(make, "__name__", "") for make in REPOSITORIES[:17]] + ["space", "unicode", "newline", "dash", "*", ":"]


@pytest.mark.parametrize("make", REPOSITORIES, ids=IDS)
def test_a_fix_is_one_exact_commit_and_undo_brings_every_byte_back(tree: Tree, make: Callable[[Tree], str]) -> None:
    path = make(tree)
    before, status, start = tree.fingerprint(), tree.git("status", "--porcelain"), head(tree)
    dangling = fsck(tree)
    bench = open_bench(tree)
    assert tree.fingerprint() == before

    landed = bench.land({path: fixed(tree, path)})

    assert landed.note == ""
    assert tree.git("rev-list", f"{start}..HEAD").split() == [landed.commit]
    assert tree.git("show", "--format=", "--numstat", "-z", "HEAD").split("\t")[:2] == ["1", "1"]
    assert tree.git("show", "--format=", "--name-only", "HEAD").count("\n") == 1
    assert tree.git("diff-tree", "--summary", "HEAD~1", "HEAD") == ""
    assert tree.git("status", "--porcelain") == status
    assert tree.git("diff") == before.diff
    assert bench.landing.undo(bench.fix()).endswith("removed")
    assert replace(tree.fingerprint(), refs="") == replace(before, refs="")
    assert head(tree) == start
    bench.landing.redo(bench.fix())
    assert tree.git("status", "--porcelain") == status
    assert_no_waste(tree, dangling)


def test_a_reverted_attempt_behind_a_symbolic_link_leaves_the_link_and_the_file(tree: Tree) -> None:
    a_symlinked_source(tree)
    before = tree.fingerprint()
    bench = open_bench(tree)
    bench.attempt({"alias.py": FIXED})
    bench.workspace.revert()
    assert (tree.path / "alias.py").is_symlink()
    assert tree.fingerprint() == before


def test_a_symbolic_link_out_of_the_tree_is_not_edited(tree: Tree) -> None:
    outside = tree.path.parent / "outside.py"
    outside.write_text(BUGGY)
    (tree.path / "alias.py").symlink_to(outside)
    bench = open_bench(tree)
    bench.attempt({})
    assert not bench.workspace.about_to_edit(tree.path / "alias.py")


def test_a_sha256_repository_gets_its_fix_though_the_engine_cannot_read_it(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "project")
    tree.path.mkdir()
    tree.git("init", "-q", "-b", "main", "--object-format=sha256")
    tree.write("calc.py", BUGGY)
    tree.write(".gitignore", "*.gen\n")
    tree.write("forced.gen", "g\n")
    tree.git("add", "-f", "forced.gen")
    start = tree.commit("start")
    tree.write("calc.py", BUGGY.replace("return 2", "return 22"))
    before = tree.fingerprint()
    bench = open_bench(tree)
    bench.attempt({"calc.py": "wrong\n"})
    bench.workspace.revert()
    assert tree.fingerprint() == before

    landed = bench.land({"calc.py": fixed(tree, "calc.py")})

    assert shadow_git(bench, "rev-parse", "--show-object-format") == "sha1\n"
    assert shadow_git(bench, "ls-files").split() == [".gitignore", "calc.py", "forced.gen"]
    assert (len(landed.commit), landed.note) == (64, "")
    assert tree.git("rev-list", f"{start}..HEAD").split() == [landed.commit]
    assert tree.git("show", "HEAD:calc.py") == FIXED
    bench.landing.undo(bench.fix())
    assert tree.fingerprint() == before
    assert_no_waste(tree)


def test_a_fix_inside_a_submodule_stays_uncommitted(tree: Tree) -> None:
    a_dirty_submodule(tree)
    start, bench = head(tree), open_bench(tree)
    assert bench.land({"library/inner.py": "i = 3\n"}).note
    assert head(tree) == start
    bench.landing.undo(bench.fix())
    assert tree.read("library/inner.py") == "i = 2\n"


def test_a_failing_required_filter_keeps_the_fix_uncommitted_and_says_why(tree: Tree) -> None:
    path = a_required_filter(tree)
    bench = open_bench(tree)
    bench.attempt({path: FIXED})
    tree.git("config", "filter.toy.clean", "false")
    landed = bench.workspace.commit_changes("Fix it")
    assert landed.note.startswith("git cannot store sums.py")
    assert tree.read(path) == FIXED


def test_a_changed_mode_is_not_committed_where_git_does_not_trust_modes(tree: Tree) -> None:
    tree.git("config", "core.fileMode", "false")
    bench = open_bench(tree)
    bench.attempt({"calc.py": FIXED})
    (tree.path / "calc.py").chmod(0o755)
    bench.workspace.finished()
    assert bench.workspace.commit_changes("Fix it").commit
    assert tree.git("ls-tree", "HEAD", "calc.py").startswith("100644")


def commit_other_work(tree: Tree) -> None:
    tree.write("other.py", "x = 7\n")
    tree.git("commit", "-q", "-m", "meanwhile", "other.py")


def switch_branch(tree: Tree) -> None:
    tree.git("switch", "-q", "side")


def edit_other_lines(tree: Tree) -> None:
    tree.write("calc.py", tree.read("calc.py").replace("return 2", "return 22"))


def stage_other_lines(tree: Tree) -> None:
    edit_other_lines(tree)
    blob = BUGGY.replace("return 2", "return 22")
    (tree.path.parent / "blob").write_text(blob)
    name = tree.git("hash-object", "-w", str(tree.path.parent / "blob")).strip()
    tree.git("update-index", "--cacheinfo", f"100644,{name},calc.py")


@pytest.mark.parametrize("meanwhile", [commit_other_work, switch_branch, edit_other_lines, stage_other_lines])
def test_what_the_user_does_meanwhile_is_kept_and_the_fix_lands_on_top(
    tree: Tree, meanwhile: Callable[[Tree], None]
) -> None:
    tree.git("branch", "side")
    main, bench = head(tree), open_bench(tree)
    bench.attempt({"calc.py": FIXED})
    meanwhile(tree)
    superseded = tree.git("ls-files", "--stage", "calc.py").split()[1]
    start, staged = head(tree), tree.git("diff", "--cached", "--numstat")

    landed = bench.workspace.commit_changes("Fix it")

    assert landed.note == ""
    assert tree.git("rev-list", f"{start}..HEAD").split() == [landed.commit]
    assert tree.git("show", "HEAD:calc.py") == FIXED
    assert tree.git("diff", "--cached", "--numstat") == staged
    assert ("return 22" in tree.read("calc.py")) == (meanwhile in (edit_other_lines, stage_other_lines))
    assert tree.git("rev-parse", "main" if meanwhile is switch_branch else "HEAD~1").strip() in (main, start)
    assert_no_waste(tree, f"dangling blob {superseded}\n" if meanwhile is stage_other_lines else "")


def test_a_user_who_commits_the_fix_along_meanwhile_gets_no_second_commit(tree: Tree) -> None:
    bench = open_bench(tree)
    bench.attempt({"calc.py": FIXED})
    mine = tree.commit("everything")
    assert bench.workspace.commit_changes("Fix it").note == "your last commit already holds this change"
    assert head(tree) == mine
    assert_no_waste(tree)


def a_conflicting_branch(tree: Tree) -> None:
    tree.git("switch", "-q", "-c", "side")
    tree.write("other.py", "x = 2\n")
    tree.commit("theirs")
    tree.git("switch", "-q", "main")
    tree.write("other.py", "x = 3\n")
    tree.commit("ours")


@pytest.mark.parametrize("command", ["merge", "rebase", "cherry-pick"])
def test_nothing_is_committed_into_a_merge_or_rebase(tree: Tree, command: str) -> None:
    a_conflicting_branch(tree)
    bench = open_bench(tree)
    bench.attempt({"calc.py": FIXED})
    if command == "rebase":
        tree.git("stash", "push", "-q", "calc.py")
    subprocess.run(["git", command, "side"], cwd=tree.path, capture_output=True, check=False)
    if command == "rebase":
        tree.write("calc.py", FIXED)
    before = replace(tree.fingerprint(), diff="")
    assert "is going on" in bench.workspace.commit_changes("Fix it").note
    assert replace(tree.fingerprint(), diff="") == before


def test_a_branch_that_moves_at_the_last_moment_keeps_the_fix_uncommitted(tree: Tree) -> None:
    bench = open_bench(tree)
    bench.attempt({"calc.py": FIXED})
    hook = tree.write(".git/hooks/pre-commit", "#!/bin/sh\nexec </dev/null\nenv -u GIT_QUARANTINE_PATH "
                      "git update-ref HEAD $(git commit-tree -m fast HEAD^{tree} -p HEAD)\n")  # fmt: skip
    hook.chmod(0o755)
    tree.git("config", "user.useConfigOnly", "true")
    landed = bench.workspace.commit_changes("Fix it")
    assert landed.note
    assert not landed.commit
    assert tree.read("calc.py") == FIXED
    assert not (tree.path / ".git/index.lock").exists()


def test_failed_refused_and_uncommitted_fixes_leave_nothing_dangling(tree: Tree) -> None:
    bench = open_bench(tree)
    bench.attempt({"calc.py": "wrong\n", "created.py": "x\n"})
    bench.workspace.revert()
    tree.write("calc.py", BUGGY.replace("return 1", "return 11"))
    tree.git("add", "calc.py")
    tree.write("calc.py", BUGGY)
    assert "staged" in bench.land({"calc.py": BUGGY.replace("return 1", "return 111")}).note
    assert_no_waste(tree)


def fixed(tree: Tree, path: str) -> str:
    return (tree.path / path).read_bytes().decode().replace("a - b", "a + b")


def head(tree: Tree) -> str:
    return tree.git("rev-parse", "HEAD").strip()


def shadow_git(bench: Bench, *args: str) -> str:
    return Tree(bench.tree.path).git(f"--git-dir={bench.workspace.git_dir}", *args)


def fsck(tree: Tree) -> str:
    return tree.git("fsck", "--no-progress", "--strict")


def assert_no_waste(tree: Tree, dangling: str = "") -> None:
    assert fsck(tree) == dangling
    assert "fixer" not in tree.git("for-each-ref") + tree.git("stash", "list") + tree.git("status", "--porcelain")
    scratch = next((tree.path / ".git/fixer/worktrees").iterdir())
    left = {path.name for path in scratch.iterdir()} - {"shadow.git", "saved"}
    assert not left
