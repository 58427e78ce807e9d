"""What is done in every case and should be done under a condition, or the other way round."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from keyword import iskeyword
from typing import TypeGuard

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import PYTER, TBAR, Example


class CallOfNothing:
    """A call that is made even where there is nothing to call it with."""

    name = "call of nothing"
    source = TBAR
    prior = 0.3
    examples = (
        Example(
            "def f(a, b):\n    b.set('x', a)\n    return b",
            "def f(a, b):\n    if a:\n        b.set('x', a)\n    return b",
        ),
        Example("async def f(a):\n    await g(a)", "async def f(a):\n    if a is not None:\n        await g(a)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put the statement under the condition that an argument is something."""
        node, indent = place.statement, place.indent
        value = node.value if isinstance(node, ast.Expr) else None
        call = value.value if isinstance(value, ast.Await) else value
        if not isinstance(call, ast.Call) or indent is None or node.lineno != node.end_lineno:
            return
        parent = place.parent(node)
        known = place.text(parent.test) if isinstance(parent, ast.If | ast.While) else ""
        values = (*call.args, *(keyword.value for keyword in call.keywords if keyword.arg))
        passed = [one for one in values if isinstance(one, ast.Name)]
        start, end = place.source.span(node)
        for name in dict.fromkeys(one.id for one in passed if one.id in place.scope.locals and one.id not in known):
            for weight, test in enumerate((name, f"{name} is not None")):
                lines = f"if {test}:", indent + place.indent_step + place.text(node)
                yield Edit(start, end, place.source.newline.join(lines), -0.4 * weight)


class PartOfNothing:
    """A text put before or behind another one, even where that is empty because nothing went into it."""

    name = "part of nothing"
    source = TBAR
    prior = 0.25
    examples = (
        Example("x = '-'.join(a) + '.'", "x = '-'.join(a) + ('.' if a else '')"),
        Example("def f(a):\n    return b',' + a", "def f(a):\n    return (b',' if a else b'') + a"),
        Example("x = g(a) + 'b' + c.d", "x = g(a) + ('b' if a else '') + c.d"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Leave it out there."""
        for node in place.nodes(ast.BinOp):
            for part, rest in ((node.right, node.left), (node.left, node.right)):
                if isinstance(node.op, ast.Add) and isinstance(part, ast.Constant) and _is_text(part.value):
                    for weight, name in enumerate(_made_of(place, rest)):
                        text = f"({place.text(part)} if {name} else {part.value[:0]!r})"
                        yield Edit(*place.source.span(part), text, -0.3 * weight)


class DefaultForNothing:
    """A default for what is not there, which should also be one for what is there and is nothing."""

    name = "default for nothing"
    source = PYTER
    prior = 0.4
    examples = (
        Example("x = d.get('a', [])", "x = d.get('a') or []"),
        Example("x = len(getattr(a, 'b', ''))", "x = len(getattr(a, 'b', None) or '')"),
        Example("x = d.get(a, b).c", "x = (d.get(a) or b).c"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Take it for both."""
        for call in place.nodes(ast.Call):
            function = call.func
            method = isinstance(function, ast.Attribute) and function.attr == "get" and len(call.args) == 2
            if call.keywords or not (method or (_is_getattr(function) and len(call.args) == 3)):
                continue
            before, default = call.args[-2:]
            asked = place.text(call)[: place.source.span(before)[1] - place.source.span(call)[0]]
            yield place.replace(call, f"{asked}{'' if method else ', None'}) or {place.text(default)}")


class TakenTooLate:
    """An entry taken out of a dictionary, or a thing read, under a condition, so that it stays in other cases."""

    name = "entry taken too late"
    source = PYTER
    prior = 2.0
    examples = (
        Example(
            "def f(d, a):\n    if a:\n        x = g(d.pop('root', 1))\n    return h(d)",
            "def f(d, a):\n    root = d.pop('root', 1)\n    if a:\n        x = g(root)\n    return h(d)",
        ),
        Example(
            "if a:\n    g()\n    self.b = self.d.pop('c')",
            "c = self.d.pop('c')\nif a:\n    g()\n    self.b = c",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Take it before the condition, under the name of its key."""
        node, indent = place.statement, place.indent
        if not isinstance(node, ast.If) or indent is None or place.text(node).startswith("elif"):
            return
        start = place.source.line_start(node.lineno)
        for call in (call for inner in node.body for call in _calls(inner)):
            name = _key_taken(call)
            first, last = place.source.span(call)
            if name and name not in place.scope.locals:
                taken = f"{indent}{name} = {place.text(call)}{place.source.newline}"
                said = 1.5 if name in place.failure.message else 0.0
                yield Edit(start, last, taken + place.source.text[start:first] + name, said)


def _is_getattr(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and function.id == "getattr"


def _is_text(value: object) -> TypeGuard[str | bytes]:
    return isinstance(value, str | bytes) and len(value) > 0


def _made_of(place: Place, node: ast.expr) -> list[str]:
    """The names that a value is made of, those of functions and modules left out."""
    inside = [one for one in ast.walk(node) if isinstance(one, ast.Name) and not place.is_called(one)]
    return list(dict.fromkeys(one.id for one in inside if not isinstance(place.parent(one), ast.Attribute)))


def _calls(node: ast.stmt) -> Iterator[ast.Call]:
    """Those of a simple statement."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr | ast.Return):
        yield from (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))


def _key_taken(call: ast.Call) -> str:
    """The key that a call takes out of a dictionary, if that may be a name."""
    takes = isinstance(call.func, ast.Attribute) and call.func.attr == "pop" and call.args
    key = call.args[0].value if takes and isinstance(call.args[0], ast.Constant) else None
    return key if isinstance(key, str) and key.isidentifier() and not iskeyword(key) else ""
