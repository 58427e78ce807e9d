"""A line that is there for one thing and is missing for another."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from typing import TypeGuard

from fixer.offline.place import Place, likeness
from fixer.offline.source import Edit, Function
from fixer.offline.templates.base import GENPROG, Example
from fixer.offline.templates.calls import with_keyword

Exchange = tuple[str, str, float]
"""A word, the one to put in its place, and how likely that is meant."""


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
            "def f(a, b):\n    a['top'] = b['top']",
            "def f(a, b):\n    a['top'] = b['top']\n    a['low'] = b['low']",
            "KeyError: 'low'",
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
        missing = _missing_word(place)
        for name in sorted({*new, missing} - {""}):
            # A key stands for a key, which is written in quotes.
            words = r"(?<=['\"])[A-Za-z]\w*(?=['\"])" if place.failure.is_a("KeyError") else r"[A-Za-z]\w*"
            for old in dict.fromkeys(re.findall(words if name == missing else r"[A-Za-z]\w*", text)):
                copied = _renamed(text, old.strip("_"), name.strip("_"))
                if copied != text:
                    yield from place.after(copied, weight=0.5 * (text.count(old.strip("_")) - 1))


class BlockMissing:
    """A condition with what it decides that is there for one parameter, and is missing for one like it."""

    name = "missing copy of a block"
    source = GENPROG
    prior = 1.5
    examples = (
        Example(
            "def f(at_min, at_max):\n    if at_min is not None and at_min < 0:\n        return 'negative at_min'\n"
            "    g()",
            "def f(at_min, at_max):\n    if at_min is not None and at_min < 0:\n        return 'negative at_min'\n"
            "    if at_max is not None and at_max < 0:\n        return 'negative at_max'\n    g()",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Say it again with the one parameter in place of the other."""
        block = _block(place)
        if not _raises(block, place.failure.not_raised):
            yield from _said_again(place, block, _for_parameters(place, block))


