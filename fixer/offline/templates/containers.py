"""Elements taken for what holds them, the other way round, and containers that do not keep what is needed."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from heapq import nlargest
from operator import itemgetter
from typing import TypeGuard

from fixer.offline.place import Place
from fixer.offline.source import Edit, Source
from fixer.offline.templates.base import PYTER, TBAR, Example
from fixer.offline.templates.coordinated import at_once
from fixer.offline.templates.sides import sides
from fixer.offline.templates.strings import written


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
        Example("x = a in (b, c)", "x = a in (b,)"),
        Example("a, b = x", "a = x"),
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
                if len(node.elts) == 2 and isinstance(node, ast.Tuple):  # in which the comma makes the tuple
                    yield from (place.replace(node, f"({place.text(element)},)", 0.3) for element in node.elts)
        for table in place.nodes(ast.Dict):
            if 1 < len(table.keys) <= _MANY_ELEMENTS and all(table.keys):
                spans = zip((key for key in table.keys if key), table.values, strict=True)
                yield from _without_each(
                    place, [(place.source.span(key)[0], place.source.span(value)[1]) for key, value in spans]
                )


class TextLeftOut:
    """A collection of texts, or a comparison with one, that leaves a text out."""

    name = "text left out"
    source = TBAR
    prior = 0.5
    examples = (
        Example("x = ['a', 'b']", "x = ['a', 'b', 'c']", "AssertionError: assert f('c')"),
        Example("x = ('a',)", "x = ('a', 'c',)", "KeyError: 'c'"),
        Example("x = {\n    'a',  # é\n    'b'\n}", "x = {\n    'a',  # é\n    'b', 'c'\n}", "KeyError: 'c'"),
        Example(
            "x = {\n    'row_count': f(1),\n    'size': 2,\n}",
            "x = {\n    'row_count': f(1),\n    'size': 2,\n    'row_format': f(1),\n}",
            "KeyError: 'row_format'",
        ),
        Example("if a == 'x':\n    b = c in (\"y\",)", "if a in ('x', 'y'):\n    b = c in (\"y\",)"),
        Example("x = a != b'p-q'", "x = a not in (b'p-q', b'p_q')"),
        Example("x = a in ['IF']", "x = a in ['IF', 'ELSE']", "AssertionError: assert f('else') is None"),
        Example(
            "x = {'size': None, 'scope': None}",
            "x = {'size': None, 'scope': None, 'resource': None}",
            "AttributeError: resource",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Add a text that the error names, or one that the file compares something with."""
        held = {node: _texts_in(node) for node in place.nodes(ast.List, ast.Tuple, ast.Set, ast.Dict)}
        held |= {node: _equal_to(node) for node in place.nodes(ast.Compare)}
        found = [
            (weight, node, text)
            for node, texts in held.items()
            for weight, text in (_left_out(place, texts) if texts else ())
        ]
        for weight, node, text in nlargest(_MOST_ADDED, found, key=itemgetter(0)):
            yield from _with_text(place, node, text, weight)


