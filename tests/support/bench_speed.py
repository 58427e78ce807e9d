"""Measures what fixer's speed is promised to be, each against its peer in the same run, and says what is reached.

Repetitions of the two sides take turns, so that what else the machine does hits both; medians are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from command import fixer_argv, model_env
from cpu_time import begin_counting, counted
from scripted_model import Answer, ScriptedModel, edit
from tree import Tree

from fixer.infrastructure.pytest_runner import PytestRunner
from fixer.infrastructure.warm_runner import WarmProcess, WarmRunner, is_pass


@dataclass(frozen=True)
class Row:
    """One line of the table. `value` and `peer` are medians in `unit`; `ratio` is what is to stay in bounds."""

    what: str
    against: str
    value: float
    peer: float
    unit: str
    ratio: float
    bound: str
    reached: bool
    spread: str = ""


def main(argv: Sequence[str]) -> int:
    """Print the table; write it as JSON where asked."""
    asked = _arguments(argv)
    rows: list[Row] = []
    for name in asked.rows:
        print(f"measuring: {name}", file=sys.stderr)
        rows += ROWS[name](asked)
    print(_table(rows))
    if asked.json:
        asked.json.write_text(json.dumps({"machine": _machine(), "rows": [asdict(row) for row in rows]}, indent=2))
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--tests", type=int, default=5000, help="of the green suite")
    parser.add_argument("--most", type=int, default=1000, help="failing tests of one cause")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "fixer-bench-environments")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(argv)


# One test


@dataclass(frozen=True)
class Kind:
    """A small project, what it needs to have installed, and what its module imports."""

    name: str
    packages: tuple[str, ...]
    program: str
    least: float
    """How many times faster than a fresh pytest a warm verification is to be."""


_ADD = "def add(a, b):\n    return a - b\n"
KINDS = (
    Kind("tiny", (), _ADD, 15),
    Kind("numpy and pandas", ("numpy", "pandas"), "import numpy\nimport pandas\n\n\n" + _ADD, 30),
    Kind("FastAPI", ("fastapi", "httpx"), "import fastapi\nimport fastapi.testclient\n\n\n" + _ADD, 30),
)
_TEST = """\
from calc import add


def test_add():
    assert add(1, 2) == 3


def test_zero():
    assert add(1, 0) == 1
"""
_RED, _GREEN = "test_calc.py::test_add", "test_calc.py::test_zero"


def one_test(asked: argparse.Namespace) -> list[Row]:
    """A verification in a fork, against a fresh pytest, and against the least that a fork can take.

    All but one wait first, as for a model: what a processor has not done for a while it does more slowly, both here
    and there.
    """
    return [row for kind in KINDS for row in _one_test(kind, asked)]


def _one_test(kind: Kind, asked: argparse.Namespace) -> list[Row]:
    python = _environment(kind.packages, asked.cache)
    with tempfile.TemporaryDirectory(prefix="fixer-bench-") as name:
        project = Path(name).resolve()
        for file, text in {"calc.py": kind.program, "test_calc.py": _TEST, "pytest.ini": "[pytest]\n"}.items():
            (project / file).write_text(text)
        said: list[str] = []
        fresh = PytestRunner(python, project, environ=_quiet())
        warm = WarmProcess(fresh, said.append)
        runner = WarmRunner(fresh, warm, lambda result: is_pass(result) or bool(result.details))
        runner.discover()
        warm.calibrate([_RED])
        if warm.depth is None:
            raise SystemExit(f"no warm runner: {said}")
        runner.run([_RED])
        bare = _Bare(python, project)
        sides = _in_turn(
            asked.repeat * 3,
            red=lambda: _seconds(lambda: runner.run([_RED]), after=_THINKING_SECONDS),
            at_once=lambda: _seconds(lambda: runner.run([_RED])),
            green=lambda: _seconds(lambda: runner.run([_GREEN]), after=_THINKING_SECONDS),
            pytest=lambda: _seconds(lambda: _pytest(python, project), after=_THINKING_SECONDS),
            bare_red=lambda: bare.seconds(_RED, after=_THINKING_SECONDS),
            bare_green=lambda: bare.seconds(_GREEN, after=_THINKING_SECONDS),
        )
        bare.close()
        warm.close()
    red, green = f"see one test fail, {kind.name}", f"see one test pass, {kind.name}"
    bare_one = "bare fork, import, call"
    return [
        _row(red, "fresh pytest", sides["red"], sides["pytest"], "ms", at_least=kind.least),
        _row(f"{red}, right after another", "fresh pytest", sides["at_once"], sides["pytest"], "ms", at_least=15),
        _row(red, bare_one, sides["red"], sides["bare_red"], "ms", at_most=1.5),
        _row(green, bare_one, sides["green"], sides["bare_green"], "ms", at_most=1.5),
    ]


_THINKING_SECONDS = 0.2
"""Between two looks at a test a model thinks, for much longer: meanwhile the next run is forked."""


def _pytest(python: Path, project: Path) -> None:
    argv = [str(python), "-m", "pytest", "-q", _RED]
    subprocess.run(argv, cwd=project, capture_output=True, check=False, env=_quiet())


class _Bare:
    """A process that has the packages loaded and forks; the fork imports the project, calls the test and ends."""

    def __init__(self, python: Path, project: Path) -> None:
        self._process = subprocess.Popen(
            [str(python), "-c", _BARE],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**_quiet(), "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def seconds(self, nodeid: str, after: float) -> float:
        """How long one took, so many seconds later."""
        assert self._process.stdin
        assert self._process.stdout
        time.sleep(after)
        self._process.stdin.write(nodeid.partition("::")[2] + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate()


_BARE = """\
import ast, gc, importlib, os, sys, time
for node in ast.parse(open("calc.py").read()).body:
    if isinstance(node, ast.Import):
        for alias in node.names: importlib.import_module(alias.name)
