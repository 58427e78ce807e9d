"""Whatever has become of what fixer keeps, it says so once, with the cure, and leaves the tree alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from bench import BUGGY, FIXED, Bench, open_bench
from command import Said, fixer, model_env
from scripted_model import ScriptedModel, edit
from tree import Tree

pytestmark = pytest.mark.slow

RIGHT = edit("calc.py", "    return a - b\n", "    return a + b\n")
TEST = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
COMMANDS = (
    ("run", "--yes"),
    ("undo",),
    ("undo", "--list"),
    ("redo",),
    ("recover",),
    ("history",),
    ("show", "x"),
    ("doctor",),
    ("doctor", "--prune"),
)
THREE = (("run", "--yes"), ("undo",), ("doctor", "--prune"))
"""One of each kind: they come to it by the same way as the others."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A tree with a landed fix, work in progress, and a ledger that knows."""
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", BUGGY)
    tree.write("test_calc.py", TEST)
    tree.commit()
    bench = open_bench(tree)
    bench.land({"calc.py": FIXED})
    tree.write("calc.py", FIXED.replace("return 2", "return 22"))
    tree.write("notes.txt", "mine\n")
    tree.git("add", "calc.py")
    return bench


def assert_refused(tree: Tree, command: tuple[str, ...], code: int, message: str, cure: str, **env: str) -> None:
    before, index = tree.fingerprint(), (tree.path / ".git/index").read_bytes()
    said = fixer(tree.path, *command, **env)
    assert (tree.path / ".git/index").read_bytes() == index
    assert tree.fingerprint() == before
    assert said.code == code, said
    assert_clear(said)
    assert message in said.out + said.err
    assert cure in said.out + said.err
    if command != ("doctor",):
        assert said.out == ""
        assert said.err.startswith("fixer: ")
        assert said.err.count("\n") == 2


def assert_clear(said: Said) -> None:
    assert "Traceback" not in said.out + said.err
    assert "a bug in fixer" not in said.err


def ledger_path(bench: Bench) -> Path:
    return bench.project.state / "ledger.db"


def random_bytes(bench: Bench) -> None:
    ledger_path(bench).write_bytes(b"\x07not a database" * 500)


def cut_short(bench: Bench) -> None:
    os.truncate(ledger_path(bench), 20_000)


def damaged_behind_a_sound_header(bench: Bench) -> None:
    content = bytearray(ledger_path(bench).read_bytes())
    for place in range(4096, len(content)):
        content[place] ^= 0x5A
    ledger_path(bench).write_bytes(content)


def a_folder_in_its_place(bench: Bench) -> None:
    ledger_path(bench).unlink()
    ledger_path(bench).mkdir()


@pytest.mark.parametrize(
    "spoil", [random_bytes, cut_short, damaged_behind_a_sound_header, a_folder_in_its_place], ids=lambda f: f.__name__
)
def test_a_corrupt_ledger_is_refused_by_every_command(bench: Bench, spoil: Callable[[Bench], None]) -> None:
    spoil(bench)
    for command in COMMANDS if spoil is damaged_behind_a_sound_header else THREE:
        assert_refused(bench.tree, command, 6, "cannot be used", f"mv '{ledger_path(bench)}'")


