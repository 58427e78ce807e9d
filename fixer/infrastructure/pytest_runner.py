"""Runs the project's tests with the project's own interpreter, and reads the probe, never the screen."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fixer.domain.errors import FixerError, TestsCannotRun, UsageError
from fixer.domain.models import ErrorDetails, TestResult, TestRun, Verdict
from fixer.infrastructure.probe_records import ProbeRun
from fixer.infrastructure.pytest_cache import find_cache
from fixer.infrastructure.pytest_call import Answer, Call, call_pytest, drop_bytecode

MOST_RESUMES = 20
"""How often a run is taken up again behind a test that killed or blocked the process."""


def _temporary_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="fixer-bytecode-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@dataclass
class PytestRunner:
    """A TestRunner. Seconds are wall time; `test_timeout` is per phase of a test, `run_timeout` per process."""

    python: Path
    project: Path
    selection: tuple[str, ...] = ()
    pytest_args: tuple[str, ...] = ()
    test_timeout: float = 60.0
    run_timeout: float = 1800.0
    top: Path | None = None
    """The top of the working tree, where that is above `project`."""
    bytecode: Path = field(default_factory=_temporary_folder)
    """Where compiled modules go: never into the tree. Worth keeping: pytest alone takes seconds to compile."""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    """The user's environment. A copy: importing the engine later puts variables of its own into os.environ."""
    record_lines: bool = False
    """Whether the first discovery tells which lines each test executes, where that costs next to nothing."""
    base: Path | None = None
    """What node ids are relative to, where that is known before the first run."""
    imports: frozenset[Path] = field(default=frozenset(), init=False)
    """The files that the tests imported, where `with_imports`."""
    with_imports: bool = False
    installed: tuple[str, ...] = field(default=(), init=False)
    """Names of the modules that the first discovery has imported and that are not the project's."""
    call: Callable[[Call], Answer] = call_pytest
    """How a pytest process is had."""
    _rootdir: Path | None = field(default=None, init=False)
    _plugins: frozenset[str] = field(default=frozenset(), init=False)

    def rootdir(self) -> Path:
        """What node ids are relative to: pytest's rootdir once it is known."""
        return self._rootdir or self.base or self.project

    def discover(self) -> TestRun:
        """Run what the user selected. Raises UsageError for an unknown test, TestsCannotRun where pytest cannot run."""
        started = time.monotonic()
        results: dict[str, TestResult] = {}
        executed: dict[str, dict[Path, frozenset[int]]] = {}
        cheaply = self.record_lines and self._rootdir is None
        for _ in range(MOST_RESUMES + 1):
            # What comes behind a test that killed the process still has to be seen.
            run = self._call(
                self._discover_args(), deselect=tuple(results), trace=cheaply, cheaply=cheaply, cache=self._cache()
            )
            _add(results, run.results)
            executed.update(run.executed)
            if not run.unfinished:
                break
        return TestRun(tuple(results.values()), executed, time.monotonic() - started)

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        """Run exactly these tests, in file order; with `trace`, with the lines that each executed.

        A file among them counts as passed when all of it can be collected, and holds a test.
        Where pytest could run before, and now cannot, that is a failure of these tests.
        """
        started = time.monotonic()
        results: dict[str, TestResult] = {}
        executed: dict[str, dict[Path, frozenset[int]]] = {}
        left = tuple(dict.fromkeys(nodeid for nodeid in nodeids if "::" in nodeid))
        for _ in range(MOST_RESUMES + 1 if left else 0):
            run = self._rerun(left, trace=trace)
            _add(results, run.results)
            executed.update(run.executed)
            left = tuple(nodeid for nodeid in left if nodeid not in results)
            if not (run.unfinished and left):
                _add(results, [_unheard_of(nodeid, run) for nodeid in left])
                break
        files = tuple(dict.fromkeys(nodeid for nodeid in nodeids if "::" not in nodeid))
        if files:
            run = self._rerun(files, collect_only=True)
            _add(results, [_collected(file, run) for file in files])
        return TestRun(tuple(results.values()), executed, time.monotonic() - started)

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        """Run exactly this test in a fresh process; without a function, see whether the file can be collected."""
        file = Path(test_file).as_posix()
        nodeid = f"{file}::{test_function}" if test_function else file
        return self.run([nodeid]).of(nodeid)

    def _rerun(self, nodeids: tuple[str, ...], *, trace: bool = False, collect_only: bool = False) -> ProbeRun:
        ran_before = self._rootdir is not None
        try:
            if collect_only:
                return self._call([*self._rerun_args(nodeids, "--collect-only")])
            # Whoever wants the lines wants to know all that can be seen of the failure.
            seen = (SHOW_LOCALS,) if trace else ()
            return self._call(self._rerun_args(nodeids, *seen), select=nodeids, trace=trace)
        except (TestsCannotRun, UsageError) as problem:
            if not ran_before:
                raise
            return ProbeRun(tuple(_unable(nodeid, problem) for nodeid in nodeids))

    def _discover_args(self) -> list[str]:
        # The last --maxfail wins: one in the project's settings is overruled, one that the user typed is not.
        options = ("--continue-on-collection-errors", "--maxfail=0", *_without(_INTERACTIVE, (), self.pytest_args))
        return [*_SHOWING, *options, "--", *self.selection]

    def _rerun_args(self, nodeids: Sequence[str], *more: str) -> list[str]:
        files = dict.fromkeys(str(self.rootdir() / _place_of(nodeid)) for nodeid in nodeids)
        alone = ("-n", "0") if "pytest-xdist" in self._plugins else ()
        return [*_SHOWING, *rerun_options(self.pytest_args), *alone, *more, "--", *files]

    def _call(
        self,
        arguments: Iterable[str],
        *,
        select: tuple[str, ...] | None = None,
        deselect: tuple[str, ...] = (),
        trace: bool = False,
        cheaply: bool = False,
        cache: Path | None = None,
    ) -> ProbeRun:
        call = Call(
            self.python,
            self.project,
            tuple(arguments),
            self.environ,
            self._clean_bytecode(),
            self.test_timeout,
            self.run_timeout,
            select,
            deselect,
            self._traced(cheaply) if trace else (),
            cheaply,
            self.with_imports,
            cache,
            with_installed=select is None and not self.installed,
        )
        answer = self.call(call)
        self.installed = self.installed or answer.run.installed
        self.imports |= answer.run.imports
        if answer.run.rootdir:
            self._rootdir, self._plugins = answer.run.rootdir, answer.run.plugins
        _require_run(answer, self.python)
        return answer.run

    def _traced(self, everywhere: bool) -> tuple[Path, ...]:
        folders = {self.project, self.rootdir()}
        return tuple(folders | {self.top} if everywhere and self.top else folders)

    def _clean_bytecode(self) -> Path:
        try:
            drop_bytecode(self.bytecode, self.top or self.project)
        except OSError:  # stale byte code must not be run, so what cannot be cleaned is not used
            self.bytecode = _temporary_folder()
        return self.bytecode

    def _cache(self) -> Path | None:
        """Where the project's pytest remembers what failed last: for a --lf that the user typed."""
        return find_cache(self.project, self.top or self.project)


