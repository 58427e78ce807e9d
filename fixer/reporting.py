"""`fixer report`: writes a run as a page, and shows it."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.domain.errors import UsageError
from fixer.domain.events import DomainEvent, Notice

if TYPE_CHECKING:
    from fixer.application.records import RunRecord
    from fixer.infrastructure.ledger_reader import LedgerReader


def write_report(directory: Path, environ: Mapping[str, str], name: str, output: str, *, opening: bool) -> None:
    """Write the page of a run and print where it is. Raises UsageError for an unknown run, or a file that refuses."""
    from fixer.memory import open_memory, recover_if_idle
    from fixer.outputs import page_of, write_file
    from fixer.ui.console import open_arbiter

    memory = open_memory(directory, environ)
    recover_if_idle(memory, _say, open_arbiter(environ))
    page = page_of(memory.reader, _run(memory.reader, name))
    if output == "-":
        sys.stdout.buffer.write(page.encode())
        return
    # By default beside fixer's other things, where it makes no tree dirty; the next one replaces it.
    file = directory / output if output else memory.project.worktree_state / "report.html"
    write_file(file, page)
    sys.stdout.write(f"{file}\n")
    if opening and not webbrowser.open(file.as_uri()):
        sys.stderr.write("fixer: No browser could be opened.\n")


def _run(reader: LedgerReader, name: str) -> RunRecord:
    if name:
        return reader.run(name)
    newest = reader.runs(1)
    if not newest:
        raise UsageError("There is no run yet to report of.", "fixer run")
    return newest[0]


def _say(event: DomainEvent) -> None:
    if isinstance(event, Notice):
        sys.stderr.write(f"fixer: {event.text}\n")
