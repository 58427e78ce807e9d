"""Attempts that fail: one that should leave nothing behind, and one whose handler answers for too much."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import PYTER, TBAR, Example


class NothingOnError:
    """An attribute that stays what it began as, where what it should become cannot be had."""

    name = "missing value on error"
    source = TBAR
    prior = 3.0
    examples = (
        Example(
            "class A:\n    def __init__(self):\n        self.x = None\n    def f(self, a):\n        self.x = int(a)",
            "class A:\n    def __init__(self):\n        self.x = None\n    def f(self, a):\n        try:\n"
            "            self.x = int(a)\n        except ValueError:\n            self.x = None",
            "ValueError: invalid literal for int() with base 10: 'a'",
        ),
        Example(
            "class A:\n    x = 0\n    def f(self, a):\n        self.x = a[1]",
            "class A:\n    x = 0\n    def f(self, a):\n        try:\n            self.x = a[1]\n"
            "        except IndexError:\n            self.x = 0",
            "IndexError: list index out of range",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Set it to that."""
        node, indent, error = place.statement, place.indent, place.failure.error_type.rpartition(".")[2]
        if not isinstance(node, ast.Assign) or indent is None or node.lineno != node.end_lineno or not _is_error(error):
            return
        target = node.targets[0]
        value = _begun_as(place, target.attr) if isinstance(target, ast.Attribute) else ""
        if value and value != place.text(node.value):
            start, end = place.source.span(node)
            step, kept = indent + place.indent_step, f"{place.text(target)} = {value}"
            lines = "try:", step + place.text(node), f"{indent}except {error}:", step + kept
            yield Edit(start, end, place.source.newline.join(lines))


class AttemptTooWide:
    """A handler for what is not there, which also answers for the errors of what is there and is called."""

    name = "attempt too wide"
    source = PYTER
    prior = 6.0
    examples = (
        Example(
            "try:\n    a.b(c)  # so\nexcept AttributeError as e:\n    raise NotImplementedError(a) from e",
            "try:\n    b = a.b  # so\nexcept AttributeError as e:\n    raise NotImplementedError(a) from e\nb(c)",
            "NotImplementedError: a",
        ),
        Example(
            "def f(k):\n    try:\n        return await d[k](1)\n    except KeyError:\n        raise E",
            "def f(k):\n    try:\n        found = d[k]\n    except KeyError:\n        raise E\n"
            "    return await found(1)",
            "m.E: ",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Only look it up there, and call it afterwards."""
        around = [place.statement, *place.source.above(place.statement)]
        attempt = next((node for node in around if isinstance(node, ast.Try)), None)
        if attempt is None or not _is_plain(attempt) or not _raises(place, attempt):
            return
        only, indent = attempt.body[0], place.source.indent_of(attempt)
        value = only.value if isinstance(only, ast.Expr | ast.Return) else None
        call = value.value if isinstance(value, ast.Await) else value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute | ast.Subscript) and indent is not None:
            name = call.func.attr if isinstance(call.func, ast.Attribute) else "found"
            if name not in place.scope.locals:
                yield _split(place, attempt, call.func, name, indent)


_EMPTY = ("None", "''", '""', "0", "[]", "{}", "False", "()")
_NOT_FOUND = ("AttributeError", "KeyError", "LookupError", "IndexError")


def _is_error(name: str) -> bool:
    """Whether it is one of the language's that may be handled."""
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, AssertionError | NameError)


def _begun_as(place: Place, name: str) -> str:
    """The empty value that an attribute has first, in the class around or in its `__init__`."""
    owner = place.source.class_of(place.statement)
    first = [node for node in owner.body if getattr(node, "name", "") == "__init__"] if owner else []
    nodes = [*(owner.body if owner else []), *(node for function in first for node in ast.walk(function))]
    for node in (one for one in nodes if isinstance(one, ast.Assign | ast.AnnAssign) and one is not place.statement):
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        word = getattr(target, "attr", getattr(target, "id", ""))
        if word == name and node.value and place.text(node.value) in _EMPTY:
            return place.text(node.value)
    return ""


def _is_plain(attempt: ast.Try) -> bool:
    """Whether it holds one statement, and nothing comes after it but the handlers."""
    return len(attempt.body) == 1 and not attempt.orelse and not attempt.finalbody


def _raises(place: Place, attempt: ast.Try) -> bool:
    """Whether it turns that something is not there into the error which the test died of."""
    for handler in attempt.handlers:
        last = handler.body[-1]
        raised = last.exc if isinstance(last, ast.Raise) else None
        kind = raised.func if isinstance(raised, ast.Call) else raised
        not_found = handler.type is not None and place.text(handler.type) in _NOT_FOUND
        if not_found and kind is not None and place.failure.is_a(place.text(kind).rpartition(".")[2]):
            return True
    return False


def _split(place: Place, attempt: ast.Try, function: ast.expr, name: str, indent: str) -> Edit:
    text = place.source.text
    start, middle = place.source.span(attempt.body[0])
    first, last = place.source.span(function)
    end = place.source.span(attempt)[1]
    looked_up, called = f"{name} = {text[first:last]}", text[start:first] + name + text[last:middle]
    return Edit(start, end, looked_up + text[middle:end] + place.source.newline + indent + called)
