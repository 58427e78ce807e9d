"""Measures how many of the real bugs that `scripts/mine_bugs` found the offline model repairs.

One answer is asked for per bug, for the first of its failing tests. It *passes* where, written to disk, all failing
tests of the bug are green in a fresh pytest and no other test of their files has turned red. It would *land* where
it turned none red and is sure enough, be it that others of the failing tests stay red. Then the whole suite is run,
with it and with the real fix. Whether it is right somebody has to judge: its diff is written beside that of the real
fix. Seconds are of CPU, all processes together.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cpu_time import Clock, begin_counting, counted
from mine_bugs import TEST_SECONDS, Bug, Place, git, read_manifest, runner
from repair_rank import rank_of_right

from fixer.application.ports import RepairRequest
from fixer.domain.errors import FixerError
from fixer.domain.models import TestError, TestResult, TestRun, Verdict
from fixer.infrastructure.baseline import Baseline
from fixer.infrastructure.briefing import Briefing
from fixer.infrastructure.candidate_checker import ForkChecker
from fixer.infrastructure.prompt_library import PromptLibrary
from fixer.offline.model import OfflineModel
from fixer.settings import Settings


@dataclass(frozen=True)
class Tried:
    """What came of one bug. `cpu` in seconds; `broken` are tests that the answer turned red."""

    name: str
    how: str
    passes: bool = False
    confidence: float = 0.0
    cpu: float = 0.0
    tried: int = 0
    also: int = 0
    found_file: bool = False
    """Whether the file of the real fix was among those that could be edited."""
    template: str = ""
    broken: tuple[str, ...] = ()
    diff: str = ""
    real: str = ""
    suite: str = ""
    answer: str = ""

    @property
    def lands(self) -> bool:
        return bool(self.diff) and not self.broken and self.confidence >= _SURE_ENOUGH


def main(argv: Sequence[str]) -> int:
    """Print a line per bug, and JSON where asked. Each bug has a process of its own, which may hang or die alone."""
    asked = _arguments(argv)
    if asked.one:
        bug = next(bug for bug in read_manifest(asked.manifest) if bug.name == asked.one)
        print(json.dumps(asdict(_tried(bug, asked.into.resolve(), asked.seconds, ranks=asked.ranks))))
        return 0
    bugs = [bug for bug in read_manifest(asked.manifest) if bug.draw == asked.draw and asked.half in (bug.half, "both")]
    tried = []
    for bug in [bug for bug in bugs if not asked.only or bug.repository in asked.only.split(",")]:
        tried.append(_alone(bug, asked))
        print(_line(tried[-1]), flush=True)
        if asked.json:
            asked.json.write_text(json.dumps([asdict(one) for one in tried], indent=1))
    landing = [one for one in tried if one.lands]
    print(f"{len(tried)} bugs: {sum(one.passes for one in tried)} pass, {len(landing)} would land by themselves")
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench_bugs", description=__doc__)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--into", type=Path, required=True, help="where scripts/mine_bugs keeps the projects")
    parser.add_argument("--draw", type=int, default=1, help="which collection of the manifest")
    parser.add_argument("--half", choices=("known", "unseen", "both"), default="known")
    parser.add_argument("--seconds", type=float, default=60, help="the search's budget")
    parser.add_argument("--only", default="", help="these repositories, with commas between")
    parser.add_argument("--ranks", action="store_true", help="only where the real fix stands in the order")
    parser.add_argument("--one", default="", help="this bug, as JSON")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(argv)


def _alone(bug: Bug, asked: argparse.Namespace) -> Tried:
    argv = [sys.executable, "-m", "bench_bugs", str(asked.manifest), "--into", str(asked.into), "--one", bug.name]
    argv += ["--seconds", str(asked.seconds), *(["--ranks"] if asked.ranks else [])]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=asked.seconds * 10 + 300)
    except subprocess.TimeoutExpired:
        return Tried(bug.name, "took too long")
    except subprocess.CalledProcessError as error:
        return Tried(bug.name, "died", answer=error.stderr[-2000:])
    found = json.loads(done.stdout.splitlines()[-1])
    return Tried(**{**found, "broken": tuple(found["broken"])})


def _tried(bug: Bug, into: Path, seconds: float, *, ranks: bool = False) -> Tried:
    place = Place(bug.repository, into / bug.repository.replace("/", "+"))
    place.lay_out(bug)
    real = git(place.project, "diff", "--unified=0", f"{bug.commit}~1", bug.commit, "--", bug.source)
    pytest = runner(place, _files(bug))
    try:
        baseline = Baseline(pytest)
        run = baseline.discover()
        request = _request(place, baseline, next(result for result in run.results if result.nodeid in bug.failing))
    except (FixerError, StopIteration) as error:
        return Tried(bug.name, f"cannot be shown: {error!r}", real=real)
    sought = (place.project / bug.source).resolve() in request.sources
    if ranks:
        mended = git(place.project, "show", f"{bug.commit}:{bug.source}")
        rank = rank_of_right(request, place.project / bug.source, [mended])
        told = f"place {rank.place} of {rank.of}" if rank else "not proposed"
        return Tried(bug.name, told, found_file=sought, real=real)
    before = begin_counting()
    answer = _answer(place, baseline, pytest.rootdir(), request, seconds)
    tried = Tried(bug.name, "no fix found", cpu=counted() - before, found_file=sought, real=real, answer=answer)
    return _judged(tried, bug, place, run)


def _request(place: Place, baseline: Baseline, failed: TestResult) -> RepairRequest:
    """As the engine asks at its first attempt."""
    assert failed.details
    file, _, function = failed.nodeid.partition("::")
    error = TestError(Path(file), function, failed.details, failed.location, failed.frames)
    briefing = Briefing(baseline, PromptLibrary(), place.project, module_ids=baseline.module_ids)
    return RepairRequest(error, 1, 0.4, briefing.searched(error), briefing.prepare(error).evidence)


def _answer(place: Place, baseline: Baseline, rootdir: Path, request: RepairRequest, seconds: float) -> str:
    with ForkChecker(
        python=place.python, project=place.project, rootdir=lambda: rootdir, test_timeout=TEST_SECONDS
    ) as checker:
        model = OfflineModel(
            checker=checker,
            top=place.project,
            module_ids=baseline.module_ids,
            progress=lambda text: None,
            budget_seconds=seconds,
            clock=Clock(),
        )
        return model.answer(request)


def _judged(tried: Tried, bug: Bug, place: Place, before: TestRun) -> Tried:
    number = re.search(r"(\d+) (?:edits|candidates)", tried.answer)
    tried = replace(tried, tried=int(number[1]) if number else 0)
    if not _applied(tried.answer, place.project):
        return tried
    diff = git(place.project, "diff", "--unified=0", "--", "*.py")
    after = runner(place, _files(bug)).discover()
    broken = tuple(sorted(before.passed - after.passed))
    passes = after.passed >= set(bug.failing) and not broken
    found = re.search(r"Changed the (.*?) at", tried.answer)
    also = re.search(r"(\d+|One) other edit", tried.answer)
    sure = re.search(r"Confidence (\d+)%", tried.answer)
    return replace(
        tried,
        how="passes" if passes else "leaves tests red" if not broken else "breaks tests",
        passes=passes,
        confidence=int(sure[1]) / 100 if sure else 0.0,
        also=0 if not also else 1 if also[1] == "One" else int(also[1]),
        template=found[1] if found else "",
        broken=broken,
        diff=diff,
        suite="" if broken else _suite(place, bug),
    )


def _files(bug: Bug) -> tuple[str, ...]:
    """The test files that hold its failing tests, from the top; their ids begin at pytest's rootdir, be it deeper."""
    files = dict.fromkeys(nodeid.partition("::")[0] for nodeid in bug.failing)
    return tuple(next((test for test in bug.tests if f"/{test}".endswith(f"/{file}")), file) for file in files)


