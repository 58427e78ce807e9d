"""Answers to exceptions: look a key up with a default, do not divide by zero, allow for nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fixer.offline.place import Place
from fixer.offline.source import Edit, Function
from fixer.offline.templates.base import PAR, PYTER, Example
from fixer.offline.templates.conditions import operand


class MissingKey:
    """A key that need not be there."""

    name = "missing key"
    source = PYTER
    prior = 1.5
    examples = (
        Example("x = d[k]", "x = d.get(k)", "KeyError: 'a'"),
        Example("x = d[k] + 1", "x = d.get(k, 0) + 1", "KeyError: 'a'"),
        Example("d[k] += 1", "d[k] = d.get(k, 0) + 1", "KeyError: 'a'"),
        Example("d[k].append(1)", "d.setdefault(k, []).append(1)", "KeyError: 'a'"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Use `get` or `setdefault`."""
        if not place.failure.is_a("KeyError"):
            return
        for node in place.nodes(ast.Subscript):
            owner, key = place.text(node.value), place.text(node.slice)
            if isinstance(node.ctx, ast.Load):
                for weight, default in enumerate(("", ", 0", ", []", ", ''", ", {}", f", {key}", ", False")):
                    yield place.replace(node, f"{owner}.get({key}{default})", -0.2 * weight)
                for weight, default in enumerate(("[]", "{}", "set()", "0")):
                    yield place.replace(node, f"{owner}.setdefault({key}, {default})", -0.1 - 0.2 * weight)
        yield from self._counted(place)

    def _counted(self, place: Place) -> Iterator[Edit]:
        node = place.statement
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
            owner, key = place.text(node.target.value), place.text(node.target.slice)
            operator = place.text(node)[len(place.text(node.target)) :].partition("=")[0].strip()
            start, end = place.source.span(node)
            for default in ("0", "''", "[]", "1"):
                text = f"{owner}[{key}] = {owner}.get({key}, {default}) {operator} {place.text(node.value)}"
                yield Edit(start, end, text)


