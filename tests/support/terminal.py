"""`fixer run` at a terminal of any size, as a person has it: a real pty, real keys, and what stands on the screen."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pexpect
import pyte
from command import fixer_argv, fixer_env, model_env
from scripted_model import ScriptedModel
from tree import Tree


class Terminal:
    """`fixer run` below a shell at a terminal of this size; the shell tells its modes before and after."""

    def __init__(self, tree: Tree, model: ScriptedModel, *args: str, rows: int, columns: int, **env: str) -> None:
        command = " ".join(fixer_argv(*(args if args[:1] == ("watch",) else ("run", *args))))
        # noflsh: at Ctrl-C the kernel would drop what was not read yet, which no terminal that shows it lets happen.
        self.child = pexpect.spawn(
            "/bin/bash",
            [
                "--norc",
                "-c",
                f"trap : INT; stty noflsh; stty -a; echo BEGIN; {command}; echo CODE $?; stty -a; echo END",
            ],
            cwd=str(tree.path),
            env=fixer_env(**{"TERM": "xterm-256color", **model_env(model), **env, "CI": ""}),
            dimensions=(rows, columns),
            encoding=env.get("PYTHONIOENCODING", "utf-8"),
            timeout=60,
        )
        self.child.expect_exact("BEGIN\r\n")
        self.modes = self.child.before
        self.size = (columns, rows)
        self.raw = ""

    def see(self, text: str) -> str:
        """Wait for a text; all that came before it."""
        self.child.expect_exact(text)
        self.raw += self.child.before + text
        return plain(self.child.before)

    def watch_until(self, happened: Callable[[], bool]) -> None:
        """Wait for something, reading on: a terminal that is not read makes whoever writes to it wait."""

        def read_and_ask() -> bool:
            with suppress(pexpect.TIMEOUT):
                self.raw += self.child.read_nonblocking(4096, timeout=0.02)
            return happened()

        wait_until(read_and_ask)

    def press(self, key: str) -> None:
        self.child.send(key)

    def end(self) -> int:
        """Wait for the end, look whether the terminal is in order, and return the exit code."""
        self.child.expect(r"CODE (\d+)\r\n")
        code = int(self.child.match.group(1))
        self.raw += self.child.before
        self.child.expect_exact("END\r\n")
        assert _without_size(self.child.before) == _without_size(self.modes)
        assert self.raw.count("\x1b[?25l") == self.raw.count("\x1b[?25h")
        self.child.expect(pexpect.EOF)
        return code

    @property
    def pid(self) -> int:
        """Of fixer, the shell's only child."""
        (child,) = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()
        return int(child)

    @property
    def screen(self) -> str:
        """What stands on it by now, without blanks at the ends of lines."""
        screen = pyte.Screen(*self.size)
        pyte.Stream(screen).feed(self.raw)
        return "\n".join(line.rstrip() for line in screen.display).rstrip("\n") + "\n"

    @property
    def seen(self) -> str:
        return plain(self.raw)


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text).replace("\r\n", "\n")


def _without_size(modes: str) -> str:
    return " ".join(re.sub(r"rows \d+; columns \d+", "", modes).split())


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)
