"""What stands on the screen at each question and in the end, at three sizes, word for word as it was approved.

A screen that is meant to change is read, and written anew: `APPROVE=1 scripts/test --run-slow -k screens`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_model import ScriptedModel, edit
from terminal import Terminal
from tree import Tree

pytestmark = pytest.mark.slow

APPROVED = Path(__file__).parents[1] / "assets" / "approved" / "screens"
SHOP = """\
def total(prices, discount=0):
    \"\"\"What all of it costs.\"\"\"
    return sum(prices) + discount


def initials(name):
    return "".join(part[1] for part in name.split())
"""
TESTS = """\
import pytest
from shop import initials, total


@pytest.mark.parametrize("prices", [[10, 20]], ids=["with_a_name_that_is_longer_than_a_narrow_terminal_is_wide"])
def test_total(prices):
    assert total(prices, discount=5) == 25


def test_initials():
    assert initials("Åse Čapek") == "ÅČ"
"""
TOTAL_FIX = edit("shop.py", "    return sum(prices) + discount\n", "    return sum(prices) - discount\n")
INITIALS_FIX = edit(
    "shop.py",
    '    return "".join(part[1] for part in name.split())\n',
    '    return "".join(part[0] for part in name.split())\n',
)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("shop.py", SHOP)
    tree.write("test_shop.py", TESTS)
    tree.commit("start")
    return tree


@pytest.fixture(params=[(60, 20), (80, 24), (120, 40)], ids=lambda size: "x".join(map(str, size)))
def terminal(tree: Tree, scripted_model: ScriptedModel, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    columns, rows = request.param
    opened = Terminal(tree, scripted_model, rows=rows, columns=columns)
    yield opened
    opened.child.close(force=True)


def test_screens_are_as_approved(scripted_model: ScriptedModel, terminal: Terminal) -> None:
    scripted_model.answers(TOTAL_FIX, INITIALS_FIX)
    terminal.see("part of a name: ")
    screens = {"what is red": terminal.screen}
    terminal.press("\r")
    terminal.see("[q]uit? ")
    screens["a fix to look at"] = terminal.screen
    terminal.press("k")
    terminal.see("[q]uit? ")
    screens["the next"] = terminal.screen
    terminal.press("k")
    assert terminal.end() == 0
    screens["the end"] = terminal.screen
    _compare("x".join(map(str, terminal.size)), screens)


def _compare(name: str, screens: dict[str, str]) -> None:
    shown = "".join(f"==== {title}\n{_steady(screen)}" for title, screen in screens.items())
    path = APPROVED / f"{name}.txt"
    if os.environ.get("APPROVE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, "utf-8")
    assert shown == path.read_text("utf-8")


def _steady(screen: str) -> str:
    """Without what is another each time: ids and times, which may also move the end of a line."""
    found = re.sub(r"\b[0-9a-f]{8,9}\b", "ID", screen)
    found = re.sub(r"2 of 2 fixed in [\d.,]+ s with [^.]*\.", _on_one_line, found)
    return re.sub(r"\b[\d.,]+ s\b", "N s", found)


def _on_one_line(said: re.Match[str]) -> str:
    return said[0].replace("\n", "")
