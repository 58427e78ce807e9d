"""Decides what the terminal can show, and opens the one screen that a run talks to."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

from fixer.application.budget import Caps
from fixer.application.ports import Arbiter, Listener, Reviewer
from fixer.domain.events import DomainEvent
from fixer.domain.models import TestError
from fixer.ui.lasting_stream import lasting

if TYPE_CHECKING:
    from rich.console import Console

    from fixer.ui.progress import LiveProgress, PlainProgress


@dataclass(frozen=True)
class Screen:
    """Who hears of a run, and who is asked about its fixes; nobody is where nobody can answer."""

    listen: Listener
    reviewer: Reviewer | None
    arbiter: Arbiter | None
    color: bool = False
    """Whether what is written to stdout may be coloured."""
    width: int = 0
    """The columns of stdout; 0 where it is no terminal, and lines may be of any length."""
    choose: Callable[[Sequence[TestError]], Sequence[TestError]] = lambda errors: errors
    """Which of the red tests to work on; all where nobody can answer."""
    pause: Callable[[], AbstractContextManager[None]] = nullcontext


class Wishes(Protocol):
    """What the command line says of output."""

    @property
    def quiet(self) -> bool: ...
    @property
    def verbose(self) -> bool: ...
    @property
    def plain(self) -> bool: ...


class Choices(Protocol):
    """What the settings say of output, and of the caps that it tells of."""

    @property
    def yes(self) -> bool: ...
    @property
    def color(self) -> bool | None: ...
    @property
    def max_cost(self) -> float | None: ...
    @property
    def max_tokens(self) -> int | None: ...
    @property
    def time_limit(self) -> float | None: ...


@contextmanager
def open_screen(environ: Mapping[str, str], wishes: Wishes, choices: Choices) -> Iterator[Screen]:
    """Progress goes to stderr, stdout stays for data; the terminal is left in order whatever happens."""
    stderr = lasting(sys.stderr)
    color = wants_color(stderr, environ, choices.color) and not wishes.plain
    asks = not (choices.yes or wishes.quiet) and can_ask(environ)  # now: the live display stands in for stderr
    caps = Caps(choices.max_cost, choices.max_tokens, choices.time_limit)
    with _progress(stderr, environ, wishes, caps, color=color) as progress:
        out = (wants_color(sys.stdout, environ, choices.color) and not wishes.plain, _width(sys.stdout))
        if not asks:
            yield Screen(progress, None, None, *out, pause=progress.pause)
            return
        from fixer.ui.both_sides import TerminalArbiter
        from fixer.ui.choice import TerminalChooser
        from fixer.ui.keyboard import read_key, read_line
        from fixer.ui.proof import Proof
        from fixer.ui.review import TerminalReviewer

        proof = Proof()
        reviewer = TerminalReviewer(stderr, read_key, progress.pause, color=color, read_line=read_line, proof=proof)
        arbiter = TerminalArbiter(stderr, read_key, progress.pause, color=color)
        chooser = TerminalChooser(stderr, read_line, progress.pause, shutil.get_terminal_size)
        yield Screen(_both(proof, progress), reviewer, arbiter, *out, chooser.choose, progress.pause)


def open_arbiter(environ: Mapping[str, str]) -> Arbiter | None:
    """Who decides outside a run; nobody is where nobody can answer."""
    if not can_ask(environ):
        return None
    from fixer.ui.both_sides import TerminalArbiter
    from fixer.ui.keyboard import read_key

    return TerminalArbiter(sys.stderr, read_key, color=wants_color(sys.stderr, environ, None))


def wants_color(stream: TextIO, environ: Mapping[str, str], chosen: bool | None) -> bool:
    """The user's choice, else NO_COLOR (https://no-color.org), else whether a terminal shows colours."""
    if chosen is not None:
        return chosen
    return not environ.get("NO_COLOR") and stream.isatty() and not _dumb(environ)


def can_animate(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether lines may be drawn over: on a terminal that can, where nobody keeps a log of it."""
    return stream.isatty() and not _dumb(environ) and not environ.get("CI")


def can_ask(environ: Mapping[str, str]) -> bool:
    """Whether a person sits there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not environ.get("CI")


def make_console(stream: TextIO, *, color: bool) -> Console:
    """A rich console that decides nothing by itself."""
    from rich.console import Console

    return Console(file=stream, no_color=not color, highlight=False, markup=False, emoji=False)


def _both(first: Listener, second: Listener) -> Listener:
    def listen(event: DomainEvent) -> None:
        first(event)
        second(event)

    return listen


def _progress(
    stderr: TextIO, environ: Mapping[str, str], wishes: Wishes, caps: Caps, *, color: bool
) -> LiveProgress | PlainProgress:
    from fixer.ui.progress import LiveProgress, PlainProgress

    if not (wishes.quiet or wishes.plain) and can_animate(stderr, environ):
        return LiveProgress(make_console(stderr, color=color), caps, verbose=wishes.verbose)
    return PlainProgress(stderr, quiet=wishes.quiet, verbose=wishes.verbose)


def _width(stream: TextIO) -> int:
    return shutil.get_terminal_size().columns if stream.isatty() else 0


def _dumb(environ: Mapping[str, str]) -> bool:
    return environ.get("TERM", "") in ("", "dumb", "unknown")
