"""A run that was killed, or that the disk failed, is put right by whatever command comes next."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pexpect
import pytest
from command import Said, fixer, fixer_argv, fixer_env, model_env
from scripted_model import Answer, ScriptedModel, edit
from tree import Fingerprint, Tree

pytestmark = pytest.mark.slow

CALC = "def add(a, b):\n    return a - b\n\n\ndef half(n):\n    return n / 2\n"
FIX = edit("calc.py", "    return a - b\n", "    return a + b\n")
WRONG = edit("calc.py", "    return a - b\n", "    return a * b\n")
CUT_OFF = Path(__file__).parents[1] / "support/cut_off.py"


def make_tree(folder: Path) -> Tree:
    tree = Tree(folder / "project").init()
    tree.write("calc.py", CALC)
    tree.write("tests/test_calc.py", "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n")
    tree.write("conftest.py", "")
    tree.commit("start")
    tree.write("calc.py", CALC + "\n\nMINE = 1\n")
    return tree


def run_until(step: str, tree: Tree, answer: Answer) -> None:
    """`fixer run`, killed with all that it started right after this step."""
    with ScriptedModel(answer).running() as model:
        ended = subprocess.run(
            [sys.executable, str(CUT_OFF), step, "run", "--yes"],
            cwd=tree.path,
            env=fixer_env(**model_env(model)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            start_new_session=True,
        )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


class Crash:
    """A tree in which a run was killed; it can be had again and again."""

    def __init__(self, folder: Path, step: str, answer: Answer) -> None:
        self.tree = make_tree(folder / "stage")
        self.before = self.tree.fingerprint()
        run_until(step, self.tree, answer)
        self._kept = folder / "kept"
        shutil.copytree(self.tree.path, self._kept)

    def again(self) -> Tree:
        shutil.rmtree(self.tree.path)
        shutil.copytree(self._kept, self.tree.path)
        return self.tree


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> Crash:
    return Crash(tmp_path_factory.mktemp("crash"), "engine wrote", WRONG)


@pytest.fixture
def tree(crash: Crash) -> Tree:
    return crash.again()


def without_pytest_cache(picture: Fingerprint) -> dict[str, tuple[bytes, int]]:
    return {name: file for name, file in picture.files.items() if ".pytest_cache" not in name}


COMMANDS = [
    ("history",),
    ("undo", "--list"),
    ("undo",),
    ("redo",),
    ("show", "0"),
    ("doctor",),
    ("analyze", os.devnull),
    ("recover",),
    ("run", "--dry-run", "-k", "nothing_of_this_name"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_whatever_command_comes_next_puts_the_tree_right_and_says_so(
    crash: Crash, tree: Tree, command: tuple[str, ...]
) -> None:
    assert "a * b" in tree.read("calc.py")
    said = fixer(tree.path, *command)
    after = tree.fingerprint()
    assert without_pytest_cache(after) == without_pytest_cache(crash.before)
    assert (after.staged, after.refs, after.head) == (crash.before.staged, crash.before.refs, crash.before.head)
    told = said.err[said.err.index("An interrupted attempt") :].splitlines()[:2]
    assert (
        "An interrupted attempt on tests/test_calc.py::test_add was taken back: your files are as they were." in told[0]
    )
    patch = Path(told[1].split(" is kept in ")[1].rstrip("."))
    tree.git("apply", str(patch))
    assert "a * b" in tree.read("calc.py")
    assert "interrupted" not in fixer(tree.path, "history").err.lower()


@pytest.fixture
def edited(tree: Tree) -> Tree:
    """Its owner went on, on the very line that the attempt had changed."""
    tree.write("calc.py", tree.read("calc.py").replace("a * b", "a * b or 0"))
    return tree


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_where_the_user_edited_the_same_lines_nothing_is_touched_without_a_terminal(
    edited: Tree, command: tuple[str, ...]
) -> None:
    before = edited.fingerprint()
    said = fixer(edited.path, *command)
    assert said.code == 6, said.err
    assert "calc.py was edited by you" in said.err + said.out  # the doctor's findings are its data
    assert "fixer recover" in said.err + said.out
    assert edited.fingerprint() == before


@pytest.mark.parametrize(("keep", "text"), [("mine", "a * b or 0"), ("before", "a - b")])
def test_the_decision_can_be_given_with_the_command(edited: Tree, keep: str, text: str) -> None:
    assert fixer(edited.path, "recover", "--keep", keep).code == 0
    assert f"return {text}\n" in edited.read("calc.py")
    assert "MINE = 1" in edited.read("calc.py")
    assert fixer(edited.path, "history").code == 0


def test_another_decision_is_refused(edited: Tree) -> None:
    assert fixer(edited.path, "recover", "--keep", "theirs").code == 2


@pytest.mark.parametrize(("key", "text", "code"), [("m", "a * b or 0", 0), ("b", "a - b", 0), ("l", "a * b or 0", 6)])
def test_on_a_terminal_both_sides_are_shown_and_the_answer_counts(edited: Tree, key: str, text: str, code: int) -> None:
    command, *args = fixer_argv("history")
    child = pexpect.spawn(command, args, cwd=str(edited.path), env=fixer_env(TERM="xterm", CI=""), encoding="utf-8")
    child.expect_exact("decide [l]ater? ")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", child.before or "")
    assert "-    return a - b" in shown
    assert "+    return a * b or 0" in shown
    child.send(key)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == code
    assert f"return {text}\n" in edited.read("calc.py")


@pytest.mark.parametrize(
    "step", ["checkpoint opened", "engine finished", "landing begun", "branch moved", "move ended"]
)
def test_a_killed_run_has_landed_its_fix_or_never_made_it(tmp_path: Path, step: str) -> None:
    tree = make_tree(tmp_path)
    before = tree.fingerprint()
    run_until(step, tree, FIX)
    assert fixer(tree.path, "recover").code == 0
    landed = step in ("branch moved", "move ended")
    assert tree.git("rev-list", "--count", "HEAD").strip() == ("2" if landed else "1")
    assert tree.git("diff", "--numstat") == "3\t0\tcalc.py\n"
    assert "MINE = 1" in tree.read("calc.py")
    if landed:
        assert fixer(tree.path, "undo").code == 0
    assert tree.fingerprint().files["calc.py"] == before.files["calc.py"]
    assert not (tree.path / ".git/index.lock").exists()


def small_files_only(size: int) -> Callable[[], None]:
    """As on a full disk: whatever would grow beyond this many bytes fails, in git too."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def limited(tree: Tree, size: int, model: ScriptedModel) -> Said:
    done = subprocess.run(
        fixer_argv("run", "--yes"),
        cwd=tree.path,
        env=fixer_env(**model_env(model)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=small_files_only(size),
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("size", [0, 100, 4_096, 40_000, 70_000])
def test_a_disk_that_is_full_ends_a_run_with_a_sentence_and_nothing_lost(tmp_path: Path, size: int) -> None:
    tree = make_tree(tmp_path)
    before = tree.fingerprint()
    with ScriptedModel(FIX).running() as model:
        said = limited(tree, size, model)
    assert said.code != 0
    assert "Traceback" not in said.err
    assert "a bug in fixer" not in said.err
    assert fixer(tree.path, "recover").code == 0
    after = tree.fingerprint()
    assert without_pytest_cache(after) == without_pytest_cache(before)
    assert (after.staged, after.refs) == (before.staged, before.refs)


@pytest.fixture
def read_only_git(tmp_path: Path) -> Iterator[Tree]:
    tree = make_tree(tmp_path)
    tree.git("status")
    folders = [tree.path / ".git", *(path for path in (tree.path / ".git").rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield tree
    for folder in folders:
        folder.chmod(0o755)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_git_directory_that_may_not_be_written_is_refused_before_anything_is_begun(read_only_git: Tree) -> None:
    before = read_only_git.fingerprint()
    said = fixer(read_only_git.path, "run", "--yes")
    assert said.code == 2
    assert "fixer cannot write to" in said.err
    assert read_only_git.fingerprint() == before


def test_a_second_run_names_the_first_and_a_reader_does_not_disturb_it(tmp_path: Path) -> None:
    tree = make_tree(tmp_path)
    with ScriptedModel(Answer(FIX.text, delay=8)).running() as model:
        first = subprocess.Popen(
            fixer_argv("run", "--yes", "--json"),
            cwd=tree.path,
            env=fixer_env(**model_env(model)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: bool(model.requests))
        second = fixer(tree.path, "run", "--yes")
        reader = fixer(tree.path, "history")
        out, _ = first.communicate(timeout=120)
    assert second.code == 6
    assert f"pid {first.pid}, since 20" in second.err
    assert reader.code == 0
    assert "interrupted attempt" not in reader.err
    assert json.loads(out)["tests"][0]["status"] == "fixed"


def wait_for(happened: Callable[[], bool]) -> None:
    import time

    for _ in range(600):
        with suppress(FileNotFoundError):
            if happened():
                return
        time.sleep(0.1)
    raise AssertionError("it never happened")


def test_a_second_interrupt_does_not_wait_for_a_hook_and_leaves_the_rest_to_recovery(tmp_path: Path) -> None:
    tree = make_tree(tmp_path)
    before = tree.fingerprint()
    tree.write(".git/hooks/pre-commit", '#!/bin/sh\n: > "$GIT_DIR/begun"; sleep 60\n')
    (tree.path / ".git/hooks/pre-commit").chmod(0o755)
    with ScriptedModel(FIX).running() as model:
        run = subprocess.Popen(
            fixer_argv("run", "--yes"), cwd=tree.path, env=fixer_env(**model_env(model)), stderr=subprocess.PIPE
        )
        wait_for((tree.path / ".git/begun").exists)
        run.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(1)  # a landing is not cut off by one
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=10)
    assert run.returncode == 130
    assert fixer(tree.path, "recover").code == 0
    assert without_pytest_cache(tree.fingerprint()) == without_pytest_cache(before)
    assert tree.git("rev-list", "--count", "HEAD").strip() == "1"
