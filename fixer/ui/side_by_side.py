"""A unified diff as rows of two sides, with the words that changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from fixer.ui.foreign_text import harmless
from fixer.ui.paint import changed_words

Pieces = Sequence[tuple[str, bool]]
"""A line in pieces, each with whether it is part of the change."""


@dataclass(frozen=True)
class Row:
    """One line of either side; a side without a line has the number 0. `kind` is same, changed or gap."""

    kind: str
    old_number: int = 0
    old: Pieces = ()
    new_number: int = 0
    new: Pieces = ()


@dataclass(frozen=True)
class FileDiff:
    """What became of one file."""

    name: str
    rows: tuple[Row, ...]


def file_diffs(diff: str) -> list[FileDiff]:
    """Each file of a unified diff, in its order."""
    return [FileDiff(name, tuple(_rows(lines))) for name, lines in _files(harmless(diff).splitlines())]


_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


def _files(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Names and hunks. Only in front of a hunk do `---` and `+++` name a file."""
    name, body, old = "", list[str](), ""
    left = (0, 0)
    for line in lines:
        hunk = re.match(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", line)
        if hunk:
            left = (int(hunk[1] or 1), int(hunk[2] or 1))
            body.append(line)
        elif any(left):
            left = (left[0] - (line[:1] != "+"), left[1] - (line[:1] != "-")) if line[:1] != "\\" else left
            body.append(line)
        elif line.startswith("--- "):
            if body:
                yield name, body
            old, body = line[4:], []
        elif line.startswith("+++ "):
            name = _name(old if line[4:].startswith("/dev/null") else line[4:])
    if body:
        yield name, body


def _name(side: str) -> str:
    return re.sub(r"^[ab]/", "", side.split("\t", maxsplit=1)[0])


def _rows(lines: Sequence[str]) -> Iterator[Row]:
    old_number = new_number = 0
    removed: list[str] = []
    added: list[str] = []
    for line in [*lines, "@@"]:
        if line[:1] == "-":
            removed.append(line[1:])
        elif line[:1] == "+":
            added.append(line[1:])
        elif line[:1] != "\\":
            yield from _changed(removed, added, old_number, new_number)
            old_number, new_number = old_number + len(removed), new_number + len(added)
            removed, added = [], []
            hunk = _HUNK.match(line)
            if hunk:
                if old_number:
                    yield Row("gap")
                old_number, new_number = int(hunk[1]), int(hunk[2])
            elif line != "@@":
                yield Row("same", old_number, [(line[1:], False)], new_number, [(line[1:], False)])
                old_number, new_number = old_number + 1, new_number + 1


def _changed(removed: Sequence[str], added: Sequence[str], old_number: int, new_number: int) -> Iterator[Row]:
    for at, (old, new) in enumerate(zip_longest(removed, added)):
        before, after = (
            changed_words(old, new) if old is not None and new is not None else ([(old, False)], [(new, False)])
        )
        yield Row(
            "changed",
            old_number + at if old is not None else 0,
            before if old is not None else (),
            new_number + at if new is not None else 0,
            after if new is not None else (),
        )
