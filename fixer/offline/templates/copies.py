"""A line that is there for one thing and is missing for another."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TypeGuard

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import GENPROG, Example
from fixer.offline.templates.calls import with_keyword


class CopyMissing:
    """A statement that should be there once more, for a parameter that nothing reads or a name that is missing."""

    name = "missing copy"
    source = GENPROG
    prior = 1.0
    examples = (
        Example(
            "def f(self, dir, tag):\n    self.a['_dir'] = dir",
            "def f(self, dir, tag):\n    self.a['_dir'] = dir\n    self.a['_tag'] = tag",
        ),
        Example(
            "class A:\n    max_age = p('max-age', int)",
            "class A:\n    max_age = p('max-age', int)\n    if_error = p('if-error', int)",
            "AttributeError: 'A' object has no attribute 'if_error'",
        ),
        Example(
            "class A(Enum):\n    TEXT = 'TEXT'",
            "class A(Enum):\n    TEXT = 'TEXT'\n    BINARY = 'BINARY'",
            "AttributeError: BINARY",
        ),
        Example(
            "def f(self, dir, tag):\n    self.dir = dir\n    g(tag)",
            "def f(self, dir, tag):\n    self.dir = dir\n    self.tag = tag\n    g(tag)",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Say it again with one word in place of another, wherever that stands in the line."""
        node = place.statement
        simple = isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign | ast.AugAssign)
        if not simple or node.lineno != node.end_lineno:
            return
        text = place.text(node)
        new = set(place.scope.loose_ends.unread) & set(place.scope.parameters) | _not_kept(place)
        missing = place.failure.quoted("AttributeError", "attribute") or _member(place)
        for name in sorted({*new, *([missing] if missing else [])} - {""}):
            for old in dict.fromkeys(re.findall(r"[A-Za-z]\w*", text)):
                copied = _renamed(text, old.strip("_"), name.strip("_"))
                if copied != text:
                    yield from place.after(copied, weight=0.5 * (text.count(old.strip("_")) - 1))


class ParameterNotPassedOn:
    """A parameter that nothing reads, and that a function called here may want."""

    name = "parameter not passed on"
    source = GENPROG
    prior = 0.6
    examples = (
        Example("def f(a, name=None):\n    return g(a)", "def f(a, name=None):\n    return g(a, name=name)"),
        Example("def f(a, name=None):\n    return g()", "def f(a, name=None):\n    return g(name=name)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Pass it by its own name."""
        unread = set(place.scope.loose_ends.unread)
        for call in place.nodes(ast.Call):
            for name in (name for name in place.scope.parameters if name in unread):
                yield with_keyword(place, call, f"{name}={name}")


def _not_kept(place: Place) -> set[str]:
    """The parameters that nothing is set to, at a line that keeps another one under its own name."""
    kept = {node.value.id for node in place.scope.nodes if isinstance(node, ast.Assign) and _is_name(node.value)}
    node = place.statement
    own = node.value.id if isinstance(node, ast.Assign) and _is_name(node.value) else ""
    if own not in place.scope.parameters or own.strip("_") not in place.text(node).rpartition("=")[0]:
        return set()
    return set(place.scope.parameters) - kept


def _is_name(node: ast.expr) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name)


def _member(place: Place) -> str:
    """The member that an enumeration does not have: its name is all that the error says."""
    message = place.failure.message.strip()
    return message if place.failure.is_a("AttributeError") and message.isidentifier() else ""


def _renamed(text: str, old: str, new: str) -> str:
    """Both as they are written in names, and as they are in texts with hyphens."""
    if len(old) < _LEAST:
        return text
    for one, other in ((old, new), (old.replace("_", "-"), new.replace("_", "-"))):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(one)}(?![A-Za-z0-9])", other, text)
    return text


_LEAST = 2
