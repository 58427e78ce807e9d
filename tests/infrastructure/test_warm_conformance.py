"""What a fork of a warm process says of a test is what a fresh process says, in every kind of project."""

from __future__ import annotations

import copy
import importlib.util
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conformance import PROJECTS, Project, together
from environments import environment

from fixer.domain.errors import FixerError
from fixer.domain.models import TestRun
from fixer.infrastructure.pytest_runner import PytestRunner
from fixer.infrastructure.warm_runner import Depth, Forks
from fixer.infrastructure.warm_server import Unfit

MOST_FALLBACKS = 0.15
Shown = dict[str, tuple[str, str, str]] | str


@pytest.mark.slow
def test_forks_show_what_fresh_processes_show(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    told = _compared(Path(sys.executable), tmp_path)
    record_property("told", f"warm conformance: {told}")


@pytest.mark.slow
@pytest.mark.parametrize(("python", "version"), [("3.8", "6.2.5"), ("3.13", "9.0.2")])
def test_they_do_so_with_other_pythons_and_pytests(
    python: str, version: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    told = _compared(environment(python, f"pytest=={version}"), tmp_path)
    record_property("told", f"warm conformance, Python {python}, pytest {version}: {told}")


def _compared(python: Path, folder: Path) -> str:
    own = python == Path(sys.executable)
    known = [
        project for project in PROJECTS if not project.requires or (own and importlib.util.find_spec(project.requires))
    ]
    projects = together(known)
    runners = [_runner(python, project, folder) for project in projects]
    with ThreadPoolExecutor(1) as aside:
        expected = aside.map(_shown, runners)
        found = _shown_by_forks([copy.copy(runner) for runner in runners])
        shown = list(zip(runners, expected, found, strict=True))
    # Once more without a process beside them: where the machine is so busy that a second takes ten, times differ.
    differing = [runner for runner, one, other in shown if other not in (None, one)]
    again = [(_shown(runner), _shown_by_forks([copy.copy(runner)])[0]) for runner in differing]
    differences = [_difference(one, other) for one, other in again if other is not None and one != other]
    fallen_back = [project.name for project, other in zip(projects, found, strict=True) if other is None]
    assert not differences
    assert len(fallen_back) <= MOST_FALLBACKS * len(known)
    return f"{len(known)} projects, {len(fallen_back)} left to fresh processes: {', '.join(fallen_back) or '-'}"


def _runner(python: Path, project: Project, folder: Path) -> PytestRunner:
    top = project.write(folder)
    environ = dict(os.environ) if project.with_plugins else {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    bytecode = folder / "bytecode"
    return PytestRunner(python, top, pytest_args=project.args, test_timeout=1.0, bytecode=bytecode, environ=environ)


def _shown(runner: PytestRunner) -> Shown:
    """Verdict, reason and error type by node id; or how pytest ended where it did not run."""
    try:
        run = runner.discover()
    except FixerError as ended:
        return f"{type(ended).__name__}: {ended.message.splitlines()[0]}"
    return _by_id(run)


def _by_id(run: TestRun) -> dict[str, tuple[str, str, str]]:
    return {
        result.nodeid: (result.verdict.value, result.reason, result.details.error_type if result.details else "")
        for result in run.results
    }


def _shown_by_forks(runners: list[PytestRunner]) -> list[Shown | None]:
    """The same from one warm process; None where a fresh one would be needed."""
    forks = Forks(runners[0])
    try:
        return [_shown_by_fork(forks, runner) for runner in runners]
    finally:
        forks.close()


def _shown_by_fork(forks: Forks, runner: PytestRunner) -> Shown | None:
    runner.call = forks.call
    for depth in (Depth.CONFIGURED, Depth.LOADED):
        forks.depth = depth
        try:
            shown = _shown(runner)
            if depth is Depth.CONFIGURED and not isinstance(shown, str):
                _require_the_same_again(runner, shown)
            return shown
        except Unfit:
            continue
    return None


def _require_the_same_again(runner: PytestRunner, shown: Shown) -> None:
    """From where the tests are collected already, which they are when they are wanted again."""
    asked = [nodeid for nodeid in shown if "::" in nodeid]
    once, twice, thrice = (_by_id(runner.run(asked)) for _ in range(3))
    assert once == twice == thrice


def _difference(one: Shown, other: Shown | None) -> object:
    if isinstance(one, str) or not isinstance(other, dict):
        return one, other
    ids = sorted(one.keys() | other.keys())
    return {nodeid: (one.get(nodeid), other.get(nodeid)) for nodeid in ids if one.get(nodeid) != other.get(nodeid)}
