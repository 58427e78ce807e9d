"""Measures how many broken programs the offline model repairs, and how many of its repairs are right.

*passes*: the answer, written to disk, makes every test of the program pass in a fresh pytest. *right*: besides, it is
equal to the reference, as a syntax tree or in what it gives for at least 50 inputs (300 are tried) made from those
that the tests pass. Where the set has other programs that are right, only what ten of them do as the reference does is
asked for. *equal results*: not right, but all inputs that tell are out of order where those of the tests are always
sorted, or tell only by what it leaves of its arguments. Where tests stay red after an answer, the first of them
is asked about next, as `fixer run` does, as long as the budget of the program lasts; nothing is taken back. *lands*:
all answers are sure enough to land where nobody is asked, though other tests may stay red. Seconds are of CPU, all
processes together.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from cpu_time import Clock, begin_counting, counted, so_far
from repair_judge import NEARLY, applied, difference, is_green, is_right
from repair_rank import Rank, TimedChecker, rank_of_right
from repair_sets import SETS, Case

from fixer.application.ports import RepairRequest
from fixer.domain.errors import TestsCannotRun
from fixer.domain.models import TestError, TestRun, Verdict
from fixer.infrastructure.candidate_checker import ForkChecker
from fixer.infrastructure.pytest_runner import PytestRunner
from fixer.offline.model import OfflineModel
from fixer.settings import Settings

TEST_SECONDS = 2.0


@dataclass(frozen=True)
class Job:
    """A program, the Python that runs its tests, the budget, the search's seed; or only the right edit's rank."""

    case: Case
    python: Path
    seconds: float
    seed: int
    ranks: bool


@dataclass(frozen=True)
class Repaired:
    """What came of one program.

    `cpu` and `first`, up to the first edit that passes, are in seconds; `compared` counts inputs.
    """

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
    first: float | None = None
    rank: Rank | None = None
    answers: int = 1

    @property
    def lands(self) -> bool:
        return self.confidence >= _SURE_ENOUGH


def main(argv: Sequence[str]) -> int:
    """Print a table, and JSON where asked."""
    asked = _arguments(argv)
    cases = list(SETS[asked.set](asked.checkout.resolve(), asked.half, asked.seed, asked.most))
    cases = [case for case in cases if not asked.only or case.name in asked.only.split(",")][: asked.first]
    jobs = [Job(case, asked.python.absolute(), asked.seconds, asked.search_seed, asked.ranks) for case in cases]
    with ThreadPoolExecutor(asked.jobs) as workers:
        repaired = []
        for one in workers.map(alone, jobs):
            repaired.append(one)
            print(_line(one), flush=True)
            if asked.json:
                asked.json.write_text(json.dumps([asdict(one) for one in repaired], indent=1))
    print(_summary(asked.set, repaired))
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench_repair", description=__doc__)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("checkout", type=Path, help="where the set lies; nothing of it is kept here")
    parser.add_argument("--half", choices=("known", "unseen"), default="known", help="of humanevalfix")
    parser.add_argument("--most", type=int, default=1000, help="programs")
    parser.add_argument("--first", type=int, default=1000, help="of those, in the order drawn")
    parser.add_argument("--seconds", type=float, default=30, help="the search's budget")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--search-seed", type=int, default=0, help="of the search")
    parser.add_argument(
        "--ranks", action="store_true", help="only where the right edit stands in the order, in no time"
    )
    parser.add_argument(
        "--python", type=Path, default=Path(sys.executable), help="what runs the tests; needs pytest, nothing else"
    )
    parser.add_argument("--jobs", type=int, default=1, help="programs at a time")
    parser.add_argument("--only", default="", help="these names, with commas between")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(argv)


def alone(job: Job) -> Repaired:
    """What comes of a program; or only the right edit's rank.

    In a process of its own, which may die alone, and waits for all of its children. A pool whose workers are replaced
    after some tasks can wait for ever for the next worker (python/cpython#115634).
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as worker:
        try:
            return worker.submit(_repair, job).result()
        except (BrokenProcessPool, TestsCannotRun):
            return Repaired(job.case.name, False, False, "died")


def _repair(job: Job) -> Repaired:
    case = job.case
    with tempfile.TemporaryDirectory(prefix="fixer-repair-") as folder:
        project = Path(folder, "project")
        _write(project, case)
        runner = PytestRunner(job.python, project, test_timeout=TEST_SECONDS, run_timeout=120)
        run = runner.discover()
        if not any(result.verdict is Verdict.FAILED for result in run.results):
            return Repaired(case.name, False, False, "no red test")
        nodeids = [result.nodeid for result in run.results]
        if job.ranks:
            request = _request(case, project, runner.run(nodeids, trace=True))
            rank = rank_of_right(request, project / case.broken, [case.reference])
            return Repaired(case.name, False, False, "not tried", rank=rank)
        return _searched(job, project, runner, nodeids)


def _write(project: Path, case: Case) -> None:
    for name, text in {"pytest.ini": "[pytest]\n", **case.files}.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _searched(job: Job, project: Path, runner: PytestRunner, nodeids: Sequence[str]) -> Repaired:
    """Asks about one red test after the other, until none is left, no answer comes, or the budget is used up."""
    case = job.case
    began = begin_counting()
    request = _request(case, project, runner.run(nodeids, trace=True))
    traced, answers, first, cpu = request.evidence, list[str](), None, 0.0
    while _is_red(traced) and cpu < job.seconds and len(answers) < _MOST_ANSWERS:
        before = counted() if answers else began
        asked = _request(case, project, traced)
        answer, passed = _asked(replace(job, seconds=job.seconds - cpu), project, asked, nodeids)
        cpu += counted() - before
        first = passed - before if passed and first is None else first
        text = applied(answer, project)
        answers.append(answer)
        if text is None:
            break
        (project / case.broken).write_text(text)
        traced = runner.run(nodeids, trace=True)
    repaired, text = _judged(case, project, answers, cpu)
    (project / case.broken).write_text(case.files[case.broken])
    right = [case.reference, *([text] if repaired.right else [])]
    return replace(repaired, first=first, rank=rank_of_right(request, project / case.broken, right))


def _asked(job: Job, project: Path, request: RepairRequest, nodeids: Sequence[str]) -> tuple[str, float | None]:
    """One answer, and when an edit first passed."""
    with ForkChecker(python=job.python, project=project, rootdir=lambda: project, test_timeout=TEST_SECONDS) as checker:
        timed = TimedChecker(checker, request, so_far)
        model = OfflineModel(
            checker=timed,
            top=project,
            module_ids=lambda nodeid: nodeids,
            progress=lambda text: None,
            budget_seconds=job.seconds,
            seed=job.seed,
            clock=Clock(),
        )
        return model.answer(request), timed.first


def _is_red(run: TestRun) -> bool:
    return any(result.details for result in run.results)


def _request(case: Case, project: Path, traced: TestRun) -> RepairRequest:
    failed = next(result for result in traced.results if result.details)
    assert failed.details
    file, _, function = failed.nodeid.partition("::")
    error = TestError(Path(file), function, failed.details, failed.location, failed.frames)
    return RepairRequest(error, 1, 0.4, (project / case.broken,), traced)


def _judged(case: Case, project: Path, answers: Sequence[str], cpu: float) -> tuple[Repaired, str]:
    """What the file is worth as the answers left it; also its text."""
    tried = sum(int(found[1]) for answer in answers if (found := re.search(r"(\d+) (?:edits|candidates)", answer)))
    old, text = case.files[case.broken], (project / case.broken).read_text()
    if text == old:
        return Repaired(case.name, False, False, "no fix found", tried=tried, cpu=cpu), ""
    shutil.rmtree(project / ".pytest_cache", ignore_errors=True)
    green = is_green(project)
    right, how, compared, differ = is_right(case, project, text) if green else (False, "tests fail", 0, "")
    kinds = [found[1] for answer in answers if (found := re.search(r"Changed the (.*?) at", answer))]
    sure = [int(found[1]) / 100 for answer in answers if (found := re.search(r"Confidence (\d+)%", answer))]
    repaired = Repaired(
        case.name,
        green,
        right,
        how,
        " / ".join(kinds),
        tried,
        sum(map(_others, answers)),
        cpu,
        compared,
        differ,
        "\n".join(difference(old, text)),
        min(sure, default=0.0),
        answers=len(kinds),
    )
    return repaired, text


def _others(answer: str) -> int:
    """How many more edits pass, as the answer says."""
    found = re.search(r"(\d+|One) other edit", answer)
    return 0 if not found else 1 if found[1] == "One" else int(found[1])


_MOST_ANSWERS = 12
_SURE_ENOUGH = Settings.offline_confidence


def _line(one: Repaired) -> str:
    state = "RIGHT" if one.right else "passes" if one.passes else "-"
    diff = one.diff.replace("\n", " | ")
    first = "" if one.first is None else f"{one.first:.1f}"
    place = f"{one.rank.place}/{one.rank.of}" if one.rank else "-"
    measured = f"{first:>5} {one.cpu:6.1f} s {one.tried:6} {one.confidence:4.0%} {place:>12}"
    return f"{one.name:28} {state:7} {one.how:16} {measured} {one.template:18} {diff[:100]}"


def _summary(name: str, repaired: Sequence[Repaired]) -> str:
    counted = [one for one in repaired if one.how != "no red test"]
    passing = [one for one in counted if one.passes]
    landing = [one for one in counted if one.lands]
    right = sum(one.right for one in counted)
    once = [one for one in passing if one.answers == 1]
    share = f"{len(passing)} pass, {right} right of {len(counted)}"
    share += f"; with a single answer {len(once)} and {sum(one.right for one in once)}"
    share += f"; {sum(one.how == NEARLY for one in counted)} more give equal results"
    alone = f"{len(landing)} would land by themselves, {sum(one.right for one in landing)} of them right"
    first = statistics.median([one.first or 0.0 for one in passing]) if passing else 0.0
    cpu = statistics.median([one.cpu for one in passing]) if passing else 0.0
    seconds = f"median {first:.1f} s of CPU to the first that passes, {cpu:.1f} s in all"
    without = f"({len(repaired) - len(counted)} without a red test)"
    return f"{name}: {share} {without}; {alone}; {seconds}\n{_ranks([one.rank for one in counted if one.rank])}"


def _ranks(ranks: Sequence[Rank]) -> str:
    """Geometric means, as one program that is far off says little about the others."""
    if not ranks:
        return "rank of the right edit: none was proposed"
    place, chance = (
        math.exp(statistics.fmean(map(math.log, values)))
        for values in ([rank.place for rank in ranks], [rank.by_chance for rank in ranks])
    )
    means = f"rank of the right edit, {len(ranks)} programs: {place:.0f}, in random order {chance:.0f}"
    return f"{means}: {chance / place:.1f} times better"


if __name__ == "__main__":
    started = time.monotonic()
    code = main(sys.argv[1:])
    print(f"{time.monotonic() - started:.0f} s")
    sys.exit(code)
