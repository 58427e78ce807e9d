"""fixer in CI: the Action's steps run as the script that they are, the files a run leaves, the pre-push hook."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
import yaml  # type: ignore[import-untyped]
from command import fixer, fixer_argv, fixer_env, model_env
from scripted_model import ScriptedModel, edit
from tree import Tree

SOURCE = Path(__file__).parents[2]
TESTS = (
    "from calc import add, half\n\n\ndef test_add(): assert add(1, 2) == 3\n\n\ndef test_half(): assert half(4) == 2\n"
)
CALC = "def add(a, b):\n    return a - b\n\n\ndef half(n):\n    return n * 2\n"
ADD_FIX = edit("calc.py", "    return a - b\n", "    return a + b\n")
USELESS = edit("calc.py", "    return n * 2\n", "    return n * 3\n")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", CALC)
    tree.write("test_calc.py", TESTS)
    tree.commit("start")
    return tree


class Runner:
    """GitHub's runner, as far as the Action's script can tell."""

    def __init__(self, folder: Path, tree: Tree, model: ScriptedModel) -> None:
        self.folder, self.tree, self.model = folder, tree, model
        (folder / "bin").mkdir(parents=True)
        self.command("fixer", f'exec {shlex.join(fixer_argv())} "$@"')
        self.command("gh", f'echo "$*" >>{folder}/gh')
        (folder / "gh").touch()
        tree.git("init", "-q", "--bare", str(folder / "remote"))
        tree.git("remote", "add", "origin", str(folder / "remote"))

    def command(self, name: str, body: str) -> None:
        script = self.folder / "bin" / name
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)

    def step(self, name: str, **env: str) -> subprocess.CompletedProcess[str]:
        files = {name: str(self.folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")}
        return subprocess.run(
            [str(SOURCE / "scripts/action"), name],
            cwd=self.tree.path,
            env={
                **fixer_env(**model_env(self.model)),
                **files,
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "GITHUB_REF_NAME": "main",
                "RUNNER_TEMP": str(self.folder),
                "INPUT_BRANCH": "fixer/7",
                **env,
            },
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in (self.folder / "GITHUB_OUTPUT").read_text().splitlines())


@pytest.fixture
def runner(tmp_path: Path, tree: Tree, scripted_model: ScriptedModel) -> Runner:
    return Runner(tmp_path / "runner", tree, scripted_model)


@pytest.mark.slow
def test_the_action_fixes_on_a_branch_and_opens_a_pull_request(runner: Runner) -> None:
    runner.model.answers(ADD_FIX, USELESS)
    done = runner.step("fix", INPUT_ARGS="--attempts 1")
    assert done.returncode == 0, done.stderr
    folder = runner.folder / "fixer"
    assert runner.outputs() == {"exit-code": "1", "fixed": "1", "branch": "fixer/7", "folder": str(folder)}
    assert runner.tree.git("log", "--format=%s", "main") == "start\n"
    assert "::error file=test_calc.py,line=7,title=red%3A test_calc.py%3A%3Atest_half::" in done.stderr
    summary = (runner.folder / "GITHUB_STEP_SUMMARY").read_text()
    assert summary.startswith("### fixer: 1 of 2 fixed in ")
    assert "+    return a + b" in summary
    assert "+    return a + b" in (folder / "fixes.patch").read_text()
    assert [found["ruleId"] for found in json.loads((folder / "fixer.sarif").read_text())["runs"][0]["results"]] == [
        "AssertionError"
    ]
    assert Xml.parse(folder / "junit.xml").find("testsuite").get("failures") == "1"  # type: ignore[union-attr]
    assert "1 of 2 fixed" in (folder / "report.html").read_text()
    done = runner.step("publish", FIXED="1", FOLDER=str(folder))
    assert done.returncode == 0, done.stderr
    assert runner.tree.git("ls-remote", "origin").split()[1:] == ["refs/heads/fixer/7"]
    said = (runner.folder / "gh").read_text()
    assert said == f"pr create --head fixer/7 --base main --title Fix 1 red test --body-file {folder}/summary.md\n"


@pytest.mark.slow
def test_where_nothing_is_red_the_action_leaves_nothing(runner: Runner) -> None:
    done = runner.step("fix", INPUT_ARGS="-k nothing")
    assert runner.outputs()["fixed"] == "0", done.stderr
    assert runner.tree.git("branch", "--format=%(refname:short)") == "main\n"
    assert "nothing to publish" in runner.step("publish", FIXED="0").stdout


def test_a_patch_can_be_commented(runner: Runner) -> None:
    done = runner.step("publish", FIXED="2", FOLDER="/f", INPUT_PUBLISH="comment", PULL_REQUEST="12")
    assert done.returncode == 0, done.stderr
    assert (runner.folder / "gh").read_text() == "pr comment 12 --body-file /f/summary.md\n"
    assert runner.step("publish", FIXED="2", INPUT_PUBLISH="elsewhere").returncode == 2


def test_the_action_hands_all_its_inputs_on() -> None:
    action = yaml.safe_load((SOURCE / "action.yml").read_text())
    steps = action["runs"]["steps"]
    used = " ".join(value for step in steps for value in step.get("env", {}).values())
    assert {name for name in action["inputs"] if f"inputs.{name}" in used} == set(action["inputs"])
    assert not any("${{" in step["run"] for step in steps), "what users write must not become shell"


def test_a_file_that_cannot_be_written_is_told_before_anything_is_done(tree: Tree) -> None:
    said = fixer(tree.path, "run", "--sarif", "nowhere/x.sarif")
    assert (said.code, said.out) == (2, "")
    assert "nowhere/x.sarif cannot be written" in said.err
    assert "Running the tests" not in said.err


def test_a_branch_needs_commits(tree: Tree) -> None:
    said = fixer(tree.path, "run", "--branch", "x", "--no-commit")
    assert said.code == 2
    assert "--branch needs commits" in said.err


@pytest.mark.parametrize(
    ("makes", "code", "said"),
    [("true", 0, ""), ("exit 1", 1, ""), ("git commit -q --allow-empty -m fix", 1, "push again")],
)
def test_a_push_waits_for_what_was_fixed(tree: Tree, tmp_path: Path, makes: str, code: int, said: str) -> None:
    (hook,) = yaml.safe_load((SOURCE / ".pre-commit-hooks.yaml").read_text())
    (tmp_path / "fixer").write_text(f'#!/bin/sh\necho "$*" >{tmp_path}/said\n{makes}\n')
    (tmp_path / "fixer").chmod(0o755)
    done = subprocess.run(
        [*shlex.split(hook["entry"]), "-k", "a b"],
        cwd=tree.path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert said in done.stderr
    assert (tmp_path / "said").read_text() == "run --yes -k a b\n"
