"""Finds the source files that a failing test points at: traceback first, then executed lines, then imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fixer.domain.models import TestError, TestRun
from fixer.domain.services import (
    NOTHING_PERMITTED,
    Permitted,
    SuspiciousLine,
    is_named_after_tests,
    protected_reason,
    rank_lines,
)

_FRAME_IN_TEXT = re.compile(r'(?:File "|^)([^"\n:]+\.py)(?:", line |:)\d+', re.MULTILINE)


def suspect_files(
    error: TestError,
    evidence: TestRun,
    top: Path,
    test_file: Path | None,
    permitted: Permitted = NOTHING_PERMITTED,
) -> list[Path]:
    """Resolved paths of the files that a fix may have to touch, most suspicious first, tests and their helpers last.

    Where the test never ran, the files it imports come last. Only sources inside `top` that may be edited.
    """
    ranked = [line.file for line in rank_lines(evidence, error.nodeid)]
    found = list(_sources([*_frames(error), *ranked], top, permitted))
    if test_file and all(_is_aside(path, top) for path in found):
        found += [path for path in _sources(_imported(test_file, top), top, permitted) if path not in found]
    return sorted(found, key=lambda path: _is_aside(path, top))


def without_helpers(found: Sequence[Path], top: Path) -> list[Path]:
    """Without the helpers of tests, which show a mistake and seldom hold it, unless there is nothing else."""
    return [path for path in found if not _is_aside(path, top)] or list(found)


def never_entered(found: Sequence[Path], test_file: Path | None, top: Path, permitted: Permitted) -> Iterator[Path]:
    """Files that the test or what it `found` imports, of which it runs no line: of a table that is all there is."""
    files = [*([test_file] if test_file else []), *found]
    imported = dict.fromkeys(path for file in files for path in _imports_of(file, top))
    others = (path for path in _sources(imported, top, permitted) if path not in found)
    return (path for path in others if not _is_aside(path, top))


def suspect_lines(error: TestError, evidence: TestRun, top: Path, count: int) -> list[SuspiciousLine]:
    """The most suspicious lines of files that may be edited."""
    ranked = rank_lines(evidence, error.nodeid)
    return [line for line in ranked if _is_source((top / line.file).resolve(), top)][:count]


def find_test_file(error: TestError, evidence: TestRun, top: Path) -> Path | None:
    """Where the test's file is; its node id may be relative to a folder below `top`."""
    executed = evidence.executed.get(error.nodeid, {})
    places = [error.location, *error.frames]
    known = [Path(error.test_file), *executed, *(place.file for place in places if place)]
    for path in known:
        resolved = (top / path).resolve()
        if resolved.is_relative_to(top.resolve()) and resolved.is_file() and _ends_with(resolved, error.test_file):
            return resolved
    return None


def _frames(error: TestError) -> Iterator[Path]:
    """The innermost frame first: that is where it went wrong."""
    yield from (frame.file for frame in reversed(error.frames))
    if error.location:
        yield error.location.file
    # A file that does not parse has no frame, but stands in the text.
    text = f"{error.error_details.message}\n{error.error_details.stack_trace}"
    yield from (Path(found) for found in reversed(_FRAME_IN_TEXT.findall(text)))


def _sources(paths: Iterable[Path], top: Path, permitted: Permitted) -> Iterator[Path]:
    seen: set[Path] = set()
    for path in paths:
        resolved = (top / path).resolve()
        if resolved not in seen and _is_source(resolved, top, permitted):
            yield resolved
        seen.add(resolved)


def _is_source(path: Path, top: Path, permitted: Permitted = NOTHING_PERMITTED) -> bool:
    top = top.resolve()
    if path.suffix != ".py" or not path.is_relative_to(top) or not path.is_file():
        return False
    if protected_reason(path.relative_to(top), permitted):
        return False
    folders = [parent for parent in path.parents if parent.is_relative_to(top)]
    return not any((folder / "pyvenv.cfg").exists() for folder in folders)


def _is_aside(path: Path, top: Path) -> bool:
    return is_named_after_tests(path.relative_to(top.resolve()))


def _ends_with(path: Path, suffix: Path) -> bool:
    parts = Path(suffix).parts
    return path.parts[-len(parts) :] == parts


def _imported(test_file: Path, top: Path) -> Iterator[Path]:
    """The files that the test imports, then the files that those import."""
    direct = list(_imports_of(test_file, top))
    yield from direct
    for file in direct:
        yield from _imports_of(file, top)


def _imports_of(file: Path, top: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(alias.name, _roots(file, top))
        elif isinstance(node, ast.ImportFrom):
            roots = [file.parents[node.level - 1]] if 0 < node.level <= len(file.parents) else _roots(file, top)
            for alias in node.names:
                yield from _module_files(f"{node.module or ''}.{alias.name}".strip("."), roots)


def _roots(file: Path, top: Path) -> list[Path]:
    top = top.resolve()
    inside = [parent for parent in file.resolve().parents if parent.is_relative_to(top)]
    return [root for parent in inside for root in (parent, parent / "src")]


def _module_files(module: str, roots: list[Path]) -> Iterator[Path]:
    """The module's file and, for a name imported from a module, that module's."""
    parts = module.split(".")
    for root in roots:
        for length in (len(parts), len(parts) - 1):
            if not length:
                continue
            base = root.joinpath(*parts[:length])
            yield from (path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file())
