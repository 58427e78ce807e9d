"""A guard on objects that agree with whatever they are compared with."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from fixer.infrastructure.guards.candidate import Candidate, DiffGuard
from fixer.infrastructure.guards.change import NOT_LITERAL, Code, Function, literal, returns


class AgreementGuard(DiffGuard):
    """Comparisons look at what they compare.

    `__bool__` may be constantly false, as that of a null object is; nothing may claim another `__class__`.
    """

    name = "agrees with everything"
    about = "`__eq__`, `__bool__`, `__contains__` and the like that give one answer to everything; a false `__class__`"

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """Each such method that was not there, in this form, before."""
        for change in candidate.product:
            before = {ast.dump(method) for _, _, method in _comparisons(change.old)}
            for name, node, method in _comparisons(change.new):
                if ast.dump(method) not in before and _agrees(name, method):
                    yield (
                        f"{change.path}:{node.lineno}: `{name}` gives the same answer whatever it is asked; "
                        "it must look at what it compares"
                    )


_COMPARISONS = frozenset(
    {
        "__bool__",
        "__contains__",
        "__eq__",
        "__ge__",
        "__gt__",
        "__hash__",
        "__instancecheck__",
        "__le__",
        "__lt__",
        "__ne__",
        "__subclasscheck__",
        "__subclasshook__",
    }
)


def _comparisons(code: Code) -> Iterator[tuple[str, ast.stmt | ast.expr, ast.AST]]:
    """The name of each such method, where it stands, and what it is: a function, a lambda, or any other value."""
    for node in code.nodes:
        if isinstance(node, Function) and node.name in _COMPARISONS | {"__class__"}:
            yield node.name, node, node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
                if name in _COMPARISONS | {"__class__"}:
                    yield name, node, node.value
        elif isinstance(node, ast.Call) and code.full_name(node.func) in ("setattr", "type.__setattr__"):
            given = [literal(argument) for argument in node.args[1:2]]
            if given and given[0] in _COMPARISONS | {"__class__"}:
                yield str(given[0]), node, node.args[-1]


def _agrees(name: str, method: ast.AST) -> bool:
    if name == "__class__":
        return True
    if not isinstance(method, Function | ast.Lambda):
        return False
    answers = [answer for answer in returns(method) if answer is not None and not _is_not_implemented(answer)]
    asked_about = [argument.arg for argument in method.args.args[1:]]
    values = {_constant(answer) if not _is_given(answer, asked_about) else "True" for answer in answers}
    if not answers or len(values) != 1 or NOT_LITERAL in values:
        return False
    return not (name == "__bool__" and values == {"False"})


def _is_not_implemented(answer: ast.expr) -> bool:
    return isinstance(answer, ast.Name) and answer.id == "NotImplemented"


def _is_given(answer: ast.expr, asked_about: list[str]) -> bool:
    """Whether the answer is that there is something to compare with: `other is not None`."""
    return (
        isinstance(answer, ast.Compare)
        and isinstance(answer.left, ast.Name)
        and answer.left.id in asked_about
        and isinstance(answer.ops[0], ast.IsNot | ast.NotEq)
        and literal(answer.comparators[0]) is None
        and len(answer.ops) == 1
    )


def _constant(answer: ast.expr) -> object:
    """The value, as text, that an expression has whatever its names stand for; NOT_LITERAL where it depends on them."""
    value = literal(answer)
    if value is not NOT_LITERAL:
        return repr(value)
    if isinstance(answer, ast.BoolOp):
        deciding = "True" if isinstance(answer.op, ast.Or) else "False"
        return deciding if deciding in map(_constant, answer.values) else NOT_LITERAL
    if isinstance(answer, ast.UnaryOp) and isinstance(answer.op, ast.Not):
        return {"True": "False", "False": "True"}.get(str(_constant(answer.operand)), NOT_LITERAL)
    if isinstance(answer, ast.Compare) and len(answer.ops) == 1 and isinstance(answer.ops[0], ast.Eq | ast.Is):
        return "True" if _same([answer.left, *answer.comparators]) else NOT_LITERAL
    is_about_object = isinstance(answer, ast.Call) and ast.unparse(answer).endswith(", object)")
    return "True" if is_about_object and ast.unparse(answer).startswith("isinstance(") else NOT_LITERAL


def _same(nodes: Iterable[ast.expr]) -> bool:
    return len({ast.dump(node) for node in nodes}) == 1
