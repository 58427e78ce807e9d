"""Reads what the user's own pytest remembers of its last runs; nothing is ever written there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

CACHE = ".pytest_cache"


def find_cache(project: Path, top: Path) -> Path | None:
    """The nearest cache from the project up to the top of its working tree."""
    folders = [folder for folder in (project, *project.parents) if folder.is_relative_to(top)]
    return next((folder / CACHE for folder in folders if (folder / CACHE).is_dir()), None)


def known_tests(cache: Path) -> list[str]:
    """The node ids of the last collection, those that failed last in front; relative to the folder of the cache."""
    failed, collected = _names(cache, "lastfailed"), _names(cache, "nodeids")
    return list(dict.fromkeys([*failed, *collected]))


def _names(cache: Path, name: str) -> Iterable[str]:
    """pytest's cache is a cache: whatever cannot be read of it was never there."""
    try:
        stored = json.loads((cache / "v" / "cache" / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return [str(entry) for entry in stored] if isinstance(stored, dict | list) else ()
