"""Measures how many broken programs the offline model repairs, and how many of its repairs are right.

*passes*: the answer, written to disk, makes every test of the program pass in a fresh pytest. *right*: besides, it is
equal to the reference, as a syntax tree or in what it gives for at least 50 inputs (300 are tried) made from those
that the tests pass.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from cpu_time import begin_counting, counted
from repair_sets import SETS, Case

from fixer.application.ports import RepairRequest
from fixer.domain.models import TestError, TestRun, Verdict
from fixer.infrastructure.candidate_checker import ForkChecker
from fixer.infrastructure.pytest_runner import PytestRunner
from fixer.offline.model import OfflineModel

TEST_SECONDS = 2.0


@dataclass(frozen=True)
class Repaired:
    """What came of one program. `cpu` is in seconds, all processes together; `compared` counts inputs."""

    name: str
    passes: bool
    right: bool
    how: str
    template: str = ""
    tried: int = 0
    also: int = 0
    cpu: float = 0.0
    compared: int = 0
    differ: str = ""
    diff: str = ""
    confidence: float = 0.0


def main(argv: Sequence[str]) -> int:
    """Print a table, and JSON where asked."""
    asked = _arguments(argv)
    cases = list(SETS[asked.set](asked.checkout.resolve(), asked.half, asked.seed, asked.most))
    cases = [case for case in cases if not asked.only or case.name in asked.only.split(",")]
    jobs = [(case, asked.seconds, asked.seed) for case in cases]
    with ProcessPoolExecutor(asked.jobs, max_tasks_per_child=1) as workers:
        repaired = []
        for one in workers.map(_repair, jobs):
            repaired.append(one)
            print(_line(one), flush=True)
    print(_summary(asked.set, repaired))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) for one in repaired], indent=1))
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench_repair", description=__doc__)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("checkout", type=Path, help="where the set lies; nothing of it is kept here")
    parser.add_argument("--half", choices=("known", "unseen"), default="known", help="of humanevalfix")
    parser.add_argument("--most", type=int, default=1000, help="programs")
    parser.add_argument("--seconds", type=float, default=30, help="the search's budget, wall time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="programs at a time")
    parser.add_argument("--only", default="", help="these names, with commas between")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(argv)


def _repair(job: tuple[Case, float, int]) -> Repaired:
    case, seconds, seed = job
    with tempfile.TemporaryDirectory(prefix="fixer-repair-") as folder:
        project = Path(folder, "project")
        _write(project, case)
        runner = PytestRunner(Path(sys.executable), project, test_timeout=TEST_SECONDS, run_timeout=120)
        run = runner.discover()
        if not any(result.verdict is Verdict.FAILED for result in run.results):
            return Repaired(case.name, False, False, "no red test")
        return _searched(case, project, runner, run, seconds, seed)


def _write(project: Path, case: Case) -> None:
    for name, text in {"pytest.ini": "[pytest]\n", **case.files}.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _searched(case: Case, project: Path, runner: PytestRunner, run: TestRun, seconds: float, seed: int) -> Repaired:
    nodeids = [result.nodeid for result in run.results]
    traced = runner.run(nodeids, trace=True)
    failed = next(result for result in traced.results if result.details)
    assert failed.details
    file, _, function = failed.nodeid.partition("::")
    error = TestError(Path(file), function, failed.details, failed.location, failed.frames)
    request = RepairRequest(error, 1, 0.4, (project / case.broken,), traced)
    before = begin_counting()
    with ForkChecker(
        python=Path(sys.executable), project=project, rootdir=lambda: project, test_timeout=TEST_SECONDS
    ) as checker:
        model = OfflineModel(
            checker=checker,
            top=project,
            module_ids=lambda nodeid: nodeids,
            progress=lambda text: None,
            budget_seconds=seconds,
            seed=seed,
        )
        answer = model.answer(request)
    return _judged(case, project, answer, counted() - before)


def _judged(case: Case, project: Path, answer: str, cpu: float) -> Repaired:
    counted = re.search(r"(\d+) (?:edits|candidates)", answer)
    tried = int(counted[1]) if counted else 0
    text = _applied(answer, project)
    if text is None:
        return Repaired(case.name, False, False, "no fix found", tried=tried, cpu=cpu)
    old = (project / case.broken).read_text()
    diff = "\n".join(_difference(old, text))
    (project / case.broken).write_text(text)
    shutil.rmtree(project / ".pytest_cache", ignore_errors=True)
    green = _is_green(project)
    found = re.search(r"Changed the (.*?) at", answer)
    also = re.search(r"(\d+|One) other edit", answer)
    also_count = 0 if not also else 1 if also[1] == "One" else int(also[1])
    right, how, compared, differ = _is_right(case, project, text) if green else (False, "tests fail", 0, "")
    template = found[1] if found else ""
    sure = re.search(r"Confidence (\d+)%", answer)
    confidence = int(sure[1]) / 100 if sure else 0.0
    return Repaired(case.name, green, right, how, template, tried, also_count, cpu, compared, differ, diff, confidence)


def _applied(answer: str, project: Path) -> str | None:
    """The file as Aider would leave it."""
    from aider.coders.editblock_coder import do_replace, find_original_update_blocks

    names = [str(path.relative_to(project)) for path in project.rglob("*.py")]
    for name, before, after in find_original_update_blocks(answer, valid_fnames=names):
        path = project / name
        return str(do_replace(str(path), path.read_text(), before, after, ("```", "```")))
    return None


def _difference(old: str, new: str) -> list[str]:
    from difflib import unified_diff

    lines = list(unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _is_green(project: Path) -> bool:
    argv = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    try:
        return subprocess.run(argv, cwd=project, capture_output=True, check=False, timeout=120).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _is_right(case: Case, project: Path, text: str) -> tuple[bool, str, int, str]:
    if _tree(text) == _tree(case.reference):
        return True, "equal tree", 0, ""
    (project / case.broken).write_text(case.reference)
    request = {
        "project": str(project),
        "tests": case.tests,
        "file": str(project / case.broken),
        "functions": case.functions,
        "reference": case.reference,
        "candidate": text,
        "wanted": 300,
        "seed": 1,
    }
    folders = os.pathsep.join(str(project / Path(name).parent) for name in (case.broken, case.tests))
    environ = {**os.environ, "PYTHONPATH": folders, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    script = Path(__file__).with_name("differential.py")
    try:
        done = subprocess.run(
            [sys.executable, str(script)],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
            env=environ,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return False, f"not compared: {type(error).__name__}", 0, ""
    answer = json.loads(done.stdout)
    enough = answer["compared"] >= _ENOUGH
    how = "differs" if answer["differ"] else "equal on inputs" if enough else "too few inputs"
    return how == "equal on inputs", how, answer["compared"], answer["differ"]


_ENOUGH = 50
"""Inputs; fewer say too little."""


def _tree(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and _is_text(body[0].value):
            del body[0]
    return ast.dump(tree)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _line(one: Repaired) -> str:
    state = "RIGHT" if one.right else "passes" if one.passes else "-"
    diff = one.diff.replace("\n", " | ")
    measured = f"{one.cpu:6.1f} s {one.tried:6} {one.confidence:4.0%}"
    return f"{one.name:28} {state:7} {one.how:16} {measured} {one.template:18} {diff[:100]}"


def _summary(name: str, repaired: Sequence[Repaired]) -> str:
    counted = [one for one in repaired if one.how != "no red test"]
    passing = [one for one in counted if one.passes]
    right = sum(one.right for one in counted)
    cpu = statistics.median([one.cpu for one in passing]) if passing else 0.0
    share = f"{len(passing)} pass, {right} right of {len(counted)}"
    return f"{name}: {share} ({len(repaired) - len(counted)} without a red test); median {cpu:.1f} s of CPU"


if __name__ == "__main__":
    started = time.monotonic()
    code = main(sys.argv[1:])
    print(f"{time.monotonic() - started:.0f} s")
    sys.exit(code)
