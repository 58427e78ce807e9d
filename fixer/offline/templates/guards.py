"""Cases to be dealt with before a statement that its names do not show: another type, nothing behind a name."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import nlargest

from fixer.offline.place import Place
from fixer.offline.source import Edit, Function
from fixer.offline.templates.base import PAR, PYTER, Example
from fixer.offline.templates.statements import values_to_return


class TypeGuard:
    """A value that need not be of the type which the statement is for."""

    name = "type not asked for"
    source = PYTER
    prior = 0.6
    examples = (
        Example(
            "def f(xs):\n    for x in xs:\n        y: A = x\n        g(y.b)",
            "def f(xs):\n    for x in xs:\n        y: A = x\n        if not isinstance(y, A):\n"
            "            continue\n        g(y.b)",
            "AttributeError: 'B' object has no attribute 'b'",
        ),
        Example(
            "def f(x, y):\n    if isinstance(y, m.A):\n        return False\n    return x.b",
            "def f(x, y):\n    if isinstance(y, m.A):\n        return False\n"
            "    if not isinstance(x, m.A):\n        return False\n    return x.b",
            "AttributeError: 'B' object has no attribute 'b'",
        ),
        Example(
            "def f(x: Union[A, 'B', None]):\n    return x.b",
            "def f(x: Union[A, 'B', None]):\n    if not isinstance(x, (A, B)):\n        return None\n    return x.b",
            "AttributeError: 'C' object has no attribute 'b'",
        ),
        Example(
            "class A:\n    def __lt__(self, other):\n        return self.n < other.n",
            "class A:\n    def __lt__(self, other):\n        if not isinstance(other, A):\n"
            "            return NotImplemented\n        return self.n < other.n",
            "AttributeError: 'int' object has no attribute 'n'",
        ),
        Example(
            "def f(a, b: list):\n    if not a:\n        raise E('no list')\n    return a + b",
            "def f(a, b: list):\n    if not a:\n        raise E('no list')\n    if not isinstance(b, list):\n"
            "        raise E('no list')\n    return a + b",
            'TypeError: can only concatenate list (not "int") to list',
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Ask for a type that the file names, and do otherwise what the function does elsewhere."""
        if place.function is None:
            return
        owners = _owners(place)
        yield from nlargest(_MOST, self._guards(place, owners), key=lambda edit: edit.weight)

    def _guards(self, place: Place, owners: list[str]) -> Iterator[Edit]:
        for owner in owners:
            ways = list(_ways(place, owner))
            for less, kind in enumerate(_kinds(place, owner)):
                for weight, way in enumerate(ways):
                    lines = f"if not isinstance({owner}, {kind}):", place.indent_step + way
                    yield from place.before(*lines, weight=-0.3 * less - 0.25 * weight)


