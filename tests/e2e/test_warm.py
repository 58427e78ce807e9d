"""A run starts few pytest processes: those that say what is red in truth, and those that say what is fixed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command import fixer, model_env
from scripted_model import ScriptedModel, edit
from tree import Tree

pytestmark = pytest.mark.slow

COUNTING = """\
import json, os, subprocess, sys
if sys.argv[1:3] == ["-m", "fixer_pytest"]:
    select = os.environ.get("FIXER_PROBE_SELECT")
    ids = json.load(open(select)) if select else []
    with open({calls!r}, "a") as file:
        file.write(json.dumps([ids, "FIXER_PROBE_TRACE" in os.environ]) + "\\n")
sys.exit(subprocess.call([{python!r}, *sys.argv[1:]]))
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", "def add(a, b):\n    return a - b\n\n\ndef twice(a):\n    return a * 3\n")
    tree.write(
        "test_calc.py",
        "import calc\n\n\ndef test_add():\n    assert calc.add(1, 2) == 3\n\n\n"
        "def test_twice():\n    assert calc.twice(1) == 2\n\n\ndef test_ok():\n    assert calc.add(1, 0) == 1\n",
    )
    tree.commit("start")
    return tree


def processes(tree: Tree, model: ScriptedModel, **more: str) -> tuple[list[tuple[list[str], bool]], str]:
    """The node ids that each pytest process was given, whether lines were recorded; and what was said."""
    folder = tree.path.parent
    python = folder / "python"
    calls = folder / "calls"
    python.write_text(f"#!{sys.executable}\n" + COUNTING.format(calls=str(calls), python=sys.executable))
    python.chmod(0o755)
    model.answers(
        edit("calc.py", "    return a - b\n", "    return a * b\n"),
        edit("calc.py", "    return a - b\n", "    return a + b\n"),
        edit("calc.py", "    return a * 3\n", "    return a * 2\n"),
    )
    said = fixer(tree.path, "run", "--yes", "-v", **{**model_env(model), "FIXER_PYTHON": str(python), **more})
    assert said.code == 0, said.err
    return [tuple(json.loads(line)) for line in calls.read_text().splitlines()], said.err


def test_what_stays_red_and_the_guards_start_no_process(tree: Tree, scripted_model: ScriptedModel) -> None:
    started, said = processes(tree, scripted_model)
    assert "forked when pytest is configured" in said
    add, twice = "test_calc.py::test_add", "test_calc.py::test_twice"
    triage, proofs = [add, twice], [[add], [twice]]
    assert sorted(ids for ids, _ in started) == sorted([[], triage, *proofs, []])


def test_without_forks_there_are_more_and_the_outcome_is_the_same(tree: Tree, scripted_model: ScriptedModel) -> None:
    started, said = processes(tree, scripted_model, FIXER_WARM="no")
    assert "forked" not in said
    assert len([ids for ids, traced in started if not traced]) > 10
