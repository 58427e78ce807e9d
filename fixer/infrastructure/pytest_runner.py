"""Runs the project's tests with the project's own interpreter, and reads the probe, never the screen."""

from __future__ import annotations

import atexit
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import fixer.probe
from fixer.domain.errors import TestsCannotRun, UsageError
from fixer.domain.models import TestResult, TestRun
from fixer.infrastructure.probe_records import ProbeRun, read_run
from fixer.infrastructure.process_group import Ended, run_group

PROBE_FOLDER = Path(fixer.probe.__file__).parent
MOST_RESUMES = 20
"""How often a run is taken up again behind a test that killed or blocked the process."""
OUTPUT_LIMIT = 200_000
"""Bytes of pytest's own output that are looked at when it could not run."""


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
    _rootdir: Path | None = field(default=None, init=False)
    _plugins: frozenset[str] = field(default=frozenset(), init=False)

    def rootdir(self) -> Path:
        """What node ids are relative to: pytest's rootdir once it is known."""
        return self._rootdir or self.project

    def discover(self) -> TestRun:
        """Run what the user selected. Raises UsageError for an unknown test, TestsCannotRun where pytest cannot run."""
        started = time.monotonic()
        args = ["--continue-on-collection-errors", *self.pytest_args, "--", *self.selection]
        run = self._call(args, must_run=True)
        results = [*run.results]
        for _ in range(MOST_RESUMES):
            if not run.unfinished:
                break
            # What comes behind a test that killed the process still has to be seen.
            run = self._resume(args, {result.nodeid for result in results})
            results += run.results
        return TestRun(tuple(results), {}, time.monotonic() - started)

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        """Run exactly these tests, in file order; with `trace`, with the lines that each executed."""
        started = time.monotonic()
        left = list(dict.fromkeys(nodeids))
        whole = ProbeRun()
        for _ in range(MOST_RESUMES):
            run = self._call(self._rerun_args(left), select=left, trace=trace)
            whole = replace(whole, results=whole.results + run.results, executed={**whole.executed, **run.executed})
            if not run.unfinished:
                break
            seen = {result.nodeid for result in whole.results}
            left = [nodeid for nodeid in left if nodeid not in seen]
            if not left:
                break
        return whole.as_test_run(time.monotonic() - started)

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        """Run exactly this test in a fresh process."""
        file = Path(test_file).as_posix()
        nodeid = f"{file}::{test_function}" if test_function else file
        if not test_function:
            return self._collects(nodeid)
        return self.run([nodeid]).of(nodeid)

    def _collects(self, file: str) -> TestResult:
        """A file that could not be collected is mended when all of it can be, and holds a test."""
        from fixer.domain.models import Verdict

        run = self._call([*self._rerun_args([file]), "--collect-only"])
        failed = next((result for result in run.results if result.details), None)
        if failed:
            return failed
        if run.status != 0:
            return TestResult(file, Verdict.NOT_RUN, "holds no test that can be collected")
        return TestResult(file, Verdict.PASSED)

    def _resume(self, args: Sequence[str], seen: set[str]) -> ProbeRun:
        return self._call(args, deselect=sorted(seen))

    def _rerun_args(self, nodeids: Sequence[str]) -> list[str]:
        files = dict.fromkeys(str(self.rootdir() / nodeid.partition("::")[0]) for nodeid in nodeids)
        # The last -n and --maxfail win over the project's own.
        alone = ["-n", "0"] if "pytest-xdist" in self._plugins else []
        options = [arg for arg in self.pytest_args if arg != "-x"]
        return [*_without_selection(options), "--maxfail=0", *alone, "--", *files]

    def _call(
        self,
        args: Sequence[str],
        *,
        select: Sequence[str] | None = None,
        deselect: Sequence[str] = (),
        trace: bool = False,
        must_run: bool = False,
    ) -> ProbeRun:
        with tempfile.TemporaryDirectory(prefix="fixer-run-") as folder:
            drop_bytecode(self.bytecode, self.top or self.project)
            call = _Call(Path(folder), self)
            ended = call.make([*self._fixed_args(), *args], select, deselect, trace)
            run = call.read(ended)
            if run.rootdir:
                self._rootdir, self._plugins = run.rootdir, run.plugins
            _require_run(run, ended, call.output_tail(), self.python)
            if must_run:
                _require_selection(run, ended, call.output_tail())
            return run

    def _fixed_args(self) -> list[str]:
        coverage = ["--no-cov"] if "pytest-cov" in self._plugins else []
        # -vv: assertions are shown whole; no cache: the user's own --lf stays what it was.
        return ["-vv", "-p", "no:cacheprovider", "-p", "fixer_probe", *coverage]