SHOW_LOCALS = "--showlocals"
# -vv: assertions are shown whole. What tests print comes with their reports.
_SHOWING = ("-vv", "--show-capture=no")
_INTERACTIVE = ("--pdb", "--trace")
_CHOOSING = (
    *("--lf", "--last-failed", "--ff", "--failed-first", "--nf", "--new-first"),
    *("--sw", "--stepwise", "--sw-skip", "--stepwise-skip", "--sw-reset", "--stepwise-reset"),
)
_CHOOSING_BY_VALUE = ("--deselect", "--ignore", "--ignore-glob")
_USAGE = 4


def rerun_options(pytest_args: Sequence[str]) -> tuple[str, ...]:
    """The user's options without those that choose tests; a test that is named is run."""
    options = _without(_INTERACTIVE, (), options_that_choose_nothing(pytest_args))
    # The last of each wins, also over the project's own.
    return (*options, "-k", "", "-m", "", "--maxfail=0")


def options_that_choose_nothing(pytest_args: Sequence[str]) -> tuple[str, ...]:
    """The user's options without those that choose tests."""
    return tuple(_without(_CHOOSING, _CHOOSING_BY_VALUE, pytest_args))


def _without(flags: Sequence[str], valued: Sequence[str], args: Sequence[str]) -> list[str]:
    kept: list[str] = []
    rest = iter(args)
    for arg in rest:
        if arg in valued:
            next(rest, None)
        elif arg not in flags and arg.partition("=")[0] not in valued:
            kept.append(arg)
    return kept


