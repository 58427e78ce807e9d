"""Turns the probe's lines into results; the only place that may say that a test passed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fixer.domain.models import CodeLocation, ErrorDetails, TestResult, TestRun, Verdict


@dataclass(frozen=True)
class ProbeRun:
    """Everything that one pytest process told. `status` is None where it never reached its end."""

    results: tuple[TestResult, ...] = ()
    executed: dict[str, dict[Path, frozenset[int]]] = field(default_factory=dict)
    rootdir: Path | None = None
    plugins: frozenset[str] = frozenset()
    internal_error: str = ""
    status: int | None = None
    unfinished: str = ""
    """The test that had started and was never heard of again."""
    imports: frozenset[Path] = frozenset()
    """Files of the imported modules, where they were asked for."""
    deselected: frozenset[str] = frozenset()
    """Tests that were asked for by their id, and that something in the project has left out."""
    collected: frozenset[str] = frozenset()
    """Files that hold tests, where a run was only to collect."""
    installed: tuple[str, ...] = ()
    """Names of the imported modules that are not the project's, in the order of their import; if asked for."""

    def as_test_run(self, seconds: float) -> TestRun:
        """The part that the rest of fixer knows of."""
        return TestRun(self.results, self.executed, seconds)


def read_run(lines: Iterable[bytes], nonce: str, project: Path, ending: str = "") -> ProbeRun:
    """Read what a process wrote; lines that do not carry the nonce were not written by the probe.

    `ending` says how a process that never reached its end was ended: `crashed (SIGSEGV)`, `timed out` …; its further
    lines are what the interpreter showed of its threads.
    """
    records = [record for line in lines if (record := _record(line, nonce))]
    session = _first(records, "session")
    finished = _first(records, "end")
    lines_of = _LineSets()
    reports: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        if record["kind"] in ("start", "report"):
            reports.setdefault(record["nodeid"], []).append(record)
    results = [_collect_result(record, project) for record in records if record["kind"] == "collect-error"]
    results = list({result.nodeid: result for result in results}.values())  # one conftest.py hides many files
    results += [_result(nodeid, found, project, ending) for nodeid, found in reports.items()]
    return ProbeRun(
        tuple(results),
        {record["nodeid"]: lines_of(record["files"]) for record in records if record["kind"] == "lines"},
        Path(session["rootdir"]) if session else None,
        frozenset(session.get("plugins", ())),
        _first(records, "internal-error").get("text", ""),
        finished.get("status"),
        "" if finished else _unfinished(reports),
        frozenset(map(Path, _first(records, "imports").get("files", ()))),
        frozenset(nodeid for record in records if record["kind"] == "deselected" for nodeid in record["nodeids"]),
        frozenset(_first(records, "collected").get("files", ())),
        tuple(_first(records, "installed").get("names", ())),
    )


def _record(line: bytes, nonce: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) and record.get("nonce") == nonce and "kind" in record else {}