sys.path.insert(0, "")
gc.freeze()
for line in sys.stdin:
    began = time.perf_counter()
    child = os.fork()
    if not child:
        try:
            import test_calc
            getattr(test_calc, line.strip())()
        except AssertionError:
            os._exit(1)
        os._exit(0)
    os.waitpid(child, 0)
    print(time.perf_counter() - began, flush=True)
"""


def _environment(packages: Sequence[str], cache: Path) -> Path:
    """An interpreter with pytest and these packages; made once."""
    folder = cache / "-".join(["python", platform.python_version(), *packages])
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "-qq", "pytest", *packages], check=True)
        (folder / "complete").touch()
    return python


# Candidates


def candidates(asked: argparse.Namespace) -> list[Row]:
    """Candidates per second of CPU time, all processes and their start together, against the same in a bare fork."""
    python = _environment((), asked.cache)
    with tempfile.TemporaryDirectory(prefix="fixer-bench-") as name:
        project = Path(name).resolve()
        (project / "calc.py").write_text(_ADD)
        (project / "test_calc.py").write_text(_TEST)
        (project / "pytest.ini").write_text("[pytest]\n")
        sides = _in_turn(
            max(1, asked.repeat // 2),
            forks=lambda: 400 / _checked(python, project, 400, together=1),
            batches=lambda: 4_000 / _checked(python, project, 4_000, together=40),
            bare=lambda: 400 / _cpu(lambda: _bare_candidates(python, project, 400)),
            with_loops=lambda: _checked(python, project, 400, together=40, endless=20),
            without=lambda: _checked(python, project, 400, together=40),
        )
    peer = "bare fork, compile, call"
    forks = _row("candidates, a fork each", peer, sides["forks"], sides["bare"], "per CPU s")
    batches = _row("candidates, forty to a fork", peer, sides["batches"], sides["bare"], "per CPU s")
    more = (statistics.median(sides["with_loops"]) - statistics.median(sides["without"])) / 20
    return [
        replace(forks, bound="at least 85 per CPU s", reached=forks.value >= 85),
        replace(batches, bound="at least 800 per CPU s", reached=batches.value >= 800),
        Row("an endless candidate among them", "-", more * 1000, 0, "ms", 0, "at most 500 ms of CPU", more <= 0.5, "-"),
    ]


def _checked(python: Path, project: Path, count: int, *, together: int, endless: int = 0) -> float:
    """The CPU seconds that it takes to check so many wrong candidates, of which some never end."""
    from fixer.infrastructure.candidate_checker import ForkChecker

    texts = [f"def add(a, b):\n    return a - b - {number}\n" for number in range(count - endless)]
    texts += [f"def add(a, b):\n    while {number} + 1:\n        pass\n" for number in range(endless)]
    overlays = [{project / "calc.py": text} for text in sorted(texts, key=lambda text: text[::-1])]
    with ForkChecker(
        python=python, project=project, rootdir=lambda: project, environ=_quiet(), together=together
    ) as checker:
        return _cpu(lambda: sum(1 for _ in checker.check(iter(overlays), [_RED])), then=checker.close)


def _cpu(work: Callable[[], object], then: Callable[[], None] = lambda: None) -> float:
    before = begin_counting()
    work()
    then()
    return counted() - before


def _bare_candidates(python: Path, project: Path, count: int) -> None:
    subprocess.run([str(python), "-c", _BARE_CANDIDATES, str(count)], cwd=project, check=True, env=_quiet())


_BARE_CANDIDATES = """\
import os, sys
for number in range(int(sys.argv[1])):
    child = os.fork()
    if not child:
        names = {}
        exec(compile(f"def add(a, b):\\n    return a - b - {number}\\n", "calc.py", "exec"), names)
        os._exit(names["add"](1, 2) == 3)
    os.waitpid(child, 0)
