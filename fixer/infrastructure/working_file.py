"""Reads, writes and merges single files of the working tree, byte for byte."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

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
    Path(name).replace(target)


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
    if code:  # the number of conflicts, or 255 for what cannot be merged as text
        raise Conflict
    return merged


def _with_executable(mode: int, executable: bool) -> int:
    if executable:
        return mode | ((mode & 0o444) >> 2)
    return mode & ~0o111


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
