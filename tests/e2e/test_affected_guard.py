"""A fix that breaks a test in another module is undone before it lands, and the next attempt is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Said, fixer, model_env
from environments import environment
from scripted_model import ScriptedModel, edit
from tree import Tree

pytestmark = pytest.mark.slow

PRICES = "def price(n):\n    return n * 2 - 1\n\n\ndef tax(n):\n    return n\n"
BREAKS = edit("prices.py", "    return n * 2 - 1\n", "    return 6 - n\n")
HONEST = edit("prices.py", "    return n * 2 - 1\n", "    return n * 2\n")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("prices.py", PRICES)
    tree.write("orders.py", "from prices import price\n\n\ndef cheap(n):\n    return price(n) < 4\n")
    tree.write("tests/test_prices.py", "from prices import price\n\n\ndef test_price():\n    assert price(2) == 4\n")
    tree.write(
        "tests/test_orders.py",
        "from orders import cheap\nfrom prices import tax\n\n\n"
        "def test_cheap():\n    assert cheap(1)\n\n\ndef test_tax():\n    assert tax(1) == 1\n",
    )
    tree.write("conftest.py", "")
    tree.commit("start")
    return tree


def run(tree: Tree, model: ScriptedModel, python: Path, level: str) -> Said:
    model.answers(BREAKS, HONEST)
    return fixer(
        tree.path, "run", "--yes", "--json", "--guard", level, **{**model_env(model), "FIXER_PYTHON": str(python)}
    )


@pytest.mark.parametrize("level", ["suite", "affected"])
def test_the_fix_that_breaks_is_undone_and_the_next_attempt_is_told(
    tree: Tree, scripted_model: ScriptedModel, level: str
) -> None:
    said = run(tree, scripted_model, environment("3.12", "pytest==8.4.2"), level)
    assert said.code == 0, said.err
    first, second = said.data["tests"][0]["attempts"]
    assert "broke tests/test_orders.py::test_cheap: AssertionError" in first["reason"]
    assert second["status"] == "success"
    assert "broke tests/test_orders.py::test_cheap" in scripted_model.prompts[1]
    receipt = fixer(tree.path, "show", said.data["tests"][0]["commit"], "--json").data["receipt"]
    assert "affected tests" in receipt["guards"]
    ran = [run["what"] for run in receipt["runs"]]
    assert "tests/test_orders.py::test_cheap" in ran, "and not test_tax, which does not execute the line"
    assert ("the selection" in ran) is (level == "suite")


def test_without_lines_the_last_run_over_everything_still_finds_it(tree: Tree, scripted_model: ScriptedModel) -> None:
    said = run(tree, scripted_model, environment("3.10", "pytest==8.0.2"), "suite")
    assert said.code == 1
    assert "broke tests/test_orders.py::test_cheap" in said.data["tests"][0]["attempts"][-1]["reason"]
    assert tree.git("show", "HEAD:prices.py") == PRICES
