"""Conditions that should ask something else besides: of None, of what is there, of what was passed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import PAR, PYTER, Example
from fixer.offline.templates.conditions import operand


class OrNothing:
    """A comparison with one value that should also be true, or false, of None."""

    name = "value or nothing"
    source = PAR
    prior = 0.25
    examples = (
        Example("if x['a'] != PIPE:\n    pass", "if x['a'] not in (PIPE, None):\n    pass"),
        Example("if a and x.b == 'c':\n    pass", "if a and x.b in ('c', None):\n    pass"),
        Example("y = x not in (1, 2)", "y = x not in (1, 2, None)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put None beside the value."""
        for node in place.nodes(ast.Compare):
            known, asked = node.comparators[0], isinstance(node.left, ast.Name | ast.Attribute | ast.Subscript)
            if not asked or len(node.ops) > 1:
                continue
            word = _MEMBERSHIP.get(type(node.ops[0]), "")
            if word and _is_fixed(known):
                yield place.replace(node, f"{place.text(node.left)} {word} ({place.text(known)}, None)")
            elif isinstance(node.ops[0], ast.In | ast.NotIn) and isinstance(known, ast.Tuple) and known.elts:
                end = place.source.span(known.elts[-1])[1]
                yield Edit(end, end, ", None", -0.3)


class AlreadyThere:
    """A method about a name that it is passed, which should ask whether the object has that already."""

    name = "attribute not asked for"
    source = PYTER
    prior = 0.3
    examples = (
        Example(
            "class A:\n    def __setattr__(self, name, value):\n        if name in self.d:\n            raise E(name)\n"
            "    def g(self, x):\n        return hasattr(x, 'y')",
            "class A:\n    def __setattr__(self, name, value):\n        if hasattr(self, name):\n"
            "            raise E(name)\n    def g(self, x):\n        return hasattr(x, 'y')",
        ),
        Example(
            "class A:\n    def f(self, key):\n        if key in self.d:\n            g()\n"
            "        return getattr(self, key)",
            "class A:\n    def f(self, key):\n        if key in self.d or hasattr(self, key):\n            g()\n"
            "        return getattr(self, key)",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Ask that instead, or as well."""
        names = [name for name in place.scope.parameters if name in _NAMES]
        if not names or not isinstance(place.statement, ast.If | ast.While) or not _asks_for_attributes(place):
            return
        test = place.statement.test
        for name in names:
            if not place.text(test).startswith("hasattr"):
                yield place.replace(test, f"hasattr(self, {name})")
                yield place.replace(test, f"{operand(place, test)} or hasattr(self, {name})", -0.3)


class FileNotThere:
    """A file that is removed or looked into, and need not be there."""

    name = "file that need not be there"
    source = PYTER
    prior = 1.5
    examples = (
        Example(
            "import os\nif a.b:\n    os.remove(a.b)",
            "import os\nif a.b and os.path.exists(a.b):\n    os.remove(a.b)",
            "FileNotFoundError: [Errno 2] No such file or directory: 'x'",
        ),
        Example(
            "def f(x):\n    x.unlink()",
            "def f(x):\n    if x.exists():\n        x.unlink()",
            "AssertionError: assert <Result FileNotFoundError(2, 'No such file or directory')>",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Ask whether it is: in the condition over the statement, or in one of its own."""
        if "FileNotFoundError" not in f"{place.failure.error_type} {place.failure.message}":
            return
        call = place.statement.value if isinstance(place.statement, ast.Expr) else None
        test = _exists(place, call) if isinstance(call, ast.Call) else ""
        parent = place.parent(place.statement)
        if test and isinstance(parent, ast.If) and place.statement in parent.body:
            yield place.replace(parent.test, f"{operand(place, parent.test)} and {test}", 0.5)
        if test and place.indent is not None:
            start, end = place.source.span(place.statement)
            lines = f"if {test}:", place.indent + place.indent_step + place.text(place.statement)
            yield Edit(start, end, place.source.newline.join(lines))


class EndlessRetry:
    """A function that calls itself with just what it was passed, and so never ends."""

    name = "endless retry"
    source = PYTER
    prior = 1.5
    examples = (
        Example(
            "def f(a, b):\n    c = a or 1\n    if c == b:\n        c = f(a, b)",
            "def f(a, b):\n    c = a or 1\n    if (a is None or b is None) and c == b:\n        c = f(a, b)",
            "RecursionError: maximum recursion depth exceeded",
        ),
        Example(
            "class A:\n    def f(self, a):\n        if a != 1:\n            return self.f(a)",
            "class A:\n    def f(self, a):\n        if a is None and a != 1:\n            return self.f(a)",
            "RecursionError: maximum recursion depth exceeded",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Do it only where one of the names that it passes is None, for which it may have chosen something."""
        parent = place.parent(place.statement)
        if not place.failure.is_a("RecursionError") or not isinstance(parent, ast.If):
            return
        test, names = parent.test, _passed_on(place) if place.statement in parent.body else []
        tests = [f"{name} is None" for name in names[:_MOST_NAMES]]
        pairs = [f"({one} or {other})" for one, other in combinations(tests, 2)]
        for weight, case in enumerate([*pairs, *tests]):
            yield place.replace(test, f"{case} and {operand(place, test)}", -0.2 * weight)


_MOST_NAMES = 3
_MEMBERSHIP: dict[type[ast.cmpop], str] = {ast.Eq: "in", ast.NotEq: "not in"}
_NAMES = ("name", "key", "attr", "attribute", "item")
_REMOVERS = ("os.remove", "os.unlink", "os.rmdir", "shutil.rmtree", "os.chmod", "os.utime", "os.truncate")
_METHODS = ("unlink", "rmdir", "chmod", "touch")


def _is_fixed(node: ast.expr) -> bool:
    """Whether it is a literal, None left out, or a name in capitals."""
    if isinstance(node, ast.Constant):
        return node.value is not None
    word = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return word.isupper()


def _asks_for_attributes(place: Place) -> bool:
    """Whether a method of the class around does."""
    owner = place.source.class_of(place.statement)
    called = (node.func for node in (ast.walk(owner) if owner else ()) if isinstance(node, ast.Call))
    return any(isinstance(function, ast.Name) and function.id in ("hasattr", "getattr") for function in called)


def _exists(place: Place, call: ast.Call) -> str:
    """The question whether what a call is about is there; empty where that is not known."""
    function = place.text(call.func)
    if function in _REMOVERS and call.args and isinstance(call.args[0], ast.Name | ast.Attribute):
        return f"os.path.exists({place.text(call.args[0])})" if "os" in place.scope.imported else ""
    if isinstance(call.func, ast.Attribute) and call.func.attr in _METHODS:
        return f"{place.text(call.func.value)}.exists()"
    return ""


def _passed_on(place: Place) -> list[str]:
    """The names that the function, in this statement, passes to itself."""
    own = place.function.name if place.function else ""
    calls = (call for call in place.nodes(ast.Call) if getattr(call.func, "attr", getattr(call.func, "id", "")) == own)
    return [name.id for call in calls for name in call.args if isinstance(name, ast.Name)]
