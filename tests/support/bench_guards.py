"""Measures what the guards add per accepted fix: pytest processes, really counted, and seconds.

The suite has modules of 20 tests of 5 ms, one in ten of which calls the code that is broken; the model answers at once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from command import fixer_argv, model_env
from scripted_model import Answer, ScriptedModel, edit
from tree import Tree

PER_MODULE = 20
TEST_SECONDS = 0.005
LEVELS = ("none", "file", "affected", "suite")
KINDS = ("discovery", "evidence", "red tests", "module", "affected", "selection")
GUARDING = KINDS[-3:]


@dataclass(frozen=True)
class Measured:
    """One run of fixer. Seconds are wall time; `processes` counts what its pytest processes were for."""

    guard: str
    fixes: int
    processes: dict[str, int]
    seconds: float
    pytest_seconds: dict[str, float]

    @property
    def guarding(self) -> dict[str, int]:
        """The processes that are there only because of guards."""
        return {kind: count for kind, count in self.processes.items() if kind in GUARDING}

    @property
    def guarding_seconds(self) -> float:
        """What those took."""
        return sum(seconds for kind, seconds in self.pytest_seconds.items() if kind in GUARDING)


def main(argv: Sequence[str]) -> int:
    """Print the table, or JSON; 1 where a guard costs more runs than it may."""
    asked = _arguments(argv)
    measured = [_measure(level, asked.tests, asked.fixes, Path(asked.python)) for level in asked.guard]
    if asked.json:
        print(json.dumps([{**asdict(one), "guarding": one.guarding} for one in measured], indent=2))
    else:
        print(_table(measured, asked.tests))
    return 1 if any(_over(one) for one in measured) else 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench_guards", description=__doc__)
    parser.add_argument("--tests", type=int, default=1000)
    parser.add_argument("--fixes", type=int, default=3)
    parser.add_argument("--guard", nargs="+", choices=LEVELS, default=list(LEVELS))
    parser.add_argument("--python", default=sys.executable, help="runs the suite; from 3.12 on lines are recorded")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(argv)


def _measure(guard: str, tests: int, fixes: int, python: Path) -> Measured:
    with tempfile.TemporaryDirectory(prefix="fixer-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        tree = _suite(folder / "suite", tests, fixes)
        counting = _counting_python(folder, python)
        _run(tree.path, "none", counting, fixes, warm=True)  # byte code of pytest is not what is measured
        (folder / "calls.jsonl").unlink(missing_ok=True)
        started = time.monotonic()
        _run(tree.path, guard, counting, fixes)
        seconds = time.monotonic() - started
        calls = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
    kinds = _kinds(calls)
    timed = list(zip(kinds, (call["seconds"] for call in calls), strict=True))
    spent = {kind: round(sum(took for of, took in timed if of == kind), 2) for kind in dict.fromkeys(kinds)}
    return Measured(guard, fixes, dict(Counter(kinds)), round(seconds, 2), spent)


def _run(folder: Path, guard: str, python: Path, fixes: int, *, warm: bool = False) -> None:
    with ScriptedModel(*_answers(fixes)).running() as model:
        env = {**os.environ, **model_env(model), "FIXER_PYTHON": str(python), "FIXER_GUARD": guard}
        dry = ["--dry-run"] if warm else []
        done = subprocess.run(
            fixer_argv("run", "--yes", "--json", *dry), cwd=folder, env=env, capture_output=True, check=False
        )
    if done.returncode:
        raise SystemExit(f"fixer ended with {done.returncode}:\n{done.stderr.decode()}\n{done.stdout.decode()}")


def _suite(folder: Path, tests: int, fixes: int) -> Tree:
    tree = Tree(folder).init()
    tree.git("config", "user.name", "bench")
    tree.git("config", "user.email", "bench@example.com")
    for number in range(fixes):
        tree.write(f"broken_{number}.py", "def add(a, b):\n    if a == 41:\n        return a - b\n    return a + b\n")
    for number in range(tests // PER_MODULE):
        tree.write(f"tests/test_{number:03}.py", _module(number, fixes))
    tree.write("conftest.py", "")
    tree.git("add", "-A")
    tree.git("commit", "-q", "-m", "A suite")
    return tree


def _module(number: int, fixes: int) -> str:
    lines = ["import time", "", *(f"import broken_{fix}" for fix in range(fixes)), ""]
    for test in range(PER_MODULE):
        body = f"    broken_{number % fixes}.add({41 if number >= fixes else 1}, 1)" if test % 10 == 0 else "    pass"
        lines += ["", f"def test_{test}():", f"    time.sleep({TEST_SECONDS})", body, ""]
    if number < fixes:
        lines += ["", "def test_red():", f"    assert broken_{number}.add(41, 1) == 42", ""]
    return "\n".join(lines)


def _answers(fixes: int) -> list[Answer]:
    return [edit(f"broken_{number}.py", "        return a - b\n", "        return a + b\n") for number in range(fixes)]


def _counting_python(folder: Path, python: Path) -> Path:
    """An interpreter that writes down each pytest process: which tests it was given, and how long it took."""
    path = folder / "python"
    lines = [f"#!{sys.executable}", f"PYTHON, CALLS = {str(python)!r}, {str(folder / 'calls.jsonl')!r}", _COUNTING]
    path.write_text("\n".join(lines))
    path.chmod(0o755)
    return path


_COUNTING = """\
import json, os, subprocess, sys, time
select = os.environ.get("FIXER_PROBE_SELECT")
ids = json.load(open(select)) if select else None
started = time.monotonic()
code = subprocess.call([PYTHON, *sys.argv[1:]])
if sys.argv[1:3] == ["-m", "fixer_pytest"]:
    call = {"ids": ids, "traced": "FIXER_PROBE_TRACE" in os.environ, "seconds": time.monotonic() - started}
    open(CALLS, "a").write(json.dumps(call) + "\\n")
sys.exit(code)
"""


def _kinds(calls: Sequence[dict[str, Any]]) -> list[str]:
    """What each process was for, told from what it was given."""
    return [_kind(call, seen_all=number > 0) for number, call in enumerate(calls)]


def _kind(call: dict[str, Any], *, seen_all: bool) -> str:
    ids = call["ids"]
    if ids is None:
        return "selection" if seen_all else "discovery"
    if call["traced"]:
        return "evidence"
    if all(nodeid.endswith("::test_red") for nodeid in ids):
        return "red tests"
    return "module" if any(nodeid.endswith("::test_red") for nodeid in ids) else "affected"


def _over(one: Measured) -> bool:
    counts = one.guarding
    per_fix = max(counts.get("module", 0), counts.get("affected", 0))
    return per_fix > one.fixes or counts.get("selection", 0) > 1


def _table(measured: Sequence[Measured], tests: int) -> str:
    rows = [["guard", "fixes", *KINDS, "seconds", "runs added per fix", "seconds added per fix"]]
    for one in measured:
        counts = [str(one.processes.get(kind, 0)) for kind in KINDS]
        added = (f"{sum(one.guarding.values()) / one.fixes:.1f}", f"{one.guarding_seconds / one.fixes:.2f}")
        rows.append([one.guard, str(one.fixes), *counts, f"{one.seconds:.2f}", *added])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([f"{tests} tests of {TEST_SECONDS * 1000:g} ms; pytest processes by what they were for", *lines])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
