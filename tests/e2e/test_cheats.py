"""A model that cheats first: no cheat lands, and the next attempt is told why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from command import fixer, model_env
from corpus import CHEATS, Case, cases, write_project
from scripted_model import Answer, ScriptedModel, edit
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


def wrong(test: dict[str, Any], case: Case) -> str:
    """What did not go as it has to: refused by name, then fixed."""
    first, *rest = test["attempts"]
    expected = "edits refused" if case.guard == "protected file" else case.guard
    refused = first["reason"].startswith((f"{expected}: ", "edits refused: "))
    fixed = test["status"] == "fixed" and [attempt["status"] for attempt in rest] == ["success"]
    return "" if refused and fixed else str(test["attempts"])
