"""Elements that should have been left out, or kept; and results that lack a factor."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import MUTATION, TBAR, Example


class Filter:
    """A comprehension that keeps too much or too little."""

    name = "filter"
    source = TBAR
    prior = 0.5
    examples = (
        Example("x = [i for i in a]", "x = [i for i in a if i]"),
        Example("x = [i for i in a]", "x = [i for i in a if i > 0]"),
        Example("def f(a, b):\n    return [i for i in a]", "def f(a, b):\n    return [i for i in a if i in b]"),
        Example("x = [i for i in a if i]", "x = [i for i in a]"),
        Example("x = sum(i for i in a if i > 0 if i)", "x = sum(i for i in a if i)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Leave a condition out, or add a simple one."""
        for group in place.nodes(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp):
            for part in (node for node in ast.iter_child_nodes(group) if isinstance(node, ast.comprehension)):
                before: ast.expr = part.iter
                for test in part.ifs:
                    yield Edit(place.source.span(before)[1], place.source.span(test)[1], "", 0.3)
                    before = test
                end = place.source.span(before)[1]
                for weight, test_text in enumerate(_tests(place, part)):
                    yield Edit(end, end, f" if {test_text}", -0.15 * weight)


class NothingPassedOn:
    """A dictionary whose entries of None should not be there: to pass None is not the same as to pass nothing."""

    name = "None passed on"
    source = TBAR
    prior = 0.3
    examples = (
        Example(
            "def f(a):\n    d = {'b': a.b, 'c': a.c}\n    return g(**d)",
            "def f(a):\n    d = {'b': a.b, 'c': a.c}\n"
            "    return g(**{key: value for key, value in d.items() if value is not None})",
        ),
        Example(
            "def f(a, b):\n    return {'a': a, 'b': b}",
            "def f(a, b):\n    return {key: value for key, value in {'a': a, 'b': b}.items() if value is not None}",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Leave them out where it is given back or becomes keyword arguments."""
        values = [keyword.value for call in place.nodes(ast.Call) for keyword in call.keywords if keyword.arg is None]
        known = _dictionaries(place) if values else ()
        passed = [value for value in values if place.text(value) in known or _names_values(value)]
        returned = place.statement.value if isinstance(place.statement, ast.Return) else None
        for node in [*passed, *([returned] if returned and _names_values(returned) else [])]:
            there = f"{{key: value for key, value in {place.text(node)}.items() if value is not None}}"
            yield place.replace(node, there)


class CountMissing:
    """A sum of what belongs to an object that lacks how many of something it has."""

    name = "missing count"
    source = MUTATION
    prior = 0.3
    examples = (
        Example(
            "def f(a, b):\n    b.extend(a.z)\n    return a.x + a.y",
            "def f(a, b):\n    b.extend(a.z)\n    return a.x + a.y + len(a.z)",
        ),
        Example(
            "def f(a):\n    for z in a.zs:\n        t += (a.x +\n            a.y)",
            "def f(a):\n    for z in a.zs:\n        t += (a.x +\n            a.y + len(a.zs))",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Add the length of what the function goes through or passes on whole elsewhere."""
        for node in place.nodes(ast.BinOp):
            parent = place.parent(node)
            owners = [place.text(one.value) for one in _terms(node) if isinstance(one, ast.Attribute)]
            if isinstance(parent, ast.BinOp) or len(owners) < _LEAST_VALUES or len(set(owners)) > 1:
                continue
            end = place.source.span(node)[1]
            for weight, text in enumerate(_collections_of(place, owners[0])):
                if f"len({text})" not in place.text(node):
                    yield Edit(end, end, f" + len({text})", -0.2 * weight)


class Factor:
    """A result that has to be doubled, halved, reduced or combined with another value of the function."""

    name = "missing factor"
    source = MUTATION
    prior = 0.35
    examples = (
        Example("def f(a, h):\n    return a * h", "def f(a, h):\n    return (a * h) / 2"),
        Example("def f(a, b):\n    return a + b", "def f(a, b):\n    return (a + b) / 2"),
        Example("def f(a, b):\n    x = a + b", "def f(a, b):\n    x = (a + b) % 2"),
        Example("def f(a, b, c):\n    return a * b", "def f(a, b, c):\n    return a * b + c"),
        Example("def f(a):\n    return sum(a)", "def f(a):\n    return sum(a) / len(a)"),
        Example("def f(a, b):\n    return a + b", "def f(a, b):\n    return (a + b) ** 0.5"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put one operator and one operand behind what is returned, assigned or compared."""
        for node in place.loads(ast.BinOp, ast.Call, ast.Name):
            if not isinstance(place.parent(node), ast.Return | ast.Assign | ast.AugAssign | ast.Compare):
                continue
            text = f"({place.text(node)})" if isinstance(node, ast.BinOp) else place.text(node)
            for weight, operation in enumerate(("* 2", "/ 2", "// 2", "% 2", "% 10", "** 0.5")):
                yield place.replace(node, f"{text} {operation}", -0.3 * weight)
            if isinstance(node, ast.Name):
                continue
            for name in place.scope.locals:
                yield place.replace(node, f"{text} / len({name})", -1.2)
                for weight, operator in enumerate(("+", "-", "*", "/", "//", "%")):
                    first = place.text(node) if operator in "+-" else text
                    yield place.replace(node, f"{first} {operator} {name}", -0.8 - 0.3 * weight)


class Jump:
    """A loop or function that is left where it should go on, or the other way round."""

    name = "kind of jump"
    source = MUTATION
    prior = 0.5
    examples = (
        Example("for i in a:\n    break", "for i in a:\n    continue"),
        Example("for i in a:\n    continue", "for i in a:\n    break"),
        Example("for i in a:\n    pass", "for i in a:\n    continue"),
        Example("def f(a):\n    for i in a:\n        return i", "def f(a):\n    for i in a:\n        continue"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap one for another."""
        node = place.statement
        if not isinstance(node, ast.Break | ast.Continue | ast.Pass | ast.Return):
            return
        start, end = place.source.span(node)
        for weight, word in enumerate(("continue", "break", "pass")):
            if word != place.text(node):
                yield Edit(start, end, word, -0.3 * weight - (1.0 if isinstance(node, ast.Return) else 0.0))


def _tests(place: Place, part: ast.comprehension) -> Iterator[str]:
    """Of the names that the comprehension binds."""
    bound = [node.id for node in ast.walk(part.target) if isinstance(node, ast.Name)]
    for name in bound:
        yield from (form.format(name) for form in _FORMS)
    for name in bound:
        others = [other for other in place.scope.locals if other not in bound]
        yield from (f"{name} {operator} {other}" for other in others for operator in ("!=", "in", "not in", "<", ">"))


def _names_values(node: ast.expr | None) -> bool:
    """Whether it is a dictionary of texts and named values, two at least."""
    if not isinstance(node, ast.Dict) or not all(isinstance(key, ast.Constant) for key in node.keys):
        return False
    return sum(isinstance(value, ast.Name | ast.Attribute) for value in node.values) >= _LEAST_VALUES


def _dictionaries(place: Place) -> set[str]:
    """What the function sets to such a one."""
    made = [node for node in place.scope.nodes if isinstance(node, ast.Assign | ast.AnnAssign)]
    made = [node for node in made if _names_values(node.value)]
    return {place.text(node.target if isinstance(node, ast.AnnAssign) else node.targets[0]) for node in made}


def _terms(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _terms(node.left)
        yield from _terms(node.right)
    else:
        yield node


def _collections_of(place: Place, owner: str) -> list[str]:
    """The attributes of an object that the function goes through, counts, or puts into a list."""
    used: list[ast.expr] = []
    for node in place.scope.nodes:
        if isinstance(node, ast.For | ast.comprehension):
            used.append(node.iter)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in _WHOLE:
            used += node.args
    return list(dict.fromkeys(ast.unparse(one) for one in used if _is_of(one, owner)))


def _is_of(node: ast.expr, owner: str) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node.value) == owner


_LEAST_VALUES = 2
_WHOLE = ("extend", "update", "len", "list", "sorted")
_FORMS = ("{}", "{} is not None", "{} > 0", "{} != 0", "{} % 2 == 0", "{} % 2 == 1", "not {}", "{} < 0", "len({}) > 0")
