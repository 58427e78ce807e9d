"""Wrong numbers: off by one, wrong constants, wrong starting values, wrong slice bounds."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import ELEMENTS, MUTATION, SSTUBS, TBAR, Example


class Constant:
    """Another number or truth value."""

    name = "constant"
    source = MUTATION
    prior = 0.9
    examples = (
        Example("x = a[0]", "x = a[1]"),
        Example("x = a[0]", "x = a[-1]"),
        Example("x = True", "x = False"),
        Example("def f(a):\n    return 24 if a else 60", "def f(a):\n    return 60 if a else 60"),
        Example("x = 0.1", "x = 1.0"),
        Example("x = a / 0.5", "x = a / 2.0"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Step a number, negate it, or take another one of the same function."""
        for node in place.nodes(ast.Constant):
            for value, weight in _instead_of(node.value, place.scope.constants):
                yield place.replace(node, repr(value), weight)


class OffByOne:
    """One too few or too many."""

    name = "off by one"
    source = SSTUBS
    prior = 1.0
    examples = (
        Example("for i in range(n):\n    pass", "for i in range(n + 1):\n    pass"),
        Example("x = a[i]", "x = a[i - 1]"),
        Example("x = a[i:n]", "x = a[i:n + 1]"),
        Example("def f(n):\n    return len(n)", "def f(n):\n    return len(n) - 1"),
        Example("x = a < b", "x = a < b + 1"),
        Example("x = a[i - 1]", "x = a[i]"),
        Example("x = a[i, j]", "x = a[i, j - 1]"),
        Example("x = [i for i in a]", "x = [i + 1 for i in a]"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Add or subtract one where a count, an index or a bound stands."""
        for node in place.loads(ast.Name, ast.Attribute, ast.Call, ast.BinOp, ast.Subscript):
            parent = place.parent(node)
            indexing = isinstance(parent, ast.Tuple) and isinstance(place.parent(parent), ast.Subscript)
            if place.is_called(node) or not (indexing or isinstance(parent, _COUNTED)):
                continue
            text = place.text(node)
            weight = 0.0 if indexing or isinstance(parent, _BOUNDS) or _in_range(parent) else -0.8
            if isinstance(node, ast.BinOp) and _is_one(node.right) and isinstance(node.op, ast.Add | ast.Sub):
                yield place.replace(node, place.text(node.left), weight + 0.3)
            else:
                yield place.replace(node, f"{text} + 1", weight)
                yield place.replace(node, f"{text} - 1", weight)


class StartValue:
    """A variable that starts with the wrong value."""

    name = "start value"
    source = MUTATION
    prior = 0.6
    examples = (
        Example("x = []", "x = {}"),
        Example("x = []", "x = [[]]"),
        Example("x = 0", "x = None"),
        Example("def f(n):\n    x = []", "def f(n):\n    x = [n]"),
        Example("x = None", "x = []"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap a literal start value for another common one."""
        node = place.statement
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return) else None
        if value is None or place.text(value) not in _STARTS:
            return
        for weight, text in enumerate(_STARTS[place.text(value)]):
            yield place.replace(value, text, -0.2 * weight)
        if isinstance(value, ast.List):
            for name in place.scope.locals:
                yield place.replace(value, f"[{name}]", -0.5)


class Range:
    """A range that begins, ends or steps wrongly."""

    name = "range"
    source = SSTUBS
    prior = 0.6
    examples = (
        Example("for i in range(n):\n    pass", "for i in range(1, n):\n    pass"),
        Example("for i in range(n):\n    pass", "for i in range(1, n + 1):\n    pass"),
        Example("for i in range(n):\n    pass", "for i in range(n - 1, -1, -1):\n    pass"),
        Example("for i in range(a, n):\n    pass", "for i in range(n):\n    pass"),
        Example("for i in range(a, n):\n    pass", "for i in range(a, n + 1, 2):\n    pass"),
        Example("for i in range(a, n):\n    pass", "for i in range(a + 1, n + 1):\n    pass"),
        Example("for i in range(a, n, 2):\n    pass", "for i in range(a, n):\n    pass"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Move both bounds at once, add or drop a bound or a step, or count down."""
        for call in place.nodes(ast.Call):
            if isinstance(call.func, ast.Name) and call.func.id == "range" and not call.keywords:
                for weight, bounds in enumerate(_ranges([place.text(node) for node in call.args])):
                    yield place.replace(call, f"range({', '.join(bounds)})", -0.15 * weight)


class Slice:
    """A slice that is missing, or one whose bounds are wrong."""

    name = "slice"
    source = TBAR
    prior = 0.5
    examples = (
        Example("def f(a):\n    return a", "def f(a):\n    return a[1:]"),
        Example("def f(a):\n    return a", "def f(a):\n    return a[::-1]"),
        Example("def f(a, k):\n    return g(a, k)", "def f(a, k):\n    return g(a[k:], k)"),
        Example("x = a[i:j]", "x = a[i:]"),
        Example("x = a[1:]", "x = a"),
        Example("x = a[i]", "x = a[i:]"),
        Example("def f(a):\n    return [x for x in a]", "def f(a):\n    return [x for x in a][1:]"),
        Example("def f(a):\n    return sorted(a)", "def f(a):\n    return sorted(a)[::-1]"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Slice a name or what is worked out, or drop, swap and move the bounds of a slice."""
        for node in place.loads(ast.Name, ast.Attribute):
            if isinstance(place.parent(node), _SLICED) and not place.is_called(node):
                yield from self._added(place, node)
        for node in place.loads(ast.ListComp, ast.Call):
            if isinstance(place.parent(node), ast.Return | ast.Assign) and not place.is_called(node):
                yield from (
                    place.replace(node, f"{place.text(node)}[{bounds}]", -0.5) for bounds in ("1:", ":-1", "::-1")
                )
        for subscript in place.loads(ast.Subscript):
            yield from self._changed(place, subscript)

    def _added(self, place: Place, node: ast.expr) -> Iterator[Edit]:
        text = place.text(node)
        for weight, bounds in enumerate(("1:", ":-1", "::-1", "0", "-1", ":")):
            yield place.replace(node, f"{text}[{bounds}]", -0.2 * weight)
        for name in place.scope.locals:
            if name != text:
                yield place.replace(node, f"{text}[{name}:]", -0.8)
                yield place.replace(node, f"{text}[:{name}]", -0.8)

    def _changed(self, place: Place, node: ast.Subscript) -> Iterator[Edit]:
        inner = node.slice
        if not isinstance(inner, ast.Slice):
            if not isinstance(inner, ast.Tuple):
                yield place.replace(inner, f"{place.text(inner)}:", -1.0)
                yield place.replace(inner, f":{place.text(inner)}", -1.0)
            return
        lower = place.text(inner.lower) if inner.lower else ""
        upper = place.text(inner.upper) if inner.upper else ""
        step = f":{place.text(inner.step)}" if inner.step else ""
        yield place.replace(node, place.text(node.value), -0.5)
        for text in (f"{lower}:", f":{upper}", f"{upper}:{lower}", f"{lower}:{upper}:-1", "::-1", f"{lower}:{upper}"):
            start, end = place.source.span(inner)
            yield Edit(start, end, text + (step if text.count(":") == 1 else ""), -0.3)


_COUNTED = (
    ast.Subscript,
    ast.Slice,
    ast.Call,
    ast.Compare,
    ast.Return,
    ast.Assign,
    ast.AugAssign,
    ast.BinOp,
    *ELEMENTS,
)
_BOUNDS = (ast.Subscript, ast.Slice)
_SLICED = (ast.Return, ast.Call, ast.Assign, ast.BinOp, ast.For, ast.comprehension, ast.Compare, *ELEMENTS)
_STARTS = {
    "[]": ("{}", "set()", "[[]]", "None", "''", "[0]", "()"),
    "{}": ("[]", "set()", "None", "''"),
    "set()": ("[]", "{}"),
    "()": ("[]", "{}", "None"),
    "None": ("[]", "{}", "0", "''", "False", "True"),
    "0": ("1", "-1", "None", "[]", "0.0", "float('inf')", "float('-inf')", "''"),
    "1": ("0", "None", "-1"),
    "-1": ("0", "1", "None"),
    "''": ("[]", "None", "0", "' '"),
    '""': ("[]", "None", "0", "' '"),
    "False": ("None", "0", "[]"),
    "True": ("None", "1"),
}


_FRACTION = 1.0
"""How much less likely a fraction is one too few than a whole number."""


def _instead_of(value: object, others: tuple[object, ...]) -> Iterator[tuple[object, float]]:
    if isinstance(value, bool):
        yield not value, 0.5
        return
    if not isinstance(value, int | float):
        return
    by_steps = (value + 1, value - 1, value + 2, value - 2)
    steps = (*by_steps[:2], 0, 1, -value, 2, *by_steps[2:], value * 10, value / 10)
    for rank, step in enumerate(steps):
        if isinstance(value, float) or isinstance(step, int):
            yield step, -0.25 * rank - (_FRACTION if step in by_steps and value % 1 else 0.0)
    if isinstance(value, float) and value:
        yield 1 / value, -0.5
    for other in others:
        if isinstance(other, int | float) and not isinstance(other, bool):
            yield other, -0.8


def _ranges(bounds: list[str]) -> Iterator[tuple[str, ...]]:
    if len(bounds) == 1:
        (stop,) = bounds
        yield from (("1", stop), ("1", f"{stop} + 1"), ("2", stop), ("2", f"{stop} + 1"), ("0", stop, "2"))
        yield from ((f"{stop} - 1", "-1", "-1"), (stop, "0", "-1"))
    elif len(bounds) == 2:
        start, stop = bounds
        yield from ((stop,), (f"{stop} + 1",), (f"{start} + 1", f"{stop} + 1"), (f"{start} - 1", f"{stop} - 1"))
        yield from ((start, stop, "2"), (start, f"{stop} + 1", "2"), (start, stop, "-1"), (stop, start, "-1"))
    elif len(bounds) == 3:
        start, stop, step = bounds
        yield from ((start, stop), (start, stop, f"-{step}"), (start, f"{stop} + 1", step), (stop, start, step))


def _in_range(parent: ast.AST | None) -> bool:
    return isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id == "range"


def _is_one(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1
