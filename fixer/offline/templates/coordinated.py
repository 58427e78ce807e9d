"""The same mistake at several places: one change made at every place at once."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence
from typing import TypeVar

from fixer.offline.place import Place, likeness
from fixer.offline.source import Edit
from fixer.offline.templates.base import TBAR, Example
from fixer.offline.templates.names import renamed, siblings

Kind = TypeVar("Kind", bound=ast.AST)

_ALIKE = 0.6
_SOURCE = "same change at every use (hunk-level repair: Hercules, Saha et al. 2019)"


class NameThroughout:
    """A name that is wrong at every use."""

    name = "name throughout"
    source = _SOURCE
    prior = 0.3
    examples = (
        Example(
            "def f(a, b):\n    x = a\n    return x + a",
            "def f(a, b):\n    x = b\n    return x + b",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap every reading of a name in the function for another name of it."""
        if place.function is None:
            return
        for name in dict.fromkeys(node.id for node in place.loads(ast.Name)):
            uses = [node for node in _inside(place, ast.Name) if node.id == name and isinstance(node.ctx, ast.Load)]
            if len(uses) > 1 and not any(place.is_called(use) for use in uses):
                for other in place.scope.locals:
                    if other != name:
                        yield at_once(place, [place.replace(use, other) for use in uses], place.near(name, other))


