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
from typing import IO


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


def run_group(
    argv: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    output: IO[bytes],
    should_stop: Callable[[float, int], str],
    poll_seconds: float = 0.02,
) -> Ended:
    """Run it with both outputs in a file until it ends, or until `should_stop(seconds, process id)` gives a reason.

    Before the group is killed the process itself gets SIGUSR2, at which the probe writes the stack of every thread.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        list(argv),
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    stopped = ""
    try:
        while not stopped:
            with suppress(subprocess.TimeoutExpired):
                process.wait(poll_seconds)
                break
            stopped = should_stop(time.monotonic() - started, process.pid)
        if stopped:
            process.send_signal(signal.SIGUSR2)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.3)
    finally:
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()
    return Ended(process.returncode, time.monotonic() - started, stopped)


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
