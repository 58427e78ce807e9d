"""What is coloured in a diff, and which words of a changed line stand out."""

from __future__ import annotations

from fixer.ui.paint import changed_words, diff_lines


def test_without_colour_a_diff_is_as_it_was() -> None:
    assert diff_lines("--- a\n+++ b\n-x\n+y\n", color=False) == ["--- a", "+++ b", "-x", "+y"]


def test_the_words_that_changed_are_reversed() -> None:
    old, new = diff_lines("-    return a - b\n+    return a + b\n", color=True)
    assert old == "\x1b[31m-    return a \x1b[7m-\x1b[27m b\x1b[0m"
    assert new == "\x1b[32m+    return a \x1b[7m+\x1b[27m b\x1b[0m"


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
