"""Carries over which lines the tests ran into a text that an edit has changed, without running them again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from fixer.domain.models import TestRun
from fixer.offline.rank import Candidate
from fixer.offline.source import Source


def executed_after(
    before: TestRun, edit: Candidate, source: Source, green: Collection[str]
) -> dict[str, dict[Path, frozenset[int]]]:
    """What `before` tells, in the lines of `source`, the text after the edit.

    A test that is not among `green` may get further than before: it may run any line of the functions that it ran.
    """
    return {nodeid: _after(files, edit, source, nodeid in green) for nodeid, files in before.executed.items()}


def _after(
    files: Mapping[Path, frozenset[int]], edit: Candidate, source: Source, is_green: bool
) -> dict[Path, frozenset[int]]:
    after = dict(files)
    for file in (file for file in files if file.resolve() == source.path):
        moved = frozenset(_moved(files[file], edit, source))
        after[file] = moved if is_green else frozenset(near for line in moved for near in source.lines_around(line))
    return after


def _moved(lines: Collection[int], edit: Candidate, source: Source) -> Iterator[int]:
    """Where the lines are now; the lines of the edit run where one of those that they replace did."""
    start, end = edit.edit.start, edit.edit.end
    first, last = edit.source.line_of(start), edit.source.line_of(end)
    new_last = source.line_of(start + len(edit.edit.text))
    for line in lines:
        if line < first:
            yield line
        elif line > last:
            yield line + new_last - last
        else:
            yield from range(first, new_last + 1)
