"""A Python file as text and as tree at once, so that edits can be exact to the character and leave the rest alone."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
_PLACED = ast.expr | ast.stmt | ast.excepthandler | ast.keyword | ast.arg | ast.alias
Span = tuple[int, int]
"""Start and end in characters of the file's text, the end excluded."""


@dataclass(frozen=True)
class Edit:
    """A replacement of one span. `weight` says how likely it is among its template's edits, as a logarithm."""

    start: int
    end: int
    text: str
    weight: float = 0.0

    def apply(self, text: str) -> str:
        """The text with this edit made."""
        return text[: self.start] + self.text + text[self.end :]

    @property
    def size(self) -> int:
        """How many characters it puts in or takes out, whichever is more."""
        return max(len(self.text), self.end - self.start)


class Source:
    """One parsed file. Raises SyntaxError or ValueError where the text is not Python."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        self.tree = ast.parse(text)
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.parents: dict[ast.AST, ast.AST] = {
            child: parent for parent in ast.walk(self.tree) for child in ast.iter_child_nodes(parent)
        }
        self._starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read and parse a file, its line ends untouched. Raises OSError, SyntaxError or ValueError."""
        raw = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return cls(path, raw.decode(encoding))

    @cached_property
    def statements(self) -> tuple[ast.stmt, ...]:
        """All statements, in the order of the file."""
        found = (node for node in ast.walk(self.tree) if isinstance(node, ast.stmt))
        return tuple(sorted(found, key=lambda node: (node.lineno, node.col_offset)))

    def span(self, node: ast.AST) -> Span:
        """Where a node stands; parentheses around it do not belong to it. Raises TypeError for what has no place."""
        if not isinstance(node, _PLACED):
            raise TypeError(f"{type(node).__name__} has no place in the text")
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return self._offset(node.lineno, node.col_offset), self._offset(end_line, end_column)

    def segment(self, node: ast.AST) -> str:
        """A node's own text."""
        start, end = self.span(node)
        return self.text[start:end]

    def line_start(self, line: int) -> int:
        """Where a line begins; lines count from 1."""
        return self._starts[line - 1]

    def line_end(self, line: int) -> int:
        """Where a line ends, its line end excluded."""
        stop = self._starts[line] if line < len(self._starts) else len(self.text)
        return self.line_start(line) + len(self.text[self.line_start(line) : stop].rstrip("\r\n"))

    def line_of(self, offset: int) -> int:
        """The line that holds a character."""
        return bisect_right(self._starts, offset)

    def tokens(self, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """The operators and words between two offsets, comments left out."""
        first = bisect_left(self._tokens, (start, 0, ""))
        for token in self._tokens[first:]:
            if token[1] > end:
                return
            yield token

    def function_of(self, node: ast.AST) -> Function | None:
        """The innermost function around a node; a `def` stands in what is around it."""
        return next((up for up in self.above(node) if isinstance(up, Function)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """The innermost class around a node."""
        return next((up for up in self.above(node) if isinstance(up, ast.ClassDef)), None)

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """What contains a node, from the inside out."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def is_in_fstring(self, node: ast.AST) -> bool:
        """Whether a node is a part of an f-string."""
        return any(isinstance(up, ast.JoinedStr) for up in self.above(node))

    def indent_of(self, statement: ast.stmt) -> str | None:
        """The white space before a statement; None where it does not have its lines to itself."""
        first, last = first_line(statement), statement.end_lineno or statement.lineno
        before = self.text[self.line_start(first) : self._column_of_first_token(statement)]
        after = self.text[self.span(statement)[1] : self.line_end(last)].lstrip()
        alone = not before.strip() and (not after or after.startswith("#"))
        return before if alone else None

    def unit(self, edit: Edit) -> Span:
        """The outermost function around an edit, by whole lines; the whole text where there is none.

        Outermost, because a function inside another may name what belongs to the outer one.
        """
        for start, end in self._functions:
            if start <= edit.start and edit.end <= end:
                return start, end
        return 0, len(self.text)

    def smallest_unit(self, edit: Edit) -> Span:
        """The function around an edit, or the one statement of a module or class that it stays inside, by whole lines.

        Enough to tell what the edit means: a class of a thousand lines says the rest twice.
        """
        whole = 0, len(self.text)
        unit = self.unit(edit)
        if unit != whole:
            return unit
        inside = (span for span in self._outside_functions if span[0] <= edit.start and edit.end <= span[1])
        return min(inside, key=lambda span: span[1] - span[0], default=whole)

    def function_at(self, line: int) -> int:
        """The first line of the outermost function around a line; 0 where there is none."""
        at = self.line_start(line)
        return next((self.line_of(start) for start, end in self._functions if start <= at <= end), 0)

    def lines_around(self, line: int) -> range:
        """The lines of the outermost function around a line; the line alone where there is none."""
        at = self.line_start(line)
        found = ((start, end) for start, end in self._functions if start <= at <= end)
        return next((range(self.line_of(start), self.line_of(end) + 1) for start, end in found), range(line, line + 1))

    @cached_property
    def _functions(self) -> list[Span]:
        return self._lines_of(
            node for node in self.statements if isinstance(node, Function) and not self.function_of(node)
        )

    @cached_property
    def _outside_functions(self) -> list[Span]:
        return self._lines_of(
            node for node in self.statements if isinstance(self.parents[node], ast.Module | ast.ClassDef)
        )

    def _lines_of(self, statements: Iterable[ast.stmt]) -> list[Span]:
        return [
            (self.line_start(first_line(node)), self.line_end(node.end_lineno or node.lineno))
            for node in statements
            if self.indent_of(node) is not None
        ]

    def _column_of_first_token(self, statement: ast.stmt) -> int:
        decorators = getattr(statement, "decorator_list", None)
        if not decorators:
            return self.span(statement)[0]
        line = self.line_start(first_line(statement))
        return line + self.text[line:].index("@")

    def _offset(self, line: int, column: int) -> int:
        start = self._starts[line - 1]
        text = self.text[start : start + column]
        if text.isascii():
            return start + column
        return start + len(text.encode()[:column].decode())

    @cached_property
    def _tokens(self) -> list[tuple[int, int, str]]:
        # The tokenizer counts columns in characters and lines as the parser does, whatever ends them.
        lines = [self.text[a:b] for a, b in zip(self._starts, [*self._starts[1:], len(self.text)], strict=True)]
        feed = iter(lines)
        return [
            (
                self._starts[token.start[0] - 1] + token.start[1],
                self._starts[token.end[0] - 1] + token.end[1],
                token.string,
            )
            for token in tokenize.generate_tokens(lambda: next(feed, ""))
            if token.type in (tokenize.OP, tokenize.NAME)
        ]


def parameters(function: Function) -> list[str]:
    """The names that a function takes one by one, `self` and `cls` left out."""
    given = function.args
    return [arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs) if arg.arg not in ("self", "cls")]


def first_line(statement: ast.stmt) -> int:
    """The line on which a statement begins, decorators included."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def header_lines(statement: ast.stmt) -> range:
    """The lines of a statement without those of the statements inside it."""
    inside = [child.lineno for child in own_statements(statement)]
    last = statement.end_lineno or statement.lineno
    if inside:
        last = max(min(inside) - 1, statement.lineno)
    return range(statement.lineno, last + 1)


def own_statements(statement: ast.AST) -> Iterator[ast.stmt]:
    """The statements directly inside one, in all its blocks."""
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.excepthandler | ast.match_case):
            yield from own_statements(child)


def word_of(node: ast.AST) -> str:
    """What a name or an attribute is called; empty for anything else."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def own_expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement, outermost first, without those of the statements inside it.

    What stands inside an f-string is left out: before Python 3.12 its positions are not those of the file.
    """
    waiting: list[ast.AST] = list(ast.iter_child_nodes(statement))
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.stmt):
            continue
        if isinstance(node, ast.expr):
            yield node
        if not isinstance(node, ast.JoinedStr):
            waiting.extend(ast.iter_child_nodes(node))
