"""What is coloured in a diff, and which words of a changed line stand out."""

from __future__ import annotations

import re

from fixer.ui.paint import changed_words, diff_lines


def test_without_colour_a_diff_is_as_it_was() -> None:
    assert diff_lines("--- a\n+++ b\n-x\n+y\n", color=False) == ["--- a", "+++ b", "-x", "+y"]


def test_the_words_that_changed_are_reversed() -> None:
    old, new = diff_lines("-    return a - b\n+    return a + b\n", color=True)
    end = "\x1b[0m"
    assert old == f"\x1b[31m-    {end}\x1b[31;1mreturn{end}\x1b[31m a {end}\x1b[31;7m-{end}\x1b[31m b{end}"
    assert new == f"\x1b[32m+    {end}\x1b[32;1mreturn{end}\x1b[32m a {end}\x1b[32;7m+{end}\x1b[32m b{end}"


def test_python_is_set_off_in_what_changed_and_in_what_did_not() -> None:
    same, new = diff_lines(" if x:  # why\n+f(12, 'a\u00e4')\n", color=True)
    assert same == " \x1b[1mif\x1b[0m x:  \x1b[2m# why\x1b[0m"
    assert new == "\x1b[32m+f(\x1b[0m\x1b[36m12\x1b[0m\x1b[32m, \x1b[0m\x1b[33m'a\u00e4'\x1b[0m\x1b[32m)\x1b[0m"


def test_what_is_no_python_keeps_all_its_characters() -> None:
    text = "+\tunclosed 'quote \u201e\u201c \\ \x7f $ ?"
    painted = diff_lines(f"{text}\n", color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", "".join(painted)) == "".join(diff_lines(f"{text}\n", color=False))


def test_a_line_that_was_replaced_is_not_cut_into_words() -> None:
    assert changed_words("alpha = beta", "for x in range(9):") == (
        [("alpha = beta", False)],
        [("for x in range(9):", False)],
    )


def test_blocks_of_different_length_are_painted_whole_and_in_order() -> None:
    lines = diff_lines("@@ -1 +1,2 @@\n-a\n+b\n+c\n d\n", color=True)
    assert lines == [
        "\x1b[36m@@ -1 +1,2 @@\x1b[0m",
        "\x1b[31m-a\x1b[0m",
        "\x1b[32m+b\x1b[0m",
        "\x1b[32m+c\x1b[0m",
        " d",
    ]


def test_names_of_files_and_unknown_lines_stay_as_they_are() -> None:
    assert diff_lines("--- a/x\n+++ b/x\n\\ No newline\n", color=True) == ["--- a/x", "+++ b/x", "\\ No newline"]


def test_what_begins_with_dashes_is_no_name_of_a_file() -> None:
    painted = diff_lines("--- a/t.sql\n+++ b/t.sql\n@@ -1 +1 @@\n--- a remark\n+-- another\n", color=True)
    assert painted[:2] == ["--- a/t.sql", "+++ b/t.sql"]
    assert "\x1b[31" in painted[3]
    assert "\x1b[32" in painted[4]
