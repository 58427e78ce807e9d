"""Chooses what of the sources a context level shows, most telling first, until the budget is used up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fixer.domain.ladder import WIDEST
from fixer.domain.models import TestError, TestRun
from fixer.domain.services import rank_lines
from fixer.infrastructure.context import (
    Count,
    Function,
    History,
    callees,
    callers,
    cut,
    function_at,
    functions_in,
    outline,
)
from fixer.infrastructure.excerpt import fenced
from fixer.infrastructure.suspects import suspect_lines


@dataclass(frozen=True)
class ShownFiles:
    """Files that are sent; in `cut`, the text of those that are sent in part, and `functions` is what that is."""

    files: tuple[Path, ...]
    cut: Mapping[Path, str] = field(default_factory=dict)
    functions: tuple[Function, ...] = ()
    tokens: int = 0
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShownText:
    """Text that goes into the prompt."""

    text: str
    tokens: int
    left_out: tuple[str, ...]


class View:
    """What one attempt is shown of the sources, at one context level."""

    def __init__(
        self,
        error: TestError,
        evidence: TestRun,
        top: Path,
        level: int,
        count: Count,
        history: History,
        test_source: str,
    ) -> None:
        self._error = error
        self._evidence = evidence
        self._top = top
        self._level = level
        self._count = count
        self._history = history
        self._test_source = test_source

    def files(self, suspects: Sequence[Path], room: int) -> ShownFiles:
        """The suspects that fit: whole where they are small for this level, else the functions in question."""
        ranked = self._ranked(suspects)
        files: list[Path] = []
        parts: dict[Path, str] = {}
        shown: list[Function] = []
        left_out: list[str] = []
        left = room
        for path in suspects:
            text = path.read_text("utf-8", errors="replace")
            mine = [function for function in ranked if function.file == path]
            whole = self._count(text)
            if whole <= min(left, _WHOLE_UP_TO[self._level]) or (not files and not functions_in(path)):
                files.append(path)
                shown += mine
                left -= whole
                continue
            kept, missing = self._kept(text, mine or self._fallback(path, files), left, at_least=not files)
            left_out += [f"{self._named(path)}::{function.name}" for function in missing] or (
                [] if kept else [self._named(path)]
            )
            if kept:
                files.append(path)
                parts[path] = cut(text, kept)
                shown += kept
                left -= self._count(parts[path])
        return ShownFiles(tuple(files), parts, tuple(shown), room - left, tuple(left_out))

    def context(self, shown: Sequence[Function], suspects: Sequence[Path], room: int) -> ShownText:
        """What this level tells beside the files, as far as there is room for whole pieces."""
        pieces: list[str] = []
        left_out: list[str] = []
        left = room
        for title, text in self._pieces(shown, suspects):
            piece = f"{title}:\n\n{fenced(text)}\n"
            tokens = self._count(piece)
            if tokens <= left:
                pieces.append(piece)
                left -= tokens
            else:
                left_out.append(title[0].lower() + title[1:])
        return ShownText("\n".join(pieces), room - left, tuple(left_out))

    def fitting(self, paths: Sequence[Path], room: int) -> ShownFiles:
        """The files that fit whole."""
        files: list[Path] = []
        left_out: list[str] = []
        left = room
        for path in paths:
            tokens = self._count(path.read_text("utf-8", errors="replace"))
            if tokens <= left:
                files.append(path)
                left -= tokens
            else:
                left_out.append(self._named(path))
        return ShownFiles(tuple(files), tokens=room - left, left_out=tuple(left_out))

    def _ranked(self, suspects: Sequence[Path]) -> list[Function]:
        """The functions that this level is about, the likeliest first."""
        found = dict.fromkeys(self._in_frames(suspects))
        executed = list(dict.fromkeys(self._executed(suspects)))
        if self._level > 1:
            found.update(dict.fromkeys(executed))
        elif not found:  # an assertion of the test itself: what it calls by name is all there is to go by
            named = set(re.findall(r"\w+", self._test_source))
            found.update(dict.fromkeys(function for function in executed if function.short_name in named))
            found = found or dict.fromkeys(executed[:_MOST_UNNAMED])
        return list(found)

    def _in_frames(self, suspects: Sequence[Path]) -> Iterator[Function]:
        frames = [*reversed(self._error.frames), *([self._error.location] if self._error.location else [])]
        for frame in frames:
            path = (self._top / frame.file).resolve()
            function = function_at(path, frame.line) if path in suspects else None
            if function:
                yield function

    def _executed(self, suspects: Sequence[Path]) -> Iterator[Function]:
        for line in rank_lines(self._evidence, self._error.nodeid):
            path = (self._top / line.file).resolve()
            function = function_at(path, line.line) if path in suspects else None
            if function:
                yield function

    def _fallback(self, path: Path, files: Sequence[Path]) -> list[Function]:
        """Of the likeliest file something has to be shown, even where nothing points into it."""
        return [] if files else list(functions_in(path))

    def _kept(
        self, text: str, functions: Sequence[Function], room: int, *, at_least: bool
    ) -> tuple[list[Function], list[Function]]:
        """The functions that fit, and those that do not; with `at_least`, the first in any case."""
        kept: list[Function] = []
        missing: list[Function] = []
        for function in functions:
            fits = self._count(cut(text, [*kept, function])) <= room
            (kept if fits or (at_least and not kept) else missing).append(function)
        return kept, missing

    def _pieces(self, shown: Sequence[Function], suspects: Sequence[Path]) -> Iterator[tuple[str, str]]:
        if self._level > 1:
            yield from _unless_empty(
                "Lines that this test executes more than passing tests do, most suspicious first", self._suspicious()
            )
        if self._level < _NEIGHBOURS:
            return
        known = [function for path in suspects for function in functions_in(path)]
        focus = list(shown[:_MOST_FOCUS])
        yield from _unless_empty("What these functions call", outline(callees(focus, known)[:20], self._top))
        for caller in callers(focus, known)[:3]:
            lines = caller.file.read_text("utf-8", errors="replace").splitlines()
            text = "\n".join(lines[caller.first - 1 : caller.last])
            yield f"A caller, {self._named(caller.file)}::{caller.name}", text
        for function in focus[:1]:
            text = self._history(function.file, function.first, function.last)
            yield from _unless_empty(f"The last commits that touched {function.name}", text)

    def _suspicious(self) -> str:
        lines = suspect_lines(self._error, self._evidence, self._top, 8)
        return "\n".join(
            f"{self._named(line.file)}:{line.line}: {_line_of(line.file, line.line)}"
            for line in lines
            if line.file.is_relative_to(self._top)
        )

    def _named(self, path: Path) -> str:
        return path.relative_to(self._top).as_posix()


def whole_files_fit(files: Sequence[Path]) -> bool:
    """Whether all of them together are short enough for a model to write them out again."""
    return sum(path.stat().st_size for path in files) <= _LONGEST_WRITTEN_OUT


_WHOLE_UP_TO = {1: 1_000, 2: 1_500, 3: 2_500, WIDEST: 1_000_000}
"""Tokens of a file, by level: below that the whole of it is no distraction, and can be edited anywhere."""
_NEIGHBOURS = 3
"""The level from which what surrounds the functions is told."""
_MOST_UNNAMED = 3
_MOST_FOCUS = 3
_LONGEST_WRITTEN_OUT = 8_000
"""Bytes."""


def _unless_empty(title: str, text: str) -> Iterator[tuple[str, str]]:
    if text:
        yield title, text


def _line_of(file: Path, number: int) -> str:
    lines = file.read_text("utf-8", errors="replace").splitlines()
    return lines[number - 1].strip() if number <= len(lines) else ""