class SiblingThroughout:
    """A method that is wrong at every use."""

    name = "sibling function throughout"
    source = _SOURCE
    prior = 0.3
    examples = (
        Example(
            "def f(a):\n    if a.isdigit():\n        return [b.isdigit() for b in a]",
            "def f(a):\n    if a.isdecimal():\n        return [b.isdecimal() for b in a]",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap every use of it in the function for another of its family."""
        if place.function is None:
            return
        for name in dict.fromkeys(node.attr for node in place.loads(ast.Attribute)):
            uses = [node for node in _inside(place, ast.Attribute) if node.attr == name]
            for weight, other in enumerate(siblings(name) if len(uses) > 1 else ()):
                yield at_once(place, [renamed(place, use, name, other) for use in uses], -0.3 * weight)


class MisspeltThroughout:
    """A name that exists nowhere and is used in several places."""

    name = "misspelt name throughout"
    source = _SOURCE
    prior = 1.0
    examples = (
        Example(
            "def f(day):\n    return date\ndef g(day):\n    return date + 1",
            "def f(day):\n    return day\ndef g(day):\n    return day + 1",
            "NameError: name 'date' is not defined",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap the undefined name, in all functions, for a name of this one."""
        missing = place.missing_name
        if not any(node.id == missing for node in place.nodes(ast.Name)):
            return
        found = [node for node in ast.walk(place.source.tree) if isinstance(node, ast.Name) and node.id == missing]
        uses = [node for node in found if isinstance(node.ctx, ast.Load) and not _in_fstring(place, [node])]
        if len(uses) > 1 and len(uses) == len(found):
            for other in place.scope.locals:
                if other != missing:
                    yield at_once(place, [place.replace(use, other) for use in uses], place.near(missing, other))


class MisspeltAttribute:
    """An attribute or method that the object does not have, in as many places as it is named."""

    name = "misspelt attribute"
    source = _SOURCE
    prior = 3.0
    examples = (
        Example(
            "def f(s, t):\n    return s.issupserset(t)\ndef g(s, t):\n    return t.issupserset(s)",
            "def f(s, t):\n    return s.issuperset(t)\ndef g(s, t):\n    return t.issuperset(s)",
            "AttributeError: 'set' object has no attribute 'issupserset'",
        ),
        Example(
            "x = a.incoming\ny = b.incomming",
            "x = a.incoming\ny = b.incoming",
            "AttributeError: 'B' object has no attribute 'incomming'",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap it, in the whole file, for one that the file or the type of the object knows and that looks like it."""
        missing = place.failure.quoted("AttributeError", "attribute")
        if not any(node.attr == missing for node in place.nodes(ast.Attribute)):
            return
        found = (node for node in ast.walk(place.source.tree) if isinstance(node, ast.Attribute))
        ends = [place.source.span(use)[1] for use in found if use.attr == missing and not _in_fstring(place, [use])]
        kind = getattr(builtins, place.failure.message.partition("' object")[0].strip("'"), None)
        for name in dict.fromkeys([*place.scope.members, *place.scope.attributes, *dir(kind)]):
            if name != missing and likeness(missing, name) >= _ALIKE:
                uses = [Edit(end - len(missing), end, name) for end in ends]
                yield at_once(place, uses, 3 * likeness(missing, name))


class ConstantThroughout:
    """A number that is wrong at every use."""

    name = "constant throughout"
    source = _SOURCE
    prior = 0.25
    examples = (
        Example("def f(a):\n    return a % 3 == 0 and a // 3", "def f(a):\n    return a % 2 == 0 and a // 2"),
        Example("def f(a):\n    x = a[0]\n    return x + a[0]", "def f(a):\n    x = a[1]\n    return x + a[1]"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Step every use of a number in the function by one."""
        if place.function is None:
            return
        numbers = [node for node in _inside(place, ast.Constant) if type(node.value) is int]
        for value in dict.fromkeys(node.value for node in place.nodes(ast.Constant) if type(node.value) is int):
            uses = [node for node in numbers if node.value == value]
            if len(uses) > 1:
                for weight, other in enumerate((value + 1, value - 1)):
                    yield at_once(place, [place.replace(use, repr(other)) for use in uses], -0.3 * weight)


class ReturnsInverted:
    """A yes for every no."""

    name = "truth values throughout"
    source = _SOURCE
    prior = 0.5
    examples = (
        Example(
            "def f(a):\n    if a:\n        return False\n    return True",
            "def f(a):\n    if a:\n        return True\n    return False",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Invert all that the function returns as a literal."""
        if not isinstance(place.statement, ast.Return) or place.function is None:
            return
        values = [node.value for node in _inside(place, ast.Return) if isinstance(node.value, ast.Constant)]
        truths = [value for value in values if isinstance(value.value, bool)]
        if len(truths) > 1 and place.statement.value in truths:
            yield at_once(place, [place.replace(value, repr(not value.value)) for value in truths])


class BothSides:
    """Two values that have to be compared as something else."""

    name = "both sides of a comparison"
    source = TBAR
    prior = 0.3
    examples = (
        Example("def f(a, b):\n    return a == b", "def f(a, b):\n    return set(a) == set(b)"),
        Example("def f(a, b):\n    return a == b", "def f(a, b):\n    return a.lower() == b.lower()"),
        Example("def f(a, b):\n    return sorted(a) != sorted(b)", "def f(a, b):\n    return set(a) != set(b)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Apply one function to both, or another one."""
        for node in place.nodes(ast.Compare):
            if len(node.comparators) == 1 and not isinstance(node.comparators[0], ast.Constant):
                sides = [node.left, node.comparators[0]]
                yield from self._applied(place, sides)
                if all(isinstance(side, ast.Call) and len(side.args) == 1 for side in sides):
                    yield from self._applied(place, sides, bare=True)

    def _applied(self, place: Place, sides: Sequence[ast.expr], *, bare: bool = False) -> Iterator[Edit]:
        texts = [place.text(side.args[0] if bare and isinstance(side, ast.Call) else side) for side in sides]
        for weight, form in enumerate(_FORMS):
            edits = [place.replace(side, form.format(text)) for side, text in zip(sides, texts, strict=True)]
            yield at_once(place, edits, -0.2 * weight)


class SidesExchanged:
    """Two names, each where the other belongs."""

    name = "names exchanged"
    source = _SOURCE
    prior = 0.3
    examples = (
        Example("def f(a, b):\n    x = a - b * a", "def f(a, b):\n    x = b - a * b"),
        Example("def f(a, b):\n    if a:\n        return b", "def f(a, b):\n    if b:\n        return a"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Exchange two names throughout the statement."""
        if isinstance(place.statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return
        reads = [
            node for node in ast.walk(place.statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        ]
        names = [name for name in dict.fromkeys(node.id for node in reads) if name in place.scope.locals]
        for number, one in enumerate(names):
            for other in names[number + 1 :]:
                swap = {one: other, other: one}
                edits = [place.replace(node, swap[node.id]) for node in reads if node.id in swap]
                if edits and not _in_fstring(place, reads):
                    yield at_once(place, edits)


_FORMS = (
    *("set({})", "sorted({})", "len({})", "str({})", "int({})", "list({})", "tuple({})", "abs({})", "type({})"),
    *("{}.lower()", "{}.strip()", "{}.upper()", "{}.keys()"),
)


def _inside(place: Place, kind: type[Kind]) -> list[Kind]:
    """The nodes of a kind in the whole function, in the order of the text, those in f-strings left out."""
    found = [node for node in place.scope.nodes if isinstance(node, kind)]
    return [node for node in found if not _in_fstring(place, [node])]


def _in_fstring(place: Place, nodes: Sequence[ast.AST]) -> bool:
    return any(map(place.source.is_in_fstring, nodes))


def at_once(place: Place, edits: Sequence[Edit], weight: float = 0.0) -> Edit:
    """Several edits as one, which keeps all that stands between them."""
    ordered = sorted(edits, key=lambda edit: edit.start)
    start, end = ordered[0].start, ordered[-1].end
    text, at = "", start
    for edit in ordered:
        text += place.source.text[at : edit.start] + edit.text
        at = edit.end
    return Edit(start, end, text, weight)