"""


# Whole runs


def green(asked: argparse.Namespace) -> list[Row]:
    """`fixer run` where nothing is red, against plain pytest."""
    with tempfile.TemporaryDirectory(prefix="fixer-bench-") as name:
        tree = _repository(Path(name).resolve() / "suite")
        body = "".join(f"def test_{n}():\n    time.sleep(0.005)\n\n\n" for n in range(50))
        for number in range(asked.tests // 50):
            tree.write(f"tests/test_{number:03}.py", "import time\n\n\n" + body)
        _commit(tree)
        sides = _in_turn(
            max(1, asked.repeat // 3),
            fixer=lambda: _seconds(lambda: _run(fixer_argv("run", "--yes"), tree.path, 0)),
            pytest=lambda: _seconds(lambda: _run([sys.executable, "-m", "pytest", "-q"], tree.path, 0)),
        )
    what = f"fixer run, {asked.tests} green tests of 5 ms"
    return [_row(what, "pytest", sides["fixer"], sides["pytest"], "s", at_most=1.05)]


def discovery(asked: argparse.Namespace) -> list[Row]:
    """The first run of all tests, with all that is recorded of them, against plain pytest."""
    python = _environment((), asked.cache)
    with tempfile.TemporaryDirectory(prefix="fixer-bench-") as name:
        folder = Path(name).resolve()
        body = "".join(f"def test_{n}():\n    time.sleep(0.001)\n\n\n" for n in range(50))
        for number in range(asked.tests // 50):
            (folder / f"test_{number:03}.py").write_text("import time\n\n\n" + body)
        sides = _in_turn(
            max(1, asked.repeat // 2),
            probe=lambda: _seconds(PytestRunner(python, folder, environ=_quiet(), record_lines=True).discover),
            pytest=lambda: _seconds(lambda: _run([str(python), "-m", "pytest", "-q"], folder, 0)),
        )
    what = f"discovery of {asked.tests} green tests of 1 ms"
    return [_row(what, "pytest", sides["probe"], sides["pytest"], "s", at_most=1.1)]


def ten_bugs(asked: argparse.Namespace) -> list[Row]:
    """Ten bugs, a model that answers at once and rightly, against Aider called for each with its own test loop."""
    sides: dict[str, list[float]] = {"fixer": [], "aider": [], "fixer tokens": [], "aider tokens": [], "overhead": []}
    for _ in range(max(1, asked.repeat // 3)):
        for who in ("fixer", "aider"):
            with tempfile.TemporaryDirectory(prefix="fixer-bench-") as name:
                tree = _broken(Path(name).resolve() / "project", 10)
                with RightModel().running() as model:
                    began = time.monotonic()
                    attempts = _fix_with_fixer(tree, model) if who == "fixer" else _fix_with_aider(tree, model)
                    sides[who].append(time.monotonic() - began)
                    sides[f"{who} tokens"].append(sum(map(_tokens, model.requests)))
                sides["overhead"] += map(_overhead, attempts)
                _run([sys.executable, "-m", "pytest", "-q"], tree.path, 0)
    overhead = statistics.median(sides["overhead"])
    return [
        _row("10 bugs, wall time", "aider --message --auto-test", sides["fixer"], sides["aider"], "s", at_most=0.3),
        _row("10 bugs, tokens sent", "the same", sides["fixer tokens"], sides["aider tokens"], "tokens", at_most=0.7),
        Row(
            "overhead per attempt", "-", overhead * 1000, 0, "ms", 0, "under 150 ms", overhead < 0.15,
            _spread(sides["overhead"], 1000),
        ),
    ]  # fmt: skip


def _fix_with_fixer(tree: Tree, model: ScriptedModel) -> list[dict[str, Any]]:
    """The attempts that it made."""
    said = json.loads(_run(fixer_argv("run", "--yes", "--json"), tree.path, 0, model_env(model)))
    return [attempt for test in said["tests"] for attempt in test["attempts"]]


def _fix_with_aider(tree: Tree, model: ScriptedModel) -> list[dict[str, Any]]:
    env = {**model_env(model), "HOME": str(tree.path.parent)}
    for number in range(10):
        test = f"tests/test_{number}.py"
        argv = [sys.executable, "-m", "aider", "--model", "openai/scripted", "--yes-always", "--no-check-update"]
        argv += [
            "--no-show-model-warnings",
            "--analytics-disable",
            "--no-stream",
            "--no-gitignore",
            "--map-tokens",
            "0",
        ]
        argv += ["--edit-format", "diff", "--auto-test", "--test-cmd", f"{sys.executable} -m pytest -q {test}"]
        argv += ["--message", f"{test} fails. Fix the code.", f"broken_{number}.py", "--read", test]
        _run(argv, tree.path, 0, env)
    return []


def _tokens(request: Mapping[str, Any]) -> int:
    """Counted alike for both sides: a token for four characters."""
    return sum(len(str(message["content"])) for message in request["messages"]) // 4


def _overhead(attempt: Mapping[str, Any]) -> float:
    return float(attempt["seconds"] - attempt["model_seconds"] - attempt["test_seconds"])


def memory(asked: argparse.Namespace) -> list[Row]:
    """The peak of fixer's own process, and the wall time, over many failing tests of one cause; and over causes."""
    peaks: dict[int, float] = {}
    walls: dict[int, float] = {}
    for count in [n for n in (1, 10, 100, 1000) if n <= asked.most]:
        walls[count], peaks[count] = _one_cause(count)
    most = max(peaks)
    causes = {count: _causes(count) for count in (2, 8)}
    own = {count: walls[count] - _pytest_seconds(count) for count in walls}
    per_cause = (causes[8] - causes[2]) / 6
    told = ", ".join(f"{count}: {seconds:.1f} s" for count, seconds in walls.items())
    return [
        Row(
            f"peak memory over {most} failing tests", "over 10", peaks[most], peaks[10], "MB",
            peaks[most] / peaks[10], "at most 1.5", peaks[most] <= 1.5 * peaks[10],
        ),
        Row(
            f"wall time over {most} failing tests of one cause, without discovery", "over 1", own[most], own[1], "s",
            own[most] / own[1], "flat: at most 1.5", own[most] <= 1.5 * own[1], told,
        ),
        Row(
            "wall time of 8 causes", "2 causes", causes[8], causes[2], "s", causes[8] / causes[2],
            "linear: at most 4", causes[8] <= 4 * causes[2], f"{per_cause:.1f} s a cause",
        ),
    ]  # fmt: skip


