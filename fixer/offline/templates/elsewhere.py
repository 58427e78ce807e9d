"""What the file does elsewhere and does not do here: a call around a value of the same name, a class for a hint."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from fixer.offline.place import Place
from fixer.offline.source import Edit, Source
from fixer.offline.templates.base import ELEMENTS, PAR, PYTER, Example


class CalledElsewhere:
    """A value that the file, elsewhere, first passes to a class or a function of its own."""

    name = "missing call of the file"
    source = PAR
    prior = 0.4
    examples = (
        Example(
            "class A:\n    def f(self, path):\n        self.path = path\n    def g(self):\n        return P(self.path)",
            "class A:\n    def f(self, path):\n        self.path = P(path)\n"
            "    def g(self):\n        return P(self.path)",
        ),
        Example(
            "class A:\n    def f(self, tag):\n        return g(tag)\n    def h(self, tag):\n        return self.k(tag)",
            "class A:\n    def f(self, tag):\n        return g(self.k(tag))\n"
            "    def h(self, tag):\n        return self.k(tag)",
        ),
        Example(
            "def f(tag):\n    a.append(tag)\ndef g(new_tag):\n    for x in parts(new_tag):\n        h(x)",
            "def f(tag):\n    a.extend(parts(tag))\ndef g(new_tag):\n    for x in parts(new_tag):\n        h(x)",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Pass it there before it is kept, given back or passed on."""
        if place.function is None:
            return
        around = place.source.class_of(place.statement)
        said = set(_words(place.failure.message))
        for node in place.loads(ast.Name, ast.Attribute):
            parent = place.parent(node)
            if not isinstance(parent, _SLOTS) or place.is_called(node):
                continue
            word = _last_word(node)
            used = _calls_by_word(place.source).get(_kind(word), Counter())
            known = [call for call, _ in used.most_common() if call.owner in (around, None)]
            for weight, call in enumerate(sorted(known, key=lambda call: call.rank(word))[:_MOST]):
                if not isinstance(parent, ast.Call) or ast.unparse(parent.func) != call.function:
                    less = 0.4 * weight + 0.4 * sum(call.rank(word)) - 0.8 * (call.function in said)
                    yield _passed(place, node, call, -less)


class HintedClass:
    """A parameter that is kept as it was passed, where its hint promises an object of a class."""

    name = "value unlike its hint"
    source = PYTER
    prior = 1.0
    examples = (
        Example(
            "def f(self, version: V):\n    self.version = version",
            "def f(self, version: V):\n    self.version = version if isinstance(version, V) else V(version)",
            "AssertionError: assert <V('3.1')> == '3.1'\n +  where '3.1' = <A object>.version",
        ),
        Example(
            "def f(name: m.Name | None):\n    kept = name",
            "def f(name: m.Name | None):\n    kept = name if isinstance(name, m.Name) else m.Name(name)",
            "AttributeError: 'str' object has no attribute 'first'",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Make one of what is none, where the error may come of its not being one."""
        value = place.statement.value if isinstance(place.statement, ast.Assign | ast.AnnAssign) else None
        if not isinstance(value, ast.Name) or value.id not in place.scope.parameters:
            return
        given = (node for node in place.scope.nodes if isinstance(node, ast.arg) and node.arg == value.id)
        hint = next((_class_of(parameter.annotation) for parameter in given), "")
        if hint and _may_be_about(place, value.id, hint):
            yield place.replace(value, f"{value.id} if isinstance({value.id}, {hint}) else {hint}({value.id})")


_MOST = 3
_SLOTS = (ast.Return, ast.Assign, ast.AnnAssign, ast.Call, ast.Yield, *ELEMENTS)


@dataclass(frozen=True)
class _Call:
    """What is called with what word, in whose method where it is one of its own, and whether its result is iterated."""

    function: str
    word: str
    owner: ast.ClassDef | None
    is_iterated: bool

    def rank(self, word: str) -> tuple[bool, bool]:
        """What to sort by for a value of that name: one of just this name, passed to a class."""
        return self.word != word, not self.function[:1].isupper()


@lru_cache(maxsize=20)
def _calls_by_word(source: Source) -> dict[str, Counter[_Call]]:
    """The calls of the file's own and imported functions and classes with one argument, by the argument's last word."""
    found: dict[str, Counter[_Call]] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _converts(source, node):
            parent, of_self = source.parents[node], isinstance(node.func, ast.Attribute)
            owner = source.class_of(node) if of_self else None
            iterated = isinstance(parent, ast.YieldFrom) or getattr(parent, "iter", None) is node
            word = _last_word(node.args[0])
            found.setdefault(_kind(word), Counter())[_Call(ast.unparse(node.func), word, owner, iterated)] += 1
    return found


def _converts(source: Source, call: ast.Call) -> bool:
    """Whether a call turns one named value into another one, which is used."""
    plain = len(call.args) == 1 and not call.keywords and isinstance(call.args[0], ast.Name | ast.Attribute)
    return plain and _is_own(call.func) and not isinstance(source.parents[call], ast.Expr | ast.Raise)


def _is_own(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id == "self"
    return isinstance(function, ast.Name) and not hasattr(builtins, function.id)


def _last_word(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _kind(name: str) -> str:
    """What a name says that a value is: a new token is a token."""
    return name.rpartition("_")[2]


def _passed(place: Place, node: ast.expr, call: _Call, weight: float) -> Edit:
    text, parent = f"{call.function}({place.text(node)})", place.parent(node)
    if call.is_iterated and isinstance(parent, ast.Call) and _last_word(parent.func) == "append":
        start, end = place.source.span(parent.func)[1] - len("append"), place.source.span(node)[1]
        return Edit(start, end, f"extend({text}", weight)
    return place.replace(node, text, weight)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _class_of(hint: ast.expr | None) -> str:
    """The one class that a hint names, None left out; empty where it names none, several or one of the language's."""
    parts = [hint] if not isinstance(hint, ast.BinOp) else [hint.left, hint.right]
    names = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is None)]
    if len(names) != 1 or not isinstance(names[0], ast.Name | ast.Attribute):
        return ""
    word = _last_word(names[0])
    return ast.unparse(names[0]) if word[:1].isupper() and word not in _NO_CLASSES else ""


_NO_CLASSES = ("Any", "Callable", "Iterable", "Iterator", "Sequence", "Mapping", "Dict", "List", "Set", "Tuple", "Type")


def _may_be_about(place: Place, name: str, hint: str) -> bool:
    """Whether the error is one about types that names the parameter, its class, or a type of the language."""
    if not place.failure.is_a("AssertionError", "TypeError", "AttributeError"):
        return False
    said = place.failure.message
    kind = said.partition("' object has no attribute")[0].strip("'")
    return isinstance(getattr(builtins, kind, None), type) or any(
        word in _words(said) for word in (name, hint.rpartition(".")[2])
    )
