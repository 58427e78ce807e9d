"""Rules that belong to no single thing: what a fix may never touch, which lines are suspicious, what a log says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt
from pathlib import Path, PurePath

from fixer.domain.models import TestError, TestRun
from fixer.domain.text_report import read_failures


@dataclass(frozen=True)
class Permitted:
    """What the user said a fix may edit although it is protected: paths relative to the top, and all tests."""

    paths: tuple[PurePath, ...] = ()
    tests: bool = False

    def covers(self, path: PurePath) -> bool:
        """Whether the path, or a folder that it is in, was named."""
        return any(path.is_relative_to(allowed) for allowed in self.paths)


NOTHING_PERMITTED = Permitted()


def protected_reason(path: PurePath, permitted: Permitted = NOTHING_PERMITTED) -> str:
    """Why a fix must not edit this path, which is relative to the working tree's top; empty where it may.

    No permission reaches beyond the project, into git's own files, or from a path to the tests below it.
    """
    parts = [part.casefold() for part in path.parts]
    if not parts or path.is_absolute() or ".." in parts or ":" in parts[0]:
        return "lies outside the project"
    if ".git" in parts:
        return "is in a hidden directory"
    if is_test_path(path):
        return "" if permitted.tests else _test_reason(parts)
    if permitted.covers(path):
        return ""
    reasons = (_directory_reason(parts[:-1]), _file_reason(parts[-1]), _test_reason(parts))
    return next((reason for reason in reasons if reason), "")


def is_test_path(path: PurePath) -> bool:
    """Whether the file is a test or lies among the tests, and steers nothing."""
    parts = [part.casefold() for part in path.parts]
    return bool(parts and _test_reason(parts)) and not (_directory_reason(parts[:-1]) or _file_reason(parts[-1]))


def is_named_after_tests(path: PurePath) -> bool:
    """Whether a file is a test, or its name or a folder's speaks of tests, as those of helpers do that only tests call.

    Such a file may be what a project is about, as `numpy.testing` is, so that it may be edited where it is no test.
    Of the fixes of 374 real bugs (docs/benchmarks_real_bugs.md) one was in such a file.
    """
    *folders, name = [part.casefold() for part in path.parts]
    named = [*folders, name.rpartition(".")[0]]
    return is_test_path(path) or any(
        part.endswith("tests") or not _TEST_WORDS.isdisjoint(part.split("_")) for part in named
    )


@dataclass(frozen=True)
class SuspiciousLine:
    """A line that a failing test executed; the score is above 0 and at most 1."""

    file: Path
    line: int
    score: float


def rank_lines(run: TestRun, failing: str) -> tuple[SuspiciousLine, ...]:
    """The lines that the failing test executed in a traced run, most suspicious first.

    The score is Ochiai's coefficient, which Abreu, Zoeteweij and van Gemund found the best of those they compared
    ("On the Accuracy of Spectrum-based Fault Localization", TAICPART-MUTATION 2007): failing tests that executed
    the line, over the root of (all failing tests x all tests that executed it).
    """
    target = {(file, line) for file, lines in run.executed.get(failing, {}).items() for line in lines}
    red = _red_tests(run, failing)
    in_red = _hits(run, red, target)
    in_green = _hits(run, run.passed - red, target)
    scored = (
        SuspiciousLine(*place, in_red[place] / sqrt(len(red) * (in_red[place] + in_green[place]))) for place in target
    )
    return tuple(sorted(scored, key=lambda found: (-found.score, found.file, found.line)))


class ErrorAnalysisService:
    """Reads failing tests out of logs that come from elsewhere: pytest's text output, JUnit XML, pytest-reportlog.

    `is_file` says which paths there are here: JUnit names modules, which may be one or the other file.
    """

    def __init__(self, is_file: Callable[[str], bool] = lambda path: False) -> None:
        self._is_file = is_file

    def analyze_errors(self, text: str) -> list[TestError]:
        """The failing tests that the text tells of, each node id once; empty where it tells of none."""
        from fixer.domain.machine_logs import is_junit, is_reportlog, read_junit, read_reportlog

        if is_junit(text):
            return read_junit(text, self._is_file)
        return read_reportlog(text) if is_reportlog(text) else read_failures(text)


_TEST_DIRECTORIES = frozenset({"test", "tests"})
_TEST_WORDS = frozenset({"test", "tests", "testing", "testutil", "testutils"})
_INSTALLED = frozenset({"venv", "site-packages", "dist-packages", "node_modules", "__pycache__"})
_STEERS_THE_TESTS = frozenset(
    {
        "conftest.py",
        "noxfile.py",
        "pyproject.toml",
        "pytest.ini",
        "pytest.toml",
        "setup.cfg",
        "setup.py",
        "sitecustomize.py",
        "tox.ini",
        "tox.toml",
        "toxfile.py",
        "usercustomize.py",
    }
)
_LOCK_FILES = frozenset({"package-lock.json", "pnpm-lock.yaml", "pylock.toml"})
_CI_FILES = frozenset(
    {"appveyor.yml", "azure-pipelines.yml", "bitbucket-pipelines.yml", "cloudbuild.yaml", "jenkinsfile"}
)


def _directory_reason(directories: list[str]) -> str:
    if any(name.startswith(".") for name in directories):
        return "is in a hidden directory"
    if any(name in _INSTALLED or name.endswith((".dist-info", ".egg-info")) for name in directories):
        return "is installed or generated, not source"
    return ""


def _file_reason(name: str) -> str:
    if name.startswith("."):
        return "is a hidden file"
    if name in _STEERS_THE_TESTS or name.endswith(".pth"):
        return "steers how the tests run"
    if name in _LOCK_FILES or name.endswith(".lock"):
        return "is a lock file"
    return "is read by CI" if name in _CI_FILES else ""


def _test_reason(parts: list[str]) -> str:
    if any(name in _TEST_DIRECTORIES for name in parts[:-1]):
        return "belongs to the tests"
    return "is a test" if _is_test_file(parts[-1]) else ""


def _is_test_file(name: str) -> bool:
    stem, dot, suffix = name.rpartition(".")
    if not dot or suffix not in {"py", "pyi"}:
        return False
    return stem in _TEST_DIRECTORIES or stem.startswith(("test_", "tests_")) or stem.endswith(("_test", "_tests"))


def _red_tests(run: TestRun, failing: str) -> frozenset[str]:
    """Traced tests that failed; one that was skipped half way says nothing about the lines it executed."""
    red = {result.nodeid for result in run.results if not result and result.details}
    return frozenset((red | {failing}) & run.executed.keys())


def _hits(run: TestRun, nodeids: Iterable[str], target: set[tuple[Path, int]]) -> Counter[tuple[Path, int]]:
    places: Counter[tuple[Path, int]] = Counter()
    for nodeid in nodeids:
        executed = run.executed.get(nodeid, {})
        places.update({(file, line) for file, lines in executed.items() for line in lines} & target)
    return places
