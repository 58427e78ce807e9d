"""Says an edit the way a language model would: as a SEARCH/REPLACE block that fits in exactly one place."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from fixer.offline.rank import Candidate
from fixer.offline.source import Source


def edit_block(candidate: Candidate, top: Path) -> str:
    """The block for Aider's `diff` format, the path relative to `top`; empty where no block can say it."""
    found = _smallest(_Lines.of(candidate.source), _change(candidate))
    if not found or any(_MARKER.match(line) for part in found for line in part):
        return ""
    search, replace = ("".join(part) for part in found)
    name = _relative(candidate.source.path, top)
    return f"{name}\n```python\n<<<<<<< SEARCH\n{_closed(search)}=======\n{_closed(replace)}>>>>>>> REPLACE\n```\n"


def changed_lines(candidate: Candidate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines that the candidate takes out and puts in, without their line ends."""
    change = _change(candidate)
    removed = _Lines.of(candidate.source).lines[change.start : change.end]
    return tuple(line.rstrip("\n") for line in removed), tuple(line.rstrip("\n") for line in change.new)


_MARKER = re.compile(r"\s*(<{5,9} SEARCH>?|={5,9}|>{5,9} REPLACE)\s*$")


class _Lines:
    """The lines of a source as Aider counts them, where each begins, and where the same line stands.

    Each of thousands of candidates asks of the same few sources, and changes a line or two of thousands.
    """

    def __init__(self, text: str) -> None:
        kept = text.splitlines(keepends=True)
        self.lines = [_unix(line) for line in kept]
        self._starts = [0, *accumulate(map(len, kept))]
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        for number, line in enumerate(self.lines):
            self._places[line].append(number)

    @classmethod
    @lru_cache(maxsize=32)
    def of(cls, source: Source) -> _Lines:
        """Those of a source, counted once."""
        return cls(source.text)

    def around(self, start: int, end: int) -> tuple[int, int]:
        """The first line that a span touches, and the one behind the last; a line end belongs to its line."""
        last = len(self.lines)
        first = min(bisect_right(self._starts, start), last) - 1
        return max(0, first), min(bisect_right(self._starts, end), last)

    def offset(self, line: int) -> int:
        """Where a line begins in the text; that of the one behind the last is the text's end."""
        return self._starts[line]

    def times(self, block: list[str]) -> int:
        """How often some lines stand there, exactly so: Aider forgives indentation only where nothing fits exactly."""
        size = len(block)
        return sum(self.lines[at : at + size] == block for at in self._places[block[0]])


@dataclass(frozen=True)
class _Change:
    """New lines in place of those from `start` up to `end`."""

    start: int
    end: int
    new: list[str]


def _change(candidate: Candidate) -> _Change:
    lines, edit, text = _Lines.of(candidate.source), candidate.edit, candidate.source.text
    start, end = lines.around(edit.start, edit.end)
    before, behind = text[lines.offset(start) : edit.start], text[edit.end : lines.offset(end)]
    old, new = lines.lines[start:end], _unix(before + edit.text + behind).splitlines(keepends=True)
    first, last = _same_around(old, new)
    return _Change(start + first, end - last, new[first : len(new) - last])


def _smallest(held: _Lines, change: _Change) -> tuple[list[str], list[str]] | None:
    """The changed lines with as many around them as make them unique, and what they become."""
    for context in range(len(held.lines) + 1):
        start, end = max(0, change.start - context), change.end + context
        search = held.lines[start:end]
        if "".join(search).strip() and held.times(search) == 1:
            return search, held.lines[start : change.start] + change.new + held.lines[change.end : end]
    return None


def _same_around(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many lines at the beginning and at the end are the same."""
    first = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    after = min(len(old), len(new)) - first
    last = next((at for at in range(after) if old[-1 - at] != new[-1 - at]), after)
    return first, last


@lru_cache(maxsize=8)
def _relative(path: Path, top: Path) -> str:
    """Kept, because it is asked of every candidate, and looks at the disk."""
    return path.relative_to(top.resolve()).as_posix()


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")


def _closed(text: str) -> str:
    return text if text.endswith("\n") or not text else text + "\n"
