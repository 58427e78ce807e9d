"""The comparison of models measures what it says: every project is broken, both tools are counted alike."""

from __future__ import annotations

import ast
from pathlib import Path

import bench_models
import pytest
from scripted_model import ScriptedModel, edit
from small_projects import SMALL_PROJECTS, SmallProject


def test_there_are_enough_projects_and_each_parses() -> None:
    assert len({project.name for project in SMALL_PROJECTS}) >= 10
    for project in SMALL_PROJECTS:
        for text in (*project.files.values(), project.hidden_test):
            ast.parse(text)


@pytest.mark.slow
def test_both_tools_are_measured_on_a_fresh_project_and_counted(
    scripted_model: ScriptedModel, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    right = edit(
        "leap.py",
        "    return year % 4 == 0 and year % 100 != 0\n",
        "    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)\n",
    )
    scripted_model.answers(right)
    out = tmp_path / "out.json"
    argv = ["--model", "openai/gpt-4o", "--base-url", scripted_model.base_url, "--only", "leap", "--json", str(out)]
    assert bench_models.main(argv) == 0
    said = capsys.readouterr().out
    assert "| `fixer run` | 1 of 1 | 1 of 1 | 1 | 100 | 20 |" in said
    assert "| `aider --message` | 1 of 1 | 1 of 1 |" in said
    assert out.read_text().count('"right": true') == 2


@pytest.mark.slow
@pytest.mark.parametrize("project", SMALL_PROJECTS, ids=[project.name for project in SMALL_PROJECTS])
def test_each_project_is_red_at_first(project: SmallProject, tmp_path: Path) -> None:
    def nothing(plan: bench_models.Plan, project: SmallProject, place: Path) -> None:
        del plan, project, place

    plan = bench_models.Plan("m", "http://127.0.0.1:9/v1", 1)
    outcome = bench_models.measure(plan, project, "nothing", nothing)
    assert (outcome.green, outcome.right, outcome.calls) == (False, False, 0)
