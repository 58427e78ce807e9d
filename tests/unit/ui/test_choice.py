"""What is shown of the red tests, and what each answer chooses."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest

from fixer.domain.clusters import clusters
from fixer.domain.models import CodeLocation, ErrorDetails, TestError
from fixer.ui.choice import QUESTION, TerminalChooser, chosen_by


def red(name: str, message: str = "no", file: str = "t.py", line: int = 0) -> TestError:
    place = CodeLocation(Path("/p/code.py"), line) if line else None
    return TestError(Path(file), name, ErrorDetails("ValueError", message), place)


ALIKE = [red("test_a", line=3), red("test_b", line=3)]
OTHER = red("test_c", "broken [bold]glass\x1b[2J")
LAST = red("TestX::test_d[Über]", "far")
ERRORS = [*ALIKE, OTHER, LAST]


def answer(errors: Sequence[TestError], *lines: str, columns: int = 80, rows: int = 24) -> tuple[list[str], str]:
    stream, given = io.StringIO(), iter(lines)
    chooser = TerminalChooser(stream, lambda: next(given, ""), nullcontext, lambda: os.terminal_size((columns, rows)))
    return [error.test_function for error in chooser.choose(errors)], stream.getvalue()


def test_causes_are_shown_with_one_line_each_for_test_and_reason() -> None:
    chosen, shown = answer(ERRORS, "\n")
    assert chosen == ["test_a", "test_b", "test_c", "TestX::test_d[Über]"]
    assert shown == (
        "\n4 red tests, 3 causes:\n"
        "1  t.py::test_a and 1 more\n   ValueError: no\n"
        "2  t.py::test_c\n   ValueError: broken [bold]glass\n"
        "3  t.py::TestX::test_d[Über]\n   ValueError: far\n"
        f"{QUESTION}"
    )


@pytest.mark.parametrize(
    ("line", "chosen"),
    [
        ("1\n", ["test_a", "test_b"]),
        ("2-3\n", ["test_c", "TestX::test_d[Über]"]),
        ("1, 3 9-99999999999\n", ["test_a", "test_b", "TestX::test_d[Über]"]),
        ("glass\n", ["test_c"]),
        ("über t.py\n", ["TestX::test_d[Über]"]),
        ("n\n", []),
        ("q\n", []),
        ("", []),
    ],
)
def test_what_each_answer_chooses(line: str, chosen: list[str]) -> None:
    assert answer(ERRORS, line)[0] == chosen


def test_an_answer_that_fits_nothing_is_asked_again() -> None:
    chosen, shown = answer(ERRORS, "nowhere\x1b[2J\n", "0\n", "2\n")
    assert chosen == ["test_c"]
    assert "Nothing here is called nowhere.\n" in shown
    assert shown.count(QUESTION) == 3


def test_one_cause_is_no_choice() -> None:
    assert answer(ALIKE) == (["test_a", "test_b"], "")


def test_ten_thousand_failures_come_in_pages() -> None:
    many = [red(f"test_{number}") for number in range(10_000)]
    chosen, shown = answer(many, "m\n", "10000\n")
    assert chosen == ["test_9999"]
    assert "10000 red tests, 10000 causes:" in shown
    assert "… and 9991 more." in shown
    assert "… and 9982 more." in shown
    assert "test_9\n" in shown
    assert len(shown.splitlines()) < 50


def test_nothing_is_wider_than_a_narrow_terminal() -> None:
    long = red(f"test_{'x' * 200}[y]", "m" * 300, f"{'deep/' * 20}t.py")
    _, shown = answer([long, OTHER], "\n", columns=60)
    assert max(map(len, shown.splitlines())) <= 60
    assert "[y]\n" in shown, "the end of an id tells most"


def test_words_have_to_stand_there_all_together() -> None:
    assert chosen_by("valueerror glass", clusters(ERRORS)) == [OTHER]
    assert chosen_by("glass far", clusters(ERRORS)) == []
