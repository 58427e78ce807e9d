"""Writes the patch that leads from some files' states to others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from fixer.infrastructure.git import Git
from fixer.infrastructure.working_file import FileState


def patch_between(files: Iterable[tuple[str, FileState | None, FileState | None]]) -> bytes:
    """What `git apply` needs to bring each path from its first state to its second."""
    with tempfile.TemporaryDirectory(prefix="fixer-patch-") as name:
        folder = Path(name)
        for path, before, after in files:
            _lay_out(folder / "a" / path, before)
            _lay_out(folder / "b" / path, after)
        plain = ("--no-index", "--binary", "--no-prefix", "--no-color", "--no-ext-diff", "--no-renames")
        return Git(folder).exit_code("-c", "core.autocrlf=false", "diff", *plain, "a", "b")[1]


def _lay_out(path: Path, state: FileState | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if state:
        path.write_bytes(state.content)
        path.chmod(0o755 if state.executable else 0o644)
