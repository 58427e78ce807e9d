"""What was seen of a test that stays red: what each attempt changed, and what then failed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import groupby

from fixer.application.records import AttemptRecord, ErrorRecord, RunRecord
from fixer.domain.models import Diagnosis
from fixer.ui.foreign_text import harmless, one_line
from fixer.ui.paint import diff_lines

MOST_TESTS = 10
"""Tests whose attempts the report at the end of a run goes into; `fixer show` goes into all."""
MOST_NAMES = 3


def evidence_lines(run: RunRecord, *, width: int = 0, full: bool = False) -> list[str]:
    """Why tests were left alone, told once for each reason, and how the attempts on those that stay red ended.

    Each of these in at most `width` columns (0: any); what is to be copied is never cut.
    """
    lines = [line for diagnosis, tests in _by_diagnosis(run) for line in _set_aside(diagnosis, tests)]
    tried = [test for test in run.tests if test.status != "fixed" and test.attempts]
    shown = tried if full else tried[:MOST_TESTS]
    for test in shown:
        lines += [f"{harmless(test.nodeid)} stays red:", *_attempt_lines(test, max(width - 2, 0))]
    if len(shown) < len(tried):
        lines.append(f"Of {len(tried) - len(shown)} more: fixer show {run.id}")
    return lines


def text_of_test(test: ErrorRecord, run: RunRecord, *, color: bool = False) -> str:
    """One test that was red, with every attempt on it as a diff, and what then failed."""
    failure = harmless(f"{test.error_type}: {test.message}".strip(": "))
    lines = [f"test    {harmless(test.nodeid)}", f"status  {test.status}", f"run     {run.id} ({harmless(run.model)})"]
    if test.diagnosis:
        lines.append(f"why     {harmless(str(test.diagnosis))}")
    if test.fixed_by:
        lines.append(f"by      the fix of {harmless(test.fixed_by)}")
    lines += ["", *failure.splitlines()]
    for attempt in test.attempts:
        lines += ["", *_attempt_block(attempt, color=color)]
    return "\n".join(lines)


def told_message(test: ErrorRecord) -> str:
    """How the test failed, behind why it was left alone, where it was."""
    if test.diagnosis is None or test.status == "fixed":
        return test.message
    return f"{test.diagnosis.message}\n{test.message}".rstrip()


def _by_diagnosis(run: RunRecord) -> Iterator[tuple[Diagnosis, list[ErrorRecord]]]:
    found: dict[Diagnosis, list[ErrorRecord]] = {}
    for test in run.tests:
        if test.diagnosis and test.status != "fixed":
            found.setdefault(test.diagnosis, []).append(test)
    yield from found.items()


def _set_aside(diagnosis: Diagnosis, tests: Sequence[ErrorRecord]) -> list[str]:
    names = ", ".join(harmless(test.nodeid) for test in tests[:MOST_NAMES])
    more = f" and {len(tests) - MOST_NAMES} more" if len(tests) > MOST_NAMES else ""
    line = f"{diagnosis.kind}: {harmless(diagnosis.message)}: {names}{more}"
    return [line, f"  {harmless(diagnosis.cure)}"] if diagnosis.cure else [line]


def _attempt_lines(test: ErrorRecord, width: int) -> list[str]:
    """A line for each attempt that ended otherwise than the one before; and where the rest stands, where one is cut."""
    lines = []
    for told, same in groupby(test.attempts, key=_told):
        numbers = [attempt.number for attempt in same]
        which = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
        lines.append(one_line(f"{which}: {told}", width or 200))
    if any(line.endswith("…") for line in lines):
        lines.append(f"in full: fixer show {shlex.quote(harmless(test.nodeid))}")
    return [f"  {line}" for line in lines]


def _told(attempt: AttemptRecord) -> str:
    return f"{_changed(attempt.diff)}; {one_line(attempt.reason)}"


def _attempt_block(attempt: AttemptRecord, *, color: bool) -> list[str]:
    head = f"attempt {attempt.number} at temperature {attempt.temperature:g}: {_changed(attempt.diff)}"
    return [head, *diff_lines(attempt.diff, color=color), *harmless(attempt.reason or attempt.status).splitlines()]


def _changed(diff: str) -> str:
    """The files of a unified diff with their lines added and removed."""
    counts: dict[str, list[int]] = {}
    file = ""
    for line in diff.splitlines():
        if line.startswith(("--- ", "+++ ")):
            name = line[4:].split("\t")[0]
            file = file if name == "/dev/null" else name.removeprefix("a/").removeprefix("b/")
        elif line[:1] in ("+", "-"):
            counts.setdefault(file, [0, 0])[line[0] == "-"] += 1
    changed = ", ".join(f"{harmless(file)} +{added} -{removed}" for file, (added, removed) in counts.items())
    return changed or "changed nothing"