class BlockMissingForError:
    """A condition with what it decides that is missing for what the error names, or raises what should have come."""

    name = "missing copy of a block for the error"
    source = GENPROG
    prior = 2.5
    examples = (
        Example(
            "def f(at_min, at_max):\n    if at_min and at_min < 0:\n        raise ValueError('negative at_min')\n"
            "    g()",
            "def f(at_min, at_max):\n    if at_min and at_min < 0:\n        raise ValueError('negative at_min')\n"
            "    if at_max and at_max < 0:\n        raise ValueError('negative at_max')\n    g()",
            "AssertionError: ValueError not raised",
        ),
        Example(
            "def f(a):\n    if 'top' in a:\n        b['top'] = a.pop('top')",
            "def f(a):\n    if 'top' in a:\n        b['top'] = a.pop('top')\n"
            "    if 'low' in a:\n        b['low'] = a.pop('low')",
            "KeyError: 'low'",
        ),
        Example(
            "def f(a):\n    top = a.get('top')\n    if top:  # é\n        b.top = top",
            "def f(a):\n    top = a.get('top')\n    if top:  # é\n        b.top = top\n"
            "    low = a.get('low')\n    if low:  # é\n        b.low = low",
            "AttributeError: 'B' object has no attribute 'low'",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Say it again with the word that is missing, or with another parameter, in place of its own."""
        block = _block(place)
        if _raises(block, place.failure.not_raised):
            yield from _said_again(place, block, _for_parameters(place, block))
        yield from _said_again(place, block, _for_what_is_missing(place, block))


class FieldLeftOut:
    """A list of what an object holds, one of its attributes after the other, that leaves one out."""

    name = "attribute left out"
    source = GENPROG
    prior = 0.5
    examples = (
        Example(
            "class A:\n    aa: int\n    bb: int\n    cc: int\n    dd: int\n"
            "    def f(self):\n        return [g(self.aa), g(self.bb), g(self.cc)]",
            "class A:\n    aa: int\n    bb: int\n    cc: int\n    dd: int\n"
            "    def f(self):\n        return [g(self.aa), g(self.bb), g(self.cc), g(self.dd)]",
        ),
        Example(
            "class A:\n    def f(self):\n        self.dd = self.cc = 1\n"
            "    def g(self):\n        x = {\n            'aa': self.aa,\n            'bb': self.bb,\n"
            "            'cc': self.cc,\n        }",
            "class A:\n    def f(self):\n        self.dd = self.cc = 1\n"
            "    def g(self):\n        x = {\n            'aa': self.aa,\n            'bb': self.bb,\n"
            "            'cc': self.cc,\n            'dd': self.dd,\n        }",
        ),
        Example(
            "class A:\n    aa = bb = cc = dd = 1\n"
            "    def f(self):\n        return A(aa=self.aa, bb=self.bb, cc=self.cc)",
            "class A:\n    aa = bb = cc = dd = 1\n"
            "    def f(self):\n        return A(aa=self.aa, bb=self.bb, cc=self.cc, dd=self.dd)",
        ),
        Example(
            "class A:\n    aa = bb = cc = dd = 1\n    def __eq__(self, o):\n"
            "        return self.aa == o.aa and self.bb == o.bb and self.cc == o.cc",
            "class A:\n    aa = bb = cc = dd = 1\n    def __eq__(self, o):\n"
            "        return self.aa == o.aa and self.bb == o.bb and self.cc == o.cc and self.dd == o.dd",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Say the last of three or more that are said alike once more, for each attribute that the function ignores."""
        if not place.scope.members:
            return
        for spans in _sequences(place):
            texts = [place.source.text[start:end] for start, end in spans]
            alike = _said_alike(texts)
            if len(alike) < _LEAST_ALIKE:
                continue
            last = alike[-1]
            gap = place.source.text[spans[last - 1][1] : spans[last][0]]
            for weight, name in enumerate(_ignored(place)):
                copied = _renamed(texts[last], _own_attributes(texts[last])[0], name)
                yield Edit(spans[last][1], spans[last][1], gap + copied, -0.2 * weight)


class ParameterNotPassedOn:
    """A parameter that nothing reads, and that a function called here may want."""

    name = "parameter not passed on"
    source = GENPROG
    prior = 0.6
    examples = (
        Example("def f(a, name=None):\n    return g(a)", "def f(a, name=None):\n    return g(a, name=name)"),
        Example("def f(a, name=None):\n    return g()", "def f(a, name=None):\n    return g(name=name)"),
        Example("def f(a, **kw):\n    return g(a)", "def f(a, **kw):\n    return g(a, **kw)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Pass it by its own name, or all that was passed by name."""
        unread = [name for name in place.scope.parameters if name in place.scope.loose_ends.unread]
        passed = [f"{name}={name}" for name in unread] + [f"**{name}" for name in _unread_keywords(place)]
        for call in place.nodes(ast.Call):
            yield from (with_keyword(place, call, argument) for argument in passed)


def _unread_keywords(place: Place) -> list[str]:
    """What takes those that have no parameter of their own, where nothing reads it."""
    keywords = place.function.args.kwarg if place.function else None
    read = {node.id for node in place.scope.nodes if isinstance(node, ast.Name)}
    return [keywords.arg] if keywords and keywords.arg not in read else []


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
_LIKE = 0.5
_MOST_LINES = 4
_LEAST_ALIKE = 3
_MOST_FIELDS = 4
_PER_CHARACTER = 0.02
"""A copy says little that is new, however long it is."""
_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Raise)


def _last_line(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _is_small(node: ast.If) -> bool:
    simple = len(node.body) <= 2 and all(isinstance(inner, _SIMPLE) for inner in node.body)
    return simple and _last_line(node) - node.lineno < _MOST_LINES


def _block(place: Place) -> list[ast.stmt]:
    """A small condition, with the assignment directly in front if it asks about its value; empty for all else."""
    node = place.statement
    if not isinstance(node, ast.If) or node.orelse or not _is_small(node) or place.indent is None:
        return []
    beside = getattr(place.parent(node), "body", [])
    at = beside.index(node) if isinstance(beside, list) and node in beside else 0
    before = beside[at - 1] if at else None
    asked = {name.id for name in ast.walk(node.test) if isinstance(name, ast.Name)}
    is_asked = isinstance(before, ast.Assign) and _is_name(before.targets[0]) and before.targets[0].id in asked
    return [before, node] if before and is_asked else [node]


def _raises(block: list[ast.stmt], errors: Iterable[str]) -> bool:
    """Whether it raises one of these errors."""
    raised = [node for node in _inside(block) if isinstance(node, ast.Raise)]
    named = {node.id for one in raised for node in ast.walk(one) if isinstance(node, ast.Name)}
    return not named.isdisjoint(errors)


def _said_again(place: Place, block: list[ast.stmt], exchanges: Iterable[Exchange]) -> Iterator[Edit]:
    """The lines of a block behind it, with one word in place of another; not what the function says already."""
    if not block:
        return
    start, end = place.source.line_start(block[0].lineno), place.source.line_end(_last_line(block[-1]))
    text = place.source.text[start:end]
    for old, new, weight in exchanges:
        copied = _renamed(text, old, new)
        if copied != text and copied.strip() not in _around(place):
            yield Edit(end, end, place.source.newline + copied, weight + _PER_CHARACTER * len(copied))


def _around(place: Place) -> str:
    return place.text(place.function) if place.function else place.source.text


def _for_parameters(place: Place, block: list[ast.stmt]) -> Iterator[Exchange]:
    """A parameter that the block names twice, for each one like it that it does not name."""
    names = Counter(node.id for node in _inside(block) if isinstance(node, ast.Name))
    for old, new in product(place.scope.parameters, repeat=2):
        if names[old] > 1 and not names[new] and likeness(old, new) >= _LIKE:
            yield old, new, likeness(old, new)


def _for_what_is_missing(place: Place, block: list[ast.stmt]) -> Iterator[Exchange]:
    """Each text and attribute that is a word, for the word that the error says is not there."""
    missing = _missing_word(place)
    texts = [node.value for node in _inside(block) if isinstance(node, ast.Constant)]
    words = Counter(text for text in texts if isinstance(text, str) and text.isidentifier())
    words += Counter(node.attr for node in _inside(block) if isinstance(node, ast.Attribute))
    yield from ((word, missing, 0.5 * words[word]) for word in words if missing)


def _inside(block: list[ast.stmt]) -> Iterator[ast.AST]:
    return (node for statement in block for node in ast.walk(statement))


def _missing_word(place: Place) -> str:
    """The attribute, member or key that the error says is not there."""
    key = place.failure.message.strip() if place.failure.is_a("KeyError") else ""
    found = place.failure.quoted("AttributeError", "attribute") or _member(place) or key.strip("'")
    return found if found.isidentifier() else ""


def _sequences(place: Place) -> Iterator[list[tuple[int, int]]]:
    """The places of what the statement says one after the other: elements, entries, keywords, conditions."""
    span = place.source.span
    for node in place.expressions:
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            yield [span(one) for one in node.elts]
        elif isinstance(node, ast.Dict):
            pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True) if key]
            yield [(span(key)[0], span(value)[1]) for key, value in pairs]
        elif isinstance(node, ast.Call):
            yield [span(one) for one in node.keywords]
        elif isinstance(node, ast.BoolOp):
            yield [span(one) for one in node.values]


def _own_attributes(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\bself\.(\w+)", text)))


def _said_alike(texts: list[str]) -> list[int]:
    """Which of them are the same but for the one attribute that they are about: those that most are like."""
    about = [_own_attributes(text) for text in texts]
    forms = [_renamed(text, own[0], "\0") if len(own) == 1 else "" for text, own in zip(texts, about, strict=True)]
    counted = Counter(filter(None, forms)).most_common(1)
    return [at for at, form in enumerate(forms) if counted and form == counted[0][0]]


def _ignored(place: Place) -> list[str]:
    """The attributes that the function does not name: those that the error shows first, then as the class has them."""
    owner = place.source.class_of(place.statement)
    methods = {node.name for node in owner.body if isinstance(node, Function)} if owner else set()
    named = set(re.findall(r"\w+", _around(place)))
    left = [name for name in place.scope.members if name not in named | methods and not name.startswith("__")]
    return sorted(left, key=lambda name: name not in place.failure.message)[:_MOST_FIELDS]
