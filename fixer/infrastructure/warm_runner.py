"""Runs tests in forks of a process that has pytest loaded already; a fresh process has the last word.

A known failure and a known pass have to be reproduced before anything that a fork shows is believed; of what it shows
then, only what the caller asks about is (`ALL_FAILED`, `ALL_PASSED`), and never what the fork or its limits may have
caused. In all other cases the tests run in a fresh process.
"""

from __future__ import annotations

import copy
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from pathlib import Path
from weakref import finalize

from fixer.domain.errors import TestsCannotRun, UsageError
from fixer.domain.models import TestResult, TestRun, Verdict
from fixer.infrastructure.process_group import Running
from fixer.infrastructure.pytest_call import MOST_OUTPUT, Answer, Call, call_with, project_environment
from fixer.infrastructure.pytest_runner import SHOW_LOCALS, PytestRunner
from fixer.infrastructure.warm_server import Limits, Unfit, WarmServer


class Depth(Enum):
    """What was done before a run begins."""

    CONFIGURED = "forked when pytest is configured"
    LOADED = "forked when pytest is loaded"
    SPARE = "started ahead"


Believed = Callable[[TestResult], bool]


def is_failure(result: TestResult) -> bool:
    """Whether it failed, and not for lack of time or memory, nor killed by nobody knows whom."""
    if result.verdict is not Verdict.FAILED or result.details is None:
        return False
    return result.details.error_type not in _LIMITS and not result.reason.startswith(_KILLED)


def is_pass(result: TestResult) -> bool:
    """Whether it passed."""
    return bool(result)


class WarmRunner:
    """A TestRunner: `discover` is a fresh run; the others answer from forks where all that these show is believed."""

    def __init__(self, fresh: PytestRunner, warm: WarmProcess, believed: Believed = is_failure) -> None:
        self._fresh = fresh
        self._warm = warm
        self._believed = believed

    def discover(self) -> TestRun:
        """Run what the user selected, in a fresh process."""
        run = self._fresh.discover()
        self._warm.known = run
        return run

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        """Run exactly these tests."""
        found = self._warm.run(nodeids, trace=trace)
        if found is not None and (self._warm.confirms(found) if trace else self._believes(found, nodeids)):
            return found
        return self._fresh.run(nodeids, trace=trace)

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        """Run exactly this test; that it passed is what a fresh process has shown."""
        file = Path(test_file).as_posix()
        nodeid = f"{file}::{test_function}" if test_function else file
        return self.run([nodeid]).of(nodeid)

    def _believes(self, found: TestRun, nodeids: Sequence[str]) -> bool:
        return all(self._believed(found.of(nodeid)) for nodeid in nodeids)


class WarmProcess:
    """Runs tests at the greatest depth that has shown what a fresh process showed; `notice` hears when and why not."""

    def __init__(
        self, fresh: PytestRunner, notice: Callable[[str], None], depths: Sequence[Depth] = tuple(Depth)
    ) -> None:
        self._fresh = fresh
        self._notice = notice
        self._depths = list(depths)
        self.known = TestRun(())
        """What the last fresh run of everything has shown."""
        self._runner: PytestRunner | None = None
        self._hopeless: frozenset[str] = frozenset()
        self._deaths = 0
        self._forks: Forks | None = None

    @property
    def depth(self) -> Depth | None:
        """The depth in use; None where there is none."""
        return self._depths[0] if self._runner and self._depths else None

    def calibrate(self, red: Collection[str]) -> None:
        """Find the greatest depth that shows the same of the sources as they still are; `red` fails for certain."""
        failed = [result for result in self.known.results if result.nodeid in red and "::" in result.nodeid]
        probes = _probes(self.known, [result for result in failed if is_failure(result)])
        if self._runner or not self._depths or not probes:
            return
        self._hopeless = frozenset(result.nodeid for result in failed if not is_failure(result))
        self._forks = Forks(self._fresh)
        self._runner = copy.copy(self._fresh)
        self._runner.call = self._forks.call
        while self._depths and not self._reproduces(self._runner, self._forks, probes):
            self._depths.pop(0)
        if self._depths:
            self._notice(f"Tests are looked at in processes that are {self._depths[0].value}.")

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun | None:
        """What they show; None where that has to be seen in a fresh process."""
        if not self._runner or not self._depths or self._hopeless.intersection(nodeids):
            return None
        try:
            return self._runner.run(nodeids, trace=trace)
        except (TestsCannotRun, UsageError):
            return None
        except Unfit as why:
            self._went_wrong(str(why))
            return None

    def confirms(self, shown: TestRun) -> bool:
        """Whether tests fail as they did at first, and the others do too or pass: what is looked at is the same."""
        known = {result.nodeid: (result.verdict, result.reason) for result in self.known.results}
        new = [result for result in shown.results if (result.verdict, result.reason) != known.get(result.nodeid)]
        return all(map(is_pass, new)) and any(is_failure(result) for result in shown.results)

    def close(self) -> None:
        """End all processes and remove all files."""
        if self._forks:
            self._forks.close()

    def _reproduces(self, runner: PytestRunner, forks: Forks, known: Sequence[TestResult]) -> bool:
        forks.use(self._depths[0])
        nodeids = [result.nodeid for result in known]
        try:
            shown = runner.run(nodeids)
            if _alike(known, shown):
                return True
            # In other company they may show something else in truth.
            if _alike(self._fresh.run(nodeids).results, shown):
                return True
            why = "they do not show what a fresh process shows"
        except (Unfit, TestsCannotRun, UsageError) as problem:
            why = str(problem)
        self._notice(f"Tests cannot be run in processes that are {self._depths[0].value}: {why}.")
        return False

    def _went_wrong(self, why: str) -> None:
        self._deaths += 1
        given_up = self._deaths >= _MOST_DEATHS
        if given_up:
            self._depths.clear()
            self.close()
        self._notice(f"Tests run in a fresh process{' from here on' if given_up else ''}: {why}.")


