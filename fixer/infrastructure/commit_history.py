"""Finds the last commits that touched some lines, for a model that asks itself what changed."""

from __future__ import annotations

from pathlib import Path

from fixer.infrastructure.git import Git, find_repository

COMMITS = 2
LONGEST = 3_000
"""Characters; a longer history is left away whole."""


def recent_commits(top: Path, file: Path, first: int, last: int) -> str:
    """Subject, date and diff of each, newest first; empty where git knows of none."""
    if find_repository(top) is None or not file.is_relative_to(top):
        return ""
    lines = f"-L{first},{last}:{file.relative_to(top).as_posix()}"
    code, said = Git(top).exit_code(
        "log", f"-{COMMITS}", "--format=%n%h %as %s", "--no-ext-diff", "--no-textconv", lines
    )
    text = said.decode("utf-8", errors="replace").strip()
    return text if code == 0 and len(text) <= LONGEST else ""
