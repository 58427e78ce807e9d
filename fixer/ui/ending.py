"""How a command ends: whatever goes wrong becomes one message for a person and one exit code for a script."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

from fixer.domain.errors import DiskRefuses, FixerError

INTERRUPTED = 130
NOBODY_READS = 141
"""Output went to a pipe that was closed; a shell reports it so for a program that SIGPIPE ended."""


def exit_code_of(command: Callable[[], int]) -> int:
    """Run it; its own exit code, or the one for how it failed, with the reason on stderr."""
    try:
        code = _answer(command)
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # all that is left to fail here is writing to a pipe or terminal that is gone
        _write_nowhere()
        return NOBODY_READS
    return code


def _answer(command: Callable[[], int]) -> int:
    import click

    try:
        return command()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as wrong:
        wrong.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write(
            "Interrupted. What was verified stays; the next fixer command puts right whatever is half done.\n"
        )
        return INTERRUPTED
    except FixerError as error:
        return _explain(error)
    except Exception as bug:  # the last resort: a person gets a sentence, the log gets the rest
        if isinstance(bug, OSError) and not (_is_read(sys.stdout) and _is_read(sys.stderr)):
            raise
        return _explain(_of_the_disk(bug)) if _is_of_the_disk(bug) else _report_bug(bug)


def _explain(error: FixerError) -> int:
    sys.stderr.write(f"fixer: {error.message}\n")
    if error.cure:
        sys.stderr.write(f"  {error.cure}\n")
    return error.exit_code


def _is_of_the_disk(bug: Exception) -> bool:
    import errno
    import sqlite3

    if isinstance(bug, sqlite3.OperationalError):
        # SQLite has codes for these, which Python knows only since 3.11 (sqlite_errorcode).
        return any(words in str(bug) for words in ("disk is full", "readonly", "disk I/O", "unable to open"))
    return isinstance(bug, OSError) and bug.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


def _of_the_disk(bug: Exception) -> DiskRefuses:
    return DiskRefuses(
        f"The disk does not take what fixer has to write: {bug}. Nothing is lost; something may be half done.",
        "Make room or make it writable, then: fixer recover",
    )


def _report_bug(bug: Exception) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="fixer-bug-", suffix=".log", delete=False) as log:
        log.write("".join(traceback.format_exception(bug)))
    sys.stderr.write(
        f"fixer: a bug in fixer: {type(bug).__name__}: {bug}\n"
        f"  The details are in {log.name}. The next fixer command puts right whatever this one left half done.\n"
    )
    return FixerError.exit_code


def _is_read(stream: TextIO) -> bool:
    """Whether the other end of the pipe or terminal is open; asking for no event tells of an end that is gone."""
    try:
        other_end = select.poll()
        other_end.register(stream.fileno(), 0)
    except (OSError, ValueError):  # not a stream of the system's
        return True
    return not other_end.poll(0)


def _write_nowhere() -> None:
    """Else the interpreter would complain, on its way out, of what it could not write."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
