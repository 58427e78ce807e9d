"""Shows a run while it goes on: a live display on a terminal, plain lines anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, TextIO
from uuid import UUID

from fixer.application.budget import NO_CAPS, Caps
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
    PhaseEntered,
)
from fixer.domain.models import Usage
from fixer.ui.event_lines import line_of, rung_of, spent
from fixer.ui.foreign_text import harmless

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live


MOST_ALONG = 10
"""Tests that a fix mends besides its own and that a live display names; of the others it tells how many they are."""


class PlainProgress:
    """One line per event that matters, without control codes; a Listener."""

    def __init__(self, stream: TextIO, *, quiet: bool = False, verbose: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._verbose = verbose

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *ended: object) -> None:
        self._stream.flush()

    def __call__(self, event: DomainEvent, /) -> None:
        line = "" if self._quiet else line_of(event, verbose=self._verbose)
        if line:
            self._stream.write(f"{line}\n")
            self._stream.flush()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Nothing moves, so nothing has to stop."""
        yield


@dataclass
class RunState:
    """Where a run stands, as far as its events tell."""

    total: int = 0
    fixed: int = 0
    nodeid: str = ""
    step: str = ""
    phase: str = ""
    tokens: int = 0
    cost_usd: float | None = 0.0
    finished: set[UUID] = field(default_factory=set)
    _current: UUID | None = None

    def follow(self, event: DomainEvent) -> None:
        """Take one event in."""
        match event:
            case DiscoveryStarted():
                self.phase = "running the tests"
            case ErrorsDiscovered(errors=errors):
                self.total, self.phase = self.total + len(errors), ""
            case Diagnosed(errors=errors):
                self.finished.update(error.id for error in errors)
            case FixAttemptStarted():
                self._begin(event)
            case PhaseEntered(phase=phase):
                self.phase = phase
            case FixAttemptCompleted(usage=usage):
                self._count(usage)
            case FixLanded(error_id=error_id) | FixedAlong(error_id=error_id):
                self.finished.add(error_id)
                self.fixed += 1
            case FixTakenBack():
                self.fixed -= 1

    def _begin(self, event: FixAttemptStarted) -> None:
        if self._current not in (None, event.error_id):  # the run has left the last test, fixed or not
            self.finished.add(self._current)
        self._current, self.nodeid = event.error_id, harmless(event.nodeid)
        self.step = rung_of(event)

    def _count(self, usage: Usage) -> None:
        self.phase = ""
        self.tokens += usage.tokens_sent + usage.tokens_received
        known = self.cost_usd is not None and usage.cost_usd is not None
        self.cost_usd = (self.cost_usd or 0.0) + (usage.cost_usd or 0.0) if known else None


class LiveProgress:
    """A bar over all red tests and the current attempt below it; what has happened scrolls away above. A Listener."""

    def __init__(
        self,
        console: Console,
        caps: Caps = NO_CAPS,
        *,
        verbose: bool = False,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._console = console
        self._caps = caps
        self._verbose = verbose
        self._clock = clock
        self._started = clock()
        self._state = RunState()
        self._along = 0
        self._live = self._new_live()

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._tell_of_more_along()
        self._live.stop()

    def __call__(self, event: DomainEvent, /) -> None:
        self._state.follow(event)
        line = self._line(event)
        if isinstance(event, FixedAlong):
            self._along += 1
            line = line if self._along <= MOST_ALONG else ""
        elif line:
            self._tell_of_more_along()
        if line:
            self._print(line, _style(event))

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Take the display away, for as long as something else needs the terminal."""
        self._live.stop()
        try:
            yield
        finally:
            self._live = self._new_live()  # the old one would erase as many lines as it last had, whatever they are now
            self._live.start()

    def _tell_of_more_along(self) -> None:
        if self._along > MOST_ALONG:
            self._print(f"  and {self._along - MOST_ALONG:,} more", "green")
        self._along = 0

    def _print(self, line: str, style: str) -> None:
        self._console.print(line, markup=False, highlight=False, style=style)

    def _new_live(self) -> Live:
        from rich.live import Live

        return Live(
            console=self._console,
            get_renderable=self.display,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
        )

    def display(self) -> RenderableType:
        """The two lines that move."""
        from rich.console import Group
        from rich.text import Text

        state = self._state
        current = "  ".join(part for part in (state.step, state.phase, state.nodeid) if part)
        return Group(self._overall(), Text(current, no_wrap=True, overflow="ellipsis"))

    def _line(self, event: DomainEvent) -> str:
        """What scrolls away: a test by its name, and its attempts as they end; how far one is shows what moves."""
        if isinstance(event, FixAttemptStarted):
            return harmless(event.nodeid) if event.attempt_number == 1 else ""
        line = line_of(event, verbose=self._verbose)
        return f"  {self._state.step}: {line.strip()}" if isinstance(event, FixAttemptCompleted) else line

    def _overall(self) -> RenderableType:
        from rich.columns import Columns
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        state, caps = self._state, self._caps
        counts = [
            f"{len(state.finished)}/{state.total}",
            f"{state.fixed} fixed",
            _price(state, caps),
            _of(_minutes(self._clock() - self._started), caps.seconds and _minutes(caps.seconds)),
            self._remaining(),
        ]
        bar = ProgressBar(total=max(state.total, 1), completed=len(state.finished), width=24)
        return Columns([bar, Text("  ".join(part for part in counts if part))])

    def _remaining(self) -> str:
        """As long as for the tests before; nothing where there were none, or none are left."""
        done, left = len(self._state.finished), self._state.total - len(self._state.finished)
        if not done or left <= 0:
            return ""
        return f"about {_minutes((self._clock() - self._started) / done * left)} left"


def _price(state: RunState, caps: Caps) -> str:
    """What was spent, and beside it what may be."""
    if caps.cost is None and caps.tokens is None:
        return spent(Usage(tokens_sent=state.tokens, cost_usd=state.cost_usd))
    tokens = _of(f"{state.tokens:,}", caps.tokens and f"{caps.tokens:,}")
    cost = "price unknown" if state.cost_usd is None else f"${state.cost_usd:.4f}"
    return f"{tokens} tokens, {_of(cost, caps.cost and f'${caps.cost:g}')}"


def _of(what: str, most: str | float | None) -> str:
    return f"{what} of {most}" if most else what


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _style(event: DomainEvent) -> str:
    match event:
        case FixLanded() | FixedAlong():
            return "green"
        case FixTakenBack():
            return "red"
        case FixAttemptCompleted(success=False):
            return "yellow"
    return ""
