"""Says an edit the way a language model would: as a SEARCH/REPLACE block that fits in exactly one place."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from fixer.offline.rank import Candidate


def edit_block(candidate: Candidate, top: Path) -> str:
    """The block for Aider's `diff` format, the path relative to `top`; empty where no block can say it."""
    old, new = _lines(candidate.source.text), _lines(candidate.text)
    found = _smallest(old, new)
    if not found or any(_MARKER.match(line) for part in found for line in part):
        return ""
    search, replace = ("".join(part) for part in found)
    name = _relative(candidate.source.path, top)
    return f"{name}\n```python\n<<<<<<< SEARCH\n{_closed(search)}=======\n{_closed(replace)}>>>>>>> REPLACE\n```\n"


def changed_lines(candidate: Candidate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines that the candidate takes out and puts in, without their line ends."""
    old, new = _lines(candidate.source.text), _lines(candidate.text)
    first, last = _same_around(old, new)
    removed, added = old[first : len(old) - last], new[first : len(new) - last]
    return tuple(line.rstrip("\n") for line in removed), tuple(line.rstrip("\n") for line in added)


_MARKER = re.compile(r"\s*(<{5,9} SEARCH>?|={5,9}|>{5,9} REPLACE)\s*$")


def _smallest(old: list[str], new: list[str]) -> tuple[list[str], list[str]] | None:
    """The changed lines with as many around them as make them unique, and what they become."""
    first, last = _same_around(old, new)
    for context in range(len(old) + 1):
        start, rest = max(0, first - context), max(0, last - context)
        search, replace = old[start : len(old) - rest], new[start : len(new) - rest]
        if "".join(search).strip() and _times(search, old) == 1:
            return search, replace
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


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").splitlines(keepends=True)


def _times(block: list[str], lines: list[str]) -> int:
    # Aider forgives indentation where nothing fits exactly, so only an exact fit is counted, as it comes first.
    size = len(block)
    return sum(lines[at : at + size] == block for at in range(len(lines) - size + 1))


def _closed(text: str) -> str:
    return text if text.endswith("\n") or not text else text + "\n"
