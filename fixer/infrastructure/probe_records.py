"""Turns the probe's lines into results; the only place that may say that a test passed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
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
    session = _Session(project)
    for line in lines:
        if record := _record(line, nonce):
            session.take(record)
    return session.told(ending)


class _Session:
    """What the records tell, taken one by one: of many failures all that is kept is what will be known of them."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._tests: dict[str, _Phases] = {}
        self._uncollected: dict[str, TestResult] = {}  # by id: one conftest.py hides many files
        self._executed: dict[str, dict[Path, frozenset[int]]] = {}
        self._deselected: set[str] = set()
        self._once: dict[str, dict[str, Any]] = {}
        self._lines_of = _LineSets()

    def take(self, record: dict[str, Any]) -> None:
        match record["kind"]:
            case "start" | "report":
                self._tests.setdefault(record["nodeid"], _Phases()).take(record, self._project)
            case "collect-error":
                self._uncollected[record["nodeid"]] = _collect_result(record, self._project)
            case "lines":
                self._executed[record["nodeid"]] = self._lines_of(record["files"])
            case "deselected":
                self._deselected.update(record["nodeids"])
            case kind:
                self._once.setdefault(kind, record)

    def told(self, ending: str) -> ProbeRun:
        results = [phases.result(nodeid, self._project, ending) for nodeid, phases in self._tests.items()]
        open_tests = [nodeid for nodeid, phases in self._tests.items() if not phases.finished]
        session, finished = self._only("session"), self._only("end")
        return ProbeRun(
            (*self._uncollected.values(), *results),
            self._executed,
            Path(session["rootdir"]) if session else None,
            frozenset(session.get("plugins", ())),
            self._only("internal-error").get("text", ""),
            finished.get("status"),
            "" if finished or not open_tests else open_tests[-1],
            frozenset(map(Path, self._only("imports").get("files", ()))),
            frozenset(self._deselected),
            frozenset(self._only("collected").get("files", ())),
            tuple(self._only("installed").get("names", ())),
        )

    def _only(self, kind: str) -> dict[str, Any]:
        return self._once.get(kind, {})


@dataclass(slots=True)
class _Phases:
    """Everything that was ever reported of a test counts: to fail once is enough."""

    seconds: float = 0.0
    failure: TestResult | None = None
    skipped: str = ""
    has_xfail: bool = False
    was_run_again: bool = False
    was_called: bool = False
    unknown: str = ""
    """An outcome that is none of pytest's own."""
    finished: bool = False
    """Whether the last word on the test is its teardown, also where a plugin runs it more than once."""

    def take(self, record: dict[str, Any], project: Path) -> None:
        self.finished = record.get("when") == "teardown"
        if record["kind"] == "start":
            return
        self.seconds += record["seconds"]
        self.has_xfail |= "xfail" in record
        self.was_called |= record["when"] == "call"
        match record["outcome"]:
            case "failed":
                self.failure = _failure(record, project) if self.failure is None else self.failure
            case "skipped":
                reason = "expected to fail" if "xfail" in record else "skipped"
                self.skipped = self.skipped or f"{reason}: {record.get('skip', '')}".rstrip(": ")
            case "rerun":
                self.was_run_again = True
            case outcome if outcome != "passed":
                self.unknown = self.unknown or outcome

    def result(self, nodeid: str, project: Path, ending: str) -> TestResult:
        if self.failure is not None:
            return replace(self.failure, seconds=self.seconds)
        if not self.finished:
            return _cut_off(nodeid, ending, project, self.seconds)
        reason = self._not_run()
        return TestResult(nodeid, Verdict.NOT_RUN if reason else Verdict.PASSED, reason, seconds=self.seconds)

    def _not_run(self) -> str:
        """Why a test that has run to its end, and of which nothing failed, has not passed; empty where it has."""
        if self.skipped:
            return self.skipped
        if self.has_xfail:
            return "passed, but is marked as expected to fail"
        if self.was_run_again:
            return "passed only when it was run again"
        if not self.was_called:
            return "its call was never reported"
        return f"reported as {self.unknown}" if self.unknown else ""


def _record(line: bytes, nonce: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) and record.get("nonce") == nonce and "kind" in record else {}


def _failure(report: dict[str, Any], project: Path) -> TestResult:
    error_type = report.get("type") or ("XPass(strict)" if "[XPASS(strict)]" in report["text"] else "Failed")
    where = {"setup": " in setup", "teardown": " in teardown"}.get(report["when"], "")
    details = ErrorDetails(
        error_type, report.get("message") or report["text"], report["text"], _captured(report.get("sections", ()))
    )
    location, frames = _places(report.get("frames", ()), project)
    return TestResult(report["nodeid"], Verdict.FAILED, f"{error_type}{where}", details, location, frames)


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
    places = ((_own_file(file, project), int(line)) for file, line, *_ in frames)
    own = tuple(CodeLocation(file, line) for file, line in places if file)
    return (own[-1] if own else None), own


@lru_cache(maxsize=1000)
def _own_file(name: str, project: Path) -> Path | None:
    """The file, where it is one of the project's own. Most frames of most failures lead through the same few files."""
    file = Path(name)
    if not file.is_relative_to(project):
        return None
    installed = {"site-packages", ".venv", "venv", ".tox", ".nox"}.intersection(file.relative_to(project).parts)
    return None if installed else file


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