class Nothing:
    """A value that may be nothing: None, empty or zero."""

    name = "value that may be nothing"
    source = PAR
    prior = 0.8
    examples = (
        Example("x = a / b", "x = a / b if b else 0", "ZeroDivisionError: division by zero"),
        Example("x = a.b", "x = a.b if a else None", "AttributeError: 'NoneType' object has no attribute 'b'"),
        Example("x = a[0]", "x = a[0] if a else None", "IndexError: list index out of range"),
        Example("for x in a:\n    pass", "for x in a or []:\n    pass", "TypeError: 'NoneType' object is not iterable"),
        Example("x = len(a)", "x = len(a or [])", "TypeError: object of type 'NoneType' has no len()"),
        Example(
            "def f(a, b):\n    return len(a[0])",
            "def f(a, b):\n    return len(a[0] if a else b)",
            "IndexError: list index out of range",
        ),
        Example(
            "def f(a, b):\n    return b & a",
            "def f(a, b):\n    return b & (a if a is not None else b)",
            "TypeError: unsupported operand type(s) for &: 'set' and 'NoneType'",
        ),
        Example("def f(a):\n    return log(a)", "def f(a):\n    return log(a or 1)", "ValueError: math domain error"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Ask first, or fall back to something empty or to another name."""
        for node in place.loads(*self._suspects(place)):
            asked = _asked(node)
            if asked is not None:
                yield from self._chosen(place, node, place.text(asked))
        if "NoneType" in place.failure.message:
            for node in place.loads(ast.Name, ast.Attribute, ast.Call):
                if not place.is_called(node):
                    yield from self._fallbacks(place, node)
        if place.failure.is_a("ValueError") and "domain" in place.failure.message:
            for call in place.nodes(ast.Call):
                yield from (place.replace(one, f"{place.text(one)} or 1") for one in call.args)

    def _chosen(self, place: Place, node: ast.expr, test: str) -> Iterator[Edit]:
        text = place.text(node)
        for weight, default in enumerate(("0", "None", "[]", "''", "False")):
            yield place.replace(node, f"{text} if {test} else {default}", -0.2 * weight)
        for name in (name for name in place.scope.locals if name not in text):
            yield place.replace(node, f"{text} if {test} else {name}", -1.0)

    def _fallbacks(self, place: Place, node: ast.expr) -> Iterator[Edit]:
        text = place.text(node)
        for weight, default in enumerate(("[]", "''", "{}", "0")):
            yield place.replace(node, f"{text} or {default}", -0.2 * weight)
        if not isinstance(node, ast.Call):
            for other in self._others(place, node):
                yield place.replace(node, f"{text} if {text} is not None else {other}", -1.0)

    def _others(self, place: Place, node: ast.expr) -> Iterator[str]:
        """What may stand for a value that is None."""
        if not isinstance(place.parent(node), ast.Attribute):
            names = [*place.scope.locals, *(f"self.{name}" for name in place.scope.members)]
            yield from (name for name in names if name != place.text(node))

    def _suspects(self, place: Place) -> tuple[type[ast.expr], ...]:
        if place.failure.is_a("ZeroDivisionError"):
            return (ast.BinOp,)
        if place.failure.is_a("AttributeError", "TypeError") and "NoneType" in place.failure.message:
            return (ast.Attribute, ast.Call, ast.Subscript)
        return (ast.Subscript,) if place.failure.is_a("IndexError") else ()


class MissingAttribute:
    """An attribute that not every object has."""

    name = "missing attribute"
    source = PYTER
    prior = 0.8
    examples = (
        Example("x = a.b", "x = getattr(a, 'b', None)", "AttributeError: 'A' object has no attribute 'b'"),
        Example(
            "if a.b == 1:\n    pass",
            "if hasattr(a, 'b') and a.b == 1:\n    pass",
            "AttributeError: 'A' object has no attribute 'b'",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Ask whether it is there, or take None for it."""
        missing = place.failure.quoted("AttributeError", "attribute")
        for node in place.loads(ast.Attribute):
            if node.attr != missing:
                continue
            owner = place.text(node.value)
            if not place.is_called(node):
                for weight, default in enumerate(("None", "False", "''", "()")):
                    yield place.replace(node, f"getattr({owner}, {missing!r}, {default})", -0.3 * weight)
            if isinstance(place.statement, ast.If | ast.While):
                test = place.statement.test
                yield place.replace(test, f"hasattr({owner}, {missing!r}) and {operand(place, test)}", -0.2)


class ExhaustedIterator:
    """An iterator or sequence that may have nothing left."""

    name = "nothing left"
    source = PAR
    prior = 1.5
    examples = (
        Example("x = next(a)", "x = next(a, None)", "StopIteration: "),
        Example("x = max(a)", "x = max(a, default=None)", "ValueError: max() arg is an empty sequence"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Give a default."""
        empty = place.failure.is_a("ValueError") and "empty" in place.failure.message
        if not (empty or place.failure.is_a("StopIteration", "RuntimeError")):
            return
        for call in place.nodes(ast.Call):
            word = "default=" if empty else ""
            known = ("min", "max") if empty else ("next",)
            if isinstance(call.func, ast.Name) and call.func.id in known and len(call.args) == 1:
                end = place.source.span(call)[1] - 1
                for weight, value in enumerate(("None", "0", "''")):
                    yield Edit(end, end, f", {word}{value}", -0.2 * weight)


class MissingDefault:
    """A parameter that callers leave out."""

    name = "missing default"
    source = PYTER
    prior = 1.5
    examples = (
        Example(
            "def f(a, n, p=None):\n    return a",
            "def f(a, n=None, p=None):\n    return a",
            "TypeError: f() missing 1 required positional argument: 'n'",
        ),
        Example(
            "class A:\n    def f(self, n: int):\n        return self",
            "class A:\n    def f(self, n: int = None):\n        return self",
            "TypeError: A.f() missing 1 required positional argument: 'n'",
        ),
        Example(
            "def f(a, *, n, p):\n    return a",
            "def f(a, *, n=None, p):\n    return a",
            "TypeError: f() missing 1 required keyword-only argument: 'n'",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Let it be None; said of the function's statements and calls as well, for its own line did not run."""
        found = _NOT_GIVEN.match(place.failure.message) if place.failure.is_a("TypeError") else None
        if not found:
            return
        *_, around, called = f".{found[1]}".split(".")
        for function in _concerned(place, called):
            owner = place.parent(function)
            if around in ((owner.name,) if isinstance(owner, ast.ClassDef) else ("", "<locals>")):
                yield from _defaults(place, function, found[2])


_NOT_GIVEN = re.compile(r"([\w.<>]+)\(\) missing 1 required (?:positional|keyword-only) argument: '(\w+)'$")


def _concerned(place: Place, name: str) -> Iterator[Function]:
    """The functions of this name that the statement defines, belongs to or calls."""
    around = (place.statement, place.function)
    yield from (node for node in around if isinstance(node, Function) and node.name == name)
    functions = (call.func for call in place.nodes(ast.Call))
    called = {getattr(node, "id", getattr(node, "attr", "")) for node in functions}
    if name in called:
        yield from (node for node in place.source.statements if isinstance(node, Function) and node.name == name)


def _defaults(place: Place, function: Function, name: str) -> Iterator[Edit]:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    last = positional[: len(positional) - len(given.defaults)][-1:]
    required = [*last, *(arg for arg, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value is None)]
    for arg in (arg for arg in required if arg.arg == name):
        _, end = place.source.span(arg)
        yield Edit(end, end, " = None" if arg.annotation else "=None")


def _asked(node: ast.expr) -> ast.expr | None:
    if isinstance(node, ast.BinOp):
        return node.right if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod) else None
    if isinstance(node, ast.Attribute | ast.Subscript):
        return node.value
    return node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
