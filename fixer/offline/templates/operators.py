"""Wrong operators: comparison, arithmetic, logic, and the operands around them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import ELEMENTS, MUTATION, SSTUBS, TBAR, Example


class Comparison:
    """Another comparison."""

    name = "comparison operator"
    source = MUTATION
    prior = 1.0
    examples = (
        Example("x = a < b", "x = a <= b"),
        Example("if (a) == (b):  # equal\n    pass", "if (a) != (b):  # equal\n    pass"),
        Example("x = a is not None", "x = a is None"),
        Example("x = 0 < a < 9", "x = 0 < a <= 9"),
        Example("x = a in b", "x = a not in b"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap each comparison for its neighbours, the nearest first."""
        for node in place.nodes(ast.Compare):
            operands = [node.left, *node.comparators]
            for left, right, operator in zip(operands, operands[1:], node.ops, strict=False):
                old = _COMPARISONS[type(operator)]
                for weight, new in enumerate(_INSTEAD[old].split(",")):
                    yield from place.operator(left, right, old, new, -0.5 * weight)


class Arithmetic:
    """Another arithmetic or bit operator."""

    name = "arithmetic operator"
    source = MUTATION
    prior = 1.0
    examples = (
        Example("x = a + b", "x = a - b"),
        Example("x = (a) // (b)", "x = (a) / (b)"),
        Example("x = 'é' * n", "x = 'é' + n"),
        Example("x = a << b", "x = a >> b"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap each operator for those of its kind."""
        for node in place.nodes(ast.BinOp):
            old = _ARITHMETIC[type(node.op)]
            meant = _MEANT if _is_root(node) else 0.0
            for weight, new in enumerate(_RELATED[old].split(",")):
                yield from place.operator(node.left, node.right, old, new, -0.4 * weight - meant)


class Augmented:
    """Another augmented assignment, or a plain one."""

    name = "augmented assignment"
    source = MUTATION
    prior = 1.0
    examples = (
        Example("x += 1", "x -= 1"),
        Example("x ^= y", "x &= y"),
        Example("x += 1", "x = 1"),
        Example("def f():\n    x = 0\n    x = 1", "def f():\n    x = 0\n    x += 1"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap `+=` for its kind, `+=` for `=`, and `=` for `+=` where the name has a value already."""
        node = place.statement
        if isinstance(node, ast.AugAssign):
            old = _ARITHMETIC[type(node.op)]
            for weight, new in enumerate(_RELATED[old].split(",")):
                yield from place.operator(node.target, node.value, old + "=", new + "=", -0.4 * weight)
            yield from place.operator(node.target, node.value, old + "=", "=", -0.5)
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and _may_have_a_value(place, node.targets[0]):
            yield from place.operator(node.targets[0], node.value, "=", "+=", -0.5)
            yield from place.operator(node.targets[0], node.value, "=", "-=", -1.5)


class Logic:
    """`and` for `or`, and the other way round."""

    name = "logical operator"
    source = MUTATION
    prior = 1.0
    examples = (
        Example("x = a and b", "x = a or b"),
        Example("x = (a or\n     b)", "x = (a and\n     b)"),
        Example("x = a and b and c", "x = a or b or c"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap all of a chain's operators, and each alone."""
        for node in place.nodes(ast.BoolOp):
            old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            edits = [
                edit
                for left, right in zip(node.values, node.values[1:], strict=False)
                for edit in place.operator(left, right, old, new)
            ]
            yield from edits
            if len(edits) > 1:
                yield _merged(place, edits)


class OperandOrder:
    """Operands the wrong way round, or grouped the wrong way."""

    name = "operand order"
    source = SSTUBS
    prior = 0.6
    examples = (
        Example("x = a - b", "x = b - a"),
        Example("x = a + b * c", "x = (a + b) * c"),
        Example("x = (a + b) * c", "x = a + b * c"),
        Example("if a[0] or not a:\n    pass", "if not a or a[0]:\n    pass"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap the operands where that matters, as where the first guards the second; move parentheses."""
        for chain in place.nodes(ast.BoolOp):
            word = " and " if isinstance(chain.op, ast.And) else " or "
            last = [chain.values[-1], *chain.values[:-1]]
            yield place.replace(chain, word.join(_grouped(place, value) for value in last))
        for node in place.nodes(ast.BinOp):
            left, right = place.text(node.left), place.text(node.right)
            operator = _ARITHMETIC[type(node.op)]
            swap = ast.BinOp(left=node.right, op=node.op, right=node.left)
            if not isinstance(node.op, ast.Mult | ast.BitAnd | ast.BitOr | ast.BitXor):
                yield place.replace(node, ast.unparse(swap), -0.5 if isinstance(node.op, ast.Add) else 0.0)
            if isinstance(node.right, ast.BinOp):
                inner = _ARITHMETIC[type(node.right.op)]
                near, far = place.text(node.right.left), place.text(node.right.right)
                yield place.replace(node, f"({left} {operator} {near}) {inner} {far}")
            if isinstance(node.left, ast.BinOp):
                inner = _ARITHMETIC[type(node.left.op)]
                far, near = place.text(node.left.left), place.text(node.left.right)
                yield place.replace(node, f"{far} {inner} ({near} {operator} {right})")
                yield place.replace(node, f"{far} {inner} {near} {operator} {right}")


class DropOperand:
    """An operand too many."""

    name = "operand too many"
    source = TBAR
    prior = 0.7
    examples = (
        Example("x = a + b", "x = a"),
        Example("x = 1 + f(y)", "x = f(y)"),
        Example("x = a and b and c", "x = a and b"),
        Example("x = -a", "x = a"),
        Example("x = a + b + b + a", "x = a + b"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Leave out one operand."""
        for node in place.nodes(ast.BinOp, ast.UnaryOp, ast.BoolOp):
            if isinstance(node, ast.BinOp):
                meant = _MEANT if _is_root(node) else 0.0
                yield place.replace(node, place.text(node.left), -meant)
                yield place.replace(node, place.text(node.right), -meant)
                if isinstance(node.left, ast.BinOp):
                    yield place.replace(node, place.text(node.left.left), -1.0)
            elif isinstance(node, ast.UnaryOp):
                yield place.replace(node, place.text(node.operand))
            elif isinstance(node, ast.BoolOp):
                yield from _without_one(place, node)


class AddOperand:
    """A missing operand: a name in sight, added, subtracted or multiplied; or a missing minus."""

    name = "missing operand"
    source = TBAR
    prior = 0.4
    examples = (
        Example("def f(k, n):\n    return k", "def f(k, n):\n    return k - n"),
        Example("def f(k, n):\n    return g(k, n)", "def f(k, n):\n    return g(k - n, n)"),
        Example("def f(k):\n    return k", "def f(k):\n    return -k"),
        Example("def f(k):\n    return k * 3", "def f(k):\n    return k ** 3 * 3"),
        Example("def f(a, b):\n    return a / b", "def f(a, b):\n    return a / len(b)"),
        Example("def f(a, b):\n    return [x for x in a]", "def f(a, b):\n    return b + [x for x in a]"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Add one operand to what is returned, passed, assigned, compared or indexed with."""
        for node in place.loads(ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.List, ast.ListComp):
            parent = place.parent(node)
            if not isinstance(parent, (*_SLOTS, ast.BinOp)) or place.is_called(node):
                continue
            if isinstance(node, ast.List | ast.ListComp):
                yield from _joined(place, node)
                continue
            for power in (2, 3):
                yield place.replace(node, f"{place.text(node)} ** {power}", -0.6 * (power - 1))
            if isinstance(parent, ast.BinOp):
                for name in place.scope.locals:
                    yield place.replace(node, f"len({name})", -1.5)
                continue
            text = place.text(node)
            yield place.replace(node, f"-{text}", -1.0)
            for other in place.scope.locals:
                for weight, operator in enumerate(("+", "-", "*", "//", "%")):
                    if other != text:
                        yield place.replace(node, f"{text} {operator} {other}", -0.6 * weight)


_MEANT = 1.5
"""What is less likely a slip: nobody writes a root in place of a sum."""
_SLOTS = (ast.Return, ast.Call, ast.Assign, ast.AugAssign, ast.Compare, ast.Subscript, ast.Slice, ast.Yield, *ELEMENTS)
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
_INSTEAD = {
    "<": "<=,>,>=,!=,==",
    "<=": "<,>=,>,==,!=",
    ">": ">=,<,<=,!=,==",
    ">=": ">,<=,<,==,!=",
    "==": "!=,>=,<=,in,is,<,>",
    "!=": "==,<,>,not in,is not",
    "is": "is not,==",
    "is not": "is,!=",
    "in": "not in,==",
    "not in": "in,!=",
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.MatMult: "@",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
}
_RELATED = {
    "+": "-,*,|",
    "-": "+,//,/,%,*",
    "*": "**,+,/,//",
    "@": "*",
    "/": "//,*,%,-",
    "//": "/,%,*,-",
    "%": "//,/,*",
    "**": "*,+,//",
    "<<": ">>,*",
    ">>": "<<,//",
    "&": "|,^,and",
    "|": "&,^,+,or",
    "^": "&,|,**",
}


def _may_have_a_value(place: Place, target: ast.expr) -> bool:
    """Before the statement; a name has none where nothing else binds it."""
    if not isinstance(target, ast.Name):
        return not isinstance(target, ast.Tuple)
    bound = (node for node in place.scope.nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return target.id in place.scope.parameters or any(node.id == target.id and node is not target for node in bound)


def _is_root(node: ast.BinOp) -> bool:
    exponent = node.right.value if isinstance(node.right, ast.Constant) else None
    return isinstance(node.op, ast.Pow) and isinstance(exponent, float) and not exponent.is_integer()


def _joined(place: Place, node: ast.expr) -> Iterator[Edit]:
    for name in place.scope.locals:
        yield place.replace(node, f"{name} + {place.text(node)}")
        yield place.replace(node, f"{place.text(node)} + {name}")


def _merged(place: Place, edits: list[Edit]) -> Edit:
    start, end = edits[0].start, edits[-1].end
    pieces = [place.source.text[start:end]]
    for edit in reversed(edits):
        text = pieces.pop()
        pieces.append(text[: edit.start - start] + edit.text + text[edit.end - start :])
    return Edit(start, end, pieces[0])


def _without_one(place: Place, node: ast.BoolOp) -> Iterator[Edit]:
    word = " and " if isinstance(node.op, ast.And) else " or "
    texts = [_grouped(place, value) for value in node.values]
    for index in range(len(texts)):
        yield place.replace(node, word.join(texts[:index] + texts[index + 1 :]))


def _grouped(place: Place, node: ast.expr) -> str:
    text = place.text(node)
    return f"({text})" if isinstance(node, ast.BoolOp | ast.IfExp | ast.Lambda | ast.NamedExpr) else text
