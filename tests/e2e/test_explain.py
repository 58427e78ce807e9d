"""`fixer explain` names the place at fault, and leaves everything as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import fixer
from tree import Tree

pytestmark = pytest.mark.slow

APP = """\
RATE = 3


def total(items):
    result = 0
    for item in items:
        result -= item
    return result * RATE


def risky(x):
    return 1 / x
"""
TESTS = """\
import app
import pytest


@pytest.mark.parametrize("items", [[1, 2], []])
def test_total(items):
    assert app.total(items) == 3 * sum(items)


def test_risky():
    assert app.risky(0)


def test_fine():
    assert app.risky(1) == 1
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("app.py", APP)
    tree.write("tests/test_app.py", TESTS)
    tree.write("conftest.py", "")
    tree.commit("start")
    return tree


def test_the_statement_that_only_the_failing_test_runs_comes_first(tree: Tree) -> None:
    before = tree.fingerprint()
    said = fixer(tree.path, "explain", "tests/test_app.py::test_total")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("tests/test_app.py::test_total[items0]: AssertionError: assert -9 == ")
    assert lines[2:5] == [
        "1.50  app.py:7  in total",
        "      result -= item",
        "      the test is named after its function; run by 1 of 2 failing and 0 of 2 passing tests",
    ]
    assert tree.fingerprint() == before


def test_the_line_that_raised_is_said_to_have(tree: Tree) -> None:
    said = fixer(tree.path, "explain", "tests/test_app.py::test_risky", "-n", "1", "--json")
    (place,) = said.data["places"]
    assert (place["file"], place["line"], place["function"]) == ("app.py", 12, "risky")
    assert place["reasons"][0] == "the error was raised here"


def test_a_test_that_passes_has_no_places(tree: Tree) -> None:
    said = fixer(tree.path, "explain", "tests/test_app.py::test_fine")
    assert (said.code, said.out) == (0, "tests/test_app.py::test_fine: passes\n")


def test_a_test_that_does_not_exist_is_said_with_the_one_that_may_be_meant(tree: Tree) -> None:
    said = fixer(tree.path, "explain", "tests/test_app.py::test_fin")
    assert said.code == 2
    assert "Did you mean tests/test_app.py::test_fine?" in said.err
