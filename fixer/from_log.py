"""Failing tests out of a log from elsewhere: which it names, and which of them there are here."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.domain.errors import UsageError

if TYPE_CHECKING:
    from fixer.domain.models import TestError

MOST_NAMED = 5


def failures_in(file: str, directory: Path) -> list[TestError]:
    """The failing tests that a log tells of; `-` is stdin. Raises UsageError where it cannot be read."""
    from fixer.domain.services import ErrorAnalysisService

    return ErrorAnalysisService(lambda path: (directory / path).is_file()).analyze_errors(_read(file))


def those_here(errors: Sequence[TestError], directory: Path) -> tuple[str, ...]:
    """The node ids that there are here; the others are named on stderr. Raises UsageError where none is left."""
    if not errors:
        raise UsageError("The log tells of no failing test.", "See what is read from it: fixer analyze FILE")
    here = [name for error in errors if (name := _name_here(error, directory))]
    strangers = [error.nodeid for error in errors if not _name_here(error, directory)]
    names = ", ".join(strangers[:MOST_NAMED])
    more = f" and {len(strangers) - MOST_NAMED} more" if len(strangers) > MOST_NAMED else ""
    if not here:
        raise UsageError(
            f"No test of the log is here; it may be of another project, or of another commit: {names}{more}",
            "Run fixer where the log's tests are, on the commit that it is of.",
        )
    if strangers:
        sys.stderr.write(f"fixer: not here, and left out: {names}{more}\n")
    return tuple(here)


def _name_here(error: TestError, directory: Path) -> str:
    """What the test is called from this directory, where its file is there and speaks of its function or class at all.

    Ids are relative to pytest's root, which may be a folder above.
    """
    names = error.test_function.partition("[")[0].split("::")
    folder, text = _file_of(error.test_file, directory)
    if folder is None or names[0] not in text:
        return ""
    file = Path(os.path.relpath(folder / error.test_file, directory)).as_posix()
    return f"{file}::{error.test_function}" if error.test_function else file


@lru_cache(maxsize=256)
def _file_of(file: Path, directory: Path) -> tuple[Path | None, str]:
    """The folder, this one or one above, in which there is such a file, and the file's text."""
    folders = (folder for folder in (directory, *directory.parents) if (folder / file).is_file())
    folder = next(folders, None)
    return folder, (folder / file).read_text("utf-8", errors="replace") if folder else ""


def _read(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as refused:
        raise UsageError(f"{file} cannot be read: {refused.strerror}.") from refused
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # what PowerShell's > writes
    return data.decode("utf-16" if wide else "utf-8", errors="replace")
