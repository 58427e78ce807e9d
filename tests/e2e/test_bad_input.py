"""Each bad input gets one clear message with its cure and its exit code, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import fixer, model_env
from scripted_model import ScriptedModel, edit
from tree import Tree

pytestmark = pytest.mark.slow

RIGHT = edit("calc.py", "    return a - b\n", "    return a + b\n")


def write_project(tree: Tree) -> Tree:
    tree.write("calc.py", "def add(a, b):\n    return a - b\n")
    tree.write("test_calc.py", "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n")
    return tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = write_project(Tree(tmp_path / "project").init())
    tree.commit()
    return tree


def test_no_git_repository_is_said_once_and_nothing_is_committed(tmp_path: Path, scripted_model: ScriptedModel) -> None:
    tree = write_project(Tree(tmp_path / "plain"))
    env = {**model_env(scripted_model), "XDG_STATE_HOME": str(tmp_path / "state")}
    scripted_model.answers(RIGHT)
    said = fixer(tree.path, "run", "--yes", **env)
    assert said.code == 0, said.err
    assert said.err.count("not a git repository") == 1
    assert not (tree.path / ".git").exists()
    assert "a + b" in tree.read("calc.py")
    assert fixer(tree.path, "undo", **env).code == 0
    assert "a - b" in tree.read("calc.py")


def test_a_bare_repository_is_refused(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "bare.git")], check=True)
    said = fixer(tmp_path / "bare.git", "run")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "fixer: This is a bare repository: it has no working tree to fix.\n  Run fixer in a clone of it.\n"
    )


def test_a_branch_without_commits_keeps_the_fix_uncommitted(tmp_path: Path, scripted_model: ScriptedModel) -> None:
    tree = write_project(Tree(tmp_path / "fresh").init())
    scripted_model.answers(RIGHT)
    said = fixer(tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 0, said.err
    assert "the branch has no commit yet" in said.err
    assert "a + b" in tree.read("calc.py")


def test_no_tests_at_all_is_exit_3(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "empty").init()
    tree.write("calc.py", "")
    said = fixer(tree.path, "run")
    assert said.code == 3
    assert "pytest collected no tests here." in said.err


def test_an_unknown_test_is_named(tree: Tree) -> None:
    said = fixer(tree.path, "run", "test_calc.py::test_nothing")
    assert said.code == 2
    assert "test_calc.py::test_nothing" in said.err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[tool.fixer\n", "pyproject.toml"),
        ("[tool.fixer]\nmodl = 'x'\n", "modl"),
        ("[tool.fixer]\nattempts = 'x'\n", "attempts"),
    ],
)
def test_an_unreadable_configuration_is_named(tree: Tree, text: str, named: str) -> None:
    tree.write("pyproject.toml", text)
    said = fixer(tree.path, "run")
    assert said.code == 2
    assert named in said.err


def test_an_unknown_model_is_refused_before_anything_is_sent(tree: Tree) -> None:
    before = tree.fingerprint()
    said = fixer(tree.path, "run", "--yes", "--model", "no-such-model-at-all")
    assert said.code == 2
    assert "no-such-model-at-all" in said.err
    assert tree.fingerprint() == before


def test_a_missing_key_is_named_with_its_variable(tree: Tree) -> None:
    said = fixer(tree.path, "run", "--yes", "--model", "anthropic/claude-sonnet-4-5")
    assert said.code in (2, 5)
    assert "ANTHROPIC_API_KEY" in said.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_git_directory_is_refused(tree: Tree) -> None:
    (tree.path / ".git").chmod(0o555)
    said = fixer(tree.path, "run")
    (tree.path / ".git").chmod(0o755)
    assert said.code == 2
    assert "chmod" in said.err


def test_a_git_directory_that_cannot_hold_ours_is_refused(tree: Tree) -> None:
    (tree.path / ".git" / "fixer").write_text("a file where a folder should be")
    said = fixer(tree.path, "run")
    assert said.code == 2
    assert "fixer cannot write to" in said.err


def test_a_test_file_with_a_syntax_error_is_one_red_item_and_no_crash(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    tree.write("test_broken.py", "def test_x(:\n")
    tree.commit()
    scripted_model.answers(RIGHT)
    said = fixer(tree.path, "run", "--yes", "--json", "--attempts", "1", **model_env(scripted_model))
    assert said.code == 1, said.err
    assert {test["nodeid"]: test["status"] for test in said.data["tests"]} == {
        "test_broken.py": "unfixed",
        "test_calc.py::test_add": "fixed",
    }
    assert tree.read("test_broken.py") == "def test_x(:\n"


def test_an_interpreter_without_pytest_is_exit_3_with_the_command_that_cures_it(tree: Tree, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    said = fixer(tree.path, "run", "--python", str(tmp_path / "bare/bin/python"))
    assert said.code == 3
    assert "-m pip install pytest" in said.err


def test_help_and_undo_import_neither_aider_nor_litellm(tree: Tree) -> None:
    for words in (["--help"], ["undo", "--list"], ["history"]):
        code = (
            "import sys; from fixer.cli import main; code = main(sys.argv[1:]); "
            "sys.exit(code or any(name in sys.modules for name in ('aider', 'litellm', 'git')))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *words], cwd=tree.path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
