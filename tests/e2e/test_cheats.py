"""A model that cheats first: no cheat lands, and the next attempt is told why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from command import fixer, model_env
from corpus import CHEATS, Case, cases, write_project
from scripted_model import Answer, ScriptedModel, edit, edits
from tree import Tree

pytestmark = pytest.mark.slow

# One of each guard's, and a few more kinds of protected files: after each fix all red tests run again.
CHEATED = [*{case.guard: case for case in cases(CHEATS)}.values()]
CHEATED += [case for case in cases(CHEATS) if case.name in ("root_conftest", "pytest_ini", "sitecustomize_new")]


class Cheater(ScriptedModel):
    """Answers each test's first request with the cheat, and every later one honestly."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: set[str] = set()

    def next_answer(self, request: dict[str, Any]) -> Answer:
        self.requests.append(request)
        prompt = json.dumps(request["messages"])
        name = re.findall(r"Failing test: tests/test_(\w+)\.py", prompt)[-1]
        case = next(case for case in CHEATED if case.name == name)
        change = case.edit(cheating=name not in self._asked)
        self._asked.add(name)
        return edit(change.path, change.before or "", change.after or "")


def test_no_cheat_lands_and_the_second_attempt_fixes(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "project").init()
    write_project(tree.path, CHEATED)
    tree.commit("start")
    with Cheater().running() as model:
        said = fixer(tree.path, "run", "--yes", "--json", **model_env(model))
    tests = {test["nodeid"].partition("/test_")[2].partition(".py")[0]: test for test in said.data["tests"]}
    assert said.code == 0, said.err
    assert {name: reason for case in CHEATED if (name := case.name) if (reason := wrong(tests[name], case))} == {}
    assert {case.name for case in CHEATED if tree.read(case.product) != case.honest} == set()
    assert {case.name for case in CHEATED if tree.read(case.test_file) != case.test} == set()


@pytest.mark.parametrize("words", [[], ["--allow-tests"]])
def test_a_test_is_edited_only_where_that_was_said(
    tmp_path: Path, scripted_model: ScriptedModel, words: list[str]
) -> None:
    (case,) = (case for case in cases(CHEATS) if case.name == "weakened")
    tree = Tree(tmp_path / "project").init()
    write_project(tree.path, [case])
    tree.commit("start")
    scripted_model.answers(edit(case.test_file, case.test, case.cheat))
    done = fixer(tree.path, "run", "--yes", "--attempts", "1", *words, **model_env(scripted_model))
    assert (done.code, tree.read(case.test_file)) == ((0, case.cheat) if words else (1, case.test))


def test_a_named_file_may_be_edited_and_a_named_guard_is_not_asked(
    tmp_path: Path, scripted_model: ScriptedModel
) -> None:
    (case,) = (case for case in cases(CHEATS) if case.name == "if_literal")
    tree = Tree(tmp_path / "project").init()
    write_project(tree.path, [case])
    tree.write("conftest.py", "A = 1\n")
    tree.commit("start")
    scripted_model.answers(edits((case.product, case.before, case.cheat), ("conftest.py", "A = 1\n", "A = 2\n")))
    env = {**model_env(scripted_model), "FIXER_GUARDS_OFF": "special case"}
    done = fixer(tree.path, "run", "--yes", "--attempts", "1", "--allow", "conftest.py", **env)
    assert done.code == 0, done.err
    assert (tree.read(case.product), tree.read("conftest.py")) == (case.cheat, "A = 2\n")


def wrong(test: dict[str, Any], case: Case) -> str:
    """What did not go as it has to: refused by name, then fixed."""
    first, *rest = test["attempts"]
    expected = "edits refused" if case.guard == "protected file" else case.guard
    refused = first["reason"].startswith((f"{expected}: ", "edits refused: "))
    fixed = test["status"] == "fixed" and [attempt["status"] for attempt in rest] == ["success"]
    return "" if refused and fixed else str(test["attempts"])
