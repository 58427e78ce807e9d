"""Runs tests against sources that are not on disk, in forks of a process that has pytest loaded already.

What passes here is a hint: whoever keeps a candidate has to run its test again, on disk and in a fresh process.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from secrets import token_hex
from time import monotonic
from types import TracebackType
from weakref import finalize

from fixer.application.ports import Overlay
from fixer.domain.errors import TestsCannotRun
from fixer.domain.models import TestResult, TestRun, Verdict
from fixer.infrastructure.candidate_supply import Supply
from fixer.infrastructure.fork_server import ForkServer, wait_for_any
from fixer.infrastructure.probe_records import ProbeRun, read_run
from fixer.probe.fixer_texts import difference


class ForkChecker:
    """Satisfies CandidateChecker, with `jobs` processes at work, each on up to `together` candidates in a row.

    `test_timeout` is in seconds. What a candidate is given is a multiple of what the unchanged sources took, and no
    more than that. `close`, or the end of this object, ends all processes and removes all files.
    """

    def __init__(
        self,
        *,
        python: Path,
        project: Path,
        rootdir: Callable[[], Path],
        pytest_args: tuple[str, ...] = (),
        test_timeout: float = 60,
        jobs: int = 2,
        together: int = 40,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._python = python
        self._project = project
        self._rootdir = rootdir
        self._pytest_args = pytest_args
        self._test_timeout = test_timeout
        self._jobs = jobs
        self._together = together
        self._environ = dict(os.environ if environ is None else environ)
        self._idle: list[ForkServer] = []
        self._numbers = count()
        self._spawn = False
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._shown: dict[tuple[str, ...], _Shown] = {}
        self._start_seconds = 0.0
        self._scratch = Path(tempfile.mkdtemp(prefix="fixer-candidates-"))
        self._collected = _Collected(self._scratch)
        self._close = finalize(self, _clean_up, self._idle, self._scratch)

    def __enter__(self) -> ForkChecker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes and remove all files."""
        self._close()

    def begin(self) -> None:
        """Collect the tests anew where they are asked for again: the sources on disk may be others by now."""
        self._collected.forget()

    def check(
        self,
        candidates: Iterable[Overlay],
        nodeids: Sequence[str],
        *,
        vital: Sequence[str] = (),
        known: TestRun | None = None,
    ) -> Iterator[tuple[Overlay, TestRun]]:
        """The candidates with what the tests showed, as they finish; the rest is stopped when the caller stops.

        Raises TestsCannotRun where pytest does not run on the unchanged sources.
        """
        busy: dict[ForkServer, _Job] = {}
        folder = self._scratch / f"check{next(self._numbers)}"
        (folder / "tmp").mkdir(parents=True)
        try:
            few = isinstance(candidates, Sized) and len(candidates) < _WORTH_WARMING
            called = monotonic()
            if candidates == [{}]:
                yield {}, self._unchanged(folder, tuple(nodeids))
                return
            plan = self._planned(folder, tuple(nodeids), known, few=few)
            plan, imports = replace(plan, vital=tuple(vital or nodeids), needed=tuple(vital)), not plan.warm
            if vital and not plan.warm and not few and self._shows_alone(folder, plan, known):
                yield from self._sifted(candidates, plan, known)
                return
            supply = Supply(iter(candidates), min(self._together, plan.together))
            begun = monotonic()
            alone_until = begun + max(_ALONE_SECONDS, begun - called)
            while True:
                alone = len(self._idle) + len(busy) < 2 and monotonic() < alone_until
                jobs = 1 if alone else self._jobs
                while len(busy) < jobs and (dealt := supply.deal()):
                    asked = replace(plan, early=supply.early)
                    self._start(busy, asked if imports else replace(asked, preload=()), dealt)
                if not busy:
                    return
                for server in wait_for_any(busy):
                    job, run = self._finish(busy, server)
                    supply.spent(monotonic() - job.started, len(job.overlays))
                    if len(job.overlays) == 1:
                        yield job.overlays[0], run.as_test_run(monotonic() - job.started)
                    else:
                        imports = imports or not _IMPORTED.isdisjoint(job.letters())
                        failed = supply.take_back(job.overlays, job.letters(), early=job.early)
                        yield from ((overlay, plan.failed(letter)) for overlay, letter in failed)
        finally:
            for server in busy:
                server.stop()
            self._idle += busy
            shutil.rmtree(folder, ignore_errors=True)

    def _shows_alone(self, folder: Path, plan: _Plan, known: TestRun | None) -> bool:
        """Whether the most telling of several tests does the same where no other test runs."""
        first = plan.vital[:1]
        if len(plan.nodeids) == 1 or first[0] not in self._shown[plan.nodeids]:
            return False
        alone = folder / "alone"
        alone.mkdir()
        self._planned(alone, first, known, few=True)
        return self._shown[first].get(first[0]) == self._shown[plan.nodeids][first[0]]

    def _sifted(
        self, candidates: Iterable[Overlay], plan: _Plan, known: TestRun | None
    ) -> Iterator[tuple[Overlay, TestRun]]:
        """All tests only for those that pass the most telling one: alone it may be had quicker."""
        first = plan.vital[0]
        for overlay, run in self.check(candidates, [first], vital=[first], known=known):
            if run.of(first):
                yield from self.check([overlay], plan.nodeids, vital=plan.vital)
            else:
                yield overlay, plan.failed("f")

    def _unchanged(self, folder: Path, nodeids: tuple[str, ...]) -> TestRun:
        """What these tests show of the sources as they are."""
        self._measure(folder, nodeids)
        shown = self._shown[nodeids].items()
        return TestRun(tuple(TestResult(nodeid, verdict) for nodeid, (verdict, _) in shown))

    def _planned(self, folder: Path, nodeids: tuple[str, ...], known: TestRun | None, *, few: bool) -> _Plan:
        """What to run and how long it may take, found out on the unchanged sources."""
        warm = self._collected.process(nodeids, may_begin=not few) if not self._spawn else ""
        self._measure(folder, nodeids, warm, known)
        plan = replace(self._plans[nodeids], folder=folder)
        if not warm or self._spawn or plan.mount:
            return plan
        warmed = replace(plan, warm=warm)
        if not self._collected.has_answered(nodeids):
            run, _ = self._first_run(warmed)
            # A shortcut that does not show the known failure cannot be trusted with a fix.
            self._collected.note(nodeids, trusted=_shown(run) == self._shown[nodeids])
        return warmed if self._collected.is_trusted(nodeids) else plan

    def _measure(self, folder: Path, nodeids: tuple[str, ...], warm: str = "", known: TestRun | None = None) -> None:
        """Get to know these tests, unless they are known."""
        (folder / _SELECTION).write_text(json.dumps(nodeids), encoding="ascii")
        if nodeids not in self._plans and warm and known:
            self._measure_at_once(folder, nodeids, warm, known)
        if nodeids not in self._plans:
            self._plans[nodeids], self._shown[nodeids] = self._measured(folder, nodeids, known)

    def _measured(self, folder: Path, nodeids: tuple[str, ...], known: TestRun | None) -> tuple[_Plan, _Shown]:
        """How long is long, which options are needed, what can be loaded in advance; and what the tests show."""
        plan = self._first_plan(folder, nodeids, known)
        run, took = self._first_run(plan, with_modules=True)
        if run.rootdir is None and not self._spawn:
            self._spawn = True  # this project cannot be forked
            run, took = self._first_run(plan, with_modules=True)
        if run.rootdir is None:
            raise TestsCannotRun("pytest does not start for candidates.", f"See why: {self._python} -m pytest")
        return self._informed(plan, run, took), _shown(run)

    def _measure_at_once(self, folder: Path, nodeids: tuple[str, ...], warm: str, known: TestRun) -> None:
        """Where a fresh process has shown what the tests do, the first to run them here may be a warm one.

        Nothing is noted where it shows something else, or cannot be had.
        """
        if not _knows(known, nodeids):
            return
        plan = replace(self._first_plan(folder, nodeids, known), warm=warm)
        run, took = self._first_run(plan, with_modules=True)
        if not _shows(run, nodeids, known):
            return
        # There reports do not tell how long a test took.
        timed = replace(run, results=tuple(map(known.of, nodeids)))
        plan = self._informed(plan, timed, took)
        if plan.mount:
            return
        self._plans[nodeids], self._shown[nodeids] = replace(plan, warm=""), _shown(run)
        self._collected.note(nodeids, trusted=True)

    def _first_plan(self, folder: Path, nodeids: tuple[str, ...], known: TestRun | None) -> _Plan:
        """For a run that nothing was measured for. Where it is known which tests hang, these need not be waited for."""
        seconds = min(self._test_timeout, _FIRST_SECONDS)
        if known and _knows(known, nodeids):
            seconds = _limit([known.of(nodeid) for nodeid in nodeids], self._test_timeout)
        beside = max(_ended(known.results), default=0.0) if known else 0.0
        return _Plan(folder, nodeids, seconds, seconds * (len(nodeids) + 1) + _START_SECONDS, beside=beside)

    def _informed(self, plan: _Plan, run: ProbeRun, took: float) -> _Plan:
        """With the limits, and with what such a run has told of what it needs."""
        modules = plan.folder / _MODULES
        seen = json.loads(modules.read_bytes()) if modules.exists() else {}
        installed, mount = tuple(seen.get("installed", ())), seen.get("starts processes", False)
        self._start_seconds = max(self._start_seconds, took - sum(result.seconds for result in run.results))
        plan = _timed(plan, run, self._start_seconds, self._test_timeout)
        return replace(plan, options=_options(run), preload=installed, own=seen.get("own", {}), mount=mount)

    def _first_run(self, plan: _Plan, *, with_modules: bool = False) -> tuple[ProbeRun, float]:
        busy: dict[ForkServer, _Job] = {}
        self._start(busy, plan, ({},), plan.folder / _MODULES if with_modules else None)
        (server,) = busy
        job, run = self._finish(busy, server)
        return run, monotonic() - job.started

    def _start(
        self, busy: dict[ForkServer, _Job], plan: _Plan, overlays: tuple[Overlay, ...], modules: Path | None = None
    ) -> None:
        server = self._server()
        path = plan.folder / str(next(self._numbers))
        job = _Job(overlays, path, token_hex(16), monotonic(), early=plan.early)
        busy[server] = job
        request = {
            "overlay": _by_name(overlays[0]),
            "folder": str(self._project),
            "arguments": self._arguments(plan, job),
            "environ": _environ(plan, job),
            "preload": plan.preload,
            "modules": str(modules) if modules else "",
            "file": str(job.path.with_suffix(".request")),
            "seconds": plan.wall_seconds,
            "memory": _MEMORY,
            "warm": self._warm(plan, job),
            "needed": plan.needed,
            "mount": plan.mount,
        }
        server.start(request if len(overlays) == 1 else {**request, **_batch(plan, job)})

    def _server(self) -> ForkServer:
        while self._idle:
            server = self._idle.pop()
            if server.is_alive():
                return server
        return ForkServer(self._python, self._project, self._environ, self._scratch, spawn=self._spawn)

    def _warm(self, plan: _Plan, job: _Job) -> Mapping[str, object]:
        """How the process begins that collects the tests, unless there is one; it outlives what is this check's own."""
        if not plan.warm:
            return {}
        folder = Path(plan.warm)
        lasting = replace(plan, folder=folder)
        own = replace(job, path=folder / f"{job.path.parent.name}-{job.path.name}")
        environ = {name: value for name, value in _environ(lasting, own).items() if name != _SELECT}
        return {"name": plan.warm, "arguments": self._arguments(lasting, own), "environ": environ}

    def _arguments(self, plan: _Plan, job: _Job) -> list[str]:
        files = dict.fromkeys(str(self._rootdir() / nodeid.partition("::")[0]) for nodeid in plan.nodeids)
        # Nobody reads why a candidate fails, and showing it takes longer than most tests.
        quick = [
            "--assert=plain",
            "--tb=no",
            "--maxfail=0",
            "-o",
            f"cache_dir={plan.folder / 'cache'}",
            "-p",
            "fixer_probe",
        ]
        return [*self._pytest_args, *quick, *plan.options, f"--basetemp={job.path.with_suffix('.tmp')}", "--", *files]

    def _finish(self, busy: dict[ForkServer, _Job], server: ForkServer) -> tuple[_Job, ProbeRun]:
        ending = server.answer()
        job = busy.pop(server)
        if server.is_alive():
            self._idle.append(server)
        lines = job.records.read_bytes().splitlines() if job.records.exists() else []
        return job, read_run(lines, job.nonce, self._project, ending)


