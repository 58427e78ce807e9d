"""`fixer watch`: runs the tests whenever Python files are saved, and fixes what is red when a key asks for it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from fixer.domain.errors import UsageError

LEGEND = "Watching. f fixes what is red, Enter runs the tests, q quits.\n"


def watch(directory: Path, environ: Mapping[str, str], pytest_args: Sequence[str]) -> int:
    """Run until somebody quits; the last exit code of pytest. Raises UsageError without a terminal."""
    from fixer.infrastructure.interpreter import find_interpreter
    from fixer.settings import load_settings
    from fixer.ui.console import can_ask

    if not can_ask(environ):
        raise UsageError("There is no terminal whose keys could be waited for.", "Run the tests once: fixer run")
    asked = load_settings(directory, {}, environ).settings.python
    python = find_interpreter(directory, asked, environ, Path(sys.prefix)).path
    test = [str(python), "-m", "pytest", *pytest_args]
    with _saves(directory) as saved:
        code = _run(test, directory)
        while (key := _wait(saved)) != "q":
            if key == "f":
                _run([sys.executable, "-m", "fixer", "run", "--lf"], directory)
            saved.forget()
            code = _run(test, directory)
    return code


class _Saves:
    """A pipe that can be read from when files have been saved."""

    def __init__(self, reading: int) -> None:
        self.reading = reading

    def forget(self) -> None:
        """What was saved by now is about to be tested anyhow."""
        while select.select([self.reading], [], [], 0)[0]:
            os.read(self.reading, 4096)


@contextmanager
def _saves(directory: Path) -> Iterator[_Saves]:
    reading, writing = os.pipe()
    stop = Event()
    thread = Thread(target=_tell_of_saves, args=(directory, stop, lambda: os.write(writing, b".")), daemon=True)
    thread.start()
    try:
        yield _Saves(reading)
    finally:
        stop.set()
        thread.join()
        os.close(reading)
        os.close(writing)


def _tell_of_saves(directory: Path, stop: Event, tell: Callable[[], object]) -> None:
    from watchfiles import PythonFilter
    from watchfiles import watch as changes

    # Of Python's own files alone: what tests write would call for the next run, for ever.
    for _ in changes(directory, watch_filter=PythonFilter(), stop_event=stop, debounce=300, raise_interrupt=False):
        tell()


def _wait(saved: _Saves) -> str:
    """The next key that means anything, or Enter's where files were saved."""
    import termios
    import tty

    sys.stderr.write(LEGEND)
    sys.stderr.flush()
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        while True:
            ready = select.select([descriptor, saved.reading], [], [])[0]
            if descriptor not in ready:
                return "\n"
            key = os.read(descriptor, 64).decode(errors="replace")[:1].lower()
            if key in ("f", "q", "\n", "\r"):
                return key
            if key in ("", "\x04"):
                return "q"
    except (KeyboardInterrupt, OSError):  # Ctrl-C, or the terminal is gone
        return "q"
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


def _run(command: Sequence[str], directory: Path) -> int:
    """Ctrl-C is for what runs, and not for the watching: a handler, unlike ignoring, is not handed down."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        return subprocess.run(command, cwd=directory, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
