"""The near end of `fixer_warm`: a process in the project's interpreter that has done what every run begins with."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from fixer.infrastructure.process_group import OwnGroup, Running
from fixer.infrastructure.pytest_call import PROBE_FOLDER


class Unfit(Exception):
    """A run cannot be had in this way; says why, and whether it had begun."""

    def __init__(self, why: str, *, begun: bool = False) -> None:
        super().__init__(why)
        self.begun = begun


@dataclass(frozen=True)
class Limits:
    """What a run may use besides what the runner watches: `seconds` of wall time, bytes of memory, seconds of work."""

    seconds: float
    memory: int
    cpu: float


class WarmServer:
    """Takes one run at a time, in a fork; with `spare`, is that run, and there is no other.

    A run like the last one is asked for where that was made; what is there says so where it is beyond it. The folders
    of `scratch` are removed where this process dies and cannot do it.
    """

    def __init__(
        self,
        python: Path,
        folder: Path,
        env: Mapping[str, str],
        preload: Sequence[str],
        *,
        spare: bool = False,
        scratch: Sequence[Path] = (),
    ) -> None:
        argv = [str(python), str(PROBE_FOLDER / "fixer_warm.py"), *(["--spare"] if spare else [])]
        self.process = subprocess.Popen(
            argv,
            cwd=folder,
            env={**env, **_ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )
        self._spare = spare
        self._long = _Way(self._input.fileno(), self._output.fileno())
        self._direct: _Direct | None = None
        self._asked: dict[str, Any] = {}
        self._alike: dict[str, Any] = {}
        self._long.send({"preload": list(preload), "scratch": list(map(str, scratch))})

    def launch(
        self,
        arguments: tuple[str, ...],
        folder: Path,
        env: Mapping[str, str],
        printed: Path,
        limits: Limits,
        *,
        configured: bool,
        traced: str = "",
    ) -> Running:
        """Begin a run of pytest. Raises Unfit.

        `traced` is a JSON list of folders whose executed lines are wanted; then local variables are, too.
        """
        printed.write_bytes(b"")  # the same file: what is configured has it open
        self._ask(
            {
                "arguments": list(arguments),
                "folder": str(folder),
                "environ": dict(env),
                "output": str(printed),
                "seconds": limits.seconds,
                "memory": limits.memory,
                "cpu": limits.cpu,
                "configured": configured,
                "traced": traced,
            }
        )
        return OwnGroup(self.process) if self._spare else ForkedRun(self)

    def is_alive(self) -> bool:
        """Whether it can take requests."""
        return self.process.poll() is None

    def answer(self, timeout: float, *, begun: bool) -> dict[str, Any]:
        """Its next message about a run that has begun or not.

        Raises subprocess.TimeoutExpired where there is none in so many seconds, and Unfit.
        """
        answer = (self._direct.way if self._direct else self._long).receive(timeout)
        if self._direct and (answer is None or "stale" in answer):
            self._hang_up()
            if begun:
                raise Unfit("the process that it was forked from died")
            self._long.send(self._asked)
            return self.answer(timeout, begun=begun)
        if answer is None:
            self.end()
            raise Unfit("the process that runs were forked from has died")
        if "unfit" in answer:
            raise Unfit(answer["unfit"])
        return answer

    def end(self) -> None:
        """End the process, and a run that is going on with it."""
        self._hang_up()
        if not (self._spare or self._input.closed):
            self._long.send({"goodbye": True})
        with suppress(OSError):
            self._input.close()
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._output.close()

    def _ask(self, request: dict[str, Any]) -> None:
        """Directly where the last run was like this one but for its own, and is made where somebody listens."""
        nonce = {_NONCE: request["environ"].get(_NONCE, "")}
        own = {"environ": nonce, "traced": request["traced"]}
        alike = {**request, "environ": {**request["environ"], **dict.fromkeys(nonce, "")}, "traced": ""}
        if alike != self._alike:
            self._hang_up()
        elif not self._direct:
            self._direct = _Direct.to(Path(request["output"]).with_name(_DIRECT))
        self._asked, self._alike = request, alike
        if self._direct:
            self._direct.way.send(own)
        else:
            self._long.send(request)

    def _hang_up(self) -> None:
        if self._direct:
            self._direct.socket.close()
            self._direct = None

    @property
    def _input(self) -> Any:
        return self.process.stdin

    @property
    def _output(self) -> Any:
        return self.process.stdout


@dataclass(frozen=True)
class _Way:
    """Descriptors to ask by, and to be answered by."""

    requests: int
    answers: int

    def send(self, message: Mapping[str, Any]) -> None:
        """Ask; that nobody is there is what the answer says."""
        content = json.dumps(message).encode("ascii")
        content = len(content).to_bytes(8, "big") + content
        with suppress(BrokenPipeError, ConnectionResetError):
            while content:
                content = content[os.write(self.requests, content) :]

    def receive(self, timeout: float) -> dict[str, Any] | None:
        """The answer; None where nobody is there any more. Raises subprocess.TimeoutExpired."""
        ready, _, _ = select.select([self.answers], [], [], timeout)
        if not ready:
            raise subprocess.TimeoutExpired("pytest", timeout)
        with suppress(ConnectionResetError):
            content = self._read(int.from_bytes(self._read(8), "big"))
            if content:
                answer: dict[str, Any] = json.loads(content)
                return answer
        return None

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            part = os.read(self.answers, size)
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


@dataclass(frozen=True)
class _Direct:
    """To the process that makes the runs, past those it came from (`fixer_ways`)."""

    socket: socket.socket
    way: _Way

    @classmethod
    def to(cls, path: Path) -> _Direct | None:
        """None where nobody listens, or there are no such sockets."""
        if not hasattr(socket, "AF_UNIX"):
            return None
        made = socket.socket(socket.AF_UNIX)
        try:
            made.connect(str(path))
        except OSError:
            made.close()
            return None
        return cls(made, _Way(made.fileno(), made.fileno()))


class ForkedRun:
    """A run in a fork of the server; satisfies Running."""

    def __init__(self, server: WarmServer) -> None:
        self._server = server
        self._pid = 0
        self._code: int | None = None

    @property
    def pid(self) -> int:
        """Its process id; 0 until it has begun."""
        return self._pid

    def wait(self, timeout: float) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired, and Unfit."""
        deadline = monotonic() + timeout
        while self._code is None:
            try:
                answer = self._server.answer(max(0.0, deadline - monotonic()), begun=bool(self._pid))
            except Unfit as why:
                raise Unfit(str(why), begun=bool(self._pid)) from None
            if "pid" in answer:
                self._pid = answer["pid"]
            else:
                self._code = _code(answer)
        return self._code

    def signal(self, number: int) -> None:
        """Send it a signal."""
        if self._pid and self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def end(self) -> int:
        """Kill its group where it has not ended; its exit code."""
        if self._code is None and self._server.is_alive():
            if self._pid:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._pid, 9)
            try:
                return self.wait(_END_SECONDS if self._pid else 0)
            except (subprocess.TimeoutExpired, Unfit):
                self._server.end()
        return -9 if self._code is None else self._code


def _code(answer: Mapping[str, Any]) -> int:
    """As subprocess has it; a run that the server has stopped was killed."""
    if not answer:
        return -9
    return -int(answer["signal"]) if answer["signal"] else int(answer["code"])


_END_SECONDS = 5.0
_NONCE = "FIXER_PROBE_NONCE"
_DIRECT = "direct"
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Libraries that start threads when imported would make forks unsafe; the runs themselves do not see these."""
