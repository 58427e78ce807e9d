"""Guards the tests elsewhere that execute the lines that a fix changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from fixer.application.ports import TestRunner
from fixer.domain.models import Proposal, TestError, TestRun
from fixer.infrastructure.guards.breakage import breakage

ChangedLines = tuple[frozenset[int], ...]
"""For each place that is changed, the lines that stood there before; of an insertion, those around it."""


class AffectedGuard:
    """What passed before and executes the changed lines still passes, outside the failing test's own module.

    Which lines a test executes is known from the first run, where that could be recorded cheaply; where nothing is
    known, nothing is run. A file that an earlier fix changed has other line numbers since: all that touch it count.
    """

    name = "affected tests"
    after_test = True

    def __init__(self, runner: TestRunner, first_run: Callable[[], TestRun], top: Path) -> None:
        self._runner = runner
        self._first_run = first_run
        self._top = top
        self._renumbered: set[Path] = set()

    def renumber(self, files: Iterable[str]) -> None:
        """These files, relative to the top, have changed for good."""
        self._renumbered.update((self._top / file).resolve() for file in files)

    def refuse(self, error: TestError, proposal: Proposal) -> str:
        """The tests that passed before and do not now."""
        affected = self._affected(error, proposal)
        return breakage(self._runner, affected) if affected else ""

    def _affected(self, error: TestError, proposal: Proposal) -> list[str]:
        """In the order of the first run; the failing test's module has its own guard."""
        first = self._first_run()
        module = error.nodeid.partition("::")[0]
        changed = {
            path: () if path in self._renumbered else places
            for file, places in changed_lines(proposal).items()
            if (path := (self._top / file).resolve()).suffix == ".py"
        }
        executing = tests_executing(changed, first.executed)
        return [
            result.nodeid
            for result in first.results
            if result and result.nodeid in executing and result.nodeid.partition("::")[0] != module
        ]


def tests_executing(
    changed: Mapping[Path, ChangedLines], executed: Mapping[str, Mapping[Path, frozenset[int]]]
) -> frozenset[str]:
    """The tests that execute one of the changed places.

    A place that no test executes runs when its module is imported, or not at all; nobody can tell who depends on it:
    then all tests that execute anything of the file count, as they do for a file without places.
    """
    found: set[str] = set()
    for path, places in changed.items():
        lines = {nodeid: files[path] for nodeid, files in executed.items() if files.get(path)}
        for place in places or (frozenset(),):
            hit = {nodeid for nodeid, own in lines.items() if own & place}
            found |= hit or lines.keys()
    return frozenset(found)


def changed_lines(proposal: Proposal) -> dict[str, ChangedLines]:
    """By file, as the proposal names it; no places where its diff does not tell."""
    diff = proposal.changes.description if proposal.changes else ""
    found: dict[str, list[frozenset[int]]] = {file: [] for file in proposal.files}
    for name, hunk in _hunks(diff):
        # A prefix (`a/`) is usual, but the user's settings may want another one or none.
        files = [file for file in proposal.files if name == file or name.endswith(f"/{file}")]
        for file in files[:1]:
            found[file] += _places(hunk)
    return {file: tuple(places) for file, places in found.items()}


_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")


def _hunks(diff: str) -> Iterator[tuple[str, tuple[int, list[str]]]]:
    """The name of the file after the change, the first line of the hunk and its lines."""
    name, rest = "", iter(diff.splitlines())
    for line in rest:
        if line.startswith("+++ "):
            name = line[4:].rstrip("\t").strip('"')
        elif header := _HUNK.match(line):
            start, count = int(header[1]), int(header[2] or 1)
            yield name, (start, list(_body(rest, count, int(header[3] or 1))))


def _body(lines: Iterator[str], old: int, new: int) -> Iterator[str]:
    """As many lines as the header promises: what is removed may itself look like a header."""
    while old > 0 or new > 0:
        line = next(lines, None)
        if line is None:
            return
        old -= not line.startswith(("+", "\\"))
        new -= not line.startswith(("-", "\\"))
        yield line


def _places(hunk: tuple[int, list[str]]) -> list[frozenset[int]]:
    """Runs of changed lines in a hunk, each as numbers of the text before."""
    number, lines = hunk
    number += not any(not line.startswith("+") for line in lines)  # of a mere insertion, git names the line before
    places: list[frozenset[int]] = []
    removed: list[int] = []
    inside = False
    for line in [*lines, " "]:
        if line.startswith("-"):
            removed.append(number)
            inside = True
        elif line.startswith("+"):
            inside = True
        elif inside and not line.startswith("\\"):
            places.append(frozenset(removed or (number - 1, number)))
            removed, inside = [], False
        number += not line.startswith(("+", "\\"))
    return places
