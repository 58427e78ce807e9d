"""The near end of `fixer_fork`: a process in the project's interpreter that runs pytest on sources not on disk."""

from __future__ import annotations

import json
import select
import subprocess
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from fixer.infrastructure.pytest_call import PROBE_FOLDER, project_environment


class ForkServer:
    """Runs one request at a time; with `spawn`, in fresh processes instead of forks.

    The folder `scratch` is removed where this process dies and cannot do it.
    """

    def __init__(
        self, python: Path, folder: Path, environ: Mapping[str, str], scratch: Path, *, spawn: bool = False
    ) -> None:
        argv = [str(python), str(PROBE_FOLDER / "fixer_fork.py"), str(scratch), *(["--spawn"] if spawn else [])]
        self._process = subprocess.Popen(
            argv,
            cwd=folder,
            env={**project_environment(environ), **_ONE_THREAD, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.deadline = 0.0

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it can take requests."""
        return self._process.poll() is None

    def start(self, request: Mapping[str, Any]) -> None:
        """Begin a run; that the server died is what `answer` says."""
        self.deadline = monotonic() + request["seconds"] + _GRACE_SECONDS
        self._say(request)

    def fileno(self) -> int:
        """What becomes readable when the run is over."""
        return int(self._output.fileno())

    def answer(self) -> str:
        """How the run ended, in words; waits for it, but not for ever."""
        ready, _, _ = select.select([self], [], [], max(0.0, self.deadline - monotonic()))
        line = self._output.readline() if ready else b""
        if not line:
            self.end()
            return "the process that runs candidates died"
        ended = json.loads(line)
        if not ended:
            return "timed out"
        return f"crashed (signal {ended['signal']})" if ended["signal"] else f"exited with code {ended['code']}"

    def stop(self) -> None:
        """Stop the run that is going on, and be ready for the next."""
        self._send((0).to_bytes(8, "big"))
        self.answer()

    def end(self) -> None:
        """End the process, and a run that is going on with it."""
        self._say({"goodbye": True})
        with suppress(OSError):
            self._input.close()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()

    def _say(self, message: Mapping[str, Any]) -> None:
        payload = json.dumps(message).encode("ascii")
        self._send(len(payload).to_bytes(8, "big") + payload)

    def _send(self, data: bytes) -> None:
        with suppress(OSError, ValueError):
            self._input.write(data)
            self._input.flush()

    @property
    def _input(self) -> Any:
        return self._process.stdin

    @property
    def _output(self) -> Any:
        return self._process.stdout


def wait_for_any(servers: Collection[ForkServer]) -> list[ForkServer]:
    """Those whose run is over or overdue, at least one."""
    soonest = min(server.deadline for server in servers)
    ready, _, _ = select.select(list(servers), [], [], max(0.0, soonest - monotonic()))
    return ready or [server for server in servers if server.deadline <= soonest]


_GRACE_SECONDS = 5.0
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Libraries that start threads when imported would make forks unsafe."""
