"""The comparison of models measures what it says: every project is broken, both tools are counted alike."""

from __future__ import annotations

import ast
from pathlib import Path

import bench_models
import bench_prompts
import pytest
from scripted_model import Answer, ScriptedModel, edit, whole_file
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
def test_a_prompt_is_measured_with_and_without_a_sentence(
    scripted_model: ScriptedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    leap = next(project for project in SMALL_PROJECTS if project.name == "leap")
    fixed = leap.source.replace("year % 100 != 0", "(year % 100 != 0 or year % 400 == 0)")
    scripted_model.answers(whole_file("leap.py", fixed), Answer("I do not know."))
    words = "Make the smallest change"
    asked = ["--model", "openai/x-7b", "--base-url", scripted_model.base_url, "--only", "leap", "--samples", "1"]
    assert bench_prompts.main([*asked, "--without", words]) == 0
    said = capsys.readouterr().out
    assert "| (nothing: the prompt as it is) | 1 of 1 | 1 of 1 |" in said
    assert f"| “{words}” | 0 of 1 | 0 of 1 |" in said
    whole, less = scripted_model.prompts
    assert words in whole
    assert words not in less
    assert "Fix it for every input" in less


@pytest.mark.slow
@pytest.mark.parametrize("project", SMALL_PROJECTS, ids=[project.name for project in SMALL_PROJECTS])
def test_each_project_is_red_at_first(project: SmallProject, tmp_path: Path) -> None:
    def nothing(plan: bench_models.Plan, project: SmallProject, place: Path) -> None:
        del plan, project, place

    plan = bench_models.Plan("m", "http://127.0.0.1:9/v1", 1)
    outcome = bench_models.measure(plan, project, "nothing", nothing)
    assert (outcome.green, outcome.right, outcome.calls) == (False, False, 0)