@dataclass(frozen=True)
class _Plan:
    """What is the same for all candidates on the same tests."""

    folder: Path
    nodeids: tuple[str, ...]
    test_seconds: float
    wall_seconds: float
    options: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict)
    """The names of the project's modules that the tests have loaded, by their files."""
    warm: str = ""
    """Names the process that has the tests collected, and its folder; empty where each candidate collects them."""
    mount: bool = False
    """Whether the tests start processes, which only see a candidate where it is mounted over the file."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """What each of the tests takes on the unchanged sources."""
    beside: float = 0.0
    """What the slowest of all tests takes that are known, be they asked or not; of those that end."""
    vital: tuple[str, ...] = ()
    """Those of them that a batch tries, the failing one first: what fails one of these need not be run."""
    needed: tuple[str, ...] = ()
    """Those that end a run where they fail; the first only where it hangs, for it may fail later than it did."""
    early: bool = False
    """Whether a batch may change what ran while the tests were collected."""

    @property
    def together(self) -> int:
        """How many candidates are tried in one process: as many as are worth the wait for the first of them."""
        if not self.warm or not all("::" in nodeid for nodeid in self.nodeids):
            return 1
        seconds = max(self.seconds.get(self.vital[0], 0.0), 1e-4)
        spared = _FORK_SECONDS + sum(self.seconds.values()) - seconds
        # Each batch begins and ends with a run of the unchanged sources, which has to be worth it.
        return max(int(_BATCH_SECONDS / seconds), _SLOW_TOGETHER if 2 * seconds < _SLOW_TOGETHER * spared else 1)

    @property
    def candidate_seconds(self) -> Mapping[str, float]:
        """Of CPU time, that each test of a candidate among others may take before that is put off.

        The failing one may take longer than it did, when it gets further, but hardly longer than all its neighbours.
        """
        took = {nodeid: self.seconds.get(nodeid, 0.0) for nodeid in self.vital}
        limits = {nodeid: max(_LEAST_CPU_SECONDS, _TIMES_SLOWER * seconds) for nodeid, seconds in took.items()}
        limits[self.vital[0]] = max(limits[self.vital[0]], _TIMES_LONGEST * max(took.values()))
        return {nodeid: min(self.test_seconds, limit) for nodeid, limit in limits.items()}

    def failed(self, letter: str) -> TestRun:
        """What is known of a candidate that failed among others: `n`, not by the most telling of the tests."""
        verdicts = [Verdict.PASSED if letter == "n" else Verdict.FAILED, *[Verdict.FAILED] * (len(self.vital) - 1)]
        return TestRun(tuple(map(TestResult, self.vital, verdicts)))


@dataclass(frozen=True)
class _Job:
    """A candidate at work, or a batch of them; what belongs to it lies beside `path`."""

    overlays: tuple[Overlay, ...]
    path: Path
    nonce: str
    started: float
    early: bool = False
    """Whether it may change what ran while the tests were collected."""

    @property
    def records(self) -> Path:
        return self.path.with_suffix(".jsonl")

    def letters(self) -> str:
        """What `fixer_batch` has written of its candidates."""
        path = self.path.with_suffix(".letters")
        return path.read_text("ascii", errors="replace") if path.exists() else ""


class _Collected:
    """The processes that have tests collected, one for each set of files, and for which tests they were held to work.

    They hold what was on disk when they began, and are of use as long as that is there.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._numbers = count()
        self._names: dict[tuple[str, ...], str] = {}
        self._trusted: dict[tuple[str, ...], bool] = {}

    def forget(self) -> None:
        """Have others begin when they are asked for."""
        for name in self._names.values():
            shutil.rmtree(name, ignore_errors=True)
        self._names.clear()
        self._trusted.clear()

    def process(self, nodeids: Sequence[str], *, may_begin: bool) -> str:
        """The name of the one that has the files of these tests; empty where none has, and none may begin."""
        files = tuple(sorted({nodeid.partition("::")[0] for nodeid in nodeids}))
        if files not in self._names and may_begin:
            folder = self._scratch / f"collected{next(self._numbers)}"
            (folder / "tmp").mkdir(parents=True)
            self._names[files] = str(folder)
        return self._names.get(files, "")

    def note(self, nodeids: tuple[str, ...], *, trusted: bool) -> None:
        """Whether these tests do there what they do in a process of their own."""
        self._trusted[nodeids] = trusted

    def has_answered(self, nodeids: tuple[str, ...]) -> bool:
        """Whether that is known."""
        return nodeids in self._trusted

    def is_trusted(self, nodeids: tuple[str, ...]) -> bool:
        """Whether they may be tried there."""
        return self._trusted.get(nodeids, False)


