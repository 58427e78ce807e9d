"""What the ledger knows of runs and fixes, as JSON, as JUnit XML and as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from fixer.application.records import AttemptRecord, ErrorRecord, FixRecord, RunRecord
from fixer.domain.models import Diagnosis
from fixer.ui.ending import INTERRUPTED
from fixer.ui.evidence import evidence_lines, told_message
from fixer.ui.foreign_text import harmless, one_line
from fixer.ui.paint import Color, diff_lines, paint

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SCHEMA = 1
"""Raised when a field of the JSON changes its meaning or goes away."""


def run_json(run: RunRecord) -> dict[str, object]:
    """The object that `--json` prints. What is unknown or does not apply is null."""
    return {
        "schema": SCHEMA,
        "run": run.id,
        "exit_code": run.exit_code,
        "model": run.model,
        "cost_usd": run.cost_usd,
        "tokens": {"sent": _sent(run), "received": _received(run)},
        "seconds": round(run.seconds, 3),
        "tests": [_test_json(test) for test in run.tests],
        "newly_broken": list(run.newly_broken),
    }


def run_text(run: RunRecord, *, color: bool = False, width: int = 0, full: bool = False) -> str:
    """What became of each red test, and what it took; in at most `width` columns, as far as that can be (0: any).

    On a terminal, many tests that ended alike are counted; with `full`, every test is told of, and all attempts on it.
    """
    rows: list[tuple[str, ...]] = [
        (test.status, harmless(test.nodeid), _tried(test), _outcome(test)) for test in run.tests
    ]
    rows += [("broken", harmless(nodeid), "", "passed before this run, and fails since") for nodeid in run.newly_broken]
    rows = _shortened(rows, run) if width and not full else rows
    lines = aligned(rows)
    if width and any(len(line) > width for line in lines):
        lines = _stacked(rows, width)
    table = [_painted(line, row[0]) if color else line for line, row in zip(lines, rows, strict=True)]
    evidence = evidence_lines(run, width=width, full=full)
    blocks = [block for block in (table, evidence, [run_sentence(run)]) if block]
    return "\n\n".join("\n".join(block) for block in blocks)


def run_sentence(run: RunRecord) -> str:
    """How a run ended, and what it took, in a sentence."""
    if run.exit_code is None:
        return "The run is not over, or was killed."
    if not run.tests:
        ended = {0: "Nothing was red", INTERRUPTED: "Interrupted before a red test was known"}
        words = ended.get(run.exit_code, f"The run ended early with exit code {run.exit_code}")
        return f"{words} ({run.seconds:.1f} s)."
    fixed = sum(test.status == "fixed" for test in run.tests)
    early = "Interrupted: " if run.exit_code == INTERRUPTED else ""
    words = f"{early}{fixed} of {len(run.tests)} fixed in {run.seconds:.1f} s with {harmless(run.model)}"
    return f"{words}, {_spent(run)}."


def history_text(runs: Sequence[RunRecord]) -> str:
    """One line per run."""
    if not runs:
        return "No runs yet."
    head = ("RUN", "STARTED", "MODEL", "FIXED", "SECONDS", "COST", "EXIT")
    return "\n".join(aligned([head, *(_history_row(run) for run in runs)]))


def patch_of(run: RunRecord) -> str:
    """The fixes of a run as one patch that `git apply` takes, in the order in which they were made, byte for byte."""
    fixes = sorted((test.fix for test in run.tests if test.fix and test.status == "fixed"), key=_landed_at)
    return "".join(fix.diff if fix.diff.endswith("\n") else f"{fix.diff}\n" for fix in fixes)


def patch_text(run: RunRecord, *, color: bool) -> str:
    """The same for a terminal."""
    return "".join(f"{line}\n" for line in diff_lines(patch_of(run), color=color))


def junit_xml(run: RunRecord) -> str:
    """The run as one JUnit test suite: what is still red is a failure, what the machine lacks an error."""
    from xml.etree import ElementTree as Xml

    cases = [_case(test) for test in run.tests] + [_broken_case(nodeid) for nodeid in run.newly_broken]
    count = {kind: str(sum(case.find(kind) is not None for case in cases)) for kind in ("failure", "error", "skipped")}
    suite = Xml.Element(
        "testsuite",
        name="fixer",
        tests=str(len(cases)),
        failures=count["failure"],
        errors=count["error"],
        skipped=count["skipped"],
        time=f"{run.seconds:.3f}",
        timestamp=run.started_at.isoformat(timespec="seconds"),
    )
    suite.extend(cases)
    suites = Xml.Element("testsuites")
    suites.append(suite)
    Xml.indent(suites)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{Xml.tostring(suites, encoding='unicode')}\n"


def _test_json(test: ErrorRecord) -> dict[str, object]:
    return {
        "nodeid": test.nodeid,
        "status": test.status,
        "error_type": test.error_type,
        "message": told_message(test),
        "diagnosis": _diagnosis_json(test.diagnosis),
        "fixed_by": test.fixed_by or None,
        "commit": (test.fix.commit or None) if test.fix else None,
        "files": list(test.fix.files) if test.fix else [],
        "attempts": [_attempt_json(attempt) for attempt in test.attempts],
    }


def _diagnosis_json(diagnosis: Diagnosis | None) -> dict[str, str] | None:
    return {"kind": diagnosis.kind, "message": diagnosis.message, "cure": diagnosis.cure} if diagnosis else None


def _attempt_json(attempt: AttemptRecord) -> dict[str, object]:
    return {
        "number": attempt.number,
        "model": attempt.model,
        "temperature": attempt.temperature,
        "temperature_sent": attempt.temperature_sent,
        "status": attempt.status,
        "reason": attempt.reason,
        "seconds": round(attempt.seconds, 3),
        "model_seconds": round(attempt.model_seconds, 3),
        "test_seconds": round(attempt.test_seconds, 3),
        "tokens_sent": attempt.tokens_sent,
        "tokens_received": attempt.tokens_received,
        "cost_usd": attempt.cost_usd,
    }


def _case(test: ErrorRecord) -> Element:
    from xml.etree.ElementTree import SubElement

    case = _empty_case(test.nodeid, sum(attempt.seconds for attempt in test.attempts))
    if test.status == "fixed":
        SubElement(case, "system-out").text = f"fixed: {_outcome(test)}"
        return case
    kind = {"unfixed": "failure", "environment": "error"}.get(test.status, "skipped")
    reason = SubElement(case, kind, message=_outcome(test), type=harmless(test.error_type))
    reason.text = harmless(told_message(test))
    return case


def _broken_case(nodeid: str) -> Element:
    from xml.etree.ElementTree import SubElement

    case = _empty_case(nodeid, 0.0)
    SubElement(case, "failure", message="passed before this run, and fails since")
    return case


def _empty_case(nodeid: str, seconds: float) -> Element:
    from xml.etree.ElementTree import Element

    file, _, name = harmless(nodeid).partition("::")
    return Element("testcase", classname=file, name=name or file, time=f"{seconds:.3f}")


def _sent(run: RunRecord) -> int:
    return sum(attempt.tokens_sent for attempt in run.attempts)


def _received(run: RunRecord) -> int:
    return sum(attempt.tokens_received for attempt in run.attempts)


def _tried(test: ErrorRecord) -> str:
    count = len(test.attempts)
    return f"{count} attempt{'' if count == 1 else 's'}" if count else ""


def _outcome(test: ErrorRecord) -> str:
    """The commit of a fix, or why there is none."""
    if test.fixed_by:
        return f"by the fix of {one_line(test.fixed_by)}"
    if test.fix and test.status == "fixed":
        return _place(test.fix)
    if test.diagnosis:
        return one_line(f"{test.diagnosis.kind}: {test.diagnosis.message}".removeprefix(f"{test.status}: "))
    reason = test.attempts[-1].reason if test.attempts else ""
    return one_line(reason or f"{test.error_type}: {test.message}".strip(": "))


def _landed_at(fix: FixRecord) -> datetime:
    return fix.landed_at


def _place(fix: FixRecord) -> str:
    if fix.state == "undone":
        return f"not applied ({one_line(fix.note)})" if fix.note else "undone"
    return fix.commit[:9] or f"uncommitted: {one_line(fix.note)}".rstrip(": ")


def _spent(run: RunRecord) -> str:
    tokens = _sent(run) + _received(run)
    return f"{tokens:,} tokens, {money(run.cost_usd)}" if tokens else money(run.cost_usd)


def money(usd: float | None) -> str:
    if usd is None:
        return "price unknown"
    return "free" if not usd else f"${usd:.4f}"


def _history_row(run: RunRecord) -> tuple[str, ...]:
    fixed = sum(test.status == "fixed" for test in run.tests)
    code = "unfinished" if run.exit_code is None else str(run.exit_code)
    started = f"{run.started_at:%Y-%m-%d %H:%M}Z"
    counts = f"{fixed}/{len(run.tests)}"
    return (run.id, started, harmless(run.model), counts, f"{run.seconds:.1f}", money(run.cost_usd), code)


def aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The rows as lines, each column as wide as its widest cell."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _shortened(rows: Iterable[tuple[str, ...]], run: RunRecord) -> list[tuple[str, ...]]:
    """Of many tests that ended alike the first few, and how many there are more: no screen is for thousands."""
    shown: list[tuple[str, ...]] = []
    for (status, *rest), same in groupby(rows, key=lambda row: (row[0], *row[2:])):
        alike = list(same)
        more = len(alike) - _MOST_ALIKE
        shown += alike[:_MOST_ALIKE] if more > 1 else alike
        if more > 1:
            shown.append((status, f"and {more:,} more: fixer show {run.id}", *rest))
    return shown


def _stacked(rows: Iterable[tuple[str, ...]], width: int) -> list[str]:
    """The rows as blocks: status and test, and below it what fits of the rest."""
    rows = list(rows)
    indent = max(len(row[0]) for row in rows) + 2
    blocks = []
    for status, name, *rest in rows:
        below = one_line("  ".join(part for part in rest if part), max(width - indent, _LEAST_WIDTH))
        blocks.append(f"{status:<{indent}}{name}\n{'':<{indent}}{below}".rstrip())
    return blocks


_MOST_ALIKE = 10
_LEAST_WIDTH = 30
_STATUS_COLORS: dict[str, Color] = {"fixed": "green", "unfixed": "red", "broken": "red"}


def _painted(line: str, status: str) -> str:
    return paint(status, _STATUS_COLORS.get(status, "yellow")) + line[len(status) :]
