"""Missing, misplaced and superfluous statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixer.offline.place import Place
from fixer.offline.source import Edit, own_statements
from fixer.offline.templates.base import GENPROG, PAR, TBAR, Example


class MissingReturn:
    """A result that is worked out and then forgotten."""

    name = "missing return"
    source = TBAR
    prior = 1.0
    examples = (
        Example("def f(a):\n    a + 1", "def f(a):\n    return a + 1"),
        Example("def f(a):\n    x = a\n    x += 1", "def f(a):\n    x = a\n    x += 1\n    return x"),
        Example("def f(a):\n    a.n[0] += 1", "def f(a):\n    a.n[0] += 1\n    return a.n[0]"),
        Example(
            "def f(a):\n    x = 0\n    for i in a:\n        x += i",
            "def f(a):\n    x = 0\n    for i in a:\n        x += i\n    return x",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Return an expression that stands alone, or a name behind the last statement of the function."""
        node, function = place.statement, place.function
        if function is None:
            return
        if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant | ast.Yield | ast.YieldFrom):
            start, _ = place.source.span(node)
            yield Edit(start, start, "return ", 0.5)
        if function.body[-1] is node and not isinstance(node, ast.Return | ast.Raise):
            names = [name for name in place.scope.locals if name not in place.scope.parameters]
            for weight, text in enumerate(dict.fromkeys([*_just_assigned(place), *reversed(names)])):
                yield from place.after(f"return {text}", weight=0.5 - 0.3 * weight)


