"""What a person is shown of a verified fix, and what each key means."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixer.application.ports import Decision, Hint
from fixer.domain.events import FixAttemptStarted, GuardPassed, TestsRan
from fixer.domain.models import CodeChanges, ErrorDetails, FixAttempt, TestError
from fixer.ui.proof import Proof
from fixer.ui.review import HINT, LEGEND, QUESTION, TerminalReviewer

DIFF = "@@ -1 +1 @@\n-x = [red]1\n+x = 2\x1b[2J"


class Terminal:
    """A person who presses these keys, and a display that must be away meanwhile."""

    def __init__(self, keys: str, *lines: str, color: bool = False, proof: Proof | None = None) -> None:
        self.keys = iter(keys)
        self.lines = iter(lines)
        self.stream = io.StringIO()
        self.paused = False
        self.reviewer = TerminalReviewer(
            self.stream, self.press, self.pause, color=color, read_line=lambda: next(self.lines, ""), proof=proof
        )

    def press(self) -> str:
        assert self.paused
        return next(self.keys, "")

    @contextmanager
    def pause(self) -> Iterator[None]:
        self.paused = True
        yield
        self.paused = False

    def review(self) -> Decision | Hint:
        error = TestError(Path("t.py"), "test_a", ErrorDetails("E", ""))
        attempt = FixAttempt(error.id, 2, 0.5, changes=CodeChanges("", "", DIFF))
        return self.reviewer.review(error, attempt)


def test_the_fix_is_shown_as_a_diff_before_the_question() -> None:
    terminal = Terminal("k")
    terminal.review()
    assert terminal.stream.getvalue() == (
        "\nt.py::test_a\npasses with this change (attempt 2, temperature 0.5):\n\n"
        f"@@ -1 +1 @@\n-x = [red]1\n+x = 2\n\n{QUESTION}k\n"
    )


def test_the_diff_is_coloured_where_colours_are_wanted() -> None:
    terminal = Terminal("k", color=True)
    terminal.review()
    shown = terminal.stream.getvalue()
    assert "\x1b[36m@@ -1 +1 @@\x1b[0m\n\x1b[31m-x = \x1b[0m\x1b[31;7m[red]\x1b[0m\x1b[36;7m1\x1b[0m\n" in shown


@pytest.mark.parametrize(
    ("keys", "decision"),
    [
        ("k", Decision.KEEP),
        ("\n", Decision.KEEP),
        ("K", Decision.KEEP),
        ("u", Decision.UNDO),
        ("s", Decision.SKIP),
        ("e", Decision.EDIT),
        ("q", Decision.QUIT),
        ("", Decision.QUIT),
        ("x?\x1bs", Decision.SKIP),
    ],
)
def test_what_each_key_means(keys: str, decision: Decision) -> None:
    assert Terminal(keys).review() is decision


def test_a_key_that_means_nothing_shows_what_the_others_mean_and_asks_again() -> None:
    terminal = Terminal("?s")
    terminal.review()
    assert terminal.stream.getvalue().endswith(f"{QUESTION}?\n{LEGEND}{QUESTION}s\n")


def test_the_question_fits_a_narrow_terminal() -> None:
    assert len(QUESTION) < 60
    assert max(map(len, LEGEND.splitlines())) <= 60


def test_keep_all_asks_no_more() -> None:
    terminal = Terminal("ka")
    decisions = [terminal.review() for _ in range(4)]
    assert decisions == [Decision.KEEP] * 4
    assert terminal.stream.getvalue().count(QUESTION) == 2


def test_a_hint_goes_along_with_the_retry() -> None:
    terminal = Terminal("h", "mind the \x1b[2Jsign\n")
    assert terminal.review() == Hint("mind the sign")
    assert terminal.stream.getvalue().endswith(f"{QUESTION}h\n{HINT}")


@pytest.mark.parametrize("line", ["\n", ""])
def test_no_hint_is_a_plain_retry(line: str) -> None:
    assert Terminal("h", line).review() is Decision.UNDO


def test_what_was_proved_stands_before_the_question() -> None:
    proof = Proof()
    error = TestError(Path("t.py"), "test_a", ErrorDetails("E", ""))
    proof(TestsRan("of another attempt", 1, 0, 0, 1.0))
    proof(FixAttemptStarted(error.id, error.id, "t.py::test_a", 1, 3, 0.4))
    for _ in range(2):
        proof(TestsRan("t.py::test_a", 1, 0, 0, 0.25))
    proof(TestsRan("t.py::test_b", 0, 1, 0, 0.25))
    proof(TestsRan("12 tests of t.py", 12, 0, 0, 1.0))
    proof(GuardPassed(error.id, "size"))
    terminal = Terminal("k", proof=proof)
    terminal.review()
    assert terminal.stream.getvalue().endswith(
        "\n  t.py::test_a: passed 2 of 2 runs (0.5 s)\n  12 tests of t.py: 12 passed (1.0 s)\n"
        f"  1 guards have nothing against it\n{QUESTION}k\n"
    )
