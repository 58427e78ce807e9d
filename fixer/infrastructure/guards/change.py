"""What a fix changed, as text and as syntax trees, and what can be asked of a tree."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

Function = ast.FunctionDef | ast.AsyncFunctionDef
Finder = Callable[["Code"], Iterable[tuple[str, ast.AST]]]
"""Finds nodes in a file, each with what it counts as."""


@dataclass(frozen=True)
class SourceChange:
    """One file of a fix; a text is None where there is no file. `path` is relative to the working tree's top."""

    path: str
    before: str | None
    after: str | None

    @property
    def is_python(self) -> bool:
        """Whether the file can hold Python."""
        return self.path.endswith((".py", ".pyi"))

    @cached_property
    def old(self) -> Code:
        """The code before; empty where there was none, or where it cannot be parsed."""
        return Code(self.path, self.before or "") if self.is_python else Code(self.path, "")

    @cached_property
    def new(self) -> Code:
        """The code after; empty where there is none, or where it cannot be parsed."""
        return Code(self.path, self.after or "") if self.is_python else Code(self.path, "")

    @property
    def comparable(self) -> bool:
        """Whether both sides can be read, so that what is missing in one is really missing."""
        return self.is_python and not self.old.error and not self.new.error


@dataclass(frozen=True)
class Code:
    """A file's text with its tree. A text that this Python cannot parse has an `error` and an empty tree."""

    path: str
    text: str

    @cached_property
    def _parsed(self) -> tuple[ast.Module, SyntaxError | None]:
        try:
            return ast.parse(self.text), None
        except SyntaxError as error:
            return ast.Module([], []), error
        except (ValueError, RecursionError, MemoryError) as error:  # NUL bytes, or nested beyond the parser's means
            return ast.Module([], []), SyntaxError(str(error))

    @property
    def tree(self) -> ast.Module:
        """The module."""
        return self._parsed[0]

    @property
    def error(self) -> SyntaxError | None:
        """Why there is no tree."""
        return self._parsed[1]

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Each node's parent."""
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def functions(self) -> dict[str, Function]:
        """Qualified name to function; of several with one name the last, as at run time."""
        return dict(_functions(self.tree, ""))

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Qualified name to class."""
        return dict(_classes(self.tree, ""))

    @cached_property
    def docstrings(self) -> frozenset[ast.AST]:
        """Texts that stand alone, and do nothing."""
        alone = (node.value for node in self.nodes if isinstance(node, ast.Expr))
        return frozenset(node for node in alone if isinstance(node, ast.Constant))

    @cached_property
    def _aliases(self) -> dict[str, str]:
        return {name: origin for node in self.nodes for name, origin in bound_by_import(node)}

    @cached_property
    def owners(self) -> dict[ast.AST, str]:
        """Each node that stands in a function, with the innermost function's qualified name."""
        names = {node: name for name, node in _functions(self.tree, "")}
        return {child: name for node, name in names.items() for child in ast.walk(node)}

    def full_name(self, node: ast.AST) -> str:
        """The dotted name behind an expression; empty where it is none.

        Through the imports: `e` is `os._exit` after `from os import _exit as e`.
        """
        if isinstance(node, ast.Name):
            return self._aliases.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            owner = self.full_name(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        if isinstance(node, ast.Call):
            module = imported_by_call(node, self)
            return module or _gotten(node, self)
        return ""

    def is_imported(self, name: str) -> bool:
        """Whether an import binds this name."""
        return name in self._aliases

    def shown(self, node: ast.AST) -> str:
        """Where the node stands, and its text in one line: `shop/cart.py:12: return 7`."""
        text = " ".join(ast.unparse(node).split())
        line = getattr(node, "lineno", 1)
        return f"{self.path}:{line}: `{text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}`"


def added(changes: Iterable[SourceChange], find: Finder) -> Iterator[tuple[Code, ast.AST, str]]:
    """What `find` finds after the fix and not before it, with what it counts as.

    Counted over the whole fix, so that code that only moves from one file to another is not new.
    """
    changes = [change for change in changes if change.is_python]
    before = Counter(key for change in changes for key, _ in find(change.old))
    for change in changes:
        for key, node in find(change.new):
            before[key] -= 1
            if before[key] < 0:
                yield change.new, node, key


def bound_by_import(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that an import statement binds, each with the dotted name behind it."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            yield alias.asname or alias.name, f"{module}.{alias.name}".removeprefix("..") if module else alias.name


def imported_by_call(node: ast.Call, code: Code) -> str:
    """The module that `__import__("x")` or `importlib.import_module("x")` names; empty where it is neither."""
    name = code.full_name(node.func)
    if name not in ("__import__", "builtins.__import__", "importlib.import_module") or not node.args:
        return ""
    module = literal(node.args[0])
    return module if isinstance(module, str) else ""


def imported_modules(code: Code) -> Iterator[tuple[str, ast.AST]]:
    """The modules that are imported by absolute name, by statement or by call."""
    for node in code.nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module, node
        elif isinstance(node, ast.Call) and (module := imported_by_call(node, code)):
            yield module, node


NOT_LITERAL = object()


def literal(node: ast.AST) -> object:
    """The value that an expression of constants has, also a joined one such as `"a" + "b"`; else NOT_LITERAL."""
    if isinstance(node, ast.BinOp):
        return _folded(node)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return NOT_LITERAL


def returns(function: Function | ast.Lambda) -> list[ast.expr | None]:
    """What the function returns, place by place, without the functions inside it."""
    if isinstance(function, ast.Lambda):
        return [function.body]
    return [node.value for node in own_nodes(function) if isinstance(node, ast.Return)]


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes below this one, without those of functions and classes inside it."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, Function | ast.Lambda | ast.ClassDef):
            yield from own_nodes(child)


_LONGEST = 100
_LARGEST = 10**6


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield f"{prefix}{child.name}", child
        inner = f"{prefix}{child.name}." if isinstance(child, Function | ast.ClassDef) else prefix
        yield from _functions(child, inner)


def _classes(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield f"{prefix}{child.name}", child
        inner = f"{prefix}{child.name}." if isinstance(child, Function | ast.ClassDef) else prefix
        yield from _classes(child, inner)


def _gotten(node: ast.Call, code: Code) -> str:
    """`getattr(os, "_exit")` is `os._exit`."""
    if not (isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) > 1):
        return ""
    owner, name = code.full_name(node.args[0]), literal(node.args[1])
    return f"{owner}.{name}" if owner and isinstance(name, str) else ""


def _folded(node: ast.BinOp) -> object:
    left, right = literal(node.left), literal(node.right)
    if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
        return left + right
    numbers = all(isinstance(side, int | float) and abs(side) < _LARGEST for side in (left, right))
    operate = _OPERATORS.get(type(node.op))
    return operate(left, right) if numbers and operate else NOT_LITERAL


_OPERATORS: dict[type[ast.operator], Callable[..., object]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
}
