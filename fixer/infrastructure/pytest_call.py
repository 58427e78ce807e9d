"""One pytest process in the project's interpreter: what it is given, how it is watched, what it told."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import fixer.probe
from fixer.infrastructure.probe_records import ProbeRun, read_run
from fixer.infrastructure.process_group import Ended, Running, start_group, watch_group

PROBE_FOLDER = Path(fixer.probe.__file__).parent
OUTPUT_LIMIT = 200_000
"""Bytes of pytest's own output that are looked at when it could not run."""
MOST_OUTPUT = 100_000_000
"""Bytes that a process may print, or a test while its output is captured, before it is stopped."""
EXIT_SECONDS = 10.0
"""How long a process may take to exit when all its tests are done."""
SILENT_SECONDS = 120.0
"""How long a process may say nothing before its first test; importing can take its time."""


@dataclass(frozen=True)
class Call:
    """What a process is to do. Seconds as in the runner; `select` None means everything that pytest collects."""

    python: Path
    folder: Path
    arguments: tuple[str, ...]
    environ: Mapping[str, str]
    bytecode: Path
    test_timeout: float
    run_timeout: float
    select: tuple[str, ...] | None = None
    deselect: tuple[str, ...] = ()
    traced: tuple[Path, ...] = ()
    """Folders whose executed lines are wanted."""
    only_if_cheap: bool = False
    """Whether the lines are wanted only where recording them costs next to nothing."""
    with_imports: bool = False
    """Whether the files of all imported modules are wanted."""
    cache: Path | None = None
    """What pytest is to find in its cache; it gets a copy."""
    with_installed: bool = False
    """Whether the names of the installed modules that are imported are wanted."""


@dataclass(frozen=True)
class Answer:
    """What came of it; `output` is the end of what it printed, `stacks` where its threads were when it was ended."""

    run: ProbeRun
    ended: Ended
    output: str
    stacks: str


Launch = Callable[[tuple[str, ...], Path, dict[str, str], Path], Running]
"""Starts pytest with these arguments, in this folder and environment, printing into that file."""


def call_pytest(call: Call) -> Answer:
    """Run a fresh process to its end, or until it is silent, too long or too loud."""

    def launch(arguments: tuple[str, ...], folder: Path, env: dict[str, str], printed: Path) -> Running:
        with printed.open("wb") as output:
            argv = [str(call.python), "-m", "fixer_pytest", *arguments]
            return start_group(argv, folder, _with_nonce_aside(env, printed.parent), output)

    with tempfile.TemporaryDirectory(prefix="fixer-run-", ignore_cleanup_errors=True) as name:
        return call_with(launch, call, Path(name))


def call_with(launch: Launch, call: Call, folder: Path) -> Answer:
    """Run pytest as it is launched, with what it reads and writes for us in that folder, which is used anew."""
    nonce = secrets.token_hex(16)
    records, printed = folder / "records.jsonl", folder / "output.txt"
    records.write_bytes(b"")
    if call.cache:
        with suppress(OSError):  # files that only root may read; what can be read was copied
            shutil.copytree(call.cache, folder / "cache", ignore_dangling_symlinks=True)
    # A cache of its own: what the user's --lf means stays what it was.
    arguments = ("-p", "fixer_probe", "-o", f"cache_dir={folder / 'cache'}", *call.arguments)
    running = launch(arguments, call.folder, _environment(call, folder, records, nonce), printed)
    ended = watch_group(running, _Watch(call, records, printed, nonce))
    tail = _tail(printed)
    stacks = _stacks(tail)
    with records.open("rb") as lines:
        run = read_run(lines, nonce, call.folder, f"{ended.how}\n{stacks}")
    return Answer(run, ended, tail, stacks)


