"""The promises, kept end to end: real git, real pytest, real Aider; only the model's answers are scripted."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command import fixer, fixer_argv, fixer_env, model_env
from scripted_model import Answer, ScriptedModel, edit, edits, failure
from tree import Tree

pytestmark = pytest.mark.slow

CALC = """\
def add(a, b):
    return a - b


def half(n):
    return n / 2


def greet(name):
    return "Hello " + name
"""
TESTS = """\
import pytest

from calc import add, greet, half


def test_add():
    assert add(1, 2) == 3


def test_half():
    assert half(4) == 2


def test_greet():
    assert greet("you") == "Hello you"
"""
WRONG = edit("calc.py", "    return a - b\n", "    return a * b\n")
RIGHT = edit("calc.py", "    return a - b\n", "    return a + b\n")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", CALC)
    tree.write("tests/test_calc.py", TESTS)
    tree.write("conftest.py", "")
    tree.commit("start")
    return tree


def temperatures(model: ScriptedModel) -> list[float]:
    return [request["temperature"] for request in model.requests]


def test_three_temperatures_arrive_and_the_third_answer_fixes(tree: Tree, scripted_model: ScriptedModel) -> None:
    scripted_model.answers(WRONG, Answer("I am not sure."), RIGHT)
    said = fixer(tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 0, said.err
    assert temperatures(scripted_model) == [0.4, 0.5, 0.6]
    assert tree.git("log", "--format=%s") == "Fix tests/test_calc.py::test_add\nstart\n"
    assert tree.git("show", "--format=", "--numstat", "HEAD") == "1\t1\tcalc.py\n"
    assert tree.git("status", "--porcelain") == ""


def test_failed_attempts_leave_tree_index_head_and_stash_as_they_were(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    tree.write("calc.py", CALC + "\n\nSTASHED = 1\n")
    tree.git("stash")
    tree.write("calc.py", CALC.replace("n / 2", "n // 2"))
    tree.git("add", "calc.py")
    tree.write("notes.txt", "mine\n")
    before = tree.fingerprint()
    index = (tree.path / ".git/index").read_bytes()
    new_file = edits(("helper.py", "", "x = 1\n"), ("calc.py", "    return a - b\n", "    return 7\n"))
    scripted_model.answers(WRONG, new_file, Answer("No idea."))
    said = fixer(tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 1, said.err
    assert (tree.path / ".git/index").read_bytes() == index
    assert tree.fingerprint() == before


def test_undo_works_in_a_later_process(tree: Tree, scripted_model: ScriptedModel) -> None:
    before = tree.fingerprint()
    scripted_model.answers(RIGHT)
    assert fixer(tree.path, "run", "--yes", **model_env(scripted_model)).code == 0
    assert tree.read("calc.py") != CALC
    said = fixer(tree.path, "undo")
    assert (said.code, said.err) == (0, "")
    assert "removed" in said.out
    assert tree.fingerprint() == before
    assert fixer(tree.path, "redo").code == 0
    assert tree.git("log", "-1", "--format=%s") == "Fix tests/test_calc.py::test_add\n"


def test_work_in_progress_in_the_same_file_survives_a_fix(tree: Tree, scripted_model: ScriptedModel) -> None:
    tree.write("calc.py", CALC + "\n\ndef mine():\n    return 'in progress'\n")
    diff = tree.git("diff", "-U0")
    scripted_model.answers(RIGHT)
    said = fixer(tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 0, said.err
    assert tree.git("show", "HEAD:calc.py") == CALC.replace("a - b", "a + b")
    assert _body(tree.git("diff", "-U0")) == _body(diff)


def _body(diff: str) -> list[str]:
    return [line for line in diff.splitlines() if line.startswith(("+", "-"))]


def test_a_test_id_with_every_odd_character_is_fixed_and_run_again(tree: Tree, scripted_model: ScriptedModel) -> None:
    odd = "1 + 1 :: [x]/y 'q' \"d\" ünï - FAILED $HOME `id`"
    tree.write(
        "tests/test_odd file.py",
        "import pytest\nfrom calc import add\n\n\nclass TestAdd:\n"
        f"    @pytest.mark.parametrize('n', [pytest.param(1, id={odd!r}), pytest.param(0, id='zero')])\n"
        "    def test_it(self, n):\n        assert add(2, n) == 2 + n\n",
    )
    tree.write("tests/test_calc.py", TESTS.replace("def test_add", "def not_a_test"))
    tree.commit()
    scripted_model.answers(RIGHT)
    said = fixer(tree.path, "run", "--yes", "--json", **model_env(scripted_model))
    assert said.code == 0, said.err
    (test,) = said.data["tests"]
    assert test["status"] == "fixed"
    assert test["nodeid"].startswith("tests/test_odd file.py::TestAdd::test_it[1 + 1 :: [x]/y 'q'")


def test_a_fix_may_bring_a_new_file_and_undo_takes_it_away(tree: Tree, scripted_model: ScriptedModel) -> None:
    before = tree.fingerprint()
    scripted_model.answers(
        edits(
            ("arithmetic.py", "", "def plus(a, b):\n    return a + b\n"),
            ("calc.py", "def add(a, b):\n    return a - b\n", "from arithmetic import plus as add\n"),
        )
    )
    said = fixer(tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 0, said.err
    assert tree.git("show", "--format=", "--name-status", "HEAD") == "A\tarithmetic.py\nM\tcalc.py\n"
    assert fixer(tree.path, "undo").code == 0
    assert tree.fingerprint() == before


def test_a_green_run_touches_no_model(tree: Tree, scripted_model: ScriptedModel) -> None:
    tree.write("calc.py", CALC.replace("a - b", "a + b"))
    said = fixer(tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 0
    assert scripted_model.requests == []


def test_a_fix_that_breaks_another_test_of_the_module_is_refused_and_the_next_prompt_told(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    breaks = edits(
        ("calc.py", "    return a - b\n", "    return a + b\n"), ("calc.py", "    return n / 2\n", "    return n\n")
    )
    scripted_model.answers(breaks, RIGHT)
    said = fixer(tree.path, "run", "--yes", "--json", **model_env(scripted_model))
    assert said.code == 0, said.err
    first, second = said.data["tests"][0]["attempts"]
    assert first["reason"].startswith(
        "module tests: broke tests/test_calc.py::test_half: AssertionError: assert 4 == 2"
    )
    assert second["status"] == "success"
    assert "tests/test_calc.py::test_half" in scripted_model.prompts[1]


def test_a_fix_that_breaks_a_test_elsewhere_is_taken_back_in_the_end(tree: Tree, scripted_model: ScriptedModel) -> None:
    tree.write("tests/test_other.py", "from calc import half\n\n\ndef test_quarter():\n    assert half(half(8)) == 2\n")
    tree.write("tests/test_calc.py", TESTS.split("def test_half", maxsplit=1)[0])
    tree.commit()
    before = tree.fingerprint()
    breaks = edits(
        ("calc.py", "    return a - b\n", "    return a + b\n"), ("calc.py", "    return n / 2\n", "    return n\n")
    )
    scripted_model.answers(breaks)
    said = fixer(tree.path, "run", "--yes", "--json", **model_env(scripted_model))
    assert said.code == 1, said.err
    (test,) = said.data["tests"]
    assert test["status"] == "unfixed"
    assert "broke tests/test_other.py::test_quarter" in test["attempts"][0]["reason"]
    assert tree.fingerprint() == before


def test_a_cheat_that_edits_the_test_is_refused(tree: Tree, scripted_model: ScriptedModel) -> None:
    before = tree.fingerprint()
    scripted_model.answers(edit("tests/test_calc.py", "    assert add(1, 2) == 3\n", "    assert True\n"))
    said = fixer(tree.path, "run", "--yes", "--attempts", "1", **model_env(scripted_model))
    assert said.code == 1, said.err
    assert tree.fingerprint() == before


def test_one_fix_is_paid_for_once_when_it_turns_several_tests_green(tree: Tree, scripted_model: ScriptedModel) -> None:
    tree.write("tests/test_more.py", "from calc import add\n\n\ndef test_more():\n    assert add(5, 5) == 10\n")
    tree.commit()
    scripted_model.answers(RIGHT)
    said = fixer(tree.path, "run", "--yes", "--json", **model_env(scripted_model))
    assert said.code == 0, said.err
    assert len(scripted_model.requests) == 1
    assert [test["fixed_by"] for test in said.data["tests"]] == [None, "tests/test_calc.py::test_add"]


def test_a_provider_that_refuses_the_key_ends_the_run_with_exit_5_and_a_cure(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    before = tree.fingerprint()
    scripted_model.answers(failure(401, "Incorrect API key provided: not-a-key"))
    said = fixer(tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 5
    assert "OPENAI_API_KEY" in said.err
    assert "not-a-key" not in said.err
    assert len(scripted_model.requests) == 1
    assert tree.fingerprint() == before


def test_a_run_killed_in_the_middle_is_put_right_by_the_next_command(tree: Tree, scripted_model: ScriptedModel) -> None:
    tree.write("calc.py", CALC + "\n\nMINE = 1\n")
    tree.write(
        "tests/test_calc.py",
        TESTS.replace("assert add(1, 2) == 3", "import time; time.sleep(3); assert add(1, 2) == 3"),
    )
    tree.git("add", "tests")
    before = tree.fingerprint()
    scripted_model.answers(RIGHT)
    process = subprocess.Popen(
        fixer_argv("run", "--yes"),
        cwd=tree.path,
        env=fixer_env(**model_env(scripted_model)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while "a + b" not in tree.read("calc.py") and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert "a + b" in tree.read("calc.py"), "the attempt's edit is on disk when it is killed"
    said = fixer(tree.path, "undo")
    assert "An interrupted attempt on tests/test_calc.py::test_add was taken back" in said.err
    assert tree.fingerprint() == before


def test_the_offline_model_fixes_a_real_bug_on_a_dirty_tree(tree: Tree) -> None:
    tree.write("calc.py", CALC + "\n\nMINE = 1\n")
    diff = tree.git("diff", "-U0")
    said = fixer(tree.path, "run", "--yes", "--model", "offline", "--json")
    assert said.code == 0, said.err
    assert said.data["tests"][0]["status"] == "fixed"
    assert said.data["cost_usd"] == 0
    assert _body(tree.git("diff", "-U0")) == _body(diff)
    assert tree.git("log", "-1", "--format=%s") == "Fix tests/test_calc.py::test_add\n"


def test_a_hook_that_refuses_keeps_the_fix_uncommitted_and_no_verify_lands_it(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    hook = tree.write(".git/hooks/pre-commit", "#!/bin/sh\necho not on a Friday\nexit 1\n")
    hook.chmod(0o755)
    scripted_model.answers(RIGHT)
    said = fixer(tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 0, said.err
    assert "your pre-commit hook refused: not on a Friday" in said.err
    assert tree.git("status", "--porcelain") == " M calc.py\n"
    assert fixer(tree.path, "undo").code == 0
    assert fixer(tree.path, "run", "--yes", "--no-verify", **model_env(scripted_model)).code == 0
    assert tree.git("log", "-1", "--format=%s") == "Fix tests/test_calc.py::test_add\n"


def test_what_a_formatting_hook_makes_of_a_fix_is_tested_before_it_lands(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    hook = tree.write(
        ".git/hooks/pre-commit",
        "#!/bin/sh\nsed -i 's/return a + b/return (a + b)/' calc.py\ngit diff --quiet || { echo formatted; exit 1; }\n",
    )
    hook.chmod(0o755)
    tree.write("calc.py", CALC + "\n\nMINE = 1\n")
    before = tree.fingerprint()
    diff = tree.git("diff", "-U0")
    scripted_model.answers(RIGHT)
    said = fixer(tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 0, said.err
    assert "your pre-commit hook changed the fix, which is therefore verified again" in said.err
    assert tree.git("show", "HEAD:calc.py") == CALC.replace("a - b", "(a + b)")
    assert _body(tree.git("diff", "-U0")) == _body(diff)
    assert "+    return (a + b)\n" in fixer(tree.path, "show", tree.git("rev-parse", "HEAD").strip()).out
    assert fixer(tree.path, "undo").code == 0
    assert tree.fingerprint() == before


def test_what_a_hook_breaks_is_put_back_and_the_fix_stays_uncommitted(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    tree.write(".git/hooks/pre-commit", "#!/bin/sh\nsed -i 's/a + b/a * b/' calc.py\n").chmod(0o755)
    before = tree.fingerprint()
    scripted_model.answers(RIGHT)
    said = fixer(tree.path, "run", "--yes", **model_env(scripted_model))
    assert said.code == 0, said.err
    assert "your pre-commit hook's changes break it again: the test still fails" in said.err
    assert tree.read("calc.py") == CALC.replace("a - b", "a + b")
    assert tree.git("log", "--format=%s") == "start\n"
    assert fixer(tree.path, "undo").code == 0
    assert tree.fingerprint() == before


def test_an_interrupt_while_a_hooks_version_is_tested_takes_fix_and_format_back(
    tree: Tree, scripted_model: ScriptedModel
) -> None:
    tree.write(".git/hooks/pre-commit", "#!/bin/sh\nsed -i 's/return a + b/return (a + b)/' calc.py\n").chmod(0o755)
    tree.write("tests/test_calc.py", TESTS + WAITS_FOR_THE_FORMATTED)
    tree.commit()
    before = tree.fingerprint()
    scripted_model.answers(RIGHT)
    process = subprocess.Popen(
        fixer_argv("run", "--yes", "tests/test_calc.py"),
        cwd=tree.path,
        env=fixer_env(**model_env(scripted_model)),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while "(a + b)" not in tree.read("calc.py") and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 130, process.communicate()[1]
    assert tree.fingerprint() == before


WAITS_FOR_THE_FORMATTED = """

def test_that_takes_long_with_the_formatted():
    import time
    from pathlib import Path

    if "(a + b)" in Path("calc.py").read_text():
        time.sleep(30)
"""


def test_nothing_outside_the_given_sources_is_edited(tree: Tree, scripted_model: ScriptedModel) -> None:
    before = tree.fingerprint()
    (tree.path / "src").mkdir()
    scripted_model.answers(RIGHT)
    said = fixer(tree.path, "run", "--yes", "--attempts", "1", "--source", "src", **model_env(scripted_model))
    assert said.code == 1, said.err
    assert tree.fingerprint() == before