def _first(records: Sequence[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next((record for record in records if record["kind"] == kind), {})


def _unfinished(reports: Mapping[str, Sequence[dict[str, Any]]]) -> str:
    open_tests = [nodeid for nodeid, found in reports.items() if not _is_finished(found)]
    return open_tests[-1] if open_tests else ""


def _is_finished(records: Sequence[dict[str, Any]]) -> bool:
    """Whether the last word on the test is its teardown, also where a plugin runs it more than once."""
    return records[-1].get("when") == "teardown"


def _result(nodeid: str, records: Sequence[dict[str, Any]], project: Path, ending: str) -> TestResult:
    """Everything that was ever reported of the test counts: to fail once is enough."""
    phases = [record for record in records if record["kind"] == "report"]
    seconds = sum(phase["seconds"] for phase in phases)
    failed = next((phase for phase in phases if phase["outcome"] == "failed"), None)
    if failed:
        return _failure(nodeid, failed, project, seconds)
    if not _is_finished(records):
        return _cut_off(nodeid, ending, project, seconds)
    return TestResult(nodeid, *_verdict(phases), seconds=seconds)


def _verdict(phases: Sequence[dict[str, Any]]) -> tuple[Verdict, str]:
    """Of a test that has run to its end, and of which nothing failed."""
    skipped = next((phase for phase in phases if phase["outcome"] == "skipped"), None)
    if skipped:
        reason = "expected to fail" if "xfail" in skipped else "skipped"
        return Verdict.NOT_RUN, f"{reason}: {skipped.get('skip', '')}".rstrip(": ")
    if any("xfail" in phase for phase in phases):
        return Verdict.NOT_RUN, "passed, but is marked as expected to fail"
    if any(phase["outcome"] == "rerun" for phase in phases):
        return Verdict.NOT_RUN, "passed only when it was run again"
    if not any(phase["when"] == "call" for phase in phases):
        return Verdict.NOT_RUN, "its call was never reported"
    other = next((phase["outcome"] for phase in phases if phase["outcome"] != "passed"), "")
    return (Verdict.NOT_RUN, f"reported as {other}") if other else (Verdict.PASSED, "")


def _failure(nodeid: str, report: dict[str, Any], project: Path, seconds: float) -> TestResult:
    error_type = report.get("type") or ("XPass(strict)" if "[XPASS(strict)]" in report["text"] else "Failed")
    where = {"setup": " in setup", "teardown": " in teardown"}.get(report["when"], "")
    details = ErrorDetails(
        error_type, report.get("message") or report["text"], report["text"], _captured(report.get("sections", ()))
    )
    location, frames = _places(report.get("frames", ()), project)
    return TestResult(nodeid, Verdict.FAILED, f"{error_type}{where}", details, location, frames, seconds)


def _collect_result(record: dict[str, Any], project: Path) -> TestResult:
    error_type = record.get("type") or "CollectError"
    details = ErrorDetails(error_type, record.get("message") or record["text"], record["text"])
    location, frames = _places(record.get("frames", ()), project)
    return TestResult(record["nodeid"], Verdict.FAILED, f"not collected: {error_type}", details, location, frames)


def _cut_off(nodeid: str, ending: str, project: Path, seconds: float) -> TestResult:
    how, _, stacks = ending.partition("\n")
    reason = how or "never finished"
    error_type = "Timeout" if reason.startswith("timed out") else "Crash"
    details = ErrorDetails(error_type, f"The test process {reason}.", stacks)
    location, frames = _places(_stack_frames(stacks), project)
    return TestResult(nodeid, Verdict.FAILED, reason, details, location, frames, seconds)


def _stack_frames(stacks: str) -> list[tuple[str, str]]:
    """File and line of the main thread's frames, outermost first, as faulthandler shows them: that thread comes last.

    After a crash only the thread that crashed is of interest, wherever it stands.
    """
    threads = re.split(r"^(?=(?:Current thread|Thread) 0x)", stacks, flags=re.MULTILINE)
    current = [thread for thread in threads if thread.startswith("Current thread")]
    return re.findall(r'^ +File "([^"]+)", line (\d+)', (current or threads)[-1], re.MULTILINE)[::-1]


def _places(frames: Iterable[Sequence[Any]], project: Path) -> tuple[CodeLocation | None, tuple[CodeLocation, ...]]:
    """The innermost frame of the project, and all of them, outermost first."""
    found = [CodeLocation(Path(file), int(line)) for file, line, *_ in frames]
    own = tuple(place for place in found if _is_own(place.file, project))
    return (own[-1] if own else None), own


def _is_own(file: Path, project: Path) -> bool:
    if not file.is_relative_to(project):
        return False
    return not {"site-packages", ".venv", "venv", ".tox", ".nox"}.intersection(file.relative_to(project).parts)


def _captured(sections: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"--- {name} ---\n{text.rstrip()}" for name, text in sections if text.strip())


class _LineSets:
    """Executed lines by file. Many tests execute the same lines of a file: they share one set."""

    def __init__(self) -> None:
        self._known: dict[frozenset[int], frozenset[int]] = {}
        self._paths: dict[str, Path] = {}

    def __call__(self, files: Mapping[str, Sequence[int]]) -> dict[Path, frozenset[int]]:
        return {self._paths.setdefault(file, Path(file)): self._shared(lines) for file, lines in files.items()}

    def _shared(self, lines: Sequence[int]) -> frozenset[int]:
        found = frozenset(lines)
        return self._known.setdefault(found, found)