class _Call:
    """One pytest process and the files it speaks through."""

    def __init__(self, folder: Path, runner: PytestRunner) -> None:
        self._folder = folder
        self._runner = runner
        self._records = folder / "records.jsonl"
        self._output = folder / "output.txt"
        self._nonce = secrets.token_hex(16)
        self._seen_size = -1
        self._seen_at = 0.0

    def make(self, args: list[str], select: Sequence[str] | None, deselect: Sequence[str], trace: bool) -> Ended:
        self._records.write_bytes(b"")
        env = {
            **project_environment(os.environ),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(PROBE_FOLDER), os.environ.get("PYTHONPATH", "")])),
            "PYTHONPYCACHEPREFIX": str(self._runner.bytecode),
            "FIXER_PROBE_OUT": str(self._records),
            "FIXER_PROBE_NONCE": self._nonce,
            "FIXER_PROBE_TIMEOUT": str(self._runner.test_timeout),
        }
        if select is not None:
            env["FIXER_PROBE_SELECT"] = self._list_file("select.json", select)
        if deselect:
            env["FIXER_PROBE_DESELECT"] = self._list_file("deselect.json", deselect)
        if trace:
            env["FIXER_PROBE_TRACE"] = json.dumps([str(self._runner.project), str(self._runner.rootdir())])
        with self._output.open("wb") as output:
            argv = [str(self._runner.python), "-m", "pytest", *args]
            return run_group(argv, self._runner.project, env, output, self._should_stop)

    def read(self, ended: Ended) -> ProbeRun:
        ending = ended.how
        if ended.stopped:
            ending = f"{ended.stopped}\n{self.output_tail()}"
        with self._records.open("rb") as lines:
            return read_run(lines, self._nonce, self._runner.project, ending)

    def output_tail(self) -> str:
        with self._output.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - OUTPUT_LIMIT))
            return file.read().decode(errors="replace").strip()

    def _list_file(self, name: str, nodeids: Sequence[str]) -> str:
        path = self._folder / name
        path.write_text(json.dumps(list(nodeids)), encoding="ascii")
        return str(path)

    def _should_stop(self, seconds: float) -> str:
        """The soft limit in the probe should have spoken long before; it can be swallowed or blocked in C."""
        size = self._records.stat().st_size
        if size != self._seen_size:
            self._seen_size, self._seen_at = size, seconds
        limit = self._runner.test_timeout * 2 + 5
        if size and seconds - self._seen_at > limit:
            return f"timed out: nothing was heard of it for {limit:g} s"
        if seconds > self._runner.run_timeout:
            return f"timed out: the run took longer than {self._runner.run_timeout:g} s"
        return ""


def drop_bytecode(bytecode: Path, top: Path) -> None:
    """Forget what was compiled of the project itself, but not of what is installed in it.

    Byte code is matched by size and second: after an edit of the same size within a second it would be the old code.
    """
    for folder, folders, files in os.walk(bytecode / top.relative_to(top.anchor)):
        folders[:] = [name for name in folders if name not in ("site-packages", "dist-packages")]
        for name in files:
            Path(folder, name).unlink(missing_ok=True)


def project_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, alike for every run, and without what is fixer's own."""
    env = {name: value for name, value in environ.items() if not name.startswith("FIXER_")}
    for name in _DISTURBING:
        env.pop(name, None)
    return {**env, "NO_COLOR": "1", "COLUMNS": "120"}


# They change how much of an assertion is shown, which options pytest gets, whose Python this is, or keep byte code out
# of the place that was made for it.
_DISTURBING = (
    *("CI", "BUILD_NUMBER", "FORCE_COLOR", "PY_COLORS", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST"),
    *("PYTHONHOME", "PYTHONDONTWRITEBYTECODE"),
)


def _without_selection(args: Sequence[str]) -> list[str]:
    """Without -k and -m: a re-run names its tests exactly."""
    kept: list[str] = []
    skip = False
    for arg in args:
        if not skip and arg not in ("-k", "-m"):
            kept.append(arg)
        skip = not skip and arg in ("-k", "-m")
    return kept


_INTERNAL, _USAGE, _NO_TESTS = 3, 4, 5


def _require_run(run: ProbeRun, ended: Ended, output: str, python: Path) -> None:
    if run.internal_error:
        raise TestsCannotRun(f"pytest broke: {_last_lines(run.internal_error)}", f"See it: {python} -m pytest")
    if run.rootdir is None or (run.status == _USAGE and not run.results):
        if ended.code == _USAGE and "not found:" in output:
            raise UsageError(_not_found(output), "See the ids there are: pytest --collect-only -q")
        if "No module named pytest" in output:
            raise TestsCannotRun(f"{python} has no pytest.", f"{python} -m pip install pytest")
        raise TestsCannotRun(
            f"pytest could not start ({ended.how}):\n{_last_lines(output)}", f"See it all: {python} -m pytest"
        )


def _require_selection(run: ProbeRun, ended: Ended, output: str) -> None:
    if ended.code == _USAGE and "not found:" in output:
        raise UsageError(_not_found(output), "See the ids there are: pytest --collect-only -q")


def _not_found(output: str) -> str:
    missing = [line.partition("not found:")[2].strip() for line in output.splitlines() if "not found:" in line]
    return f"There is no such test: {', '.join(missing)}"


def _last_lines(text: str, count: int = 15) -> str:
    return "\n".join(text.splitlines()[-count:])