class WordLeftOut:
    """A list of words to skip that leaves out the one in which two texts differ."""

    name = "word left out"
    source = TBAR
    prior = 0.8
    examples = (
        Example(
            "SKIP = ['of', 'the']", "SKIP = ['of', 'the', 'at']", "AssertionError: '28 march at 9' != '28 march 9'"
        ),
        Example(
            "x = {'skip': [' ', 'of']}",
            "x = {'skip': [' ', 'of', 'at']}",
            "AssertionError: assert '28 march 9' == '28 march at 9'",
        ),
        Example("x = ['a', 'b', 'c']", "x = ['a', 'b', 'c', 'at']", "AssertionError: '28 march at 9' != '28 march 9'"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Add the word that only one of them has."""
        words = list(dict.fromkeys(word for pair in sides(place.failure) for word in _only_in_one(*pair)))
        for node in place.nodes(ast.List, ast.Tuple, ast.Set) if words else ():
            held = _texts_in(node)
            skips = bool(_TO_SKIP.search(_called(place, node)))
            if held and not any(map(_is_several_words, held)) and (skips or len(held) >= _A_LIST):
                there = set(map(_said, held))
                for word in (word for word in words if word not in there):
                    yield from _with_text(place, node, word, float(skips))


class TextForList:
    """A text looked for where the list of that one text may stand, too."""

    name = "text or list"
    source = PYTER
    prior = 1.0
    examples = (
        Example(
            "def f(a: list[str] | str):\n    x = a == '*'", "def f(a: list[str] | str):\n    x = a in ('*', ['*'])"
        ),
        Example(
            "def f(a):\n    if a != '*' and isinstance(a, list):\n        pass",
            "def f(a):\n    if a not in ('*', ['*']) and isinstance(a, list):\n        pass",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Look for either, where the name's hint or another test says that it may be a list."""
        for node in place.nodes(ast.Compare):
            for held in _equal_to(node):
                if _may_be_list(place, node.left):
                    text = place.text(held)
                    yield from _listed(place, node, held, f"({text}, [{text}])", 0.0)


class Overwritten:
    """A value put in the place of one that should stay, or be added to."""

    name = "value overwritten"
    source = TBAR
    prior = 0.25
    examples = (
        Example("a[b] = c", "a.setdefault(b, c)"),
        Example("a[b] = c", "a.setdefault(b, []).append(c)"),
        Example("a[b] = c", "a.setdefault(b, []).extend(c)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Set it only where nothing is, or collect the values under the key."""
        node = place.statement
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript) and len(node.targets) == 1:
            table, key = place.text(node.targets[0].value), place.text(node.targets[0].slice)
            value = place.text(node.value)
            yield place.replace(node, f"{table}.setdefault({key}, {value})")
            yield place.replace(node, f"{table}.setdefault({key}, []).append({value})", -0.3)
            yield place.replace(node, f"{table}.setdefault({key}, []).extend({value})", -0.4)


class WrongEnd:
    """What is added to the end of a list and belongs to its front."""

    name = "wrong end"
    source = TBAR
    prior = 0.25
    examples = (
        Example("a.append(b)", "a.insert(0, b)"),
        Example("a.extend(b)", "a[:0] = b"),
        Example("a.insert(0, b)", "a.append(b)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Add it at the other end."""
        node = place.statement
        call = node.value if isinstance(node, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.keywords:
            return
        held, added = place.text(call.func.value), [place.text(argument) for argument in call.args]
        if call.func.attr == "append" and len(added) == 1:
            yield place.replace(node, f"{held}.insert(0, {added[0]})")
        elif call.func.attr == "extend" and len(added) == 1:
            yield place.replace(node, f"{held}[:0] = {added[0]}")
        elif call.func.attr == "insert" and len(added) == 2 and added[0] == "0":
            yield place.replace(node, f"{held}.append({added[1]})")


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
_MOST_ADDED = 15
_LONGEST_TEXT = 40
_MOST_WORDS = 2
_A_LIST = 3
"""Words that are one by intent; two may be anything."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_TO_SKIP = re.compile("skip|ignore|stop|exclu|noise|drop|omit", re.IGNORECASE)
_LIST = re.compile(r"\b(?:list|List|Sequence|Iterable|Collection)\b")


def _without_each(place: Place, spans: Sequence[tuple[int, int]]) -> Iterator[Edit]:
    """Without one of several, and without the comma that sets it off."""
    for number, (start, end) in enumerate(spans):
        if number:
            yield Edit(spans[number - 1][1], end, "")
        else:
            yield Edit(start, spans[1][0], "")


def _texts_in(node: ast.expr) -> list[ast.Constant]:
    """The elements, or keys, of a collection of nothing but texts."""
    found: list[ast.expr | None] = []
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        found = [*node.elts]
    elif isinstance(node, ast.Dict):
        found = [*node.keys]
    texts = [one for one in found if _is_text(one)]
    return texts if len(texts) == len(found) else []


def _equal_to(node: ast.Compare) -> list[ast.Constant]:
    """The text that something is, or is not, equal to."""
    equal = len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq)
    return [text for text in node.comparators if equal and _is_text(text)]


def _is_text(node: ast.expr | None) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def _said(node: ast.Constant) -> str:
    return node.value.decode("latin-1") if isinstance(node.value, bytes) else str(node.value)


@lru_cache(maxsize=8)
def _compared(source: Source) -> tuple[tuple[str, frozenset[str]], ...]:
    """The texts, and their words, that the file compares something with, alone or in a collection."""
    equal = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
    compared = (node for node in ast.walk(source.tree) if isinstance(node, ast.Compare))
    asked = (node for node in compared if isinstance(node.ops[0], equal))
    sides = [side for node in asked for side in (node.left, *node.comparators)]
    alone = [side for side in sides if _is_text(side)]
    found = [*alone, *(one for side in sides for one in _texts_in(side))]
    return tuple((text, _words(text)) for text in dict.fromkeys(map(_said, found)))


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]{2,}", text.lower()))


def _only_in_one(one: str, other: str) -> list[str]:
    """The words that one text has and the other has not, where that is all in which they differ."""
    ours, theirs = Counter(one.split()), Counter(other.split())
    extra = list((ours - theirs) or (theirs - ours))
    differ = bool(ours - theirs) != bool(theirs - ours)
    shared = sum((ours & theirs).values())
    fits = differ and shared and len(extra) <= _MOST_WORDS and all(map(_WORD.fullmatch, extra))
    return extra if fits else []


def _is_several_words(held: ast.Constant) -> bool:
    return len(_said(held).split()) > 1


def _called(place: Place, node: ast.expr) -> str:
    """What a collection is called: the name, the key or the argument that it stands for."""
    parent = place.parent(node)
    if isinstance(parent, ast.Dict):
        keys = zip(parent.keys, parent.values, strict=True)
        return next((place.text(key) for key, value in keys if key and value is node), "")
    if isinstance(parent, ast.Assign):
        return place.text(parent.targets[0])
    if isinstance(parent, ast.AnnAssign):
        return place.text(parent.target)
    return parent.arg or "" if isinstance(parent, ast.keyword) else ""


def _may_be_list(place: Place, node: ast.expr) -> bool:
    """Whether a parameter's hint, or a test for its type in the function, says so."""
    if not isinstance(node, ast.Name) or place.function is None:
        return False
    hints = [
        place.text(arg.annotation)
        for arg in ast.walk(place.function.args)
        if isinstance(arg, ast.arg) and arg.arg == node.id and arg.annotation
    ]
    asked = (call for call in place.scope.nodes if isinstance(call, ast.Call) and len(call.args) == 2)
    tests = [
        place.text(call.args[1])
        for call in asked
        if place.text(call.func) == "isinstance" and place.text(call.args[0]) == node.id
    ]
    return any(_LIST.search(text) for text in (*hints, *tests))


def _left_out(place: Place, held: Sequence[ast.Constant]) -> Iterator[tuple[float, str]]:
    """Texts that are not among these, with how likely they are meant: those of the error first."""
    there = set(map(_said, held))
    loud = all(map(str.isupper, there))
    found = [(1.0, text.upper() if loud else text) for text in place.failure.texts if len(text) <= _LONGEST_TEXT]
    if place.failure.is_a("AttributeError") and place.failure.message.strip().isidentifier():
        found.append((2.0, place.failure.message.strip()))  # it was looked for in a table, and is all that is said
    if len(there) == 1:
        (only,) = there
        found += [(0.0, only.replace("-", "_")), (0.0, only.replace("_", "-"))]
    words = frozenset().union(*map(_words, there))
    found += [(-0.5 if known & words else -1.0, text) for text, known in _compared(place.source)]
    return ((weight, text) for weight, text in found if text not in there)


def _with_text(place: Place, node: ast.expr, text: str, weight: float) -> Iterator[Edit]:
    if isinstance(node, ast.Compare):
        (held,) = _equal_to(node)
        yield from _listed(place, node, held, f"({place.text(held)}, {_alike(place, held, text)})", weight)
        return
    keys = _texts_in(node)
    added, last = _alike(place, keys[-1], text), place.source.span(keys[-1])[1]
    if isinstance(node, ast.Dict):
        key = max(range(len(keys)), key=lambda number: _begin_alike(_said(keys[number]), text))
        added, last = f"{added}: {place.text(node.values[key])}", place.source.span(node.values[-1])[1]
    yield Edit(last, last, _gap(place, node, keys) + added, weight)


def _listed(place: Place, node: ast.Compare, held: ast.expr, texts: str, weight: float) -> Iterator[Edit]:
    """One of several instead of equal to one."""
    old, new = ("==", "in") if isinstance(node.ops[0], ast.Eq) else ("!=", "not in")
    for operator in place.operator(node.left, held, old, new):
        yield at_once(place, [operator, place.replace(held, texts)], weight)


def _begin_alike(one: str, other: str) -> int:
    """How many letters; cheap, because there are tables of thousands of keys."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _alike(place: Place, held: ast.Constant, text: str) -> str:
    """A text as a literal of the same kind."""
    return written(place, held, text.encode("latin-1", "replace") if isinstance(held.value, bytes) else text)


def _gap(place: Place, node: ast.expr, keys: Sequence[ast.Constant]) -> str:
    """What stands between two elements; a comment or parentheses are not said again."""
    before = node.values[-2:-1] if isinstance(node, ast.Dict) else keys[-2:-1]
    start = place.source.span(before[0])[1] if before else 0
    gap = place.source.text[start : place.source.span(keys[-1])[0]]
    return gap if before and gap.strip() == "," else ", "
