"""The project's own Python is found in the promised order, asked for what it is, and what is wrong is said."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixer.domain.errors import TestsCannotRun, UsageError
from fixer.infrastructure.interpreter import Interpreter, find_interpreter


@dataclass
class Machine:
    """A folder with a project, a PATH of its own, fixer's environment and whatever a test puts beside them."""

    root: Path
    environ: dict[str, str]

    @property
    def project(self) -> Path:
        return self.root / "work/project"

    def python(self, place: str, versions: tuple[str, str] | None = ("3.11.4", "8.3.2")) -> Path:
        """A script that answers what it is asked, or knows no pytest."""
        answer = f"echo '{json.dumps(versions)}'" if versions else "exit 1"
        return self.script(place, answer)

    def script(self, place: str, body: str) -> Path:
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def find(self, asked: str = "") -> Interpreter:
        return find_interpreter(self.project, asked, self.environ, self.root / "own")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path, {"PATH": str(tmp_path / "bin")})
    made.project.mkdir(parents=True)
    (tmp_path / "work/.git").mkdir()
    return made


def test_candidates_are_taken_in_the_promised_order(machine: Machine) -> None:
    named = machine.python("tool/bin/python")
    machine.script("bin/uv", f"echo {named}")
    (machine.project / "uv.lock").touch()
    machine.environ |= {"VIRTUAL_ENV": str(machine.root / "active"), "CONDA_PREFIX": str(machine.root / "conda")}
    order = [
        (machine.python("asked"), "asked for"),
        (machine.python("active/bin/python"), "VIRTUAL_ENV"),
        (machine.python("conda/bin/python"), "CONDA_PREFIX"),
        (machine.python("work/project/.venv/bin/python"), ".venv beside the project"),
        (machine.python("work/project/venv/bin/python"), "venv beside the project"),
        (machine.python("work/.venv/bin/python"), ".venv beside the project"),
        (named, "named by uv"),
        (machine.python("bin/python"), "python on PATH"),
        (machine.python("bin/python3"), "python3 on PATH"),
        (machine.python("own/bin/python"), "fixer's own, because nothing else was found"),
    ]
    found = [machine.find(str(order[0][0]))]
    for path, _ in order[1:]:
        found.append(machine.find())
        path.unlink()
    assert [(one.path, one.reason) for one in found] == order
    assert {(one.python_version, one.pytest_version) for one in found} == {("3.11.4", "8.3.2")}


def test_an_environment_above_the_repository_is_not_the_projects(machine: Machine) -> None:
    machine.python(".venv/bin/python")
    on_path = machine.python("bin/python")
    assert machine.find().path == on_path


def test_without_a_repository_only_the_project_itself_is_looked_at(machine: Machine) -> None:
    (machine.root / "work/.git").rmdir()
    machine.python("work/.venv/bin/python")
    on_path = machine.python("bin/python")
    assert machine.find().path == on_path


def test_fixers_own_environment_does_not_count_as_the_active_one(machine: Machine) -> None:
    machine.python("own/bin/python")
    machine.environ |= {"VIRTUAL_ENV": str(machine.root / "own"), "PATH": f"{machine.root}/own/bin:{machine.root}/bin"}
    assert machine.find().reason == "fixer's own, because nothing else was found"
    beside = machine.python("work/.venv/bin/python")
    assert machine.find().path == beside


def test_fixers_own_environment_counts_where_it_is_the_projects(machine: Machine) -> None:
    own = machine.python("work/project/.venv/bin/python")
    machine.environ["VIRTUAL_ENV"] = str(machine.project / ".venv")
    found = find_interpreter(machine.project, "", machine.environ, machine.project / ".venv")
    assert (found.path, found.reason) == (own, "VIRTUAL_ENV")


def test_fixers_own_environment_is_known_behind_a_link(machine: Machine) -> None:
    machine.python("own/bin/python")
    (machine.root / "alias").symlink_to(machine.root / "own")
    machine.environ["VIRTUAL_ENV"] = str(machine.root / "alias")
    on_path = machine.python("bin/python")
    assert machine.find().path == on_path


@pytest.mark.parametrize(
    ("lock", "tool", "arguments"),
    [
        ("uv.lock", "uv", "python find"),
        ("poetry.lock", "poetry", "env info --executable"),
        ("pdm.lock", "pdm", "info --python"),
        ("Pipfile.lock", "pipenv", "--py"),
    ],
)
def test_a_tool_is_asked_where_its_lock_file_is(machine: Machine, lock: str, tool: str, arguments: str) -> None:
    named = machine.python("tool/bin/python")
    on_path = machine.python("bin/python")
    machine.script(f"bin/{tool}", f'[ "$*" = "{arguments}" ] && [ -z "$VIRTUAL_ENV" ] && echo {named}')
    machine.environ["VIRTUAL_ENV"] = str(machine.root / "gone")
    assert machine.find().path == on_path
    (machine.root / "work" / lock).touch()
    assert machine.find() == Interpreter(named, f"named by {tool}", "3.11.4", "8.3.2")


@pytest.mark.parametrize("body", ["exit 1", "echo", "echo no environment", "echo /no/such/python", "echo relative"])
def test_a_tool_without_an_answer_is_passed_over(machine: Machine, body: str) -> None:
    (machine.project / "poetry.lock").touch()
    machine.script("bin/poetry", body)
    on_path = machine.python("bin/python")
    assert machine.find().path == on_path


