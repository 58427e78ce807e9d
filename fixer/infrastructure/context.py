"""Cuts source files to whole functions, and finds what surrounds those: what they call, and who calls them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

Count = Callable[[str], int]
"""How many tokens a text has."""
History = Callable[[Path, int, int], str]
"""The last commits that touched these lines of a file."""


@dataclass(frozen=True)
class Function:
    """A function or method, with its decorators; what is nested in it belongs to it. Lines count from 1."""

    file: Path
    name: str
    first: int
    last: int
    header: tuple[int, int] | None = field(default=None, compare=False)
    """The lines of the class statement that it stands in."""
    signature: str = field(default="", compare=False)
    calls: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def short_name(self) -> str:
        """Without its class."""
        return self.name.rpartition(".")[2]


def functions_in(file: Path) -> tuple[Function, ...]:
    """The functions of a file, in its order; none where it cannot be read or parsed."""
    try:
        return _functions(file, file.stat().st_mtime_ns)
    except OSError:
        return ()


def function_at(file: Path, line: int) -> Function | None:
    """The function that a line stands in."""
    return next((found for found in functions_in(file) if found.first <= line <= found.last), None)


def cut(text: str, kept: Iterable[Function]) -> str:
    """A file with only these functions, their classes' first lines and the file's imports, each line as it stands.

    Whatever is left can be named in a SEARCH block, because not a character of it differs from the file.
    """
    lines = text.splitlines(keepends=True)
    wanted = set(_imports(text))
    for function in kept:
        wanted |= set(range(function.first, function.last + 1))
        wanted |= set(range(function.header[0], function.header[1] + 1)) if function.header else set()
    return "".join(_with_gaps(lines, wanted))


def outline(functions: Iterable[Function], top: Path) -> str:
    """Signature and first words of each, a line or two, under its file."""
    return "\n".join(f"{_named(function.file, top)}:{function.first}: {function.signature}" for function in functions)


def callees(focus: Sequence[Function], known: Sequence[Function]) -> list[Function]:
    """Of the known functions, those that the focus calls by name."""
    named = {name for function in focus for name in function.calls}
    return [function for function in known if function.short_name in named and function not in focus]


def callers(focus: Sequence[Function], known: Sequence[Function]) -> list[Function]:
    """Of the known functions, those that call one of the focus by name."""
    names = {function.short_name for function in focus}
    return [function for function in known if function.calls & names and function not in focus]


@lru_cache(maxsize=256)
def _functions(file: Path, mtime: int) -> tuple[Function, ...]:
    del mtime  # a part of the key: the file may have changed
    text = file.read_text("utf-8", errors="replace")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    return tuple(_walk(file, tree.body, "", None))


def _walk(file: Path, body: list[ast.stmt], prefix: str, header: tuple[int, int] | None) -> Iterator[Function]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            inner = _first_line(node), max(node.lineno, _first_line(node.body[0]) - 1)
            yield from _walk(file, node.body, f"{prefix}{node.name}.", inner)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            last = node.end_lineno or node.lineno
            name, calls = f"{prefix}{node.name}", frozenset(_calls(node))
            yield Function(file, name, _first_line(node), last, header, _signature(node), calls)
        elif isinstance(node, ast.If | ast.Try):
            yield from _walk(file, [*node.body, *node.orelse], prefix, header)


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(int(decorator.lineno) for decorator in decorators)])


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    said = (ast.get_docstring(node) or "").partition("\n\n")[0]
    return f"{word} {node.name}({ast.unparse(node.args)}){returns}" + (f"  # {' '.join(said.split())}" if said else "")


def _calls(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Call):
            called = child.func
            if isinstance(called, ast.Name):
                yield called.id
            elif isinstance(called, ast.Attribute):
                yield called.attr


def _imports(text: str) -> Iterator[int]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _with_gaps(lines: list[str], wanted: set[int]) -> Iterator[str]:
    missing: list[str] = []
    for number, line in enumerate([*lines, ""], start=1):
        last = number > len(lines)
        if number in wanted or last:
            told = [f"[... {len(missing)} lines not shown ...]\n"]
            yield from told if any(map(str.strip, missing)) else missing
            missing = []
            yield line
        else:
            missing.append(line)


def _named(file: Path, top: Path) -> str:
    return file.relative_to(top).as_posix() if file.is_relative_to(top) else file.name
