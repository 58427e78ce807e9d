"""`fixer explain`: where the fault of a failing test is likely to be, without changing or asking anything."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from fixer.application.ports import RepairRequest
from fixer.domain.errors import UsageError
from fixer.domain.models import ErrorDetails, TestError, TestResult, TestRun
from fixer.infrastructure.briefing import nearest
from fixer.infrastructure.interpreter import find_interpreter
from fixer.infrastructure.project import Project
from fixer.infrastructure.pytest_runner import PytestRunner
from fixer.infrastructure.suspects import find_test_file, suspect_files
from fixer.memory import Memory
from fixer.offline.localise import Suspect, reasons, suspects
from fixer.offline.source import Source
from fixer.settings import Settings, load_settings
from fixer.ui.explained import Explained, PlaceTold, explained_json, explained_text


def explain_test(
    memory: Memory, environ: Mapping[str, str], nodeid: str, *, python: str = "", most: int = 10, as_json: bool = False
) -> int:
    """Print the most suspicious places of a failing test; 0 also where it passes and there are none.

    Raises UsageError for a test that does not exist, TestsCannotRun where pytest cannot run.
    """
    project = memory.project
    settings = load_settings(project.directory, {"python": python or None}, environ).settings
    runner = _runner(project, settings, environ, nodeid)
    discovered = runner.discover()
    result = _asked(discovered, nodeid)
    told = Explained(result.nodeid, "passes" if result else result.reason, ())
    if result.details:
        known = [other.nodeid for other in discovered.results if "::" in other.nodeid]
        evidence = runner.run(nearest(result.nodeid, known), trace=True) if "::" in result.nodeid else None
        told = _told(project.top, result, result.details, evidence or TestRun(()), most)
    sys.stdout.write((json.dumps(explained_json(told), indent=2) if as_json else explained_text(told)) + "\n")
    return 0


def _runner(project: Project, settings: Settings, environ: Mapping[str, str], nodeid: str) -> PytestRunner:
    interpreter = find_interpreter(project.directory, settings.python, environ, Path(sys.prefix))
    return PytestRunner(
        interpreter.path,
        project.directory,
        (nodeid.partition("::")[0],),
        (),
        settings.test_timeout,
        settings.run_timeout,
        project.top,
        project.worktree_state / "bytecode",
    )


def _asked(run: TestRun, nodeid: str) -> TestResult:
    """The test that is meant; its id may be relative to the current folder, and leave the parameters out."""
    known = [result for result in run.results if _is_meant(result.nodeid, nodeid)]
    found = next((result for result in known if result.details), next(iter(known), None))
    if found is None:
        alike = get_close_matches(nodeid, [result.nodeid for result in run.results], n=1)
        raise UsageError(
            f"There is no test {nodeid}.", f"Did you mean {alike[0]}?" if alike else "See: pytest --collect-only -q"
        )
    return found


def _is_meant(known: str, asked: str) -> bool:
    same_file = known.partition("::")[0].endswith(asked.partition("::")[0])
    wanted, name = asked.partition("::")[2], known.partition("::")[2]
    return same_file and (not wanted or name == wanted or name.startswith(f"{wanted}["))


def _told(top: Path, result: TestResult, details: ErrorDetails, evidence: TestRun, most: int) -> Explained:
    traced = next((one for one in evidence.results if one.nodeid == result.nodeid and one.details), result)
    file, _, function = result.nodeid.partition("::")
    error = TestError(Path(file), function, details, traced.location, traced.frames)
    files = suspect_files(error, evidence, top, find_test_file(error, evidence, top))
    request = RepairRequest(error, 1, 0.0, tuple(files), evidence)
    found = suspects(request, _sources(files))[:most]
    places = tuple(_place(top, suspect, request) for suspect in found)
    return Explained(result.nodeid, f"{details.error_type}: {details.message}".strip(": "), places)


def _sources(files: Sequence[Path]) -> list[Source]:
    """Those that can be read and parsed."""
    read: list[Source] = []
    for file in files:
        try:
            read.append(Source.read(file))
        except (OSError, SyntaxError, ValueError):
            continue
    return read


def _place(top: Path, suspect: Suspect, request: RepairRequest) -> PlaceTold:
    source, statement = suspect.source, suspect.statement
    function = source.function_of(statement)
    text = source.segment(statement).splitlines()[0].strip()
    return PlaceTold(
        source.path.relative_to(top.resolve()).as_posix(),
        statement.lineno,
        function.name if function else "",
        text,
        suspect.suspicion,
        reasons(suspect, request),
    )
