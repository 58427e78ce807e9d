"""Finds real bugs in public histories: a fix of one source file with its test, the test applied to the parent.

A commit counts where its message speaks of a mistake, it changes a few lines of one source file, and tests of it fail
on its parent and pass with it. Only ids go into the manifest; the projects stay in the folder given by `--into`, each
with a virtual environment of its own, and are run there. Which bugs may be looked at while fixer is changed, and which
may not, is fixed by a hash of the commit's id.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fixer.domain.errors import FixerError
from fixer.domain.models import Verdict
from fixer.infrastructure.pytest_runner import PytestRunner

TEST_SECONDS = 10.0


@dataclass(frozen=True)
class Fix:
    """A commit that changes `source` and `tests`, paths from the top; `lines` counts those of the source it changes."""

    commit: str
    source: str
    tests: tuple[str, ...]
    lines: int


@dataclass(frozen=True)
class Bug:
    """A fix whose `failing` tests fail without it and pass with it."""

    repository: str
    commit: str
    source: str
    tests: tuple[str, ...]
    failing: tuple[str, ...]
    draw: int = 1
    """Which collection it belongs to: a later one is for a measurement that nothing was fitted to."""

    @property
    def name(self) -> str:
        return f"{self.repository.partition('/')[2]}@{self.commit[:9]}"

    @property
    def half(self) -> str:
        return "known" if hashlib.sha256(self.commit.encode()).digest()[0] % 2 else "unseen"


@dataclass(frozen=True)
class Place:
    """Where one repository is kept: its clone, its environment, and the commit that is checked out in it."""

    repository: str
    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def python(self) -> Path:
        return self.folder / "venv/bin/python"

    def lay_out(self, bug: Bug | Fix) -> None:
        """The parent of the fix, with its tests applied. What building the project has generated stays."""
        git(self.project, "checkout", "--quiet", "--force", f"{bug.commit}~1")
        git(self.project, "checkout", "--quiet", bug.commit, "--", *bug.tests)

    def mend(self, bug: Bug | Fix) -> None:
        """The real fix, on top of that."""
        git(self.project, "checkout", "--quiet", bug.commit, "--", bug.source)


def main(argv: Sequence[str]) -> int:
    """Add the bugs of one repository to the manifest."""
    asked = _arguments(argv)
    place = prepared(asked.git_directory.resolve(), asked.repository, asked.into.resolve(), asked.also)
    known = read_manifest(asked.manifest)
    found = 0
    # Not of the clone: it stands wherever the last bug was laid out.
    for fix in list(fixes(asked.git_directory, asked.since, asked.lines))[: asked.look_at]:
        if found >= asked.most:
            break
        bug = reproduced(place, fix, asked.draw)
        print(f"{fix.commit[:9]} {fix.source}: {len(bug.failing) if bug else 'not a bug that shows'}", flush=True)
        if bug and bug not in known:
            found += 1
            known.append(bug)
            write_manifest(asked.manifest, known)
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mine_bugs", description=__doc__)
    parser.add_argument("git_directory", type=Path, help="a repository, bare or not")
    parser.add_argument("--repository", required=True, help="owner/name, for the manifest")
    parser.add_argument("--into", type=Path, required=True, help="where clone and environment are kept")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--most", type=int, default=6, help="bugs")
    parser.add_argument("--look-at", type=int, default=40, help="commits, newest first")
    parser.add_argument("--lines", type=int, default=10, help="changed lines of the source, added and removed")
    parser.add_argument("--since", default="2019-01-01")
    parser.add_argument("--draw", type=int, default=1, help="the collection that the bugs are counted to")
    parser.add_argument("--also", nargs="*", default=[], help="what pip installs besides pytest and the project")
    return parser.parse_args(argv)


def fixes(repository: Path, since: str, most_lines: int) -> Iterator[Fix]:
    """Commits that are fixes by their message and their files, newest first."""
    log = git(repository, "log", "--no-merges", "--no-renames", "--numstat", f"--since={since}", f"--format={_FORMAT}")
    for entry in log.split(_ENTRY)[1:]:
        commit, message, files = entry.split(_FIELD)
        fix = _fix(commit, files.splitlines()) if _SPEAKS_OF_A_MISTAKE.search(message) else None
        if fix and fix.lines <= most_lines:
            yield fix


def reproduced(place: Place, fix: Fix, draw: int = 1) -> Bug | None:
    """The bug, where some test of the fix fails without it, passes with it, and none that passed fails with it."""
    try:
        place.lay_out(fix)
        before = _verdicts(place, fix.tests)
        place.mend(fix)
        after = _verdicts(place, fix.tests)
    except (FixerError, subprocess.CalledProcessError):
        return None
    passed = {nodeid for nodeid, verdict in after.items() if verdict is Verdict.PASSED}
    failing = tuple(nodeid for nodeid, verdict in before.items() if verdict is Verdict.FAILED and nodeid in passed)
    broken = any(verdict is Verdict.PASSED and nodeid not in passed for nodeid, verdict in before.items())
    return None if broken or not failing else Bug(place.repository, fix.commit, fix.source, fix.tests, failing, draw)


def prepared(git_directory: Path, repository: str, into: Path, also: Iterable[str] = ()) -> Place:
    """Clone and environment, made where they are missing."""
    place = Place(repository, into / repository.replace("/", "+"))
    if not place.project.exists():
        place.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "--quiet", "--shared", git_directory, place.project], check=True)
    if not place.python.exists():
        subprocess.run([sys.executable, "-m", "venv", place.folder / "venv"], check=True)
        install = [str(place.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "pytest<9", "--editable", ".", *also], check=True, cwd=place.project)
    return place


def read_manifest(path: Path) -> list[Bug]:
    """The bugs in it; none where there is no such file."""
    if not path.exists():
        return []
    entries = json.loads(path.read_text())
    return [Bug(**{**entry, "tests": tuple(entry["tests"]), "failing": tuple(entry["failing"])}) for entry in entries]


def write_manifest(path: Path, bugs: Sequence[Bug]) -> None:
    """Replace it."""
    path.write_text(json.dumps([asdict(bug) for bug in bugs], indent=1) + "\n")


def git(folder: Path, *arguments: str) -> str:
    """What git prints. Raises CalledProcessError."""
    argv = ["git", "-c", "advice.detachedHead=false", *arguments]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, errors="replace", check=True)
    return done.stdout


_ENTRY, _FIELD = "\x1e", "\x1f"
_FORMAT = "%x1e%H%x1f%B%x1f"
_SPEAKS_OF_A_MISTAKE = re.compile(
    r"\b(fix(e[sd])?|bug|bugfix|regression|correct(s|ed|ly)?|incorrect(ly)?|wrong(ly)?|crash(es|ed)?|broken|error)\b",
    re.IGNORECASE,
)
_A_TEST = re.compile(r"(^|/)(tests?|testing)/|(^|/)test_[^/]*$|_test\.py$")
_NO_SOURCE = re.compile(r"^(docs?|examples?|scripts?|tools?|benchmarks?)/|(^|/)(setup|conf|conftest|noxfile)\.py$")


def _fix(commit: str, files: Iterable[str]) -> Fix | None:
    changed = [line.split("\t") for line in files if line.count("\t") == 2]
    tests = tuple(path for _, _, path in changed if _A_TEST.search(path))
    sources = [
        (path, int(added) + int(removed))
        for added, removed, path in changed
        if path.endswith(".py") and path not in tests and not _NO_SOURCE.search(path) and added != "-"
    ]
    if len(sources) != 1 or not any(path.endswith(".py") for path in tests):
        return None
    return Fix(commit, sources[0][0], tests, sources[0][1])


def _verdicts(place: Place, tests: Sequence[str]) -> dict[str, Verdict]:
    files = tuple(path for path in tests if re.search(r"(^|/)(test_[^/]*|[^/]*_test|tests?)\.py$", path))
    if not files:
        return {}
    run = runner(place, files).discover()
    return {result.nodeid: result.verdict for result in run.results}


def runner(place: Place, selection: tuple[str, ...] = ()) -> PytestRunner:
    """Runs the project's tests in its own environment."""
    return PytestRunner(place.python, place.project, selection=selection, test_timeout=TEST_SECONDS, run_timeout=300)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
