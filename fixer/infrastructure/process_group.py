"""Runs a command in a process group of its own that ends with it: nothing it started is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol


@dataclass(frozen=True)
class Ended:
    """How a command ended. `stopped` says why it was killed, empty where it ended by itself."""

    code: int
    seconds: float
    stopped: str = ""

    @property
    def how(self) -> str:
        """In words: `timed out …`, `crashed (SIGSEGV)`, `exited with code 3`."""
        if self.stopped:
            return self.stopped
        if self.code < 0:
            return f"crashed ({_signal_name(-self.code)})"
        return f"exited with code {self.code}"


class Running(Protocol):
    """A process that leads a group of its own."""

    @property
    def pid(self) -> int:
        """Its process id; 0 as long as nobody knows it."""
        ...

    def wait(self, timeout: float) -> int:
        """Its exit code, negative where a signal ended it. Raises subprocess.TimeoutExpired after so many seconds."""
        ...

    def signal(self, number: int) -> None:
        """Send the process a signal, if it still runs."""
        ...

    def end(self) -> int:
        """Kill the whole group, also what the process has left behind in it; its exit code."""
        ...


def run_group(
    argv: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    output: IO[bytes],
    should_stop: Callable[[float, int], str],
    poll_seconds: float = 0.02,
) -> Ended:
    """Run it with both outputs in a file until it ends, or until `should_stop(seconds, process id)` gives a reason."""
    return watch_group(start_group(argv, folder, env, output), should_stop, poll_seconds)


def start_group(argv: Sequence[str], folder: Path, env: Mapping[str, str], output: IO[bytes]) -> Running:
    """Start a command in a process group of its own, with both outputs in a file and nothing to read."""
    process = subprocess.Popen(
        list(argv),
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    return OwnGroup(process)


def watch_group(process: Running, should_stop: Callable[[float, int], str], poll_seconds: float = 0.02) -> Ended:
    """Wait until it ends, or until `should_stop(seconds, process id)` gives a reason; then its group is ended.

    Before that the process itself gets SIGUSR2, at which the probe writes the stack of every thread.
    """
    started = time.monotonic()
    stopped, code = "", 0
    try:
        while not stopped:
            with suppress(subprocess.TimeoutExpired):
                process.wait(poll_seconds)
                break
            stopped = should_stop(time.monotonic() - started, process.pid)
        if stopped:
            process.signal(signal.SIGUSR2)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.3)
    finally:
        code = process.end()
    return Ended(code, time.monotonic() - started, stopped)


@dataclass(frozen=True)
class OwnGroup:
    """A child of this process that leads its group."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def wait(self, timeout: float) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        return self.process.wait(timeout)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Kill its group; its exit code."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
