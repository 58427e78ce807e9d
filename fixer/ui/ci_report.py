"""What a run leaves for CI: SARIF, GitHub's annotations, and a job summary in Markdown."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path

from fixer.application.records import ErrorRecord, RunRecord
from fixer.ui.evidence import told_message
from fixer.ui.foreign_text import harmless, one_line
from fixer.ui.report import money, patch_of, run_sentence

MOST_ANNOTATIONS = 10
"""GitHub shows no more errors of one step (limits of problem matchers and workflow commands)."""
MOST_SUMMARY = 900_000
"""Bytes; GitHub refuses a summary of more than 1 MiB as a whole."""
MOST_ROWS = 500


def sarif(run: RunRecord, top: Path) -> str:
    """The tests that are still red, as SARIF 2.1.0 (OASIS); paths are relative to the top of the working tree."""
    red = [test for test in run.tests if test.status != "fixed"]
    rules = {
        _rule(test): {"id": _rule(test), "shortDescription": {"text": f"A test is red: {_rule(test)}"}} for test in red
    }
    driver = {
        "name": "fixer",
        "informationUri": "https://pypi.org/project/pytest-fixer/",
        "rules": list(rules.values()),
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(test, top) for test in red]}],
    }
    return json.dumps(log, indent=2) + "\n"


def workflow_commands(run: RunRecord, top: Path) -> list[str]:
    """Workflow commands that mark what is still red where it fails."""
    red = [test for test in run.tests if test.status != "fixed"]
    return [_annotation(test, top) for test in red[:MOST_ANNOTATIONS]]


def job_summary(run: RunRecord) -> str:
    """The run as GitHub-flavoured Markdown."""
    head = [f"### fixer: {html.escape(run_sentence(run))}", "", *_table(run)]
    if run.newly_broken:
        head += ["", f"Broken by this run: {', '.join(map(_code, run.newly_broken))}"]
    text = "\n".join([*head, *_foldout(harmless(patch_of(run)))]) + "\n"
    return text if len(text.encode()) <= MOST_SUMMARY else "\n".join(head) + "\n"


def _foldout(patch: str) -> list[str]:
    if not patch:
        return []
    fence = "`" * (_longest_fence(patch) + 1)
    body = [f"{fence}diff", patch.rstrip("\n"), fence]
    return ["", "<details><summary>The fixes as a patch</summary>", "", *body, "", "</details>"]


def _table(run: RunRecord) -> Iterator[str]:
    if not run.tests:
        return
    yield "| | test | attempts | cost | |"
    yield "|---|---|---:|---:|---|"
    for test in run.tests[:MOST_ROWS]:
        known = [attempt.cost_usd for attempt in test.attempts]
        cost = money(None if None in known else sum(each or 0.0 for each in known)) if known else ""
        told = test.fix.commit[:9] if test.fix and test.status == "fixed" else one_line(told_message(test), 120)
        name, tries = _code(one_line(test.nodeid, 300)), len(test.attempts) or ""
        yield f"| {test.status} | {name} | {tries} | {cost} | {_cell(told)} |"
    if len(run.tests) > MOST_ROWS:
        yield f"| | and {len(run.tests) - MOST_ROWS} more | | | |"


def _code(text: str) -> str:
    return f"<code>{_cell(text)}</code>"


def _cell(text: str) -> str:
    """Text that neither ends a cell of a table nor is taken for Markdown."""
    line = harmless(text).replace("\n", " ")
    return "".join(f"&#{ord(char)};" if char in _OF_MARKDOWN else char for char in line)


_OF_MARKDOWN = "<>&\"'|`*_[]~\\@#"


def _longest_fence(text: str) -> int:
    longest, run = 2, 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest


def _rule(test: ErrorRecord) -> str:
    return harmless(test.error_type) or "TestFailure"


def _result(test: ErrorRecord, top: Path) -> dict[str, object]:
    file, line = _place(test, top)
    where = {"artifactLocation": {"uri": file}, "region": {"startLine": line}}
    return {
        "ruleId": _rule(test),
        "level": "error",
        "message": {"text": _told(test)},
        "locations": [{"physicalLocation": where}],
        "partialFingerprints": {"nodeid": harmless(test.nodeid)},
    }


def _annotation(test: ErrorRecord, top: Path) -> str:
    file, line = _place(test, top)
    told = {"file": file, "line": str(line), "title": f"red: {harmless(test.nodeid)}"}
    properties = ",".join(f"{name}={_property(value)}" for name, value in told.items())
    return f"::error {properties}::{_data(_told(test))}"


def _told(test: ErrorRecord) -> str:
    return harmless(f"{test.nodeid}: {test.error_type}: {told_message(test)}")


def _place(test: ErrorRecord, top: Path) -> tuple[str, int]:
    if test.place and test.place.file.is_relative_to(top):
        return test.place.file.relative_to(top).as_posix(), max(test.place.line, 1)
    return test.nodeid.partition("::")[0], 1


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
