"""What a class lacks: a method that makes an operation work, the base by which its errors are handled."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fixer.offline.place import Place
from fixer.offline.source import Edit, Function
from fixer.offline.templates.base import PYTER, Example


class ProtocolMissing:
    """A class around a collection that is used as if it were the collection."""

    name = "missing protocol"
    source = PYTER
    prior = 1.5
    examples = (
        Example(
            "class A:\n    def __init__(self):\n        self.keys = []\n",
            "class A:\n    def __init__(self):\n        self.keys = []\n\n"
            "    def __iter__(self):\n        return iter(self.keys)\n",
            "TypeError: 'A' object is not iterable",
        ),
        Example(
            "class A:\n    def __init__(self, keys: list[int]):\n        self._keys = keys\n",
            "class A:\n    def __init__(self, keys: list[int]):\n        self._keys = keys\n\n"
            "    def __len__(self):\n        return len(self._keys)\n",
            "TypeError: object of type 'A' has no len()",
        ),
        Example(
            "class A:\n    keys: Dict[str, int]\n",
            "class A:\n    keys: Dict[str, int]\n\n    def __getitem__(self, key):\n        return self.keys[key]\n",
            "TypeError: 'A' object is not subscriptable",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Ask its one collection; said of its methods as well, for the line of a class seldom runs in a test."""
        found = _LACKS.match(place.failure.message) if place.failure.is_a("TypeError") else None
        owner = _class_here(place)
        if not found or owner is None or owner.name != (found["owner"] or found["sized"]):
            return
        method = next(lines for said, lines in _PROTOCOL.items() if said in place.failure.message)
        attributes = list(dict.fromkeys(_collections(place, owner)))
        if len(attributes) == 1:
            yield from _added(place, owner, [line.format(attributes[0]) for line in method])


class BareSuper:
    """`super()` where it finds no object: in what is a function of its own to Python."""

    name = "bare super"
    source = "Python Language Reference, 6.2.4 (displays) and 6.2.8 (generator expressions); PEP 709"
    prior = 3.0
    examples = (
        Example(
            "class A(B):\n    def f(self, xs):\n        return [super().f(x) for x in xs]",
            "class A(B):\n    def f(self, xs):\n        return [super(A, self).f(x) for x in xs]",
            "TypeError: super(type, obj): obj must be an instance or subtype of type",
        ),
        Example(
            "class A(B):\n    def f(me):\n        return lambda: super().f()",
            "class A(B):\n    def f(me):\n        return lambda: super(A, me).f()",
            "RuntimeError: super(): no arguments",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Tell it the class and the object."""
        if not (place.failure.is_a("TypeError", "RuntimeError") and place.failure.message.startswith("super(")):
            return
        owner = place.parent(place.function) if place.function else None
        first = _first_parameter(place.function) if place.function else ""
        if not first or not isinstance(owner, ast.ClassDef):
            return
        for call in place.nodes(ast.Call):
            if place.text(call) == "super()" and any(isinstance(up, _INNER) for up in place.source.above(call)):
                yield place.replace(call, f"super({owner.name}, {first})")


class OwnClassNamed:
    """The class of a method by its name, where that of the object is meant, which may be a subclass."""

    name = "own class named"
    source = PYTER
    prior = 0.5
    examples = (
        Example(
            "class A:\n    def f(self):\n        return A(1)",
            "class A:\n    def f(self):\n        return type(self)(1)",
        ),
        Example(
            "class A:\n    @classmethod\n    def f(cls):\n        return A()",
            "class A:\n    @classmethod\n    def f(cls):\n        return cls()",
        ),
        Example(
            "class A:\n    def f(self):\n        def g(other):\n            return isinstance(other, A)",
            "class A:\n    def f(self):\n        def g(other):\n            return isinstance(other, type(self))",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Take that of `self`, or `cls`."""
        above = [] if place.function is None else [place.function, *place.source.above(place.function)]
        owner = next((node for node in above if isinstance(node, ast.ClassDef)), None)
        method = next((node for node in above if isinstance(node, Function) and place.parent(node) is owner), None)
        own = {"self": "type(self)", "cls": "cls"}.get(_first_parameter(method) if method else "")
        for node in place.loads(ast.Name) if owner and own else ():
            if owner and own and node.id == owner.name:
                yield place.replace(node, own)


_INNER = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)
_LACKS = re.compile(
    r"'(?P<owner>\w+)' object is not (?:iterable|subscriptable)|object of type '(?P<sized>\w+)' has no len"
)
_PROTOCOL = {
    "iterable": ("def __iter__(self):", "return iter(self.{})"),
    "len()": ("def __len__(self):", "return len(self.{})"),
    "subscriptable": ("def __getitem__(self, key):", "return self.{}[key]"),
}
_MADE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_KINDS = re.compile(r"(?:\w+\.)?(?:list|dict|set|tuple|deque|List|Dict|Set|Tuple|Sequence|Mapping|Collection)\b")


def _first_parameter(function: Function) -> str:
    given = [*function.args.posonlyargs, *function.args.args]
    return given[0].arg if given else ""


def _class_here(place: Place) -> ast.ClassDef | None:
    """The class that the statement begins, or whose method it begins."""
    node = place.statement
    if isinstance(node, ast.ClassDef):
        return node
    owner = place.parent(node)
    return owner if isinstance(node, Function) and isinstance(owner, ast.ClassDef) else None


def _collections(place: Place, owner: ast.ClassDef) -> Iterator[str]:
    """The attributes that are made as a collection, or said to be one."""
    for node in owner.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _is_said(place, node.annotation):
            yield node.target.id
    for method in (node for node in owner.body if isinstance(node, Function) and node.name == "__init__"):
        given = [arg for arg in ast.walk(method.args) if isinstance(arg, ast.arg)]
        said = {arg.arg for arg in given if _is_said(place, arg.annotation)}
        for inner in ast.walk(method):
            yield from _set_on_self(place, inner, said)


def _set_on_self(place: Place, node: ast.AST, said: set[str]) -> Iterator[str]:
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    makes = isinstance(node.value, _MADE) or bool(_KINDS.match(place.text(node.value)))
    given = isinstance(node.value, ast.Name) and node.value.id in said
    hinted = isinstance(node, ast.AnnAssign) and _is_said(place, node.annotation)
    owned = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
    if isinstance(target, ast.Attribute) and owned and (makes or given or hinted):
        yield target.attr


def _is_said(place: Place, hint: ast.expr | None) -> bool:
    return hint is not None and bool(_KINDS.match(place.text(hint).strip("'\"")))


def _added(place: Place, owner: ast.ClassDef, method: list[str]) -> Iterator[Edit]:
    """The class with a method more, behind its last."""
    last = owner.body[-1]
    indent = place.source.indent_of(last)
    if indent is None:
        return
    end = place.source.line_end(last.end_lineno or last.lineno)
    lines = ["", "", indent + method[0], indent + place.indent_step + method[1]]
    yield Edit(end, end, place.source.newline.join(lines))
