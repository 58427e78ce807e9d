"""Results that are given too early, or not at all where a function comes to its end."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixer.offline.place import Place
from fixer.offline.source import Edit, Function
from fixer.offline.templates.base import TBAR, Example

_PYLINT = "pylint R1710 inconsistent-return-statements"


class EndWithoutResult:
    """A function that gives a result on some ways through it, and nothing where it comes to its end."""

    name = "result at the end"
    source = _PYLINT
    prior = 0.8
    examples = (
        Example(
            "def f(a):\n    for x in a:\n        if x:\n            return x",
            "def f(a):\n    for x in a:\n        if x:\n            return x\n    return None",
        ),
        Example(
            "def f(a):\n    for x in a:\n        if x:\n            return len(a)",
            "def f(a):\n    for x in a:\n        if x:\n            return len(a)\n    return len(a)",
        ),
        Example(
            "def f(a):\n    for x in a:\n        if x:\n            return len(a) - 1",
            "def f(a):\n    for x in a:\n        if x:\n            return len(a) - 1\n    return len(a)",
        ),
        Example(
            "def f(a):\n    if a:\n        return True",
            "def f(a):\n    if a:\n        return True\n    return False",
        ),
        Example(
            "def f(a):\n    if a:\n        return 1\n    'Words.'",
            "def f(a):\n    if a:\n        return 1\n    return 0\n    'Words.'",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Give at the end what the function gives elsewhere, an operand of that, or a usual value."""
        node, function = place.statement, place.function
        if function is None or _last(function) is not node or isinstance(node, ast.Return):
            return
        returned = _returned(place)
        if not returned:
            return
        parts = [part for value in returned if isinstance(value, ast.BinOp) for part in (value.left, value.right)]
        opposite = [other for value in returned for other in _opposite(place.text(value))]
        lengths = [f"len({name})" for name in place.scope.parameters]
        texts = [*opposite, *map(place.text, [*returned, *parts]), *_USUAL, *lengths, *place.scope.parameters]
        for weight, text in enumerate(dict.fromkeys(text for text in texts if "\n" not in text)):
            yield from place.after(f"return {text}", weight=-0.15 * weight)


class EarlyResult:
    """A loop that says no at the first element that does not fit, before it has seen the others."""

    name = "early result"
    source = "a return in the first round of a loop (mistakes of beginners: Refactory, Hu et al. 2019)"
    prior = 0.8
    examples = (
        Example(
            "def f(a):\n    for x in a:\n        if x:\n            return x\n        else:\n            return False",
            "def f(a):\n    for x in a:\n        if x:\n            return x\n    return False",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Move the `else` of a condition behind the loop."""
        node = place.statement
        loop = place.parent(node)
        if not isinstance(node, ast.If) or not isinstance(loop, ast.For | ast.While) or loop.body[-1] is not node:
            return
        outer = place.source.indent_of(loop)
        if outer is None or len(node.orelse) != 1 or not isinstance(node.orelse[0], ast.Return):
            return
        start = place.source.span(node.body[-1])[1]
        _, end = place.source.span(loop)
        if end == place.source.span(node.orelse[0])[1]:
            yield Edit(start, end, f"{place.source.newline}{outer}{place.text(node.orelse[0])}")


class OtherwiseMissing:
    """A condition that says nothing of the other case, inside a loop that then never ends or goes on for nothing."""

    name = "missing else"
    source = TBAR
    prior = 0.3
    examples = (
        Example(
            "def f(a, n):\n    while n:\n        if n in a:\n            n -= 1",
            "def f(a, n):\n    while n:\n        if n in a:\n            n -= 1\n        else:\n            break",
        ),
        Example(
            "def f(a):\n    for x in a:\n        if x:\n            return x",
            "def f(a):\n    for x in a:\n        if x:\n            return x\n        else:\n            return None",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Leave the loop or the function in the other case."""
        if not place.is_in_loop:
            return
        ways = ["break", *(f"return {name}" for name in place.scope.locals), "return None", "return False", "continue"]
        for weight, way in enumerate(ways):
            yield from place.otherwise(way, -0.2 * weight)


class ChoiceTooMany:
    """A choice between two values where one of them is always meant."""

    name = "choice too many"
    source = TBAR
    prior = 0.4
    examples = (
        Example("x = a if b else c", "x = a"),
        Example("x = a if b else c", "x = c"),
        Example("def f(a):\n    if a:\n        return 1\n    return 2", "def f(a):\n    return 1\n    return 2"),
        Example("def f(a):\n    if a:\n        x = 1\n    return x", "def f(a):\n    x = 1\n    return x"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Take one of the two, or do always what a condition with a single simple statement stands before."""
        for node in place.nodes(ast.IfExp):
            yield place.replace(node, place.text(node.body))
            yield place.replace(node, place.text(node.orelse))
        statement = place.statement
        if isinstance(statement, ast.If) and len(statement.body) == 1 and not statement.orelse:
            start, end = place.source.span(statement)
            if place.source.text[start : start + 2] == "if" and statement.body[0].lineno == statement.end_lineno:
                yield Edit(start, end, place.text(statement.body[0]))


_USUAL = ("False", "None", "0", "-1", "[]", "True", "''")


def _last(function: Function) -> ast.stmt:
    """Documentation that stands at the end, where it is none, left out."""
    said = [node for node in function.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    return said[-1] if said else function.body[-1]


def _returned(place: Place) -> list[ast.expr]:
    found = (node.value for node in place.scope.nodes if isinstance(node, ast.Return))
    return [value for value in found if value is not None]


def _opposite(text: str) -> tuple[str, ...]:
    return {"True": ("False",), "False": ("True",)}.get(text, ())
