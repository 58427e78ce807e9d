"""What a terminal is trusted to show, and when nobody is asked."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pytest

from fixer.domain.events import DiscoveryStarted
from fixer.ui.console import can_animate, can_ask, open_screen, wants_color
from fixer.ui.progress import PlainProgress
from fixer.ui.review import TerminalReviewer


class Stream(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@dataclass(frozen=True)
class Wanted:
    quiet: bool = False
    verbose: bool = False
    plain: bool = False
    yes: bool = False
    color: bool | None = None
    max_cost: float | None = None
    max_tokens: int | None = None
    time_limit: float | None = None


XTERM = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("terminal", "environ", "chosen", "color", "animated"),
    [
        (True, XTERM, None, True, True),
        (False, XTERM, None, False, False),
        (True, {}, None, False, False),
        (True, {"TERM": "dumb"}, None, False, False),
        (True, {**XTERM, "NO_COLOR": "1"}, None, False, True),
        (True, {**XTERM, "NO_COLOR": ""}, None, True, True),
        (True, {**XTERM, "CI": "true"}, None, True, False),
        (True, XTERM, False, False, True),
        (False, XTERM, True, True, False),
    ],
)
def test_colours_and_animation(
    terminal: bool, environ: dict[str, str], chosen: bool | None, color: bool, animated: bool
) -> None:
    stream = Stream(terminal=terminal)
    assert wants_color(stream, environ, chosen) is color
    assert can_animate(stream, environ) is animated


def sit_at_a_terminal(monkeypatch: pytest.MonkeyPatch, *, with_keyboard: bool = True) -> Stream:
    """From inside a test, since pytest puts its own streams in place after the fixtures; returns stderr."""
    stderr = Stream(terminal=True)
    monkeypatch.setattr("sys.stdin", Stream(terminal=with_keyboard))
    monkeypatch.setattr("sys.stdout", Stream(terminal=True))
    monkeypatch.setattr("sys.stderr", stderr)
    return stderr


def test_on_a_terminal_a_run_is_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_at_a_terminal(monkeypatch)
    with open_screen(XTERM, Wanted(), Wanted()) as screen:
        assert "\x1b[?25l" in terminal.getvalue()
        assert isinstance(screen.reviewer, TerminalReviewer)
        screen.reviewer._stream.write("a question")
        assert "a question" in terminal.getvalue()
        assert screen.color
        assert screen.width > 0


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [(XTERM, Wanted(yes=True)), (XTERM, Wanted(quiet=True)), ({**XTERM, "CI": "1"}, Wanted())],
    ids=["--yes", "-q", "CI"],
)
def test_nobody_is_asked_who_cannot_or_will_not_answer(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], wanted: Wanted
) -> None:
    sit_at_a_terminal(monkeypatch)
    with open_screen(environ, wanted, wanted) as screen:
        assert screen.reviewer is None


def test_without_input_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    sit_at_a_terminal(monkeypatch)
    assert can_ask(XTERM)
    sit_at_a_terminal(monkeypatch, with_keyboard=False)
    assert not can_ask(XTERM)


def test_a_quiet_run_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_at_a_terminal(monkeypatch)
    with open_screen(XTERM, Wanted(quiet=True), Wanted(yes=True)) as screen:
        assert isinstance(screen.listen, PlainProgress)
        screen.listen(DiscoveryStarted())
    assert terminal.getvalue() == ""


def test_in_a_log_there_are_lines_and_stdout_stays_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout, stderr = Stream(terminal=False), Stream(terminal=False)
    monkeypatch.setattr("sys.stdout", stdout)
    monkeypatch.setattr("sys.stderr", stderr)
    with open_screen(XTERM, Wanted(), Wanted()) as screen:
        screen.listen(DiscoveryStarted())
        assert (screen.color, screen.width) == (False, 0)
    assert (stdout.getvalue(), stderr.getvalue()) == ("", "Running the tests\n")


def test_plain_lines_neither_move_nor_shine_and_still_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = sit_at_a_terminal(monkeypatch)
    with open_screen(XTERM, Wanted(plain=True), Wanted()) as screen:
        screen.listen(DiscoveryStarted())
        assert screen.reviewer
        assert not screen.color
    assert terminal.getvalue() == "Running the tests\n"
