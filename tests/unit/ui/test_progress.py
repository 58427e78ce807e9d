"""What is shown while a run goes on."""

from __future__ import annotations

import io
import re
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console

from fixer.application.budget import Caps
from fixer.domain.events import (
    Diagnosed,
    DiscoveryStarted,
    DomainEvent,
    ErrorsDiscovered,
    FixAttemptCompleted,
    FixAttemptStarted,
    FixedAlong,
    FixLanded,
    FixTakenBack,
    Notice,
    PhaseEntered,
)
from fixer.domain.models import Diagnosis, ErrorDetails, TestError, Usage
from fixer.ui.progress import LiveProgress, PlainProgress, RunState

ERRORS = tuple(TestError(Path("t.py"), name, ErrorDetails("E", "")) for name in ("test_a", "test_b[[red]x]", "test_c"))
FIRST, SECOND, THIRD = ERRORS
FREE = Usage("offline", cost_usd=0.0)
PAID = Usage("a-model", 0.4, 1, 1000, 234, 0.0125)
UNPRICED = Usage("b-model", 0.4, 1, 10, 0, None)


def started(error: TestError, number: int) -> FixAttemptStarted:
    return FixAttemptStarted(error.id, uuid4(), error.nodeid, number, 3, 0.3 + number / 10)


def ended(error: TestError, number: int, reason: str, usage: Usage) -> FixAttemptCompleted:
    return FixAttemptCompleted(error.id, uuid4(), error.nodeid, number, not reason, reason, usage)


STORY: list[DomainEvent] = [
    Notice("Tests run with python"),
    Notice("chosen because of .venv", detail=True),
    DiscoveryStarted(),
    ErrorsDiscovered(ERRORS, 12, 1.24),
    started(FIRST, 1),
    PhaseEntered(FIRST.id, "thinking"),
    ended(FIRST, 1, "the test still fails: \x1b[2J[bold]no\nmore", PAID),
    started(FIRST, 2),
    PhaseEntered(FIRST.id, "testing"),
    FixLanded(FIRST.id, FIRST.nodeid, "f1", "0123456789ab", "", ("a.py", "b.py")),
    ended(FIRST, 2, "", FREE),
    FixedAlong(THIRD.id, THIRD.nodeid, FIRST.nodeid),
    started(SECOND, 1),
    FixLanded(SECOND.id, SECOND.nodeid, "f2", "", "you are editing these lines", ("c.py",)),
    ended(SECOND, 1, "", UNPRICED),
    FixTakenBack(SECOND.nodeid, "f2", ("t.py::test_z",)),
]

PLAIN = """\
Tests run with python
Running the tests
3 red, 12 passed (1.2 s)
t.py::test_a: attempt 1/3, temperature 0.4
  undone: the test still fails: [bold]no (1,234 tokens, $0.0125)
t.py::test_a: attempt 2/3, temperature 0.5
  fixed in a.py, b.py (012345678)
  verified
  fixes t.py::test_c too
t.py::test_b[[red]x]: attempt 1/3, temperature 0.4
  fixed in c.py (uncommitted: you are editing these lines)
  verified (10 tokens, price unknown)
The fix of t.py::test_b[[red]x] was taken back: it broke t.py::test_z
"""

LIVE = """\
Tests run with python
3 red, 12 passed (1.2 s)
t.py::test_a
  attempt 1/3, temperature 0.4: undone: the test still fails: [bold]no (1,234 tokens, $0.0125)
  attempt 2/3, temperature 0.5: verified
  fixed in a.py, b.py (012345678)
  fixes t.py::test_c too
t.py::test_b[[red]x]
  attempt 1/3, temperature 0.4: verified (10 tokens, price unknown)
  fixed in c.py (uncommitted: you are editing these lines)
The fix of t.py::test_b[[red]x] was taken back: it broke t.py::test_z
"""


def plain(events: list[DomainEvent], *, quiet: bool = False, verbose: bool = False) -> str:
    stream = io.StringIO()
    with PlainProgress(stream, quiet=quiet, verbose=verbose) as progress:
        for event in events:
            progress(event)
    return stream.getvalue()


def test_plain_lines_without_control_codes() -> None:
    assert plain(STORY) == PLAIN


def test_quiet_says_nothing() -> None:
    assert plain(STORY, quiet=True) == ""


def test_verbose_adds_details_and_phases() -> None:
    added = [line for line in plain(STORY, verbose=True).splitlines() if line not in PLAIN.splitlines()]
    assert added == ["chosen because of .venv", "  thinking", "  testing"]


def test_a_green_run() -> None:
    assert plain([ErrorsDiscovered((), 3, 0.5)]) == "Nothing is red, 3 passed (0.5 s)\n"


def test_pausing_plain_lines_changes_nothing() -> None:
    stream = io.StringIO()
    with PlainProgress(stream) as progress, progress.pause():
        pass
    assert stream.getvalue() == ""


def test_the_state_follows_the_events() -> None:
    state = RunState()
    for event in STORY:
        state.follow(event)
    assert (state.total, state.fixed, len(state.finished)) == (3, 2, 3)
    assert (state.tokens, state.cost_usd) == (1244, None)


