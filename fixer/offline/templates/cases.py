"""Conditions that forget a case which stands elsewhere: another condition of the function, another type."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import PYTER, TBAR, Example
from fixer.offline.templates.conditions import conditions, operand
from fixer.offline.templates.kinds import siblings
from fixer.offline.templates.recoding import with_import


class BorrowedCondition:
    """A condition that should hold, or not hold, besides: one that the function asks for elsewhere."""

    name = "condition of another place"
    source = TBAR
    prior = 0.4
    examples = (
        Example(
            "def f(a, b):\n    if a:\n        pass\n    elif b.c != 1:\n        pass",
            "def f(a, b):\n    if a and b.c != 1:\n        pass\n    elif b.c != 1:\n        pass",
        ),
        Example(
            "def f(a, b):\n    if a:\n        pass\n    if b and a.x():\n        pass",
            "def f(a, b):\n    if a or a.x():\n        pass\n    if b and a.x():\n        pass",
        ),
        Example(
            "def f(a, b):\n    if a:\n        pass\n    if b and a.x():\n        pass",
            "def f(a, b):\n    if a and not a.x():\n        pass\n    if b and a.x():\n        pass",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Join the condition with a part of another one."""
        if place.function is None:
            return
        borrowed = _parts(place)
        for node in conditions(place):
            joined = operand(place, node)
            known = {place.text(part) for part in _split(node)}
            for part in (part for part in borrowed if part not in known):
                yield place.replace(node, f"{joined} and {part}")
                yield place.replace(node, f"{joined} or {part}", -0.2)
                yield place.replace(node, f"{joined} and not {part}", -0.4)


class OtherTypes:
    """A test for a type that leaves out one, or lets one in."""

    name = "type left out"
    source = PYTER
    prior = 0.5
    examples = (
        Example(
            "def f(x):\n    if isinstance(x, list):\n        pass",
            "def f(x):\n    if isinstance(x, (list, tuple)):\n        pass",
        ),
        Example(
            "def f(x):\n    if isinstance(x, (int, str)):\n        pass",
            "def f(x):\n    if isinstance(x, (int, str, bytes)):\n        pass",
        ),
        Example(
            "def f(x):\n    return isinstance(x, int)",
            "def f(x):\n    return isinstance(x, int) and not isinstance(x, bool)",
        ),
        Example(
            "class A:\n    pass\ndef f(x):\n    return isinstance(x, int)",
            "class A:\n    pass\ndef f(x):\n    return isinstance(x, (int, A))",
        ),
        Example(
            "from enum import Enum\ndef f(x):\n    return isinstance(x, bytes)",
            "from enum import Enum\ndef f(x):\n    return isinstance(x, (bytes, Enum))",
        ),
        Example(
            "def f(x):\n    return isinstance(x, (m.EndToken, m.StartToken)) or x.y == m.MiddleToken",
            "def f(x):\n    return isinstance(x, (m.EndToken, m.StartToken, m.MiddleToken)) or x.y == m.MiddleToken",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Add a type, or except one."""
        for call in place.nodes(ast.Call):
            if not (isinstance(call.func, ast.Name) and call.func.id == "isinstance" and len(call.args) == 2):
                continue
            kinds, value = call.args[1], place.text(call.args[0])
            held = place.text(kinds)
            start, end = place.source.span(kinds)
            for weight, name in enumerate(dict.fromkeys([*_alike(held), *_USUAL, *_classes(place)])):
                if name not in held:
                    less = -0.1 * weight
                    if isinstance(kinds, ast.Tuple) and kinds.elts:
                        yield Edit(end - 1, end - 1, f" {name}" if held[-2] == "," else f", {name}", less)
                    else:
                        yield Edit(start, end, f"({held}, {name})", less)
                    yield place.replace(call, f"{place.text(call)} and not isinstance({value}, {name})", less - 0.3)


class SiblingType:
    """A test for a class of the library that leaves out another one of the same module."""

    name = "sibling type left out"
    source = PYTER
    prior = 1.0
    examples = (
        Example(
            "from datetime import date\ndef f(x):\n    if isinstance(x, date):\n        pass",
            "from datetime import date\ndef f(x):\n    from datetime import time\n"
            "    if isinstance(x, (date, time)):\n        pass",
        ),
        Example(
            "from datetime import date, time as t\ndef f(x):\n    return isinstance(x, date)",
            "from datetime import date, time as t\ndef f(x):\n    return isinstance(x, (date, t))",
        ),
        Example(
            "import pathlib as p\ndef f(x):\n    return isinstance(x, (str, p.PurePosixPath))",
            "import pathlib as p\ndef f(x):\n    return isinstance(x, (str, p.PurePosixPath, p.PureWindowsPath))",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Let it in as well."""
        for call in place.nodes(ast.Call):
            if not (isinstance(call.func, ast.Name) and call.func.id == "isinstance" and len(call.args) == 2):
                continue
            kinds = call.args[1]
            for held in kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]:
                for weight, (name, line) in enumerate(_named(place, place.text(held))):
                    text = f"{place.text(held)}, {name}"
                    edit = place.replace(held, f"({text})" if held is kinds else text, -0.2 * weight)
                    yield from with_import(place, edit, line)


_LONGEST = 60
_CLASS = "[A-Z]+[a-z][A-Za-z0-9]*"
_NO_CLASS = ("Error", "Warning", "Exception")
_USUAL = ("str", "bytes", "int", "float", "list", "tuple", "dict", "set", "bool", "type")
_ALIKE = (("list", "tuple", "set", "frozenset"), ("str", "bytes", "bytearray"), ("int", "bool", "float", "complex"))


def _alike(held: str) -> Iterator[str]:
    for group in _ALIKE:
        if any(name in held for name in group):
            yield from group


def _classes(place: Place) -> Iterator[str]:
    """What the file defines, imports and names as classes: by their names, where it imports them."""
    yield from (node.name for node in place.source.tree.body if isinstance(node, ast.ClassDef))
    imports = (node for node in place.source.tree.body if isinstance(node, ast.ImportFrom))
    names = (alias.asname or alias.name for node in imports for alias in node.names)
    yield from (name for name in names if re.fullmatch(_CLASS, name) and not name.endswith(_NO_CLASS))
    dotted = (
        node for node in place.scope.nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    )
    yield from (place.text(node) for node in dotted if re.fullmatch(_CLASS, node.attr))


def _named(place: Place, held: str) -> Iterator[tuple[str, str]]:
    """The siblings of a class as the file names them, each with the import that it is missing."""
    first, dot, rest = held.partition(".")
    module, _, name = (place.scope.imported.get(first, "") + dot + rest).rpartition(".")
    known = {whole: short for short, whole in place.scope.imported.items()}
    for sibling in siblings(module, name):
        if dot:
            yield held.removesuffix(name) + sibling, ""
        elif f"{module}.{sibling}" in known:
            yield known[f"{module}.{sibling}"], ""
        else:
            yield sibling, f"from {module} import {sibling}"


def _parts(place: Place) -> list[str]:
    """The parts of the function's conditions, small enough to be said again."""
    asked = (node.test for node in place.scope.nodes if isinstance(node, ast.If | ast.While | ast.IfExp))
    texts = (place.text(part) for test in asked if not place.source.is_in_fstring(test) for part in _split(test))
    return [text for text in dict.fromkeys(texts) if len(text) <= _LONGEST and "\n" not in text and ":=" not in text]


def _split(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _split(value)
    else:
        yield node