def _applied(answer: str, project: Path) -> bool:
    """Whether there was an edit; the file as Aider would leave it."""
    from aider.coders.editblock_coder import do_replace, find_original_update_blocks

    names = git(project, "ls-files", "*.py").splitlines()
    for name, before, after in find_original_update_blocks(answer, valid_fnames=names):
        path = project / name
        path.write_text(do_replace(str(path), path.read_text(), before, after, ("```", "```")))
        return True
    return False


def _suite(place: Place, bug: Bug) -> str:
    """Whether the whole suite passes as it does with the real fix."""
    try:
        answered = runner(place).discover()
        place.lay_out(bug)  # the answer may have changed another file than the fix does
        place.mend(bug)
        mended = runner(place).discover()
    except FixerError as error:
        return f"does not run: {error}"
    # An id may hold the time of day: what the other run does not know at all is not compared.
    red = sorted((mended.passed & {result.nodeid for result in answered.results}) - answered.passed)
    tests = sum(result.verdict is Verdict.PASSED for result in mended.results)
    return f"{tests} pass with the real fix, {len(red)} of them not with this: {', '.join(red[:5])}".rstrip(": ")


_SURE_ENOUGH = Settings.offline_confidence


def _line(one: Tried) -> str:
    diff = " | ".join(line for line in one.diff.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"})
    return (
        f"{one.name:32} {one.how:18} {one.confidence:4.0%} {one.cpu:6.1f} s {one.tried:6} tried "
        f"{'' if one.found_file else 'FILE MISSED '}{one.template:18} {diff[:120]}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