def test_a_tool_is_not_asked_when_something_before_it_will_do(machine: Machine) -> None:
    (machine.project / "uv.lock").touch()
    machine.script("bin/uv", f"touch {machine.root}/asked")
    machine.python("work/project/.venv/bin/python")
    machine.find()
    assert not (machine.root / "asked").exists()


def test_the_path_is_never_resolved(machine: Machine) -> None:
    behind = machine.python("elsewhere/python")
    link = machine.project / ".venv/bin/python"
    link.parent.mkdir(parents=True)
    link.symlink_to(behind)
    assert machine.find().path == link


def test_all_that_was_tried_is_named_with_the_cure_for_the_first(machine: Machine) -> None:
    machine.python("own/bin/python")
    first = machine.python("work/project/.venv/bin/python", None)
    second = machine.python("bin/python", None)
    with pytest.raises(TestsCannotRun) as caught:
        machine.find()
    assert f"tried {first} (.venv beside the project): {first} has no pytest." in caught.value.message
    assert f"tried {second} (python on PATH)" in caught.value.message
    assert "own" not in caught.value.message
    assert caught.value.cure.startswith(f"{first} -m pip install pytest")


def test_a_python_on_path_without_pytest_gives_way_to_fixers_own(machine: Machine) -> None:
    machine.python("bin/python", None)
    own = machine.python("own/bin/python")
    assert machine.find().path == own


def test_nothing_at_all_is_said_too(machine: Machine) -> None:
    with pytest.raises(TestsCannotRun, match="tried nothing: no Python was found"):
        machine.find()


def test_an_environment_that_uv_made_gets_a_cure_without_pip(machine: Machine) -> None:
    python = machine.python("work/project/.venv/bin/python", None)
    (machine.project / ".venv/pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.9.2\n")
    with pytest.raises(TestsCannotRun) as caught:
        machine.find()
    assert caught.value.cure.startswith(f"uv pip install --python {python} pytest")


@pytest.mark.parametrize(
    ("versions", "message", "cure"),
    [
        (("3.7.16", "7.4.4"), "is Python 3.7.16; fixer needs 3.8", "--python PATH"),
        (("3.8.1", "6.1.2"), "has pytest 6.1.2; fixer needs 6.2", "-m pip install --upgrade pytest"),
    ],
)
def test_an_environment_that_is_too_old_is_not_passed_over(
    machine: Machine, versions: tuple[str, str], message: str, cure: str
) -> None:
    machine.python("work/project/.venv/bin/python", versions)
    machine.python("bin/python")
    with pytest.raises(TestsCannotRun, match=message) as caught:
        machine.find()
    assert cure in caught.value.cure


@pytest.mark.parametrize("versions", [("3.8.0", "6.2.0"), ("3.14.0rc1", "9.0.0.dev12+g1a2b3c")])
def test_the_oldest_and_the_newest_will_do(machine: Machine, versions: tuple[str, str]) -> None:
    machine.python("bin/python", versions)
    assert machine.find().pytest_version == versions[1]


def test_an_old_python_on_path_is_passed_over(machine: Machine) -> None:
    machine.python("bin/python", ("2.7.18", "4.6.11"))
    newer = machine.python("bin/python3")
    assert machine.find().path == newer


def test_an_interpreter_asked_for_is_the_only_one_looked_at(machine: Machine) -> None:
    machine.python("bin/python")
    with pytest.raises(UsageError, match=r"There is no interpreter \.venv/bin/python"):
        machine.find(".venv/bin/python")
    asked = machine.python("asked", None)
    with pytest.raises(TestsCannotRun, match=f"{asked} has no pytest"):
        machine.find(str(asked))


def test_an_interpreter_asked_for_may_be_a_name_on_path_or_below_the_project(machine: Machine) -> None:
    named = machine.python("bin/python3.9")
    below = machine.python("work/project/env/bin/python")
    assert machine.find("python3.9").path == named
    assert machine.find("env/bin/python").path == below


@pytest.mark.parametrize("answer", ["exit 0", "echo hello", "echo 7", "echo '{}'", "kill -9 $$"])
def test_what_does_not_answer_like_a_python_has_no_pytest(machine: Machine, answer: str) -> None:
    asked = machine.script("asked", answer)
    with pytest.raises(TestsCannotRun, match="has no pytest"):
        machine.find(str(asked))


def test_a_real_environment_is_asked_without_the_projects_modules_in_the_way(machine: Machine) -> None:
    prefix = machine.project / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", prefix], check=True)
    for name in ("json.py", "pytest.py", "platform.py"):
        (machine.project / name).write_text("raise SystemExit('not this one')\n")
    site = next(path for path in sys.path if path.endswith("site-packages"))
    next(prefix.glob("lib/python*/site-packages")).joinpath("borrowed.pth").write_text(site + "\n")
    found = machine.find()
    assert (found.path, found.pytest_version) == (prefix / "bin/python", pytest.__version__)
    assert found.python_version == ".".join(map(str, sys.version_info[:3]))


def test_a_shim_that_chooses_by_folder_is_asked_in_the_project(machine: Machine) -> None:
    machine.script("bin/python", f'[ "$PWD" = "{machine.project}" ] && echo \'["3.11.4", "8.3.2"]\'')
    assert machine.find().reason == "python on PATH"