def test_a_test_given_up_on_counts_as_finished() -> None:
    state = RunState()
    for event in (ErrorsDiscovered(ERRORS, 0, 1.0), started(FIRST, 1), started(FIRST, 2), started(SECOND, 1)):
        state.follow(event)
    assert (state.finished, state.fixed, state.nodeid) == ({FIRST.id}, 0, SECOND.nodeid)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None, highlight=False, markup=False)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_display_on_a_terminal(console: Console) -> None:
    clock = Clock()
    progress = LiveProgress(console, clock=clock)
    for event in STORY[3:6]:
        progress._state.follow(event)
    progress._state.follow(ended(FIRST, 1, "no", PAID))
    progress._state.follow(started(FIRST, 2))
    progress._state.follow(PhaseEntered(FIRST.id, "testing"))
    clock.now = 75
    console.print(progress.display())
    assert [line.strip() for line in written(console).splitlines()] == [
        "0/3  0 fixed  1,234 tokens, $0.0125  1:15",
        "attempt 2/3, temperature 0.5  testing  t.py::test_a",
    ]


def test_a_live_display_counts_what_a_fix_mends_besides_and_plain_lines_name_it(console: Console) -> None:
    many = [FixedAlong(uuid4(), f"t.py::test_{number}", FIRST.nodeid) for number in range(1200)]
    with LiveProgress(console) as progress:
        for event in [*many, started(SECOND, 1), *many[:11]]:
            progress(event)
    assert re.findall("and .* more", written(console)) == ["and 1,190 more", "and 1 more"]
    assert written(console).count("fixes t.py::test_1 too") == 2
    assert len(plain(list(many)).splitlines()) == 1200


@pytest.mark.parametrize(
    ("caps", "shown"),
    [
        (Caps(cost=2.5), "1,234 tokens, $0.0125 of $2.5  1:15"),
        (Caps(tokens=50_000, seconds=600), "1,234 of 50,000 tokens, $0.0125  1:15 of 10:00"),
    ],
)
def test_what_is_spent_stands_beside_what_may_be(console: Console, caps: Caps, shown: str) -> None:
    clock = Clock()
    progress = LiveProgress(console, caps, clock=clock)
    progress._state.follow(ended(FIRST, 1, "no", PAID))
    clock.now = 75
    console.print(progress.display())
    assert shown in written(console)


def test_how_long_it_will_take_is_told_from_what_is_done(console: Console) -> None:
    clock = Clock()
    progress = LiveProgress(console, clock=clock)
    progress._state.total = 4
    progress._state.finished = {FIRST.id}
    clock.now = 30
    console.print(progress.display())
    assert "0:30  about 1:30 left" in written(console)


def test_a_live_run_leaves_the_lines_and_no_hidden_cursor(console: Console) -> None:
    with LiveProgress(console) as progress:
        for event in STORY:
            progress(event)
    screen = written(console)
    assert screen.count("\x1b[?25l") == screen.count("\x1b[?25h") == 1
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d?]*[A-Za-z]", "", screen))]
    for line in LIVE.splitlines():
        assert line in lines


def test_a_live_run_that_breaks_leaves_no_hidden_cursor(console: Console) -> None:
    with pytest.raises(KeyboardInterrupt), LiveProgress(console):
        raise KeyboardInterrupt
    assert "\x1b[?25h" in written(console)


def test_the_display_is_away_while_a_person_is_asked(console: Console) -> None:
    with LiveProgress(console) as progress:
        progress(started(FIRST, 1))
        with progress.pause():
            hidden, shown = written(console).count("\x1b[?25l"), written(console).count("\x1b[?25h")
        assert hidden == shown == 1
    assert written(console).count("\x1b[?25l") == written(console).count("\x1b[?25h") == 2


def test_what_is_left_alone_is_told_once_with_its_cure_and_counts_as_finished() -> None:
    out = io.StringIO()
    state = RunState()
    progress = PlainProgress(out)
    for event in (
        ErrorsDiscovered(ERRORS, 12, 1.24),
        Diagnosed((FIRST, SECOND), Diagnosis("environment", "the module numpy is not installed", "pip install numpy")),
        Diagnosed((THIRD,), Diagnosis("flaky", "passed 1 of 3\x1b[2J runs")),
    ):
        progress(event)
        state.follow(event)
    assert out.getvalue().splitlines()[1:] == [
        "2 tests: environment: the module numpy is not installed",
        "  pip install numpy",
        "t.py::test_c: flaky: passed 1 of 3 runs",
    ]
    assert (len(state.finished), state.total) == (3, 3)


def test_a_fix_whose_own_test_is_red_in_the_end_says_so() -> None:
    out = io.StringIO()
    PlainProgress(out)(FixTakenBack(FIRST.nodeid, "f1", ()))
    assert out.getvalue() == "The fix of t.py::test_a was taken back: its test is red in the run of everything\n"


def test_what_a_fix_made_visible_counts_too() -> None:
    state = RunState()
    state.follow(ErrorsDiscovered(ERRORS, 12, 1.24))
    state.follow(ErrorsDiscovered(ERRORS[:1], 12, 1.24))
    assert state.total == 4
