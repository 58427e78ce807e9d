"""What a script gets to read: stdout, stderr, files and exit codes of every command, without a terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from command import Said, fixer, fixer_argv, fixer_env, model_env
from scripted_model import Answer, ScriptedModel, edit
from tree import Tree

pytestmark = pytest.mark.slow

CALC = "def add(a, b):\n    return a - b\n\n\ndef half(n):\n    return n * 2\n"
TESTS = """\
from calc import add, half


def test_add():
    assert add(1, 2) == 3


def test_half():
    assert half(4) == 2


def test_nothing():
    pass
"""
ADD = "test_calc.py::test_add"
HALF = "test_calc.py::test_half"
ADD_FIX = edit("calc.py", "    return a - b\n", "    return a + b\n")
HALF_FIX = edit("calc.py", "    return n * 2\n", "    return n / 2\n")
WRONG = edit("calc.py", "    return a - b\n", "    return a * b\n")


def broken_project(folder: Path) -> Tree:
    tree = Tree(folder).init()
    tree.write("calc.py", CALC)
    tree.write("test_calc.py", TESTS)
    tree.commit("start")
    return tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return broken_project(tmp_path / "project")


def run(tree: Tree, model: ScriptedModel, *args: str, **env: str) -> Said:
    return fixer(tree.path, "run", *args, **{**model_env(model), **env})


def piped(folder: Path, text: str, *args: str, **env: str) -> Said:
    done = subprocess.run(
        fixer_argv(*args), cwd=folder, env=fixer_env(**env), input=text, capture_output=True, text=True, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)


NUMBER = (int, float)
ATTEMPT = {
    "number": int,
    "model": str,
    "temperature": NUMBER,
    "temperature_sent": (int, float, type(None)),
    "status": str,
    "reason": str,
    "seconds": NUMBER,
    "model_seconds": NUMBER,
    "test_seconds": NUMBER,
    "tokens_sent": int,
    "tokens_received": int,
    "cost_usd": (int, float, type(None)),
}
TEST = {
    "nodeid": str,
    "status": str,
    "error_type": str,
    "message": str,
    "diagnosis": (dict, type(None)),
    "fixed_by": (str, type(None)),
    "commit": (str, type(None)),
    "files": list,
    "attempts": list,
}
RUN = {
    "schema": int,
    "run": str,
    "exit_code": int,
    "model": str,
    "cost_usd": (int, float, type(None)),
    "tokens": dict,
    "seconds": NUMBER,
    "tests": list,
    "newly_broken": list,
}


def assert_shape(value: dict[str, Any], shape: dict[str, Any]) -> None:
    assert list(value) == list(shape)
    for name, kind in shape.items():
        assert isinstance(value[name], kind), (name, value[name])


@dataclass(frozen=True)
class Story:
    """One run with a failed attempt, a fix and a test that stays red; and the project after it."""

    tree: Tree
    said: Said
    junit: str

    @property
    def commit(self) -> str:
        return self.tree.git("rev-parse", "HEAD").strip()

    def ask(self, *args: str) -> Said:
        return fixer(self.tree.path, *args)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    tree = broken_project(tmp_path_factory.mktemp("story") / "project")
    junit = tmp_path_factory.mktemp("junit") / "out.xml"
    with ScriptedModel(WRONG, ADD_FIX, Answer("No.")).running() as model:
        said = run(tree, model, "-v", "--json", "--junitxml", str(junit), "--attempts", "2")
    return Story(tree, said, junit.read_text())


def test_json_has_every_documented_field_and_nothing_else_is_on_stdout(story: Story) -> None:
    data = story.said.data
    assert_shape(data, RUN)
    assert (data["schema"], data["exit_code"], story.said.code) == (1, 1, 1)
    assert data["tokens"] == {"sent": 400, "received": 80}
    fixed, unfixed = data["tests"]
    for test in (fixed, unfixed):
        assert_shape(test, TEST)
        for attempt in test["attempts"]:
            assert_shape(attempt, ATTEMPT)
    assert (fixed["nodeid"], fixed["status"], fixed["files"]) == (ADD, "fixed", ["calc.py"])
    assert fixed["commit"] == story.commit
    assert [attempt["status"] for attempt in fixed["attempts"]] == ["failed", "success"]
    assert [attempt["temperature_sent"] for attempt in fixed["attempts"]] == [0.4, 0.5]
    assert (unfixed["status"], unfixed["commit"], unfixed["files"]) == ("unfixed", None, [])
    assert "without an edit" in unfixed["attempts"][0]["reason"]


def test_junit_xml_says_the_same(story: Story) -> None:
    suite = Xml.fromstring(story.junit).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suite.iter("testcase")] == ["test_add", "test_half"]
    assert [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None] == ["test_half"]


def test_verbose_tells_the_interpreter_and_each_phase(story: Story) -> None:
    lines = story.said.err.splitlines()
    assert lines[0].startswith(f"Tests run with {sys.executable} (")
    known = ("thinking", "testing", "guarding", "landing", "undoing")
    phases = [line.strip() for line in lines if line.strip() in known]
    assert phases[:3] == ["thinking", "guarding", "testing"]
    assert phases.index("undoing") < phases.index("landing") < len(phases) - 1
    assert "\x1b" not in story.said.err


def test_history_lists_the_run(story: Story) -> None:
    head, row = story.ask("history").out.splitlines()
    assert head.split() == ["RUN", "STARTED", "MODEL", "FIXED", "SECONDS", "COST", "EXIT"]
    assert row.split()[0] == story.said.data["run"]
    assert "1/2" in row.split()


def test_history_as_json_is_the_same_object_again(story: Story) -> None:
    assert story.ask("history", "--json").data == [story.said.data]


@pytest.mark.parametrize("called", ["fix", "commit", "test"])
def test_show_finds_a_fix_by_whatever_it_is_called(story: Story, called: str) -> None:
    fix = story.ask("undo", "--list").out.split("\t")[0]
    said = story.ask("show", {"fix": fix, "commit": story.commit[:9], "test": ADD}[called])
    assert (said.code, said.err) == (0, "")
    assert f"commit   {story.commit}" in said.out
    assert "attempt  2 with openai/scripted at temperature 0.5" in said.out
    assert "-    return a - b\n+    return a + b\n" in said.out


def test_show_tells_of_a_run(story: Story) -> None:
    run_id = story.said.data["run"]
    assert story.ask("show", run_id).out.startswith(f"fixed    {ADD}   2 attempts  {story.commit[:9]}\n")
    assert story.ask("show", run_id, "--json").data == story.said.data


def test_show_of_nothing_known_says_where_to_look(story: Story) -> None:
    said = story.ask("show", "nonsense")
    assert (said.code, said.out) == (2, "")
    assert "fixer history" in said.err


def test_undo_list_has_one_line_per_fix_for_scripts(story: Story) -> None:
    said = story.ask("undo", "--list")
    fix, commit, test = said.out.removesuffix("\n").split("\t")
    assert (said.code, commit, test) == (0, story.commit[:9], ADD)
    assert fix


def test_a_plain_run_tells_its_course_on_stderr_and_the_result_on_stdout(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    scripted_model.answers(ADD_FIX, Answer("No idea."))
    said = run(tree, scripted_model, "--attempts", "1")
    commit = tree.git("rev-parse", "--short=9", "HEAD").strip()
    lines = said.err.splitlines()
    assert lines[0] == "Running the tests"
    assert lines[1].startswith("2 red, 1 passed (")
    verified = lines.index(f"{ADD}: attempt 1/1, temperature 0.4") + 1
    assert lines[verified].startswith("  verified (120 tokens")
    assert lines[verified + 1] == f"  fixed in calc.py ({commit})"
    assert "\x1b" not in said.err + said.out
    table = said.out.splitlines()
    assert table[0] == f"fixed    {ADD}   1 attempt  {commit}"
    assert table[1].startswith(f"unfixed  {HALF}  1 attempt  ")
    assert table[3] == f"{HALF} stays red:"
    assert table[4].startswith("  1: changed nothing; ")
    assert table[6].startswith("1 of 2 fixed in ")


def test_verbose_tells_what_was_left_out_of_the_context(tree: Tree, scripted_model: ScriptedModel) -> None:
    tree.write("other.py", "def big():\n" + "".join(f"    x{number} = {number}\n" for number in range(4000)))
    tree.write("calc.py", f"from other import big\n\n\n{CALC}".replace("    return a", "    big()\n    return a"))
    tree.commit()
    scripted_model.answers(Answer("No."))
    said = run(tree, scripted_model, "-v", "-k", "add", "--attempts", "1", FIXER_TOKEN_BUDGET="1000")
    assert "other.py" in said.err


def test_quiet_leaves_the_result_only_and_first_stops_at_the_first_failure(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    scripted_model.answers(ADD_FIX)
    said = run(tree, scripted_model, "-q", "-x")
    assert (said.code, said.err) == (1, "")
    assert said.out.startswith(f"fixed    {ADD} ")


def test_no_commit_leaves_the_fix_in_the_tree_only(tree: Tree, scripted_model: ScriptedModel) -> None:
    refs = tree.fingerprint().refs
    scripted_model.answers(ADD_FIX)
    said = run(tree, scripted_model, "--no-commit", "-k", "add")
    assert said.code == 0, said.err
    assert said.out.splitlines()[0] == f"fixed  {ADD}  1 attempt  uncommitted"
    assert (tree.git("status", "--porcelain"), tree.fingerprint().refs) == (" M calc.py\n", refs)
    assert "+    return a + b" in tree.git("diff")


def test_dry_run_prints_a_patch_that_git_applies_and_changes_nothing(tree: Tree, scripted_model: ScriptedModel) -> None:
    tree.write("calc.py", f"{CALC}\n\nMINE = 1\n")
    before = tree.fingerprint()
    scripted_model.answers(ADD_FIX, HALF_FIX)
    said = run(tree, scripted_model, "--dry-run")
    assert said.code == 0, said.err
    assert tree.fingerprint() == before
    assert said.out.startswith("diff --git a/calc.py b/calc.py\n")
    assert "2 of 2 fixed" in said.err
    subprocess.run(["git", "apply"], cwd=tree.path, input=said.out, text=True, check=True)
    assert tree.read("calc.py") == f"{CALC}\n\nMINE = 1\n".replace("a - b", "a + b").replace("n * 2", "n / 2")
    tree.write("calc.py", f"{CALC}\n\nMINE = 1\n")
    assert fixer(tree.path, "undo", "--list").out == ""
    assert fixer(tree.path, "redo", HALF).code == 0
    assert "n / 2" in tree.read("calc.py")


def test_dry_run_with_json_holds_the_patch(tree: Tree, scripted_model: ScriptedModel) -> None:
    before = tree.fingerprint()
    scripted_model.answers(ADD_FIX)
    said = run(tree, scripted_model, "--dry-run", "--json", "-k", "add")
    assert_shape(said.data, {**RUN, "patch": str})
    assert "+    return a + b\n" in said.data["patch"]
    assert (said.data["tests"][0]["status"], said.data["tests"][0]["commit"]) == ("fixed", None)
    assert tree.fingerprint() == before


def test_a_dry_run_that_is_killed_leaves_nothing_after_the_next_command(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    before = tree.fingerprint()
    scripted_model.answers(ADD_FIX, Answer("No.", delay=60))
    process = subprocess.Popen(
        fixer_argv("run", "--dry-run"),
        cwd=tree.path,
        env=fixer_env(**model_env(scripted_model)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: len(scripted_model.requests) == 2)
    process.kill()
    process.wait()
    assert "a + b" in tree.read("calc.py"), "the first fix is in the tree, for the second to stand on"
    said = fixer(tree.path, "undo")
    assert said.err.startswith("fixer: A dry run was killed: its fix of test_calc.py::test_add was taken back.\n")
    assert tree.fingerprint() == before
    assert fixer(tree.path, "redo").code == 0
    assert fixer(tree.path, "redo").code == 2
    assert "a + b" in tree.read("calc.py"), "a fix that was asked back stays"


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


LOG = f"""\
=================== short test summary info ===================
FAILED {ADD} - assert -1 == 3
FAILED test_calc.py::test_nothing - TypeError: no
"""


def test_analyze_reads_a_file_or_stdin(tree: Tree, tmp_path: Path) -> None:
    expected = f"{ADD}\tAssertionError\tassert -1 == 3\ntest_calc.py::test_nothing\tTypeError\tno\n"
    (tmp_path / "ci.log").write_text(LOG)
    assert fixer(tree.path, "analyze", str(tmp_path / "ci.log")) == Said(1, expected, "")
    assert piped(tree.path, LOG, "analyze", "-") == Said(1, expected, "")
    assert piped(tree.path, LOG, "analyze") == Said(1, expected, "")
    assert piped(tree.path, "3 passed\n", "analyze") == Said(0, "", "")
    assert fixer(tree.path, "analyze", "no.log").code == 2


def test_from_log_runs_only_what_the_log_names(tree: Tree, tmp_path: Path) -> None:
    log = "FAILED test_calc.py::test_nothing - TypeError: no\n"
    (tmp_path / "ci.log").write_text(log)
    for said in (
        fixer(tree.path, "run", "--from-log", str(tmp_path / "ci.log")),
        piped(tree.path, log, "run", "--from-log", "-"),
    ):
        assert said.code == 0
        assert "Nothing is red, 1 passed" in said.err
    said = piped(tree.path, "3 passed\n", "run", "--from-log", "-")
    assert said.code == 2
    assert "fixer analyze" in said.err


def test_what_stands_behind_two_dashes_goes_to_pytest(tree: Tree) -> None:
    said = fixer(tree.path, "run", "-k", "nothing or half", "--", "-p", "no:cacheprovider", "--deselect", HALF)
    assert said.code == 0, said.err
    assert "Nothing is red, 1 passed" in said.err
    assert not (tree.path / ".pytest_cache").exists()


def test_what_failed_in_the_users_own_run_is_enough_and_their_cache_only_read(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    tree.write("test_more.py", "def test_green(): ...\n")
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-k", "add or green"], cwd=tree.path, check=False)
    cache = {path: path.read_bytes() for path in tree.path.glob(".pytest_cache/**/*") if path.is_file()}
    assert cache
    scripted_model.answers(ADD_FIX)
    said = run(tree, scripted_model, "--yes", "--lf")
    assert said.code == 0, said.err
    assert "1 red, 0 passed" in said.err
    assert {path: path.read_bytes() for path in tree.path.glob(".pytest_cache/**/*") if path.is_file()} == cache


DOCTOR = ("git", "settings", "interpreter", "plugins", "model", "servers", "lock", "leftovers", "ledger", "disk")


def test_doctor_in_a_good_place(tree: Tree) -> None:
    said = fixer(tree.path, "doctor")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert [line.split()[:2] for line in lines] == [["✓", name] for name in DOCTOR]
    assert str(tree.path) in lines[0]
    assert sys.executable in lines[2]
    assert "pytest-cov: slows every run; without it: fixer run -- --no-cov" in lines[3]


def test_doctor_names_who_holds_the_lock(tree: Tree) -> None:
    from fixer.infrastructure.project import locate
    from fixer.infrastructure.run_lock import run_lock

    with run_lock(locate(tree.path, {}).worktree_state):
        said = fixer(tree.path, "doctor")
    assert said.code == 6
    assert f"✗ lock         Another fixer works on this tree: pid {os.getpid()}" in said.out


def test_config_tells_each_value_and_where_it_came_from(tree: Tree) -> None:
    tree.write("pyproject.toml", "[tool.fixer]\nattempts = 7\n")
    said = fixer(tree.path, "config", FIXER_GUARD="file")
    assert (said.code, said.err) == (0, "")
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in said.out.splitlines()}
    assert rows["attempts"] == ["7", f"{tree.path}/pyproject.toml [tool.fixer] attempts"]
    assert rows["guard"] == ['"file"', "FIXER_GUARD"]
    assert rows["confirm"] == ["2", "default"]
    assert rows["source"] == ["-", "default"]
    data = fixer(tree.path, "config", "--json").data
    assert data["attempts"] == {"value": 7, "from": f"{tree.path}/pyproject.toml [tool.fixer] attempts"}


def test_doctor_prunes_what_can_be_had_again_and_undo_still_works(tree: Tree, scripted_model: ScriptedModel) -> None:
    scripted_model.answers(ADD_FIX)
    assert run(tree, scripted_model, "--yes", "-k", "add").code == 0
    said = fixer(tree.path, "doctor", "--prune")
    assert (said.code, said.err) == (0, "")
    freed = re.fullmatch(r"Freed (\d+\.\d) MB\. Left: 0\.\d MB \(ledger 0\.\d MB\)\.\n", said.out)
    assert freed, said.out
    assert float(freed[1]) > 0
    (folder,) = (tree.path / ".git/fixer/worktrees").iterdir()
    assert [path.name for path in folder.iterdir()] in ([], ["lock"])
    assert fixer(tree.path, "undo").code == 0
    assert "a - b" in tree.read("calc.py")


def test_doctor_in_a_broken_place_names_each_cure(tree: Tree, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    said = fixer(tree.path, "doctor", FIXER_PYTHON=str(tmp_path / "bare/bin/python"))
    assert said.code == 3
    (wrong,) = (line for line in said.out.splitlines() if line.startswith("✗"))
    assert wrong.startswith("✗ interpreter")
    assert "→" in wrong
    assert "-m pip install pytest" in wrong


def test_undo_of_a_project_without_fixes_says_so(tree: Tree) -> None:
    said = fixer(tree.path, "undo")
    assert (said.code, said.out) == (2, "")
    assert "nothing to undo" in said.err


def test_the_demo_shows_what_was_fixed_by_which_commit_and_what_was_not_and_why(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    said = fixer(tmp_path, "demo", "--keep", str(shop))
    assert said.code == 0, said.err
    table = [line.split(maxsplit=4) for line in said.out.splitlines() if line.startswith(("fixed ", "unfixed "))]
    fixed = {row[4] for row in table if row[0] == "fixed"}
    commits = Tree(shop).git("log", "--format=%h", "--abbrev=9").split()
    assert fixed == set(commits[:-1])
    assert len(fixed) >= 8
    reasons = [row[4] for row in table if row[0] == "unfixed"]
    assert len(reasons) >= 1
    assert all(len(reason) > 10 for reason in reasons)
    assert f"cd {shop} && git log --stat" in said.err
    assert Tree(shop).git("status", "--porcelain") == ""
    again = fixer(tmp_path, "demo", "--keep", str(shop))
    assert (again.code, again.err.splitlines()[0]) == (2, f"fixer: {shop} is not empty.")
