"""pt, ptf, ptu and completion in the shells themselves; a shell that is not installed is skipped, and said so."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from command import fixer_argv

from fixer.ui.shell_functions import shell_functions

TESTS = """\
import pytest


@pytest.mark.parametrize("text", ["1 + 1", "plain"])
def test_sum(text): assert 0


def test_other(): ...
"""
SUMS = ["test_a.py::test_sum[1 + 1]", "test_a.py::test_sum[plain]"]
START = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"], "fish": ["--no-config", "-i"]}
Say = Callable[[str, str], str]


@pytest.fixture(params=START)
def shell(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed: apt-get install {name}")
    return name


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a red run behind it, and a `fixer` on PATH that is this one."""
    (tmp_path / "bin").mkdir()
    command(tmp_path, "fixer", f'exec {shlex.join(fixer_argv())} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("TERM", "dumb")
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_a.py").write_text(TESTS)
    subprocess.run([*fixer_argv()[:1], "-m", "pytest", "-q"], cwd=project, capture_output=True, check=False)
    return project


def command(folder: Path, name: str, body: str) -> None:
    script = folder / "bin" / name
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)


def run_in(shell: str, project: Path, script: str) -> list[str]:
    """The lines that a script says behind the functions."""
    (project.parent / "init").write_text(shell_functions(shell))
    argv = [shell, *START[shell][:-1], "-c", f"source {project.parent / 'init'}\n{script}"]
    done = subprocess.run(
        argv, cwd=project, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_the_short_names_hand_everything_on(shell: str, project: Path) -> None:
    command(project.parent, "fixer", 'echo "fixer $*"')
    assert run_in(shell, project, "ptf -k 'a b'\nptu --list\n") == ["fixer run -k a b", "fixer undo --list"]


@pytest.mark.parametrize("code", [0, 1, 5])
def test_without_a_terminal_pt_is_pytest(shell: str, project: Path, code: int) -> None:
    command(project.parent, "pytest", f'echo "pytest $*"; exit {code}')
    command(project.parent, "fixer", "echo never")
    status = "$status" if shell == "fish" else "$?"
    assert run_in(shell, project, f"pt -x 'a b'\necho {status}") == ["pytest -x a b", str(code)]


@pytest.mark.parametrize(("answer", "fixed"), [("", True), ("y", True), ("n", False)])
def test_at_a_terminal_pt_offers_to_fix_what_is_red(shell: str, project: Path, answer: str, fixed: bool) -> None:
    command(project.parent, "pytest", "exit 1")
    command(project.parent, "fixer", 'echo "ran fixer $*"')
    (project.parent / "init").write_text(shell_functions(shell))
    child = pexpect.spawn(shell, START[shell], cwd=str(project), encoding="utf-8", timeout=30, dimensions=(24, 200))
    child.sendline(f"source {project.parent / 'init'}; pt; echo DONE")
    child.expect(r"\[Y/n\] ")
    child.sendline(answer)
    child.expect(r"DONE\r\n")
    assert ("ran fixer run --lf" in child.before) is fixed
    child.close(force=True)


def completed(shell: str, project: Path, line: str) -> list[str]:
    """What the shell would offer at the end of the line."""
    if shell == "fish":
        found = run_in(shell, project, f"complete -C {shlex.quote(line)}")
        return [name for name in found if not name.startswith(("test_a.py\t", "__pycache__"))]
    at_the_end = f"COMP_LINE={shlex.quote(line)}; COMP_POINT=${{#COMP_LINE}}"
    return run_in(shell, project, f"{at_the_end}; _fixer_complete; printf '%s\\n' \"${{COMPREPLY[@]}}\"")


@pytest.fixture
def offering(shell: str) -> str:
    if shell == "zsh":
        pytest.skip("zsh completes only in its line editor: see the test of that")
    return shell


def test_tests_of_the_last_collection_are_offered(offering: str, project: Path) -> None:
    found = completed(offering, project, "fixer run test_a.py::test_s")
    # Bash completes what stands behind the last colon, and quotes by itself.
    wanted = ["test_sum\\[1\\ +\\ 1\\]", "test_sum\\[plain\\]"] if offering == "bash" else SUMS
    assert found == wanted


def test_commands_and_options_are_offered(offering: str, project: Path) -> None:
    assert completed(offering, project, "fixer shell-i") == ["shell-init"]
    assert sorted(completed(offering, project, "fixer run --no-c")) == ["--no-color", "--no-commit"]


def test_zsh_completes_a_test_in_its_line_editor(project: Path) -> None:
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed: apt-get install zsh")
    command(project.parent, "shown", 'echo "[$*]"')
    (project.parent / "init").write_text(shell_functions("zsh"))
    child = pexpect.spawn("zsh", START["zsh"], cwd=str(project), encoding="utf-8", timeout=30, dimensions=(24, 200))
    child.sendline(f"source {project.parent / 'init'}; compdef _fixer_complete shown; echo READY")
    child.expect(r"READY\r\n")
    child.send("shown run test_a.py::test_o\t\r")
    child.expect_exact("[run test_a.py::test_other]\r\n")
    child.close(force=True)
