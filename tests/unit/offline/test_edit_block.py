"""A block has to fit in exactly one place, and nothing but the edit may change."""

from __future__ import annotations

from pathlib import Path

from fixer.offline.edit_block import changed_lines, edit_block
from fixer.offline.rank import Candidate
from fixer.offline.source import Edit, Source

TOP = Path("/project")


def candidate(text: str, old: str, new: str, at: int = 0) -> Candidate:
    start = -1
    for _ in range(at + 1):
        start = text.index(old, start + 1)
    return Candidate(Source(TOP / "pack" / "app.py", text), Edit(start, start + len(old), new), "test", 1, 0.0)


def test_the_path_is_relative_and_one_line_is_enough_where_it_is_unique() -> None:
    block = edit_block(candidate("x = 1\ny = 2\n", "2", "3"), TOP)
    assert block == "pack/app.py\n```python\n<<<<<<< SEARCH\ny = 2\n=======\ny = 3\n>>>>>>> REPLACE\n```\n"


def test_lines_around_are_added_until_the_place_is_unique() -> None:
    text = "if a:\n    x = 1\nif b:\n    x = 1\n"
    assert "SEARCH\nif b:\n    x = 1\n=======\nif b:\n    x = 2\n>" in edit_block(candidate(text, "1", "2", 1), TOP)


def test_an_insertion_brings_a_line_to_hold_on_to() -> None:
    assert "SEARCH\nx = 1\n=======\nimport re\nx = 1\n>" in edit_block(candidate("x = 1\n", "", "import re\n"), TOP)


def test_windows_line_ends_and_a_missing_last_one_do_not_show() -> None:
    block = edit_block(candidate("x = 1\r\ny = 2", "2", "3"), TOP)
    assert "SEARCH\ny = 2\n=======\ny = 3\n>" in block
    assert "\r" not in block


def test_text_that_looks_like_a_marker_cannot_be_said() -> None:
    assert edit_block(candidate('x = 1\ny = """\n=======\n"""\n', '"""\n=======\n"""', "2"), TOP) == ""


def test_changed_lines_are_those_of_a_diff() -> None:
    assert changed_lines(candidate("x = 1\ny = 2\n", "2", "3")) == (("y = 2",), ("y = 3",))