class Forks:
    """Calls pytest at a depth; the process behind it is started when it is needed, and anew where it has died."""

    def __init__(self, fresh: PytestRunner) -> None:
        self.depth = Depth.CONFIGURED
        self._fresh = fresh
        self._preload = fresh.installed
        self._memory, self._cpus = _memory(), os.cpu_count() or 1
        self._servers: list[WarmServer] = []
        self._scratch = Path(tempfile.mkdtemp(prefix="fixer-warm-", dir=_in_memory()))
        self._basetemp = Path(tempfile.mkdtemp(prefix="fixer-warm-"))
        self.close = finalize(self, _clean_up, self._servers, (self._scratch, self._basetemp))

    def use(self, depth: Depth) -> None:
        """Do as much beforehand, from the next run on."""
        self._end_servers()
        self.depth, self._preload = depth, self._fresh.installed

    def call(self, call: Call) -> Answer:
        """Run pytest. Raises Unfit."""
        call = replace(call, arguments=(f"--basetemp={self._basetemp / 'tmp'}", *call.arguments))
        try:
            return call_with(self._launch, call, self._scratch)
        except Unfit as unfit:
            if not unfit.begun and self._preload and self.depth is not Depth.SPARE:
                self._preload = ()  # something of that may be what has changed, or starts threads
                self._end_servers()
                return call_with(self._launch, call, self._scratch)
            raise
        finally:
            shutil.rmtree(self._basetemp / "tmp", ignore_errors=True)
            _empty(self._scratch / "cache" / "v")
            _empty(self._scratch / "cache" / "d")
            if self.depth is Depth.SPARE:
                self._end_servers()
                self._server()  # so that it is ready when the next run is wanted

    def _launch(self, arguments: tuple[str, ...], folder: Path, env: dict[str, str], printed: Path) -> Running:
        traced = env.pop(_TRACE, "")  # which each run is told for itself: as for the rest, it is like all others
        if traced:
            arguments = tuple(argument for argument in arguments if argument != SHOW_LOCALS)
        seconds = self._fresh.run_timeout + _GRACE_SECONDS
        limits = Limits(seconds, self._memory, seconds * self._cpus)
        configured = self.depth is Depth.CONFIGURED
        return self._server().launch(arguments, folder, env, printed, limits, configured=configured, traced=traced)

    def _server(self) -> WarmServer:
        if self._servers and not self._servers[0].is_alive():
            self._end_servers()
        if not self._servers:
            env = {**project_environment(self._fresh.environ), "PYTHONPYCACHEPREFIX": str(self._fresh.bytecode)}
            spare = self.depth is Depth.SPARE
            ours, where = (self._scratch, self._basetemp), (self._fresh.python, self._fresh.project)
            self._servers.append(WarmServer(*where, env, self._preload, spare=spare, scratch=ours))
        return self._servers[0]

    def _end_servers(self) -> None:
        while self._servers:
            self._servers.pop().end()


_TRACE = "FIXER_PROBE_TRACE"
_LIMITS = ("Timeout", "MemoryError")
_KILLED = ("crashed (SIGKILL", "crashed (SIGXCPU", "timed out", "printed more", "it did not exit")
_MOST_DEATHS = 3
_GRACE_SECONDS = 60.0


def _probes(known: TestRun, red: Sequence[TestResult]) -> tuple[TestResult, ...]:
    """A known failure, and a known pass, of the same file where there is one; in the order of their run."""
    if not red:
        return ()
    file = red[0].nodeid.partition("::")[0]
    passed = [result for result in known.results if result]
    near = [result for result in passed if result.nodeid.partition("::")[0] == file]
    chosen = {red[0].nodeid, *(result.nodeid for result in (near or passed)[:1])}
    return tuple(result for result in known.results if result.nodeid in chosen)


def _alike(known: Sequence[TestResult], shown: TestRun) -> bool:
    return all(
        (found.verdict, found.reason) == (result.verdict, result.reason)
        for result in known
        for found in [shown.of(result.nodeid)]
    )


def _memory() -> int:
    """Bytes of address space: more than the machine has is only promised, but then not by one run."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) + (8 << 30)


def _empty(cache: Path) -> None:
    """Delete the files; to make the folders anew each time would take pytest longer than most tests."""
    for folder, _, names in os.walk(cache):
        for name in names:
            with suppress(OSError):
                Path(folder, name).unlink()


def _in_memory() -> str | None:
    """Where small files cost next to nothing, if there is such a place with room to spare; else the usual one.

    To empty a file and write it anew takes a tenth of a millisecond on a disk; a run does so several times.
    """
    with suppress(OSError):
        found = os.statvfs(_SHARED_MEMORY)
        if found.f_bavail * found.f_frsize > _ROOM and os.access(_SHARED_MEMORY, os.W_OK | os.X_OK):
            return _SHARED_MEMORY
    return None


_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the folder made in it is nobody else's
_ROOM = 4 * MOST_OUTPUT


def _clean_up(servers: list[WarmServer], folders: Sequence[Path]) -> None:
    for server in servers:
        server.end()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
