"""The files that a run leaves beside its result: for CI, for other tools, for people."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.domain.errors import UsageError

if TYPE_CHECKING:
    from fixer.application.records import RunRecord
    from fixer.infrastructure.ledger_reader import LedgerReader
    from fixer.memory import Memory


@dataclass(frozen=True)
class Outputs:
    """Where to write what; None is nowhere."""

    junitxml: Path | None = None
    sarif: Path | None = None
    patch: Path | None = None
    report: Path | None = None


def check_outputs(wanted: Outputs) -> None:
    """That a file cannot be written is to be known before anything is paid for. Raises UsageError."""
    for file in (wanted.junitxml, wanted.sarif, wanted.patch, wanted.report):
        if file and not file.absolute().parent.is_dir():
            raise UsageError(f"{file} cannot be written: its folder does not exist.", f"mkdir -p '{file.parent}'")


def write_outputs(wanted: Outputs, record: RunRecord, memory: Memory, environ: Mapping[str, str]) -> None:
    """Write all that is wanted; below GitHub's Actions also annotations and the job summary. Raises UsageError."""
    from fixer.ui.ci_report import sarif
    from fixer.ui.report import junit_xml, patch_of

    if wanted.junitxml:
        write_file(wanted.junitxml, junit_xml(record))
    if wanted.sarif:
        write_file(wanted.sarif, sarif(record, memory.project.top))
    if wanted.patch:
        write_file(wanted.patch, patch_of(record))
    if wanted.report:
        write_file(wanted.report, page_of(memory.reader, record))
    if environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(record, memory.project.top, environ.get("GITHUB_STEP_SUMMARY", ""))


def page_of(reader: LedgerReader, run: RunRecord) -> str:
    """The HTML page of a run."""
    from fixer.ui.html_report import html_report

    fixes = [test.fix for test in run.tests if test.fix]
    return html_report(run, {fix.id: reader.receipt(fix) for fix in fixes})


def write_file(file: Path, text: str) -> None:
    """Write a file that the user has named, its line ends as they are. Raises UsageError."""
    try:
        file.write_bytes(text.encode())
    except OSError as refused:
        raise UsageError(f"{file} cannot be written: {refused.strerror}.", "Name another file.") from refused


def _tell_github(record: RunRecord, top: Path, summary: str) -> None:
    from fixer.ui.ci_report import job_summary, workflow_commands

    sys.stderr.write("".join(f"{line}\n" for line in workflow_commands(record, top)))
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(job_summary(record))
        except OSError as refused:
            sys.stderr.write(f"fixer: the job summary cannot be written: {refused.strerror}.\n")
