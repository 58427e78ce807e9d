"""Decides what the terminal can show, and opens the one screen that a run talks to."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

from fixer.application.ports import Arbiter, Listener, Reviewer
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


class Wishes(Protocol):
    """What the command line says of output."""

    @property
    def quiet(self) -> bool: ...
    @property
    def verbose(self) -> bool: ...


class Choices(Protocol):
    """What the settings say of output."""

    @property
    def yes(self) -> bool: ...
    @property
    def color(self) -> bool | None: ...


@contextmanager
def open_screen(environ: Mapping[str, str], wishes: Wishes, choices: Choices) -> Iterator[Screen]:
    """Progress goes to stderr, stdout stays for data; the terminal is left in order whatever happens."""
    stderr = lasting(sys.stderr)
    color = wants_color(stderr, environ, choices.color)
    asks = not choices.yes and can_ask(environ)
    with _progress(stderr, environ, wishes, color=color) as progress:
        reviewer: Reviewer | None = None
        arbiter: Arbiter | None = None
        if asks:
            from fixer.ui.both_sides import TerminalArbiter
            from fixer.ui.review import TerminalReviewer, read_key

            reviewer = TerminalReviewer(stderr, read_key, progress.pause, color=color)
            arbiter = TerminalArbiter(stderr, read_key, progress.pause, color=color)
        yield Screen(progress, reviewer, arbiter, wants_color(sys.stdout, environ, choices.color), _width(sys.stdout))


def open_arbiter(environ: Mapping[str, str]) -> Arbiter | None:
    """Who decides outside a run; nobody is where nobody can answer."""
    if not can_ask(environ):
        return None
    from fixer.ui.both_sides import TerminalArbiter
    from fixer.ui.review import read_key

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


def _progress(
    stderr: TextIO, environ: Mapping[str, str], wishes: Wishes, *, color: bool
) -> LiveProgress | PlainProgress:
    from fixer.ui.progress import LiveProgress, PlainProgress

    if not wishes.quiet and can_animate(stderr, environ):
        return LiveProgress(make_console(stderr, color=color), verbose=wishes.verbose)
    return PlainProgress(stderr, quiet=wishes.quiet, verbose=wishes.verbose)


def _width(stream: TextIO) -> int:
    return shutil.get_terminal_size().columns if stream.isatty() else 0


def _dumb(environ: Mapping[str, str]) -> bool:
    return environ.get("TERM", "") in ("", "dumb", "unknown")