def _with_nonce_aside(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """In a file, which the probe deletes: what a process is started with can be read in /proc as long as it lives."""
    path = folder / "nonce"
    path.write_text(env["FIXER_PROBE_NONCE"], encoding="ascii")
    return {**{name: env[name] for name in env.keys() - {"FIXER_PROBE_NONCE"}}, "FIXER_PROBE_NONCE_FILE": str(path)}


def project_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, alike for every run, and without what is fixer's own."""
    env = {name: value for name, value in environ.items() if not name.startswith("FIXER_")}
    for name in _DISTURBING:
        env.pop(name, None)
    return {**env, "NO_COLOR": "1", "COLUMNS": "120"}


def drop_bytecode(bytecode: Path, top: Path) -> None:
    """Forget what was compiled of the project itself, but not of what is installed in it. Raises OSError.

    Byte code is matched by size and second: after an edit of the same size within a second it would be the old code.
    """
    for path in {top, top.resolve()}:
        for folder, folders, files in os.walk(bytecode / path.relative_to(path.anchor)):
            folders[:] = [name for name in folders if name not in ("site-packages", "dist-packages")]
            for name in files:
                Path(folder, name).unlink(missing_ok=True)


# They change how much of an assertion is shown, which options pytest gets, whose Python this is, or keep byte code out
# of the place that was made for it.
_DISTURBING = (
    *("CI", "BUILD_NUMBER", "FORCE_COLOR", "PY_COLORS", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST"),
    *("PYTHONHOME", "PYTHONDONTWRITEBYTECODE"),
)


class _Watch:
    """Says when a process has to be stopped, and why.

    The soft limit in the probe should have spoken long before; it can be swallowed or blocked in C.
    """

    def __init__(self, call: Call, records: Path, printed: Path, nonce: str) -> None:
        self._call = call
        self._records = records
        self._printed = printed
        self._nonce = nonce
        self._size = 0
        self._heard_at = 0.0
        self._kind = ""

    def __call__(self, seconds: float, process: int) -> str:
        self._listen(seconds)
        silent = seconds - self._heard_at
        if self._kind == "end":
            return f"it did not exit within {EXIT_SECONDS:g} s of its last test" if silent > EXIT_SECONDS else ""
        if silent > self._patience():
            return f"timed out: nothing was heard of it for {self._patience():g} s"
        if seconds > self._call.run_timeout:
            return f"timed out: the run took longer than {self._call.run_timeout:g} s"
        if max(map(_size, (self._printed, *_captured(process)))) > MOST_OUTPUT:
            return f"printed more than {MOST_OUTPUT // 1_000_000} MB"
        return ""

    def _listen(self, seconds: float) -> None:
        size = _size(self._records)
        if size == self._size:
            return
        self._size, self._heard_at = size, seconds
        with self._records.open("rb") as file:
            file.seek(max(0, size - 200))
            said = file.read()
        # Not compiled once for all: most runs are over before anybody looks.
        last = re.search(rb'"kind": "([a-z-]+)", "nonce": "' + self._nonce.encode() + rb'"}\n$', said)
        self._kind = last[1].decode() if last else self._kind

    def _patience(self) -> float:
        patience = self._call.test_timeout * 2 + 5
        return patience if self._kind in ("start", "report", "lines") else max(patience, SILENT_SECONDS)


def _captured(process: int) -> list[Path]:
    """While a test runs, both outputs are the files in which pytest collects what it prints; seen on Linux only."""
    return [Path(f"/proc/{process}/fd/{descriptor}") for descriptor in (1, 2)]


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _environment(call: Call, folder: Path, records: Path, nonce: str) -> dict[str, str]:
    env = {
        **project_environment(call.environ),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROBE_FOLDER), call.environ.get("PYTHONPATH", "")])),
        "PYTHONPYCACHEPREFIX": str(call.bytecode),
        "FIXER_PROBE_OUT": str(records),
        "FIXER_PROBE_NONCE": nonce,
        "FIXER_PROBE_TIMEOUT": str(call.test_timeout),
    }
    for name, nodeids in (("SELECT", call.select), ("DESELECT", call.deselect or None)):
        if nodeids is not None:
            path = folder / f"{name.lower()}.json"
            path.write_text(json.dumps(nodeids), encoding="ascii")
            env[f"FIXER_PROBE_{name}"] = str(path)
    if call.traced:
        name = "FIXER_PROBE_TRACE_IF_CHEAP" if call.only_if_cheap else "FIXER_PROBE_TRACE"
        env[name] = json.dumps([str(path) for path in call.traced])
    if call.with_imports:
        env["FIXER_PROBE_IMPORTS"] = "1"
    if call.with_installed:
        env["FIXER_PROBE_INSTALLED"] = "1"
    return env


def _tail(printed: Path) -> str:
    with printed.open("rb") as file:
        file.seek(max(0, printed.stat().st_size - OUTPUT_LIMIT))
        return file.read().decode(errors="replace").strip()


def _stacks(output: str) -> str:
    """What faulthandler wrote, where it did, innermost first and without what is pytest's."""
    found = re.search(r"Fatal Python error|(Current thread|Thread) 0x", output)
    lines = output[found.start() :].splitlines() if found else []
    return "\n".join(line for line in lines if not _MACHINERY.search(line))


_MACHINERY = re.compile(r'File "(<frozen |.*(site|dist)-packages/(_pytest|pluggy|pytest)/|.*/fixer/probe/)')