_IMPORTED = frozenset("uv")
"""The letters of candidates that cannot be swapped."""
_MODULES = "modules.json"
_SELECTION = "select.json"
_SELECT = "FIXER_PROBE_SELECT"
_Shown = dict[str, tuple[Verdict, str]]
_WORTH_WARMING = 3
"""Candidates; fewer do not earn back the time that it takes to prepare for them."""
_ALONE_SECONDS = 0.5
"""In which one process tries them, or as long as its start has taken: to start another costs as much."""
_START_SECONDS = 20.0
_FIRST_SECONDS = 5.0
"""For a test on the unchanged sources, which may hang: that is what is wrong with some."""
_LEAST_SECONDS = 0.25
_TIMES_SLOWER = 10
_TIMES_LONGEST = 2
_BATCH_SECONDS = 0.5
_SLOW_TOGETHER = 8
"""Candidates, where the test takes so long that fewer would fill a batch."""
_FORK_SECONDS = 0.1
"""What a candidate costs that is tried alone, beside its tests."""
_LEAST_CPU_SECONDS = 0.05
_MEMORY = 4 << 30
"""Bytes of address space."""


def _timed(plan: _Plan, run: ProbeRun, start: float, most: float) -> _Plan:
    seconds = _limit(run.results, most, plan.beside)
    waited = 3 * max(0.1, start) + 2 * seconds + _TIMES_SLOWER * sum(_ended(run.results))
    each = {result.nodeid: result.seconds for result in run.results}
    return replace(plan, seconds=each, test_seconds=seconds, wall_seconds=waited)