def test_with_the_corrupt_ledger_moved_away_everything_goes_on(bench: Bench, scripted_model: ScriptedModel) -> None:
    random_bytes(bench)
    ledger_path(bench).rename(ledger_path(bench).with_suffix(".bad"))
    bench.tree.write("calc.py", BUGGY)
    scripted_model.answers(RIGHT)
    said = fixer(bench.tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 0, said.err
    assert fixer(bench.tree.path, "undo").code == 0
    assert bench.tree.read("calc.py") == BUGGY


def test_a_ledger_of_a_newer_fixer_is_refused_by_every_command(bench: Bench) -> None:
    with sqlite3.connect(ledger_path(bench)) as db:
        db.execute("PRAGMA user_version = 99")
    before = ledger_path(bench).read_bytes()
    for command in COMMANDS:
        assert_refused(bench.tree, command, 6, "written by a newer fixer (version 99", "Upgrade: ")
    assert ledger_path(bench).read_bytes() == before


def test_a_shadow_that_was_deleted_between_runs_is_made_again(bench: Bench, scripted_model: ScriptedModel) -> None:
    shutil.rmtree(bench.workspace.git_dir)
    assert fixer(bench.tree.path, "undo").code == 0
    assert bench.tree.read("calc.py") == BUGGY.replace("return 2", "return 22")
    shutil.rmtree(bench.project.state / "worktrees")
    scripted_model.answers(RIGHT)
    said = fixer(bench.tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 0, said.err
    assert "a + b" in bench.tree.git("show", "HEAD:calc.py")
    assert bench.tree.read("calc.py") == FIXED.replace("return 2", "return 22")


@pytest.mark.parametrize("command", COMMANDS[1:-2], ids=" ".join)
def test_a_shadow_that_was_deleted_after_a_crash_is_not_missed(bench: Bench, command: tuple[str, ...]) -> None:
    before = bench.tree.fingerprint()
    bench.attempt({"calc.py": "half an attempt\n", "new.py": "x\n"})
    shutil.rmtree(bench.project.state / "worktrees")
    said = fixer(bench.tree.path, *command)
    assert_clear(said)
    assert "interrupted" in said.err
    if command == ("undo",):
        assert bench.tree.read("calc.py") == BUGGY.replace("return 2", "return 22")
    else:
        assert bench.tree.fingerprint() == before


def test_files_and_folders_of_others_beside_ours_are_neither_touched_nor_in_the_way(
    bench: Bench, scripted_model: ScriptedModel, tmp_path: Path
) -> None:
    state = bench.project.state
    precious = tmp_path / "precious"
    for folder in (precious, state / "worktrees" / "backup", state / "more"):
        (folder / "objects").mkdir(parents=True)
        (folder / "objects" / "file").write_text("mine")
    (state / "worktrees" / "link").symlink_to(precious)
    (state / "worktrees" / "dangling").symlink_to("nowhere")
    for place in (state, state / "worktrees", bench.project.worktree_state):
        (place / "README").write_text("mine")
    others = _others(state)
    bench.tree.write("calc.py", BUGGY)
    scripted_model.answers(RIGHT)
    commands = (("run", "--yes"), ("undo",), ("redo",), ("history",), ("recover",), ("doctor",), ("doctor", "--prune"))
    for command in commands:
        said = fixer(bench.tree.path, *command, **model_env(scripted_model))
        assert said.code == 0, said
    assert _others(state) == others
    assert (precious / "objects" / "file").read_text() == "mine"


def _others(state: Path) -> list[str]:
    return sorted(str(path) for path in state.rglob("*") if path.name in ("README", "file", "link", "dangling"))


@pytest.mark.parametrize("name", ["shadow.git", "saved", "bytecode", "objects"])
def test_a_file_where_we_keep_a_folder_is_refused(bench: Bench, name: str) -> None:
    place = bench.project.worktree_state / name
    shutil.rmtree(place, ignore_errors=True)
    place.write_text("not ours")
    for command in THREE:
        assert_refused(bench.tree, command, 2, f"{place} is not fixer's", f"Move it away: mv '{place}'")
    assert place.read_text() == "not ours"


@pytest.mark.parametrize("name", ["lock", "lock.json", "index.next", "index.commit"])
def test_a_folder_where_we_keep_a_file_is_refused(bench: Bench, name: str) -> None:
    place = bench.project.worktree_state / name
    place.unlink(missing_ok=True)
    (place / "sub").mkdir(parents=True)
    for command in THREE:
        assert_refused(bench.tree, command, 2, f"{place} is not fixer's", f"Move it away: mv '{place}'")
    assert (place / "sub").is_dir()


@pytest.mark.parametrize("name", ["fixer", "fixer/worktrees"])
def test_a_file_where_our_folder_should_be_is_refused(bench: Bench, name: str) -> None:
    place = bench.tree.path / ".git" / name
    shutil.rmtree(place)
    place.write_text("not ours")
    for command in THREE:
        assert_refused(bench.tree, command, 2, "fixer cannot write to", f"Move it away: mv '{place}'")
    assert place.read_text() == "not ours"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_of_ours_is_refused(bench: Bench) -> None:
    folder = bench.project.worktree_state
    folder.chmod(0o555)
    try:
        for command in THREE:
            assert_refused(bench.tree, command, 2, "fixer cannot write to", "chmod -R u+w")
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize("version", ["2.20.1", "2.24.9.windows.1"])
def test_a_git_that_is_too_old_is_refused(bench: Bench, tmp_path: Path, version: str) -> None:
    path = _with_git(tmp_path / "bin", f'[ "$1" = version ] && {{ echo "git version {version}"; exit; }}')
    for command in THREE:
        message = f"git {version} is too old for fixer"
        assert_refused(bench.tree, command, 2, message, "Install git 2.25 or newer", PATH=path)


def test_a_git_that_is_just_new_enough_is_not(bench: Bench, tmp_path: Path) -> None:
    path = _with_git(tmp_path / "bin", '[ "$1" = version ] && { echo "git version 2.25.0 (Apple Git-1)"; exit; }')
    assert fixer(bench.tree.path, "undo", PATH=path).code == 0


def test_a_missing_git_is_named(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for command in THREE:
        assert_refused(bench.tree, command, 2, "git is not installed", "Install git 2.25", PATH=str(tmp_path / "empty"))


def _with_git(folder: Path, first: str) -> str:
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\n{first}\nexec "{shutil.which("git")}" "$@"\n')
    (folder / "git").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
