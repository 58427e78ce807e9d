"""Statements of other places in the file: of the method of the same name in another class, or said of other objects."""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from fixer.offline.place import Place
from fixer.offline.source import Edit, Function, Source
from fixer.offline.templates.base import GENPROG, Example


class OfNamesake:
    """A statement where the method of the same name of another class has another one."""

    name = "statement of a namesake"
    source = GENPROG
    prior = 0.3
    examples = (
        Example(
            "class A:\n    def __setattr__(self, name, value):\n        self.d[name] = value\n"
            "class B:\n    def __setattr__(self, name, value):\n        return object.__setattr__(self, name, value)",
            "class A:\n    def __setattr__(self, name, value):\n        object.__setattr__(self, name, value)\n"
            "class B:\n    def __setattr__(self, name, value):\n        return object.__setattr__(self, name, value)",
        ),
        Example(
            "class A:\n    def f(self, a):\n        return self.b[a]\n"
            "class B:\n    def f(self, a):\n        return getattr(self, a)",
            "class A:\n    def f(self, a):\n        return getattr(self, a)\n"
            "class B:\n    def f(self, a):\n        return getattr(self, a)",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put that in its place, where it is about the same parameters and all that it names is known here."""
        node, function = place.statement, place.function
        if not isinstance(node, _SIMPLE) or function is None or node.lineno != node.end_lineno:
            return
        about = _named(node) & set(_given(function))
        for text in dict.fromkeys(_said_by_namesakes(place, function, about) if len(about) > 1 else ()):
            if text != place.text(node):
                yield Edit(*place.source.span(node), text)


class StepMissing:
    """An object that is asked for something before what makes it known: a process that nobody has waited for."""

    name = "missing step"
    source = GENPROG
    prior = 0.3
    examples = (
        Example(
            "def f(a):\n    p = a.popen()\n    return p.returncode\ndef g(self):\n    self.wait()",
            "def f(a):\n    p = a.popen()\n    p.wait()\n    return p.returncode\ndef g(self):\n    self.wait()",
        ),
        Example(
            "def f(a):\n    with open(a) as p:\n        x = p.n\ndef g(b):\n    b.load()",
            "def f(a):\n    with open(a) as p:\n        p.load()\n        x = p.n\ndef g(b):\n    b.load()",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Call, in front of the statement, a method that the file calls for nothing but its effect."""
        if place.function is None or isinstance(place.statement, Function):
            return
        read = [node for node in place.loads(ast.Attribute) if not place.is_called(node)]
        names = dict.fromkeys(node.value.id for node in read if isinstance(node.value, ast.Name))
        made = _made_by_calls(place) if names else set()
        for name in (name for name in names if name in made):
            called = {text for node in place.scope.nodes for text in _step(node) if text.startswith(f"{name}.")}
            steps = [step for step, _ in _steps(place.source).most_common() if f"{name}.{step}" not in called]
            for weight, step in enumerate(steps[:_MOST]):
                yield from place.before(f"{name}.{step}()", weight=-0.3 * weight)


_MOST = 4
_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.Return)


def _said_by_namesakes(place: Place, function: Function, about: set[str]) -> Iterator[str]:
    """The simple statements of those methods about these names, without `return` where this one has none."""
    known = {*place.scope.locals, *place.scope.globals, *place.scope.imported, *_given(function), *dir(builtins)}
    returns = isinstance(place.statement, ast.Return)
    for other in (other for other in _methods(place.source).get(function.name, ()) if other is not function):
        for node in ast.walk(other):
            if isinstance(node, _SIMPLE) and node.lineno == node.end_lineno and about <= _named(node) <= known:
                yield place.text(node) if returns else place.text(node).removeprefix("return ")


def _named(node: ast.AST) -> set[str]:
    """The names that a statement reads."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}


@lru_cache(maxsize=20)
def _methods(source: Source) -> dict[str, list[Function]]:
    """The methods of the file's classes by their names."""
    found: dict[str, list[Function]] = {}
    for node in source.statements:
        if isinstance(node, Function) and isinstance(source.parents[node], ast.ClassDef):
            found.setdefault(node.name, []).append(node)
    return found


def _given(function: Function) -> list[str]:
    return [arg.arg for arg in ast.walk(function.args) if isinstance(arg, ast.arg)]


@lru_cache(maxsize=20)
def _steps(source: Source) -> Counter[str]:
    """The methods that the file calls without arguments in statements of their own."""
    return Counter(text.rpartition(".")[2] for node in source.statements for text in _step(node))


def _step(node: ast.AST) -> Iterator[str]:
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and not call.args and not call.keywords:
        yield ast.unparse(call.func)


def _made_by_calls(place: Place) -> set[str]:
    """The names that the function sets to what a call gives."""
    found: set[str] = set()
    for node in place.scope.nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            found.add(node.optional_vars.id)
    return found
