"""Ranks statements by how likely they are at fault: by the traceback, and by who executed them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixer.application.ports import RepairRequest
from fixer.domain.models import TestError
from fixer.domain.services import rank_lines
from fixer.offline.source import Function, Source, header_lines, own_expressions, word_of

Lines = dict[int, float]


@dataclass(frozen=True)
class Suspect:
    """A statement that may be at fault; suspicion is above 0, 2.5 at the most, 5.7 where the test names its place."""

    source: Source
    statement: ast.stmt
    suspicion: float


def suspects(request: RepairRequest, sources: Sequence[Source], most: int = 120) -> list[Suspect]:
    """The most suspicious statements of the sources, most suspicious first."""
    executed = _executed(request)
    raised = _raised(request, sources)
    direct = {
        source: {
            node: _direct(node, executed.get(source.path, {}), raised.get(source.path, {}))
            for node in source.statements
        }
        for source in sources
    }
    elsewhere = _names_used({node: score for scores in direct.values() for node, score in scores.items()})
    found = [
        Suspect(source, statement, suspicion * _LIKE_THE_TEST ** len(_named(request.error, source, statement)))
        for source in sources
        for statement, suspicion in _weighed(source, direct[source], elsewhere)
        if suspicion > 0
    ]
    found = found or [
        Suspect(source, node, _UNKNOWN) for source in sources for node in source.statements if source.function_of(node)
    ]
    return sorted(found, key=lambda suspect: -suspect.suspicion)[:most]


def reasons(suspect: Suspect, request: RepairRequest) -> tuple[str, ...]:
    """Why a statement is suspected, in words."""
    path, lines = suspect.source.path, set(header_lines(suspect.statement))
    frames = [frame for frame in request.error.frames if frame.file.resolve() == path and frame.line in lines]
    last = request.error.frames[-1:] == tuple(frames[-1:])
    raised = ["the error was raised here" if last else "the error came through here"] if frames else []
    raised += [
        f"the test is named after its {part}" for part in _named(request.error, suspect.source, suspect.statement)
    ]
    ran = {
        nodeid for nodeid, files in request.evidence.executed.items() if any(_ran(files, path, line) for line in lines)
    }
    known = request.evidence.executed.keys()
    green = request.evidence.passed & known
    red = known - green
    if not ran:
        inside = suspect.source.function_of(suspect.statement)
        return (*raised, "did not run, but stands beside what did" if inside else "runs when the file is imported")
    counted = f"run by {len(ran & red)} of {len(red)} failing and {len(ran & green)} of {len(green)} passing tests"
    return (*raised, counted)


_LIKE_THE_TEST = 1.5
"""What a test calls is often executed by no other test, too, to the last of its helpers in other files."""
_SHORTEST_NAME = 4
_UNKNOWN = 0.1
_BESIDE = 0.05
"""Of a statement that did not run, in a function that did."""
_FRAME_WITHOUT_TRACE = 0.4
_HEADER = 0.5
"""Of a function's own line, relative to its most suspicious statement: its defaults and decorators ran earlier."""
_USED = 0.4
"""Of a value set at import time, relative to the most suspicious statement that uses it."""


def _named(error: TestError, source: Source, statement: ast.stmt) -> list[str]:
    """Which of file and function around a statement the test is called after."""
    function = source.function_of(statement)
    file, name = source.path.stem.strip("_"), function.name.strip("_") if function else ""
    named = {
        "file": len(file) >= _SHORTEST_NAME and file.lower() in Path(error.test_file).stem.lower(),
        "function": len(name) >= _SHORTEST_NAME and name.lower() in error.test_function.lower(),
    }
    return [part for part, is_named in named.items() if is_named]


def _executed(request: RepairRequest) -> dict[Path, Lines]:
    lines = rank_lines(request.evidence, request.error.nodeid)
    highest = max((line.score for line in lines), default=1.0)
    scores: dict[Path, Lines] = {}
    for line in lines:
        scores.setdefault(line.file.resolve(), {})[line.line] = line.score / highest
    return scores


def _ran(files: Mapping[Path, frozenset[int]], path: Path, line: int) -> bool:
    return any(line in lines for file, lines in files.items() if file.resolve() == path)


def _raised(request: RepairRequest, sources: Sequence[Source]) -> dict[Path, Lines]:
    known = {source.path for source in sources}
    frames = [frame for frame in request.error.frames if frame.file.resolve() in known]
    depths: dict[Path, Lines] = {}
    for number, frame in enumerate(frames, start=1):
        depths.setdefault(frame.file.resolve(), {})[frame.line] = number / len(frames)
    return depths


def _weighed(
    source: Source, direct: dict[ast.stmt, float], elsewhere: dict[str, float]
) -> list[tuple[ast.stmt, float]]:
    """All statements with their suspicion; of a file that nothing of was run, by what is used `elsewhere`."""
    used = _names_used(direct) or elsewhere
    # A value set at import time may be made of others: a pattern of its parts, a table of tables.
    early = _names_used({node: _set_early(source, node, used) for node in source.statements})
    used = {word: max(used.get(word, 0.0), early.get(word, 0.0)) for word in used.keys() | early.keys()}
    return [(node, score or _indirect(source, node, direct, used)) for node, score in direct.items()]


def _direct(node: ast.stmt, executed: Lines, raised: Lines) -> float:
    lines = header_lines(node)
    depth = max((raised.get(line, 0.0) for line in lines), default=0.0)
    score = max((executed.get(line, 0.0) for line in lines), default=0.0)
    if depth and not score:
        score = _FRAME_WITHOUT_TRACE
    return score * (1 + 1.5 * depth)


def _indirect(source: Source, node: ast.stmt, direct: dict[ast.stmt, float], used: dict[str, float]) -> float:
    if isinstance(node, Function):
        return _HEADER * max(direct.get(child, 0.0) for child in ast.walk(node) if isinstance(child, ast.stmt))
    function = source.function_of(node)
    if isinstance(node, ast.Assign | ast.AnnAssign) and not function:
        return _set_early(source, node, used)
    ran = function and any(direct.get(child) for child in ast.walk(function) if isinstance(child, ast.stmt))
    return _BESIDE if ran else 0.0


def _set_early(source: Source, node: ast.stmt, used: dict[str, float]) -> float:
    """Of a value set at import time, by what uses it."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or source.function_of(node):
        return 0.0
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return _USED * max((used.get(word_of(target), 0.0) for target in targets), default=0.0)


def _names_used(direct: dict[ast.stmt, float]) -> dict[str, float]:
    used: dict[str, float] = {}
    for node, score in direct.items():
        if score:
            for word in {word_of(expression) for expression in own_expressions(node)}:
                used[word] = max(used.get(word, 0.0), score)
    return used