def _limit(results: Iterable[TestResult], most: float, beside: float = 0.0) -> float:
    """Seconds that a test may take, when those that ended took so long; where none did, as others of its file do."""
    ended = _ended(results)
    longest = _TIMES_SLOWER * max(ended) if ended else _TIMES_LONGEST * beside
    return min(most, max(_LEAST_SECONDS, longest))


def _ended(results: Iterable[TestResult]) -> list[float]:
    return [result.seconds for result in results if _end(result)[1] != "Timeout"]


def _knows(known: TestRun, nodeids: Sequence[str]) -> bool:
    """Whether all of these were seen."""
    return {result.nodeid for result in known.results} >= set(nodeids)


def _shows(run: ProbeRun, nodeids: Sequence[str], known: TestRun) -> bool:
    """Whether each of these ends as it is known to."""
    return run.rootdir is not None and _shown(run) == {nodeid: _end(known.of(nodeid)) for nodeid in nodeids}


def _end(result: TestResult) -> tuple[Verdict, str]:
    """Without the message: assertions are not rewritten here, and many a one tells an address or the time of day."""
    return result.verdict, result.details.error_type if result.details else ""


def _batch(plan: _Plan, job: _Job) -> Mapping[str, object]:
    """What makes a request one for a batch. The whole of it may take longer: machines are busy.

    A text is sent as far as it differs from another: the whole of a large file takes longer to send than to try.
    """
    bases: dict[Path, str] = {}
    for overlay in job.overlays:
        bases = {**overlay, **bases}
    limits = plan.candidate_seconds
    return {
        "bases": _by_name(bases),
        "batch": [{str(path): difference(bases[path], text) for path, text in one.items()} for one in job.overlays],
        "letters": str(job.path.with_suffix(".letters")),
        "vital": plan.vital,
        "late": [plan.own[str(path)] for path in bases if str(path) in plan.own],
        "early": plan.early,
        "candidate_seconds": limits,
        "seconds": plan.wall_seconds + 4 * len(job.overlays) * max(limits.values()),
    }


