"""Wrong conditions: negated, too wide, too narrow, always true."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import PAR, SSTUBS, TBAR, Example
from fixer.offline.templates.strings import MIRROR, written


class Negation:
    """The opposite condition."""

    name = "negated condition"
    source = SSTUBS
    prior = 0.8
    examples = (
        Example("if a:\n    pass", "if not a:\n    pass"),
        Example("while not a:\n    pass", "while a:\n    pass"),
        Example("if a and b:\n    pass", "if not (a and b):\n    pass"),
        Example("x = [i for i in a if i]", "x = [i for i in a if not i]"),
        Example("if a:\n    pass\nelif b:\n    pass", "if a:\n    pass\nelif not b:\n    pass"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Add or remove a `not`; comparisons have an operator of their own for that."""
        for node in conditions(place):
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
                yield place.replace(node, place.text(node.operand))
            elif isinstance(node, ast.BoolOp | ast.IfExp):
                yield place.replace(node, f"not ({place.text(node)})")
            elif not isinstance(node, ast.Compare):
                yield place.replace(node, f"not {place.text(node)}")


class Widened:
    """A condition that forgets a case: nothing there, empty, zero."""

    name = "condition without a case"
    source = PAR
    prior = 0.6
    examples = (
        Example("def f(x):\n    if x.a:\n        pass", "def f(x):\n    if x is None or x.a:\n        pass"),
        Example("def f(x):\n    while x.a:\n        pass", "def f(x):\n    while x and x.a:\n        pass"),
        Example("def f(x, y):\n    return x == 1", "def f(x, y):\n    return x == 1 or not y"),
        Example(
            "def f(x):\n    if x.a or x.b:\n        pass",
            "def f(x):\n    if x is not None and (x.a or x.b):\n        pass",
        ),
        Example("def f(x, y):\n    if x:\n        pass", "def f(x, y):\n    if x and not y:\n        pass"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Join the condition with a test of a name in sight."""
        for node in conditions(place):
            inside = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
            for name in place.scope.locals:
                weight = 0.5 if name in inside else 0.0
                joined = operand(place, node)
                for word, tests in _CASES:
                    for test in tests:
                        case = test.format(name)
                        yield place.replace(node, f"{case} {word} {joined}", weight)
                        yield place.replace(node, f"{joined} {word} {case}", weight - 0.3)
                for word, test in _CASES_TOO:
                    yield place.replace(node, f"{joined} {word} {test.format(name)}", weight - 0.8)


class NothingOrEmpty:
    """What is not there taken for what is empty or zero, or the other way round."""

    name = "nothing or empty"
    source = PAR
    prior = 0.8
    examples = (
        Example("x = f(a or b)", "x = f(a if a is not None else b)"),
        Example("if a:\n    pass", "if a is not None:\n    pass"),
        Example("if not a.b and c:\n    pass", "if a.b is None and c:\n    pass"),
        Example("x = b if a is not None else c", "x = b if a else c"),
        Example("if a is None or c:\n    pass", "if not a or c:\n    pass"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Ask whether it is None where its truth is asked, and for its truth where it is compared with None."""
        for chain in place.nodes(ast.BoolOp):
            if isinstance(chain.op, ast.Or) and len(chain.values) == 2 and isinstance(chain.values[0], _PLAIN):
                first, second = map(place.text, chain.values)
                yield place.replace(chain, f"{first} if {first} is not None else {second}")
        for node in conditions(place):
            inner = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else node
            if isinstance(inner, _PLAIN):
                yield place.replace(node, f"{place.text(inner)} is {'not ' if inner is node else ''}None")
        for node in place.nodes(ast.Compare):
            if isinstance(node.comparators[-1], ast.Constant) and node.comparators[-1].value is None:
                word = "not " if isinstance(node.ops[0], ast.Is | ast.Eq) else ""
                yield place.replace(node, f"{word}{place.text(node.left)}")


class Decided:
    """`True` or `False` where a condition belongs."""

    name = "constant for a condition"
    source = TBAR
    prior = 0.8
    examples = (
        Example("def f(queue):\n    while True:\n        pass", "def f(queue):\n    while queue:\n        pass"),
        Example("def f(depth):\n    return True", "def f(depth):\n    return depth == 0"),
        Example("def f(a, b):\n    return False", "def f(a, b):\n    return a == b"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put a test of one or two names in the constant's place."""
        for node in place.nodes(ast.Constant):
            if not isinstance(node.value, bool):
                continue
            names = place.scope.locals
            for name in names:
                for weight, test in enumerate(_TESTS):
                    yield place.replace(node, test.format(name), -0.2 * weight)
                for other in names:
                    for operator in ("==", "!=", "<", "in"):
                        if name != other:
                            yield place.replace(node, f"{name} {operator} {other}", -1.0)


class OtherCondition:
    """A condition replaced by a test of a name in sight."""

    name = "other condition"
    source = TBAR
    prior = 0.3
    examples = (
        Example("def f(a, b):\n    if a:\n        pass", "def f(a, b):\n    if b:\n        pass"),
        Example("def f(a):\n    if a == 3:\n        pass", "def f(a):\n    if a is None:\n        pass"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put a simple test in the condition's place."""
        for node in conditions(place):
            for name in place.scope.locals:
                for weight, test in enumerate((*_TESTS, "{} is None", "{} is not None", "len({}) <= 1")):
                    yield place.replace(node, test.format(name), -0.2 * weight)


class Branching:
    """`if`, `elif` and `while`, one for another."""

    name = "kind of branch"
    source = TBAR
    prior = 0.3
    examples = (
        Example("if a:\n    pass", "while a:\n    pass"),
        Example("while a:\n    pass", "if a:\n    pass"),
        Example("if a:\n    pass\nif b:\n    pass", "if a:\n    pass\nelif b:\n    pass"),
        Example("if a:\n    pass\nelif b:\n    pass", "if a:\n    pass\nif b:\n    pass"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap the keyword."""
        node = place.statement
        if isinstance(node, ast.If | ast.While):
            start, _ = place.source.span(node)
            word = place.source.text[start : start + 5]
            old = "elif" if word.startswith("elif") else "if" if word.startswith("if") else "while"
            for new in {"if": ("while", "elif"), "elif": ("if",), "while": ("if",)}[old]:
                yield Edit(start, start + len(old), new)


class Unconditional:
    """A statement that is done every time, and should be done only where two values of the loop agree."""

    name = "missing condition"
    source = TBAR
    prior = 0.3
    examples = (
        Example(
            "def f(a, b):\n    for x in a:\n        for y in b:\n            g(x)",
            "def f(a, b):\n    for x in a:\n        for y in b:\n            if x == y:\n                g(x)",
        ),
        Example(
            "def f(a, b):\n    for x in a:\n        b.append(x)",
            "def f(a, b):\n    for x in a:\n        if x not in b:\n            b.append(x)",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put a statement of a loop under a comparison of the loop's name with another one in sight."""
        indent, node = place.source.indent_of(place.statement), place.statement
        simple = isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Return)
        if indent is None or not simple or node.end_lineno != node.lineno:
            return
        start, end = place.source.span(node)
        for name in _looped(place):
            for other in (other for other in place.scope.locals if other != name):
                for weight, operator in enumerate(("==", "not in", "!=", "<", ">", "in")):
                    lines = f"if {name} {operator} {other}:", indent + place.indent_step + place.text(node)
                    yield Edit(start, end, place.source.newline.join(lines), -0.2 * weight)


class OtherEnd:
    """A condition about one end of something that should ask for the other end as well."""

    name = "other end"
    source = TBAR
    prior = 0.4
    examples = (
        Example("if x[0] == '{':\n    pass", "if x[0] == '{' and x[-1] == '}':\n    pass"),
        Example("if a and x[-1:] != '\"':\n    pass", "if a and (x[-1:] != '\"' or x[:1] != '\"'):\n    pass"),
        Example("y = not x.é.startswith('(<')", "y = not (x.é.startswith('(<') and x.é.endswith('>)'))"),
        Example("if x[-1] == b'a':\n    pass", "if x[-1] == b'a' and x[0] == b'a':\n    pass"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Ask the same of the other end, for the same text or for its mirror."""
        for node in place.nodes(ast.Compare, ast.Call):
            held, word = place.text(node), "or" if _is_denied(node) else "and"
            if len(held) <= _LONGEST and "\n" not in held and ":=" not in held:
                for weight, test in enumerate(_of_the_other_end(place, node)):
                    yield place.replace(node, f"{held} {word} {test}", -0.5 * weight)


def operand(place: Place, condition: ast.expr) -> str:
    """A condition as one side of an `and` or `or`."""
    text = place.text(condition)
    return f"({text})" if isinstance(condition, ast.BoolOp | ast.IfExp) else text


def conditions(place: Place) -> Iterator[ast.expr]:
    """What the statement decides by."""
    node = place.statement
    if isinstance(node, ast.If | ast.While | ast.Assert):
        yield node.test
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Call):
        yield node.value
    for inner in place.nodes(ast.IfExp):
        yield inner.test
    for group in place.nodes(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp):
        parts = (part for part in ast.iter_child_nodes(group) if isinstance(part, ast.comprehension))
        yield from (test for part in parts for test in part.ifs)
    for chain in place.nodes(ast.BoolOp):
        yield from (value for value in chain.values if not isinstance(value, ast.Compare))


_LONGEST = 60
_ENDS = {"0": "-1", "-1": "0", ":1": "-1:", "-1:": ":1", "startswith": "endswith", "endswith": "startswith"}
_BRACKETS = frozenset("()[]{}<>")
_SIGNS: dict[type[ast.cmpop], str] = {ast.Eq: "==", ast.NotEq: "!="}
_PLAIN = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)
_CASES = (
    ("or", ("{} is None", "not {}")),
    ("and", ("{} is not None", "{}")),
)
_CASES_TOO = (("and", "not {}"), ("or", "{}"))
_TESTS = ("{}", "not {}", "{} == 0", "{} > 0", "len({}) > 0", "{} == 1")


def _looped(place: Place) -> list[str]:
    loops = [up for up in place.source.above(place.statement) if isinstance(up, ast.For)]
    return [node.id for loop in loops for node in ast.walk(loop.target) if isinstance(node, ast.Name)]


def _is_denied(node: ast.expr) -> bool:
    return isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotEq)


def _of_the_other_end(place: Place, node: ast.expr) -> Iterator[str]:
    """The same test of the other end, with the mirrored text first."""
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.Subscript) and len(node.ops) == 1:
        value, end, text = node.left.value, place.text(node.left.slice), node.comparators[0]
        sign = _SIGNS.get(type(node.ops[0]))
        if end in _ENDS and sign:
            yield from (f"{place.text(value)}[{_ENDS[end]}] {sign} {other}" for other in _mirrored(place, text))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
        value, end, text = node.func.value, node.func.attr, node.args[0]
        if end in _ENDS:
            yield from (f"{place.text(value)}.{_ENDS[end]}({other})" for other in _mirrored(place, text))


def _mirrored(place: Place, node: ast.expr) -> list[str]:
    """A text's mirror and itself, as they are written; nothing for what is no text."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str | bytes):
        return []
    text = node.value if isinstance(node.value, str) else ""
    turned = text[::-1].translate(MIRROR)
    mirror = [written(place, node, turned)] if turned != text and _BRACKETS & set(text) else []
    return [*mirror, place.text(node)]
