"""Finds variables that a function does not do with what they are for: a sign that something is missing there."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from fixer.offline.source import Function, parameters


@dataclass(frozen=True)
class LooseEnds:
    """Names whose value is never read, and names that are empty, or None, and stay so although they are read."""

    unread: frozenset[str] = frozenset()
    unfilled: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.unread or self.unfilled)

    def ties(self, old: str, new: str) -> bool:
        """Whether the text of an edit reads or fills one where the text that it replaces does not."""
        if not self:
            return False
        words = set(_WORD.findall(new)) - set(_WORD.findall(old))
        filled = set(_FILLS.findall(new))
        return not self.unread.isdisjoint(words - filled) or not self.unfilled.isdisjoint(words & filled)


def loose_ends(function: Function) -> LooseEnds:
    """Those of a function and of what is defined inside it; variables of loops are often there for nothing."""
    nodes = list(ast.walk(function))
    parents = {child: parent for parent in nodes for child in ast.iter_child_nodes(parent)}
    names = [node for node in nodes if isinstance(node, ast.Name)]
    started = {name: value for node in nodes for name, value in _assigned(node)}
    stored = [node.id for node in names if isinstance(node.ctx, ast.Store)]
    declared = {name for node in nodes if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}
    read = {node.id for node in names if isinstance(node.ctx, ast.Load) and not _is_only_filled(node, parents)}
    filled = {node.id for node in names if _may_be_filled(node, parents)}
    unread = {name for name in (*parameters(function), *started) if name[0] != "_"} - read
    empty = {name for name, value in started.items() if _is_empty(value) and stored.count(name) == 1}
    return LooseEnds(frozenset(unread - declared), frozenset((empty & read) - filled - declared))


_WORD = re.compile(r"[A-Za-z_]\w*")
_FILLING = ("append", "add", "extend", "insert", "update", "appendleft", "setdefault", "push", "put")
_FILLS = re.compile(rf"\b([A-Za-z_]\w*)(?:\.(?:{'|'.join(_FILLING)})\(|(?:\[[^\n]*\])? *[-+|&]?=(?!=))")
_MAKERS = ("list", "set", "dict", "deque", "Counter", "OrderedDict")


def _assigned(node: ast.AST) -> list[tuple[str, ast.expr]]:
    if not isinstance(node, ast.Assign):
        return []
    return [(target.id, node.value) for target in node.targets if isinstance(target, ast.Name)]


def _is_empty(value: ast.expr) -> bool:
    if isinstance(value, ast.List | ast.Set):
        return not value.elts
    if isinstance(value, ast.Dict):
        return not value.keys
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id in _MAKERS and not value.args
    return isinstance(value, ast.Constant) and value.value is None


def _is_only_filled(node: ast.Name, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether it is read for nothing but to put something into it."""
    parent = parents[node]
    if isinstance(parent, ast.Subscript):
        return parent.value is node and isinstance(parent.ctx, ast.Store)
    call = parents.get(parent)
    alone = isinstance(call, ast.Call) and call.func is parent and isinstance(parents.get(call), ast.Expr)
    return alone and isinstance(parent, ast.Attribute) and parent.attr in _FILLING


def _may_be_filled(node: ast.Name, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether something may be put into it here: also by what it is given to, and under another name."""
    parent = parents[node]
    if isinstance(parent, ast.Attribute):
        return isinstance(parents.get(parent), ast.Call)
    if isinstance(parent, ast.Subscript):
        return parent.value is node and not isinstance(parent.ctx, ast.Load)
    given = isinstance(parent, ast.Call | ast.keyword | ast.Starred | ast.AugAssign)
    return given or (isinstance(parent, ast.Assign) and parent.value is node)