def _by_name(overlay: Overlay) -> dict[str, str]:
    return {str(path): text for path, text in overlay.items()}


def _shown(run: ProbeRun) -> _Shown:
    return {result.nodeid: _end(result) for result in run.results}


def _options(run: ProbeRun) -> tuple[str, ...]:
    """Workers of xdist would not see the candidate, and measured coverage costs time."""
    alone = ("-n", "0") if "pytest-xdist" in run.plugins else ()
    return (*alone, "--no-cov") if "pytest-cov" in run.plugins else alone


def _environ(plan: _Plan, job: _Job) -> Mapping[str, str]:
    # Byte code is matched by size and second and goes stale, so it is shared by the runs of one check only.
    environ = {
        "PYTHONPYCACHEPREFIX": str(plan.folder / "bytecode"),
        "TMPDIR": str(plan.folder / "tmp"),  # what a test leaves there, thousands of candidates would leave
        "FIXER_PROBE_OUT": str(job.records),
        "FIXER_PROBE_NONCE": job.nonce,
        "FIXER_PROBE_TIMEOUT": str(plan.test_seconds),
    }
    if all("::" in nodeid for nodeid in plan.nodeids):
        environ[_SELECT] = str(plan.folder / _SELECTION)
    return environ


def _clean_up(servers: list[ForkServer], scratch: Path) -> None:
    for server in servers:
        server.end()
    shutil.rmtree(scratch, ignore_errors=True)
