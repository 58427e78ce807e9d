"""Whether a replacement needs parentheses where it is put, so that an edit changes what it says and nothing else."""

from __future__ import annotations

import ast
import re
import warnings
from functools import lru_cache

from fixer.offline.source import Source


def fitted(source: Source, node: ast.AST, text: str) -> str:
    """The text as it has to stand in a node's place."""
    start, end = source.span(node)
    parent = source.parents.get(node)
    if isinstance(node, ast.GeneratorExp) and isinstance(parent, ast.Call) and len(parent.args) == 1:
        return f"({text})"  # the span of a call's only generator includes the parentheses of the call
    enclosed = source.text[max(start - 1, 0) : start] == "(" and source.text[end : end + 1] == ")"
    if enclosed and not isinstance(parent, ast.Call):
        return text
    return f"({text})" if _strength(text) < _needed(parent, node) else text


_ATOM = 20
_ONE_WORD = re.compile(r"\w[\w.]*")
_BINARY: dict[type[ast.operator], int] = {
    ast.BitOr: 6,
    ast.BitXor: 7,
    ast.BitAnd: 8,
    ast.LShift: 9,
    ast.RShift: 9,
    ast.Add: 10,
    ast.Sub: 10,
    ast.Pow: 13,
}
_TERM = 11
_STRENGTH: dict[type[ast.expr], int] = {
    ast.NamedExpr: 0,
    ast.Yield: 0,
    ast.YieldFrom: 0,
    ast.Lambda: 1,
    ast.IfExp: 1,
    ast.Compare: 5,
    ast.Await: 14,
}


@lru_cache(maxsize=20_000)
def _strength(text: str) -> int:
    if _ONE_WORD.fullmatch(text) and text != "yield":
        return _ATOM  # most are, and to parse them takes a tenth of the time that it takes to think of an edit
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is tried need not be sensible
            node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return _ATOM  # whoever parses the whole candidate will say no
    bare_tuple = isinstance(node, ast.Tuple) and not text.startswith("(")
    return 0 if bare_tuple else _of(node)


def _of(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return 2 if isinstance(node.op, ast.Or) else 3
    if isinstance(node, ast.UnaryOp):
        return 4 if isinstance(node.op, ast.Not) else 12
    if isinstance(node, ast.BinOp):
        return _BINARY.get(type(node.op), _TERM)
    return _STRENGTH.get(type(node), _ATOM) if isinstance(node, ast.expr) else 0


def _needed(parent: ast.AST | None, node: ast.AST) -> int:
    if isinstance(parent, ast.BinOp):
        power = isinstance(parent.op, ast.Pow)
        return _of(parent) + ((parent.right is node) is not power)
    if isinstance(parent, ast.BoolOp | ast.UnaryOp):
        return _of(parent)
    if isinstance(parent, ast.Compare):
        return _of(parent) + 1
    if isinstance(parent, ast.Attribute | ast.Await) or (isinstance(parent, ast.Subscript) and parent.value is node):
        return 15
    if isinstance(parent, ast.Call):
        return 15 if parent.func is node else 1
    if isinstance(parent, ast.comprehension | ast.IfExp):
        return 2
    return 6 if isinstance(parent, ast.Starred) else 0