class ValueGuard:
    """A case that a guard of the bare names does not tell from others: nothing in what they give, or one empty value.

    Apart from the guard of names, for it is rarer and what it proposes would push that out.
    """

    name = "guard of a value"
    source = PAR
    prior = 0.15
    examples = (
        Example(
            "def f(self):\n    for k in self.d().items():\n        g(k)\n    return True",
            "def f(self):\n    if not self.d():\n        return False\n"
            "    for k in self.d().items():\n        g(k)\n    return True",
        ),
        Example(
            "def f(x):\n    return g(x.a)",
            "def f(x):\n    if x.a is None:\n        return None\n    return g(x.a)",
        ),
        Example(
            "def f(xs):\n    for x in xs:\n        g(x)",
            "def f(xs):\n    for x in xs:\n        if x == []:\n            continue\n        g(x)",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Return early, or skip the round of a loop, where what the statement asks of an object is nothing."""
        if place.function is None or isinstance(place.statement, Function):
            return
        values = [place.text(node) for node in place.loads(ast.Attribute, ast.Call) if _is_asked(place, node)]
        names = [node.id for node in place.loads(ast.Name) if node.id != "self" and _is_known_before(place, node)]
        ways = [
            *(["continue"] if place.is_in_loop else []),
            *(f"return {value}" for value in values_to_return(place)),
        ]
        guards = [*_tests(values, ("not {}", "{} is None")), *_tests(names, ("{} == []", "{} == {{}}", "{} == ''"))]
        edits = (
            edit
            for test, less in guards
            for weight, way in enumerate(ways[:_FEW])
            for edit in place.before(f"if {test}:", place.indent_step + way, weight=-less - 0.2 * weight)
        )
        yield from nlargest(_MOST_VALUES, edits, key=lambda edit: edit.weight)


def _tests(values: list[str], tests: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    for number, value in enumerate(list(dict.fromkeys(values))[:_FEW]):
        for less, test in enumerate(tests):
            yield test.format(value), 1.0 + 0.2 * number + 0.2 * less


def _is_asked(place: Place, node: ast.expr) -> bool:
    """Whether it is an attribute or a call that gives a value and takes none, of something known before."""
    if isinstance(node, ast.Call):
        takes_none = not node.args and not node.keywords and isinstance(node.func, ast.Attribute)
        return takes_none and _is_known_before(place, node.func)
    return not place.is_called(node) and _is_known_before(place, node)


_FEW = 6
_MOST_VALUES = 40
_MOST = 12
_VALUES = (ast.Constant, ast.Name, ast.List, ast.Tuple, ast.Dict)
_LONGEST_VALUE = 40
_NO_ATTRIBUTE = re.compile(r"'([^']+)' object has no attribute '([^']+)'")
_OPERANDS = re.compile(r"unsupported operand|not supported between|can only concatenate")
_OPERATORS = frozenset(
    f"__{prefix}{name}__"
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
    for prefix in ("", "r", "i")
) | {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}
_UNIONS = ("Optional", "Union")
_ANYTHING = ("None", "Any", "object")


def _owners(place: Place) -> list[str]:
    """What the error is about, as far as it has a name before the statement."""
    owned: Iterable[ast.expr] = ()
    found = _NO_ATTRIBUTE.match(place.failure.message)
    if place.failure.is_a("AttributeError") and found and found[1] != "NoneType":
        owned = (node.value for node in place.loads(ast.Attribute) if node.attr == found[2])
    elif place.failure.is_a("TypeError") and _OPERANDS.search(place.failure.message):
        owned = _operands(place)
    texts = (place.text(node) for node in owned if _is_known_before(place, node))
    return [text for text in dict.fromkeys(texts) if text not in ("self", "cls")]


def _operands(place: Place) -> Iterator[ast.expr]:
    for node in place.expressions:
        if isinstance(node, ast.BinOp):
            yield from (node.right, node.left)
        elif isinstance(node, ast.Compare):
            yield from (*node.comparators, node.left)
    if isinstance(place.statement, ast.AugAssign):
        yield from (place.statement.value, place.statement.target)


def _is_known_before(place: Place, node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    if not isinstance(node, ast.Name):
        return False
    name = node.id
    inside = (one for one in place.nodes(ast.Name) if one.id == name and isinstance(one.ctx, ast.Store))
    looped = any(isinstance(up, ast.comprehension) for one in inside for up in place.source.above(one))
    return not looped and (name in place.scope.locals or name in ("self", "cls"))


def _kinds(place: Place, owner: str) -> list[str]:
    """The types that it may be meant to have: its own hint, what the function and the file ask for, the class around.

    An operator asks for its own class first.
    """
    around = place.source.class_of(place.statement)
    in_file = Counter(_asked_for(place, ast.walk(place.source.tree)))
    own = [around.name] if around else []
    known = [
        *_hinted(place, owner),
        *(own if _is_operator(place) else []),
        *_asked_for(place, place.scope.nodes),
        *(kind for kind, _ in in_file.most_common()),
        *own,
    ]
    found = _NO_ATTRIBUTE.match(place.failure.message)
    given = found[1] if found else ""
    return [kind for kind in dict.fromkeys(known) if given not in re.findall(r"\w+", kind)]


def _is_operator(place: Place) -> bool:
    return place.function is not None and place.function.name in _OPERATORS


def _hinted(place: Place, owner: str) -> Iterator[str]:
    for node in place.scope.nodes:
        named = node.arg if isinstance(node, ast.arg) else ""
        if isinstance(node, ast.AnnAssign):
            named = place.text(node.target)
        if named == owner and isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            kinds = [kind for kind in _parts(node.annotation) if kind.rpartition(".")[2] not in _ANYTHING]
            yield from kinds if len(kinds) < 2 else [f"({', '.join(kinds)})"]


def _parts(hint: ast.expr) -> Iterator[str]:
    """The classes that a hint joins."""
    if isinstance(hint, ast.Constant) and isinstance(hint.value, str) and hint.value.isidentifier():
        yield hint.value
    elif isinstance(hint, ast.BinOp):
        yield from (*_parts(hint.left), *_parts(hint.right))
    elif isinstance(hint, ast.Tuple):
        yield from (part for element in hint.elts for part in _parts(element))
    elif isinstance(hint, ast.Subscript):
        joins = ast.unparse(hint.value).rpartition(".")[2] in _UNIONS
        yield from _parts(hint.slice if joins else hint.value)
    elif isinstance(hint, ast.Name | ast.Attribute):
        yield ast.unparse(hint)


def _asked_for(place: Place, nodes: Iterable[ast.AST]) -> Iterator[str]:
    for call in nodes:
        called = call.func if isinstance(call, ast.Call) and len(call.args) == 2 else None
        if isinstance(call, ast.Call) and isinstance(called, ast.Name) and called.id == "isinstance":
            yield place.text(call.args[1])


def _ways(place: Place, owner: str) -> Iterator[str]:
    if place.is_in_loop:
        yield "continue"
    if _is_operator(place):
        yield "return NotImplemented"
    given = sorted(dict.fromkeys(_returned(place)), key=lambda value: value not in ("None", "False"))[:2]
    yield from (f"return {value}" for value in given)
    yield from _refusals(place, owner)
    yield from (f"return {value}" for value in ("None", "False") if value not in given)


def _returned(place: Place) -> Iterator[str]:
    """The short values that the function gives back elsewhere."""
    for node in place.scope.nodes:
        value = node.value if isinstance(node, ast.Return) and node is not place.statement else None
        if isinstance(value, _VALUES) and len(place.text(value)) <= _LONGEST_VALUE:
            yield place.text(value)


def _refusals(place: Place, owner: str) -> Iterator[str]:
    """One like the function's first, or with the kind of error that the file raises most."""
    own = (
        node for node in place.scope.nodes if isinstance(node, ast.Raise) and node.exc and not _is_handling(place, node)
    )
    text = next((place.text(node) for node in own if node.lineno == node.end_lineno), "")
    if text:
        yield text
        return
    raised = (node.exc for node in place.source.statements if isinstance(node, ast.Raise))
    kinds = Counter(place.text(node.func) for node in raised if isinstance(node, ast.Call))
    yield from (f'raise {kind}(f"invalid {owner}: {{{owner}!r}}")' for kind, _ in kinds.most_common(1))


def _is_handling(place: Place, node: ast.AST) -> bool:
    return any(isinstance(up, ast.ExceptHandler) for up in place.source.above(node))
