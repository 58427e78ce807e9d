"""What a shell offers at the cursor: options and commands, tests that pytest knows, fixes that the ledger knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.domain.errors import FixerError

if TYPE_CHECKING:
    import click

    from fixer.infrastructure.fix_store import StoredFix

MOST = 200
"""Tests that are offered one by one; of more, the files that hold them."""


def complete(command: click.Command, words: Sequence[str]) -> list[str]:
    """What the last of the words may become; the words before it are complete."""
    from click.shell_completion import ShellComplete

    *before, unfinished = words or ("",)
    found = ShellComplete(command, {}, "fixer", "_FIXER_COMPLETE").get_completions(before, unfinished)
    return [item.value for item in found if item.type == "plain"]


def test_names(directory: Path, environ: Mapping[str, str], unfinished: str) -> list[str]:
    """The tests of the last collection that begin so, as they are named from this directory."""
    from fixer.infrastructure.project import find_project
    from fixer.infrastructure.pytest_cache import find_cache, known_tests

    try:
        project = find_project(directory, environ)
    except FixerError:
        return []
    cache = find_cache(project.directory, project.top)
    names = list(_from_here(cache.parent, project.directory, known_tests(cache))) if cache else []
    fitting = [name for name in names if name.startswith(unfinished)]
    if len(fitting) <= MOST or "::" in unfinished:
        return fitting[:MOST]
    return list(dict.fromkeys(name.partition("::")[0] for name in fitting))[:MOST]


test_names.__test__ = False  # type: ignore[attr-defined]


def fix_names(directory: Path, environ: Mapping[str, str], unfinished: str, *, undone: bool | None = None) -> list[str]:
    """The ids of fixes that begin so; `undone`: only those that are, or are not."""
    return [
        fix.id
        for fix in _fixes(directory, environ)
        if fix.id.startswith(unfinished) and undone in (None, fix.state == "undone")
    ]


def _fixes(directory: Path, environ: Mapping[str, str]) -> list[StoredFix]:
    from fixer.memory import has_memory, open_memory

    try:
        return open_memory(directory, environ).store.fixes() if has_memory(directory, environ) else []
    except FixerError:  # a half-typed line is no place for complaints
        return []


def _from_here(rootdir: Path, directory: Path, names: Sequence[str]) -> Iterator[str]:
    """Ids are relative to where pytest's cache lies; whoever stands below it names only what is below there."""
    inside = directory.relative_to(rootdir).as_posix()
    prefix = "" if inside == "." else f"{inside}/"
    return (name.removeprefix(prefix) for name in names if name.startswith(prefix))