class Guard:
    """A case that has to be dealt with before anything else: nothing there, empty, zero."""

    name = "guard"
    source = PAR
    prior = 0.35
    examples = (
        Example("def f(x):\n    return x.a", "def f(x):\n    if x is None:\n        return None\n    return x.a"),
        Example("def f(x):\n    return 1 / x", "def f(x):\n    if not x:\n        return 0\n    return 1 / x"),
        Example("def f(n):\n    return f(n - 1)", "def f(n):\n    if n < 2:\n        return n\n    return f(n - 1)"),
        Example("def f(x):\r\n\treturn x[0]", "def f(x):\r\n\tif not x:\r\n\t\treturn None\r\n\treturn x[0]"),
        Example(
            "def f(x):\n    for i in x:\n        g(i)",
            "def f(x):\n    for i in x:\n        if i is None:\n            continue\n        g(i)",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Return early, or skip the round of a loop, where a name that the statement uses is nothing."""
        if place.function is None:
            return
        crash = 1.0 if place.failure.is_a(*_CRASHES) else 0.0
        used = [node.id for node in place.loads(ast.Name) if node.id in place.scope.locals]
        ways = [f"return {value}" for value in values_to_return(place)]
        if place.is_in_loop:
            ways = ["continue", *ways, "break"]
        for name in dict.fromkeys(used):
            for test, less in _EMPTY:
                for weight, way in enumerate(ways):
                    lines = f"if {test.format(name)}:", place.indent_step + way
                    yield from place.before(*lines, weight=crash - 0.2 * weight - less)


class Missing:
    """A statement that is missing: one like others of the function, a jump, or an element not collected."""

    name = "missing statement"
    source = GENPROG
    prior = 0.5
    examples = (
        Example(
            "def f(a):\n    s = set()\n    for x in a:\n        if x in s:\n            g()",
            "def f(a):\n    s = set()\n    for x in a:\n        if x in s:\n            g()\n        s.add(x)",
        ),
        Example(
            "def f(a):\n    out = []\n    y = a\n    return out",
            "def f(a):\n    out = []\n    y = a\n    out.append(y)\n    return out",
        ),
        Example(
            "def f(a):\n    out = []\n    y = a\n    return out",
            "def f(a):\n    out = []\n    y = a\n    out.append(a[-1])\n    return out",
        ),
        Example("for i in a:\n    x = i", "for i in a:\n    x = i\n    break"),
        Example(
            "def f(a):\n    s = set()\n    def g(x):\n        return x in s\n    return g(a)",
            "def f(a):\n    s = set()\n    def g(x):\n        s.add(x)\n        return x in s\n    return g(a)",
        ),
        Example(
            "def f(a):\n    i = 0\n    a.go()\n    i += 1\n    a.go(i)",
            "def f(a):\n    i = 0\n    a.go()\n    i += 1\n    a.go(i)\n    i += 1",
        ),
        Example(
            "def f(a):\n    for x in a:\n        if x:\n            yield x\n        g()",
            "def f(a):\n    for x in a:\n        if x:\n            yield x\n            return\n        g()",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put such a statement behind this one, or in front of one behind which nothing runs."""
        is_last = isinstance(place.statement, ast.Return | ast.Raise | ast.Break | ast.Continue)
        add = place.before if is_last else place.after
        own = place.text(place.statement)
        for line, weight in _statements_to_add(place):
            if line != own:
                yield from add(line, weight=weight)


class Misplaced:
    """A statement one step too early, too late, too deep or not deep enough."""

    name = "misplaced statement"
    source = GENPROG
    prior = 0.5
    examples = (
        Example("a = 1\nb = 2\nc = 3", "b = 2\na = 1\nc = 3"),
        Example(
            "def f(a):\n    for x in a:\n        y = x\n        return y",
            "def f(a):\n    for x in a:\n        y = x\n    return y",
        ),
        Example("for x in a:\n    y = x\nprint(y)", "for x in a:\n    y = x\n    print(y)"),
        Example(
            "for x in a:\n    if x:\n        y = x\n        z = y\n        g(z)",
            "for x in a:\n    if x:\n        y = x\n    z = y\n    g(z)",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap it with its neighbour; move it out of its block or into the one before."""
        block = _block(place)
        if block is None or any(place.source.indent_of(node) is None for node in block):
            return
        index = block.index(place.statement)
        if index + 1 < len(block):
            yield _swapped(place, block[index + 1])
        if index:
            yield from _dedented(place, block[-1], -0.3 * (len(block) - 1 - index))
        if index:
            yield from _indented(place, block[index - 1])


class Superfluous:
    """A statement that should not be there."""

    name = "superfluous statement"
    source = "Kali (Qi et al. 2015)"
    prior = 0.15
    examples = (
        Example("a = 1\na = 2", "a = 1"),
        Example("def f(a):\n    a.sort()", "def f(a):\n    pass"),
        Example("if a:\n    pass\nb = 1", "b = 1"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Take it out, with its comment's line left alone."""
        indent = place.source.indent_of(place.statement)
        block = _block(place)
        if indent is None or block is None or isinstance(place.statement, ast.FunctionDef | ast.ClassDef):
            return
        start, end = place.source.span(place.statement)
        if len(block) == 1:
            yield Edit(start, end, "pass")
            return
        first, last = place.source.line_start(place.statement.lineno), place.source.line_end(_last(place.statement))
        stop = min(last + len(place.source.newline), len(place.source.text))
        at_end = last == len(place.source.text)
        yield Edit(first - len(place.source.newline) if at_end else first, stop, "")


class Replaced:
    """A statement that should be another one: one of the function's own, or an assignment of one name to another."""

    name = "other statement"
    source = GENPROG
    prior = 0.15
    examples = (
        Example(
            "def f(a):\n    b = a[0]\n    for i in a:\n        if i:\n            bb - 1\n    return b",
            "def f(a):\n    b = a[0]\n    for i in a:\n        if i:\n            b = i\n    return b",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put such a statement in the place of a simple one."""
        node = place.statement
        if not isinstance(node, ast.Expr | ast.Assign | ast.AugAssign) or node.end_lineno != node.lineno:
            return
        start, end = place.source.span(node)
        useless = 1.5 if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call | ast.Await) else 0.0
        for line, weight in _statements_to_add(place):
            yield Edit(start, end, line, weight + useless)


_EMPTY = (
    ("{} is None", 0.0),
    ("not {}", 0.0),
    ("{} == 1", 1.0),
    ("{} < 0", 1.2),
    ("{} < 2", 1.2),
    ("len({}) < 2", 1.4),
)
_CRASHES = ("TypeError", "AttributeError", "IndexError", "ZeroDivisionError", "KeyError", "ValueError")


def _just_assigned(place: Place) -> list[str]:
    node = place.statement
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    return [place.text(target) for target in targets]


def _last(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _block(place: Place) -> list[ast.stmt] | None:
    parent = place.parent(place.statement)
    blocks = (getattr(parent, field, None) for field in ("body", "orelse", "finalbody"))
    return next((block for block in blocks if isinstance(block, list) and place.statement in block), None)


def values_to_return(place: Place) -> list[str]:
    """What a function may give back early: what it gives back elsewhere, nothing, or a parameter."""
    returns = (node for node in place.scope.nodes if isinstance(node, ast.Return) and node.value)
    small = (place.text(node.value) for node in returns if isinstance(node.value, ast.Constant | ast.List | ast.Name))
    return list(dict.fromkeys([*small, "None", "0", "[]", "False", "''", *place.scope.parameters, "{}", "True"]))


def _statements_to_add(place: Place) -> Iterator[tuple[str, float]]:
    locals_ = place.scope.locals
    for collection in place.scope.collections:
        used = place.scope.attributes
        for name in locals_:
            if name != collection:
                yield f"{collection}.append({name})", 0.3 + 0.3 * ("append" in used)
                yield f"{collection}.add({name})", 0.1 + 0.3 * ("add" in used)
                yield f"{collection}.append({name}[-1])", -0.8
                yield f"{collection}.extend({name})", -0.8
    copied = (node for node in place.scope.nodes if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr))
    texts = dict.fromkeys(place.text(node) for node in copied)
    yield from ((text, 0.0) for text in texts if "\n" not in text and not text.startswith(('"', "'")))
    if place.function:
        yield from ((f"return {name}", -0.3) for name in locals_)
        yield from ((f"{one} = {other}", -1.0) for one in locals_ for other in locals_ if one != other)
    if _may_just_leave(place):
        yield "return", 0.2
    yield from (("break", -0.3), ("continue", -0.5))


def _may_just_leave(place: Place) -> bool:
    """Whether the statement stands in a block of a function that gives no result, which can so be left early."""
    if place.function in (None, place.parent(place.statement)):
        return False
    results = (node for node in place.scope.nodes if isinstance(node, ast.Return) and node.value)
    return not any(place.source.function_of(node) is place.function for node in results)


def _swapped(place: Place, following: ast.stmt) -> Edit:
    (start, middle), (again, end) = place.source.span(place.statement), place.source.span(following)
    text = place.source.text
    return Edit(start, end, text[again:end] + text[middle:again] + text[start:middle])


def _dedented(place: Place, last: ast.stmt, weight: float) -> Iterator[Edit]:
    """The statement and what follows it in its block, up to the last, out of the block."""
    parent = place.parent(place.statement)
    outer = place.source.indent_of(parent) if isinstance(parent, ast.For | ast.While | ast.If | ast.With) else None
    inner = place.source.indent_of(place.statement)
    if outer is not None and inner is not None:
        yield _moved(place, last, inner, outer, weight)


def _indented(place: Place, before: ast.stmt) -> Iterator[Edit]:
    inside = list(own_statements(before))
    deeper = place.source.indent_of(inside[-1]) if inside else None
    own = place.source.indent_of(place.statement)
    if deeper is not None and own is not None and not isinstance(before, ast.FunctionDef | ast.ClassDef):
        yield _moved(place, place.statement, own, deeper)


def _moved(place: Place, last: ast.stmt, old: str, new: str, weight: float = 0.0) -> Edit:
    start = place.source.line_start(place.statement.lineno)
    end = place.source.span(last)[1]
    lines = place.source.text[start:end].split("\n")
    moved = "\n".join(new + line.removeprefix(old) if line.strip() else line for line in lines)
    return Edit(start, end, moved, weight)
