"""A command ends with everything it started, however it ends."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from fixer.infrastructure.process_group import Ended, run_group


def run(folder: Path, script: str, interrupt: bool = False, stop_after: float = 60.0) -> Ended:
    def should_stop(seconds: float, process: int) -> str:
        if interrupt and (folder / "child.pid").exists():
            raise KeyboardInterrupt
        return f"stopped {process}" if seconds > stop_after else ""

    with (folder / "output").open("wb") as output:
        return run_group(["/bin/sh", "-c", script], folder, os.environ, output, should_stop)


def is_gone(folder: Path) -> bool:
    number = (folder / "child.pid").read_text().strip()
    for _ in range(100):
        try:
            os.kill(int(number), 0)
            if "Z" in Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]:
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


CHILD = "sleep 300 & echo $! > pid && mv pid child.pid"


def test_what_it_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    ended = run(tmp_path, f"{CHILD}; echo done; exit 3")
    assert (ended.code, ended.how) == (3, "exited with code 3")
    assert (tmp_path / "output").read_text() == "done\n"
    assert is_gone(tmp_path)


def test_an_interrupt_ends_all_of_it_and_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, f"{CHILD}; wait", interrupt=True)
    assert is_gone(tmp_path)


def test_one_that_takes_too_long_is_stopped_with_the_reason(tmp_path: Path) -> None:
    ended = run(tmp_path, f"trap '' TERM USR2; {CHILD}; wait; wait", stop_after=0.2)
    assert ended.how.startswith("stopped ")
    assert ended.seconds < 5
    assert is_gone(tmp_path)


def test_a_crash_has_a_name(tmp_path: Path) -> None:
    assert run(tmp_path, "kill -SEGV $$").how == "crashed (SIGSEGV)"