def _one_cause(count: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="fixer-bench-") as name:
        tree = _broken(Path(name).resolve() / "project", 1, tests=count)
        with RightModel().running() as model:
            began = time.monotonic()
            peak = _peak(fixer_argv("run", "--yes", "--json"), tree.path, model_env(model))
            return time.monotonic() - began, peak


def _pytest_seconds(count: int) -> float:
    """Of one plain run of as many red tests: what discovery cannot do without."""
    with tempfile.TemporaryDirectory(prefix="fixer-bench-") as name:
        tree = _broken(Path(name).resolve() / "project", 1, tests=count)
        return _seconds(lambda: _run([sys.executable, "-m", "pytest", "-q"], tree.path, 1))


def _causes(count: int) -> float:
    with tempfile.TemporaryDirectory(prefix="fixer-bench-") as name:
        tree = _broken(Path(name).resolve() / "project", count)
        with RightModel().running() as model:
            return _seconds(lambda: _fix_with_fixer(tree, model))


def _peak(argv: Sequence[str], folder: Path, env: Mapping[str, str]) -> float:
    """The most memory that this process itself held, in MB."""
    with subprocess.Popen(
        argv, cwd=folder, env={**_quiet(), **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        peak = 0
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            peak = max([peak, *(int(line.split()[1]) for line in status if line.startswith("VmHWM"))])
            time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"{argv} ended with {process.returncode}")
    return peak / 1024


def _broken(folder: Path, bugs: int, tests: int = 1) -> Tree:
    tree = _repository(folder)
    for number in range(bugs):
        tree.write(f"broken_{number}.py", f"def add_{number}(a, b):\n    return a - b\n")
        body = "".join(f"def test_{n}():\n    assert add_{number}({n}, 2) == {n + 2}\n\n\n" for n in range(tests))
        tree.write(f"tests/test_{number}.py", f"from broken_{number} import add_{number}\n\n\n{body}")
    _commit(tree)
    return tree


class RightModel(ScriptedModel):
    """Mends the file that it is shown, whoever asks and how often; knows a commit message when asked for one."""

    def next_answer(self, request: dict[str, Any]) -> Answer:
        """Record the request and answer it."""
        self.requests.append(request)
        told = "\n".join(str(message["content"]) for message in request["messages"])
        number = re.findall(r"def add_(\d+)\(a, b\):", told)[-1:]
        if "commit message" in told.lower() or not number:
            return Answer("fix: add instead of subtracting")
        return edit(f"broken_{number[0]}.py", "    return a - b\n", "    return a + b\n")


def _repository(folder: Path) -> Tree:
    tree = Tree(folder).init()
    tree.git("config", "user.name", "bench")
    tree.git("config", "user.email", "bench@example.com")
    tree.write("conftest.py", "")
    return tree


def _commit(tree: Tree) -> None:
    tree.git("add", "-A")
    tree.git("commit", "-q", "-m", "A project")


# Measuring


def _quiet() -> dict[str, str]:
    own = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")  # neither a user's; the first makes every import look further
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {**kept, "FIXER_PYTHON": sys.executable, "PYTEST_ADDOPTS": ""}


def _run(argv: Sequence[str], folder: Path, code: int, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        argv, cwd=folder, env={**_quiet(), **(env or {})}, capture_output=True, text=True, check=False, timeout=900
    )
    if done.returncode != code:
        raise SystemExit(f"{argv} ended with {done.returncode}:\n{done.stderr}\n{done.stdout}")
    return done.stdout


def _seconds(work: Callable[[], object], after: float = 0.0) -> float:
    time.sleep(after)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _in_turn(repeat: int, **sides: Callable[[], float]) -> dict[str, list[float]]:
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side()  # byte code and caches are not what is measured
    for _ in range(repeat):
        for name, side in sides.items():
            measured[name].append(side())
    return measured


def _row(
    what: str,
    against: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    unit: str,
    *,
    at_most: float = 0.0,
    at_least: float = 0.0,
) -> Row:
    scale = 1000.0 if unit == "ms" else 1.0
    value, peer = statistics.median(ours), statistics.median(theirs)
    ratio = peer / value if at_least else value / peer
    reached = ratio >= at_least if at_least else ratio <= at_most
    bound = f"{at_least:g} times faster" if at_least else f"at most {at_most:g}"
    spread = f"{_spread(ours, scale)} / {_spread(theirs, scale)}"
    return Row(what, against, value * scale, peer * scale, unit, ratio, bound, reached, spread)


def _spread(values: Sequence[float], scale: float) -> str:
    return f"{min(values) * scale:.3g}-{max(values) * scale:.3g}"


def _table(rows: Sequence[Row]) -> str:
    cells = [["what", "against", "measured", "peer", "", "ratio", "must reach", "reached", "spread"]]
    for row in rows:
        numbers = [f"{row.value:.3g}", f"{row.peer:.3g}" if row.peer else "-", row.unit, f"{row.ratio:.2f}"]
        cells.append([row.what, row.against, *numbers, row.bound, "yes" if row.reached else "NO", row.spread])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def _machine() -> dict[str, object]:
    return {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}


ROWS: Mapping[str, Callable[[argparse.Namespace], list[Row]]] = {
    "one-test": one_test,
    "candidates": candidates,
    "discovery": discovery,
    "green": green,
    "ten-bugs": ten_bugs,
    "memory": memory,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
