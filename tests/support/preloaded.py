"""Runs `fixer` in forks of a process that has imported the engine already, which each would take seconds for.

A fork imports nothing else beforehand, and has the folder, the environment and the outputs that it is asked to have; it
ends as a process of its own does. `FIXER_FRESH=1` has each run in one of its own, from its first instruction.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

_LENGTH = struct.Struct("!q")


class Preloaded:
    """The near end: starts the process, and asks it for runs."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fixer-preloaded-")
        self._address = str(Path(self._folder.name, "socket"))
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout
        self._process.stdout.readline()
        atexit.register(self.end)

    def run(
        self, args: Sequence[str], folder: Path, env: Mapping[str, str], out: BinaryIO, err: BinaryIO, timeout: float
    ) -> int:
        """The exit code of `fixer` with these arguments, as subprocess has it. Raises TimeoutError."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout)
            line.connect(self._address)
            socket.send_fds(line, [b"!"], [out.fileno(), err.fileno()])
            request = json.dumps({"args": list(args), "folder": str(folder), "environ": dict(env)}).encode()
            line.sendall(_LENGTH.pack(len(request)) + request)
            pid = _number(line)
            try:
                return _number(line)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise

    def end(self) -> None:
        """Let the process go."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()


def _number(line: socket.socket) -> int:
    return int(_LENGTH.unpack(_received(line, _LENGTH.size))[0])


def _received(line: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = line.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return parts


def _serve(address: str) -> list[str] | None:
    """Take one request after the other; gives its arguments to the fork that is to be `fixer`, and None in the end."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        line, _ = listener.accept()
        if not os.fork():
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _run(line)
        line.close()
    return None


def _run(line: socket.socket) -> list[str]:
    """In a fork: waits for another one, which is `fixer`, and tells how that ended."""
    _, outputs, _, _ = socket.recv_fds(line, 1, 2)
    request = json.loads(_received(line, _number(line)))
    child = os.fork()
    if child:
        line.sendall(_LENGTH.pack(child))
        _, status = os.waitpid(child, 0)
        line.sendall(_LENGTH.pack(os.waitstatus_to_exitcode(status)))
        os._exit(0)
    line.close()
    for number, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), *outputs)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.path[0] = request["folder"]  # as `python -m fixer` has it
    args: list[str] = request["args"]
    return args


def main() -> None:
    """Import the engine, and serve."""
    from fixer.infrastructure.aider_model import import_engine

    import_engine()
    args = _serve(sys.argv[1])
    if args is not None:
        sys.argv[1:] = args
        runpy.run_module("fixer", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
