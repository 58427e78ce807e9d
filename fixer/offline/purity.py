"""Whether a function only computes, so that it may be called on inputs that no test has chosen."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixer.offline.source import Function, Source


def only_computes(source: Source, function: Function) -> bool:
    """True only where every call in it is known to touch nothing but its arguments and results.

    What is not known counts as dangerous: a function that deletes what it is given must not be given a guess.
    """
    return _Look(source).allows(function)


_BUILTINS = frozenset(
    {
        *("abs", "all", "any", "ascii", "bin", "bool", "bytes", "callable", "chr", "complex", "dict", "divmod"),
        *("enumerate", "filter", "float", "format", "frozenset", "hash", "hex", "int", "isinstance", "issubclass"),
        *("iter", "len", "list", "map", "max", "min", "next", "oct", "ord", "pow", "range", "repr", "reversed"),
        *("round", "set", "slice", "sorted", "str", "sum", "tuple", "type", "zip"),
        *("ArithmeticError", "AssertionError", "AttributeError", "Exception", "IndexError", "KeyError"),
        *("LookupError", "NotImplementedError", "OverflowError", "RuntimeError", "StopIteration", "TypeError"),
        *("ValueError", "ZeroDivisionError"),
    }
)
_MODULES = frozenset(
    {
        *("math", "cmath", "re", "itertools", "functools", "collections", "string", "operator", "statistics"),
        *("heapq", "bisect", "decimal", "fractions", "numbers", "copy", "textwrap", "unicodedata", "typing"),
        *("datetime", "calendar", "hashlib", "base64", "binascii", "json"),
    }
)


class _Look:
    def __init__(self, source: Source) -> None:
        self._functions = {node.name: node for node in source.tree.body if isinstance(node, Function)}
        self._imported = dict(_imports(source.tree))
        self._seen: set[Function] = set()

    def allows(self, function: Function) -> bool:
        """Whether it and all that it calls only compute; a recursion adds nothing."""
        if function in self._seen:
            return True
        self._seen.add(function)
        own = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        own |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        own |= {node.name for node in ast.walk(function) if isinstance(node, Function) and node is not function}
        if function.decorator_list or isinstance(function, ast.AsyncFunctionDef):
            return False
        return all(self._harmless(node, own) for node in ast.walk(function))

    def _harmless(self, node: ast.AST, own: set[str]) -> bool:
        if isinstance(node, ast.Global | ast.Nonlocal | ast.Import | ast.ImportFrom | ast.ClassDef | ast.With):
            return False
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            return False
        if isinstance(node, ast.Attribute) and node.attr.startswith("__"):
            return False
        return not isinstance(node, ast.Call) or self._may_be_called(node.func, own)

    def _may_be_called(self, called: ast.expr, own: set[str]) -> bool:
        if isinstance(called, ast.Name):
            if called.id in own:
                return True
            if called.id in self._functions:
                return self.allows(self._functions[called.id])
            return self._imported.get(called.id, "" if called.id in _BUILTINS else "?") in _MODULES | {""}
        root: ast.expr = called
        while isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
            if isinstance(root, ast.Call):
                return True  # what it gives was made by a call that is looked at by itself
            root = root.value
        if isinstance(root, ast.Name):
            return root.id in own or self._imported.get(root.id, "?") in _MODULES
        return True  # a method of a literal


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each imported name with the module that it comes from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname or alias.name).partition(".")[0], alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, "?" if node.level else (node.module or "").partition(".")[0]
