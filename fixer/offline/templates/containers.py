"""Elements taken for what holds them, the other way round, and containers that do not keep what is needed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import PYTER, TBAR, Example
from fixer.offline.templates.coordinated import at_once


class ElementForList:
    """One element where a list of it belongs, or a list where its elements belong."""

    name = "element for a list"
    source = PYTER
    prior = 0.5
    examples = (
        Example("x += a", "x += [a]"),
        Example("x += a", "x.append(a)"),
        Example("x += a", "x += (a,)"),
        Example("x += x + list(a)", "x += x + [a]"),
        Example("x = x + a", "x = x + [a]"),
        Example("x += y.append(a)", "x.append(a)"),
        Example("x = x.append(a)", "x.append(a)"),
        Example("x.extend(a)", "x.extend([a])"),
        Example("x.append([a])", "x.append(a)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put brackets around what is added, or append it; leave the brackets out."""
        wanted = 1.0 if place.failure.is_a("TypeError") else 0.0
        node = place.statement
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            yield from self._appended(place, node, node.value, place.text(node.target), wanted)
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            yield from self._appended(place, node, node.value, place.text(node.targets[0]), wanted)
        for added in _added(place):
            inner = added.args[0] if isinstance(added, ast.Call) and len(added.args) == 1 else added
            for text in dict.fromkeys((place.text(added), place.text(inner))):
                yield place.replace(added, f"[{text}]", wanted)
                yield place.replace(added, f"({text},)", wanted - 0.7)
        for held in place.nodes(ast.List):
            if len(held.elts) == 1:
                yield place.replace(held, place.text(held.elts[0]), -0.3)

    def _appended(self, place: Place, node: ast.stmt, value: ast.expr, target: str, weight: float) -> Iterator[Edit]:
        start, end = place.source.span(node)
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and len(value.args) == 1:
            if value.func.attr in ("append", "extend", "add"):
                yield Edit(start, end, f"{target}.{value.func.attr}({place.text(value.args[0])})", weight)
        elif isinstance(node, ast.AugAssign):
            yield Edit(start, end, f"{target}.append({place.text(value)})", weight)


class ElementTooMany:
    """A list, tuple, set or dictionary with an element that does not belong there, or a tuple around one value."""

    name = "element too many"
    source = TBAR
    prior = 0.3
    examples = (
        Example("x = f([a, b, c])", "x = f([b, c])"),
        Example("x = f([a, b, c])", "x = f([a, b])"),
        Example("x = {'a': 1, 'b': 2}", "x = {'a': 1}"),
        Example("x = (a,)", "x = a"),
        Example("x = a,", "x = a"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Leave one out; leave the comma out that makes a tuple."""
        for node in place.expressions:
            if not isinstance(node, ast.List | ast.Tuple | ast.Set):
                continue
            if isinstance(node, ast.Tuple) and len(node.elts) == 1:
                yield place.replace(node, place.text(node.elts[0]), 1.0)
            elif 1 < len(node.elts) <= _MANY_ELEMENTS:
                yield from _without_each(place, [place.source.span(element) for element in node.elts])
        for table in place.nodes(ast.Dict):
            if 1 < len(table.keys) <= _MANY_ELEMENTS and all(table.keys):
                spans = zip((key for key in table.keys if key), table.values, strict=True)
                yield from _without_each(
                    place, [(place.source.span(key)[0], place.source.span(value)[1]) for key, value in spans]
                )


class OrderLost:
    """A set for what has to keep its order."""

    name = "order lost in a set"
    source = "dict.fromkeys instead of set (Python FAQ, removing duplicates from a list)"
    prior = 0.5
    examples = (Example("x = list(set(a))", "x = list(dict.fromkeys(a))"),)

    def propose(self, place: Place) -> Iterator[Edit]:
        """Let the keys of a dictionary stand for the set."""
        for call in place.nodes(ast.Call):
            if isinstance(call.func, ast.Name) and call.func.id in ("set", "frozenset") and len(call.args) == 1:
                yield place.replace(call.func, "dict.fromkeys")


class IndexThroughout:
    """A whole record used where one field of it is meant, or a field for the record, at each use in a statement."""

    name = "field throughout"
    source = TBAR
    prior = 0.35
    examples = (
        Example("if i > b:\n    pass", "if i[1] > b[1]:\n    pass"),
        Example("a[i][1], a[j][1] = a[j][1], a[i][1]", "a[i], a[j] = a[j], a[i]"),
        Example("if a[i][0] > a[j][0]:\n    pass", "if a[i][1] > a[j][1]:\n    pass"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Index both sides of a comparison; leave out, or change, the same index everywhere in the statement."""
        for node in place.nodes(ast.Compare):
            if len(node.comparators) == 1 and not isinstance(node.comparators[0], ast.Constant):
                sides = [node.left, node.comparators[0]]
                for weight, index in enumerate(("0", "1", "-1")):
                    yield at_once(place, [_indexed(place, side, index) for side in sides], -0.2 * weight)
        found = [node for node in place.nodes(ast.Subscript) if isinstance(node.slice, ast.Constant)]
        for index in dict.fromkeys(place.text(node.slice) for node in found):
            uses = [node for node in found if place.text(node.slice) == index]
            if len(uses) > 1:
                yield at_once(place, [place.replace(node, place.text(node.value)) for node in uses])
                yield from self._other(place, uses, index)

    def _other(self, place: Place, uses: Sequence[ast.Subscript], index: str) -> Iterator[Edit]:
        for weight, other in enumerate(("0", "1", "-1")):
            if other != index:
                edits = [place.replace(node.slice, other) for node in uses]
                yield at_once(place, edits, -0.3 - 0.2 * weight)


def _added(place: Place) -> Iterator[ast.expr]:
    """What is added to something else."""
    node = place.statement
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        yield node.value
    for addition in place.nodes(ast.BinOp):
        if isinstance(addition.op, ast.Add):
            yield from (addition.right, addition.left)
    for call in place.nodes(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("extend", "update") and len(call.args) == 1:
            yield call.args[0]


def _indexed(place: Place, node: ast.expr, index: str) -> Edit:
    plain = isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call)
    text = place.text(node)
    return place.replace(node, f"{text}[{index}]" if plain else f"({text})[{index}]")


_MANY_ELEMENTS = 12


def _without_each(place: Place, spans: Sequence[tuple[int, int]]) -> Iterator[Edit]:
    """Without one of several, and without the comma that sets it off."""
    for number, (start, end) in enumerate(spans):
        if number:
            yield Edit(spans[number - 1][1], end, "")
        else:
            yield Edit(start, spans[1][0], "")
