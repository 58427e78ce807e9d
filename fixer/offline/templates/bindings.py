"""Names bound wrongly: a result that is dropped, a default that is shared, a name that has no value yet."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import PYTER, TBAR, Example


class ResultDropped:
    """A method that returns a new value, called as if it changed the old one; and the reverse."""

    name = "dropped result"
    source = TBAR
    prior = 0.8
    examples = (
        Example("s.replace('a', 'b')", "s = s.replace('a', 'b')"),
        Example("x = a.sort()", "a.sort()"),
        Example("def f(a):\n    return a.sort()", "def f(a):\n    return sorted(a)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Assign the result to the object, or stop using the None that a mutator returns."""
        node = place.statement
        call = node.value if isinstance(node, ast.Expr | ast.Assign | ast.Return) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return
        start, _ = place.source.span(node)
        owner = place.text(call.func.value)
        if isinstance(node, ast.Expr):
            yield Edit(start, start, f"{owner} = ")
        elif isinstance(node, ast.Assign):
            yield Edit(start, place.source.span(call)[0], "", -0.5)
        if call.func.attr in ("sort", "reverse"):
            yield place.replace(call, f"{'sorted' if call.func.attr == 'sort' else 'reversed'}({owner})", 0.5)


class Unconverted:
    """A name that should stand for something converted, wherever it is used from here on."""

    name = "missing conversion"
    source = PYTER
    prior = 0.3
    examples = (
        Example("def f(k):\n    if k:\n        g(k)", "def f(k):\n    k = str(k)\n    if k:\n        g(k)"),
        Example("def f(k):\n    h(k)\n    return k", "def f(k):\n    h(k)\n    k = k.strip()\n    return k"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Convert it in front of the statement; where it is used but once, other templates do that in its place."""
        if place.function is None or isinstance(place.statement, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        later = [node.id for node in ast.walk(place.function) if isinstance(node, ast.Name)]
        for name in dict.fromkeys(node.id for node in place.loads(ast.Name) if node.id in place.scope.locals):
            if later.count(name) > 1:
                for weight, way in enumerate(_CONVERSIONS):
                    yield from place.before(f"{name} = {way.format(name)}", weight=-0.1 * weight)


class SharedDefault:
    """A default that all calls share."""

    name = "shared default"
    source = "flake8-bugbear B006"
    prior = 1.5
    examples = (
        Example(
            'def f(a, x=[]):\n    """Doc."""\n    return x',
            'def f(a, x=None):\n    """Doc."""\n    if x is None:\n        x = []\n    return x',
        ),
        Example("def f(x={}):\n    return x", "def f(x=None):\n    if x is None:\n        x = {}\n    return x"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Default to None and make the value inside."""
        node = place.statement
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        positional = [*node.args.posonlyargs, *node.args.args]
        pairs = list(zip(reversed(positional), reversed(node.args.defaults), strict=False))
        pairs += [(arg, value) for arg, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if value]
        for arg, value in pairs:
            if isinstance(value, ast.List | ast.Dict | ast.Set | ast.Call):
                yield from _made_inside(place, node, arg.arg, value)


class Unbound:
    """A name that is assigned in a function but meant to be the one outside, or has no start value."""

    name = "unbound name"
    source = PYTER
    prior = 3.0
    examples = (
        Example(
            "n = 0\ndef f():\n    n += 1",
            "n = 0\ndef f():\n    global n\n    n += 1",
            "UnboundLocalError: cannot access local variable 'n' where it is not associated with a value",
        ),
        Example(
            "def f(a):\n    for x in a:\n        t += x\n    return t",
            "def f(a):\n    t = 0\n    for x in a:\n        t += x\n    return t",
            "UnboundLocalError: local variable 't' referenced before assignment",
        ),
        Example(
            "def f(a):\n    for x in a:\n        t.append(x)\n    return t",
            "def f(a):\n    t = []\n    for x in a:\n        t.append(x)\n    return t",
            "NameError: name 't' is not defined",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Declare it, or give it a start value at the top of the function."""
        if not place.failure.is_a("UnboundLocalError", "NameError") or place.function is None:
            return
        name = next((word for word in place.failure.message.split("'")[1::2] if word.isidentifier()), "")
        used = any(node.id == name for node in place.nodes(ast.Name))
        if not used:
            return
        top = Place(place.source, _first_statement(place.function), place.failure, place.scope)
        outer = name in place.scope.globals
        yield from top.before(f"global {name}", weight=1.0 if outer else -2.0)
        yield from top.before(f"nonlocal {name}", weight=-1.0)
        for weight, value in enumerate(("0", "[]", "None", "''", "{}", "False", "1")):
            yield from top.before(f"{name} = {value}", weight=-0.2 * weight)


class ComparedNotAssigned:
    """A comparison that stands alone, where an assignment is meant."""

    name = "comparison for an assignment"
    source = "pylint W0104 pointless-statement; flake8-bugbear B015"
    prior = 1.5
    examples = (Example("x == 0", "x = 0"),)

    def propose(self, place: Place) -> Iterator[Edit]:
        """Assign."""
        node = place.statement
        compared = node.value if isinstance(node, ast.Expr) else None
        if isinstance(compared, ast.Compare) and isinstance(compared.left, ast.Name | ast.Attribute | ast.Subscript):
            yield from place.operator(compared.left, compared.comparators[0], "==", "=")


class LateBinding:
    """A lambda that is made in a loop and reads the loop's name when the loop is over."""

    name = "late binding"
    source = "flake8-bugbear B023; Python FAQ, lambdas defined in a loop"
    prior = 1.5
    examples = (
        Example(
            "for x in a:\n    g(lambda t: t == x)",
            "for x in a:\n    g(lambda t, x=x: t == x)",
        ),
        Example("y = [lambda: i + j for i, j in a]", "y = [lambda i=i, j=j: i + j for i, j in a]"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Keep the value that the name has where the lambda is made."""
        for node in place.nodes(ast.Lambda):
            looped = {name for up in place.source.above(node) for name in _looped(up)}
            own = {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}
            read = [name.id for name in ast.walk(node.body) if isinstance(name, ast.Name)]
            late = [name for name in dict.fromkeys(read) if name in looped - own]
            if late and not node.args.kwarg:
                start, body = place.source.span(node)[0], place.source.span(node.body)[0]
                colon = max(at for at, _, sign in place.source.tokens(start, body) if sign == ":")
                kept = ", ".join(f"{name}={name}" for name in late)
                yield Edit(colon, colon, f", {kept}" if own else f" {kept}")


_CONVERSIONS = (
    *("str({})", "int({})", "list({})", "float({})", "tuple({})", "{}.strip()", "{}.lower()", "abs({})"),
    *("{} or []", "{} or ''", "{} or {{}}", "dict({})", "set({})", "sorted({})", "{}.copy()", "bytes({})"),
)


def _looped(node: ast.AST) -> Iterator[str]:
    """The names that a loop or a comprehension binds anew in each round."""
    if isinstance(node, ast.For | ast.AsyncFor):
        targets = [node.target]
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        targets = [loop.target for loop in node.generators]
    else:
        return
    yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))


def _first_statement(function: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
    documented = ast.get_docstring(function, clean=False) is not None and len(function.body) > 1
    return function.body[1 if documented else 0]


def _made_inside(
    place: Place, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, value: ast.expr
) -> Iterator[Edit]:
    first = _first_statement(function)
    indent = place.source.indent_of(first)
    if indent is None:
        return
    start, end = place.source.span(value)
    body = place.source.line_start(first.lineno)
    newline = place.source.newline
    lines = f"{indent}if {name} is None:{newline}{indent}{place.indent_step}{name} = {place.text(value)}{newline}"
    yield Edit(start, body, "None" + place.source.text[end:body] + lines)
