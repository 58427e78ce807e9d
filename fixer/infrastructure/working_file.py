"""Reads, writes and merges single files of the working tree, byte for byte."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from fixer.infrastructure.fault_points import reach
from fixer.infrastructure.git import Git


@dataclass(frozen=True)
class FileState:
    """The whole of a file that matters to its owner. Absence is `None`, never an empty FileState."""

    content: bytes
    executable: bool = False


class Conflict(Exception):
    """Two changes touch the same lines; neither may win without a person."""


def read_state(path: Path) -> FileState | None:
    """What is at the path now; None where there is no regular file."""
    try:
        mode = path.stat().st_mode
        return FileState(path.read_bytes(), bool(mode & stat.S_IXUSR)) if stat.S_ISREG(mode) else None
    except (FileNotFoundError, NotADirectoryError):
        return None


def write_state(path: Path, state: FileState | None, scratch: Path) -> None:
    """Make the path hold exactly this. A reader sees the old or the new content, never a part.

    The new content is written in `scratch` first, which should be on the same file system: what a crash leaves
    there is not in the user's way.
    """
    target = path.resolve()  # the file behind a symbolic link, so that the link stays one
    if state is None:
        target.unlink(missing_ok=True)
        reach("file deleted")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
    folder = scratch if scratch.stat().st_dev == target.parent.stat().st_dev else target.parent
    descriptor, name = tempfile.mkstemp(prefix=".fixer-", dir=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(state.content)
        file.flush()
        os.fsync(file.fileno())
    Path(name).chmod(_with_executable(mode, state.executable))
    reach("file prepared")
    Path(name).replace(target)
    reach("file replaced")


def merge_states(current: FileState | None, before: FileState | None, after: FileState | None) -> FileState | None:
    """Carry the change from `before` to `after` over to `current`. Raises Conflict."""
    if current == before:
        return after
    if current == after or before == after:
        return current
    if current is None or before is None or after is None:
        raise Conflict
    executable = after.executable if current.executable == before.executable else current.executable
    if current.content == before.content:
        return FileState(after.content, executable)
    if after.content in (before.content, current.content):
        return FileState(current.content, executable)
    return FileState(_merge_texts(current.content, before.content, after.content), executable)


def _merge_texts(current: bytes, before: bytes, after: bytes) -> bytes:
    with tempfile.TemporaryDirectory(prefix="fixer-merge-") as folder:
        names = ("current", "before", "after")
        for name, content in zip(names, (current, before, after), strict=True):
            (Path(folder) / name).write_bytes(content)
        code, merged = Git(Path(folder)).exit_code("merge-file", "-p", "-q", *names)
    if code > _MOST_CONFLICTS:  # what git calls binary
        raise Conflict
    return merged if code == 0 else _merge_touching(current, before, after)


def _merge_touching(current: bytes, before: bytes, after: bytes) -> bytes:
    """Merge changes of different lines that touch each other, which git calls a conflict. Raises Conflict.

    Both texts were in the tree together already; here they are only told apart again, so that context cannot be wrong.
    """
    lines = before.splitlines(keepends=True)
    edits = sorted({*_edits(lines, current), *_edits(lines, after)}, key=lambda edit: (edit.start, edit.stop))
    merged: list[bytes] = []
    position = 0
    for number, edit in enumerate(edits):
        if edit.start < position or (number and edit[:2] == edits[number - 1][:2]):
            raise Conflict
        merged += [*lines[position : edit.start], *edit.lines]
        position = edit.stop
    return b"".join([*merged, *lines[position:]])


def _edits(lines: list[bytes], changed: bytes) -> list[_Edit]:
    new = changed.splitlines(keepends=True)
    matcher = SequenceMatcher(None, lines, new, autojunk=False)
    return [
        _Edit(start, stop, tuple(new[new_start:new_stop]))
        for tag, start, stop, new_start, new_stop in matcher.get_opcodes()
        if tag != "equal"
    ]


class _Edit(NamedTuple):
    """Lines [start, stop) become these."""

    start: int
    stop: int
    lines: tuple[bytes, ...]


_MOST_CONFLICTS = 127
"""`git merge-file` exits with the number of conflicts up to this, and above it for what it cannot merge at all."""


def _with_executable(mode: int, executable: bool) -> int:
    if executable:
        return mode | ((mode & 0o444) >> 2)
    return mode & ~0o111


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
