"""Text of models and tests cannot steer the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer.ui.foreign_text import harmless, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [red]text[/red]", "plain [red]text[/red]"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a new title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link", "link"),
        ("a\x1bcb", "ab"),
        ("over\rwritten\x08", "overwritten"),
        ("line\r\nbreak\tkept", "line\nbreak\tkept"),
        ("access\u202e\u2066level", "accesslevel"),
        ("half \ud800 character", "half ? character"),
        ("naïve 文字 🙂", "naïve 文字 🙂"),
    ],
)
def test_only_what_can_be_seen_is_left(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text())
def test_no_control_character_survives(text: str) -> None:
    left = {character for character in harmless(text) if unicodedata.category(character) in ("Cc", "Cs")}
    assert left <= {"\n", "\t"}


def test_one_line_is_the_first_that_says_something() -> None:
    assert one_line("\n\n  assert 1 == 2\nmore") == "assert 1 == 2"
    assert one_line("") == ""
    assert one_line("x" * 20, width=10) == "xxxxxxxxx…"