def _add(results: dict[str, TestResult], more: Iterable[TestResult]) -> None:
    """A file that cannot be collected is reported again by every run; the first word counts."""
    for result in more:
        results.setdefault(result.nodeid, result)


def _place_of(nodeid: str) -> str:
    """What pytest is to be given. A conftest.py holds no tests: it is judged by those of its folder."""
    file = nodeid.partition("::")[0]
    return str(Path(file).parent) if Path(file).name == "conftest.py" else file


def _unheard_of(nodeid: str, run: ProbeRun) -> TestResult:
    """Why a test that was asked for was not even begun."""
    hidden = _hidden_by(nodeid.partition("::")[0], run)
    if hidden is not None:
        return replace(hidden, nodeid=nodeid)
    reason = "deselected by the project's own configuration" if nodeid in run.deselected else "not collected"
    return TestResult(nodeid, Verdict.NOT_RUN, reason)


def _collected(file: str, run: ProbeRun) -> TestResult:
    hidden = _hidden_by(file, run)
    if hidden is not None:
        return replace(hidden, nodeid=file)
    path = Path(file)
    holds_tests = any(path in (Path(other), *Path(other).parents) for other in run.collected)
    if holds_tests or path.name == "conftest.py":
        return TestResult(file, Verdict.PASSED)
    return TestResult(file, Verdict.NOT_RUN, "holds no test that can be collected")


def _hidden_by(file: str, run: ProbeRun) -> TestResult | None:
    """What could not be collected or imported, so that the file's tests were not seen."""
    path = Path(file)
    suspects = {file, *(parent.as_posix() for parent in path.parents)}
    suspects |= {(parent / "conftest.py").as_posix() for parent in path.parents}
    return next((result for result in run.results if result.details and result.nodeid in suspects), None)


def _unable(nodeid: str, problem: FixerError) -> TestResult:
    details = ErrorDetails("PytestCannotRun", problem.message)
    return TestResult(nodeid, Verdict.FAILED, "pytest could not run", details)


def _require_run(answer: Answer, python: Path) -> None:
    run, ended, output = answer.run, answer.ended, answer.output
    if run.internal_error:
        raise TestsCannotRun(f"pytest broke: {_last_lines(run.internal_error)}", f"See it: {python} -m pytest")
    missing = re.findall(r"^ERROR: (?:file or directory )?not found: (.*)$", output, re.MULTILINE)
    if ended.code == _USAGE and missing:
        raise UsageError(
            f"There is no such test: {', '.join(missing)}", "See the ids there are: pytest --collect-only -q"
        )
    if "No module named pytest" in output and run.rootdir is None:
        raise TestsCannotRun(f"{python} has no pytest.", f"{python} -m pip install pytest")
    if run.rootdir is None or (run.status in (None, _USAGE) and not run.results):
        why = "\n".join(answer.stacks.splitlines()[:15]) or _last_lines(output)
        raise TestsCannotRun(f"pytest could not start ({ended.how}):\n{why}", f"See it all: {python} -m pytest")


def _last_lines(text: str, count: int = 15) -> str:
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])
