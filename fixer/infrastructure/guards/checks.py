"""A guard on checks that a fix takes out of the way."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from fixer.infrastructure.guards.candidate import Candidate, DiffGuard
from fixer.infrastructure.guards.change import NOT_LITERAL, Code, Function, SourceChange, literal, own_nodes


class ChecksGuard(DiffGuard):
    """What was refused before is still refused.

    A check is an `assert`, a `raise` or an isinstance test. One may give way to another, to a branch that answers
    instead, or move to a function that calls this one or is called by it; a placeholder (NotImplementedError) and a
    re-raise are none.
    """

    name = "removed check"
    about = (
        "an `assert`, a `raise` or an `isinstance` test taken out of a function; a condition that is always the same"
    )

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """Each function that checks less."""
        changes = list(candidate.comparable)
        for change in changes if not _is_misspelt_constant(candidate) else []:
            yield from _decided(change)
        gained = [check for change in changes for check in _gained(change)]
        for change in changes:
            yield from _weakened(change, gained)


def _is_misspelt_constant(candidate: Candidate) -> bool:
    """Whether the test fails with `true` or `false` as in other languages: True in its place is no trick."""
    return any(f"name '{word}'" in candidate.error.error_details.message for word in ("true", "false"))


@dataclass(frozen=True)
class _Gained:
    """A kind of check that a function has more of."""

    kind: str
    name: str
    function: Function


def _gained(change: SourceChange) -> Iterator[_Gained]:
    for name, new in change.new.functions.items():
        old = change.old.functions.get(name)
        for kind in _checks(new) - (_checks(old) if old else Counter()):
            yield _Gained(kind, name.rpartition(".")[2], new)


def _moved_to(gained: _Gained, name: str, function: Function) -> bool:
    """Whether one speaks of the other: a check that nobody comes by has not moved, it is gone."""
    return gained.name in _mentioned(function) or name.rpartition(".")[2] in _mentioned(gained.function)


def _mentioned(function: Function) -> set[str]:
    names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    return names | {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}


def _weakened(change: SourceChange, gained: list[_Gained]) -> Iterator[str]:
    for name, old in change.old.functions.items():
        new = change.new.functions.get(name)
        lost = _lost(old, new) if new else Counter()
        moved = {check.kind for check in gained if lost and new and _moved_to(check, name, new)}
        gone = [kind for kind in lost if kind not in moved]
        if new and gone:
            yield (
                f"{change.path}:{new.lineno}: `{name}` no longer has its {_WORDS[gone[0]]}; keep what is checked, "
                "and fix what makes the check fail"
            )


_WORDS = {"assert": "`assert`", "raise": "`raise`", "isinstance": "`isinstance` test"}


def _lost(old: Function, new: Function) -> Counter[str]:
    """Checks that `new` lacks, where its other conditions do not make up for them."""
    before, after = _checks(old), _checks(new)
    if _silenced(old, new):
        return before - after
    # A raise stands in a branch, which stays where it is replaced; an assert needs a branch that was not there.
    needed = _branches(old) + (before - after)["assert"]
    made_up = sum(before.values()) <= sum(after.values()) or _branches(new) >= needed
    return Counter() if made_up else before - after


def _silenced(old: Function, new: Function) -> bool:
    """Whether a condition that led to a `raise` now leads to nothing."""
    raising = {ast.dump(node.test) for node in own_nodes(old) if isinstance(node, ast.If) and _raises(node.body)}
    idle = (node for node in own_nodes(new) if isinstance(node, ast.If) and isinstance(node.body[0], ast.Pass))
    return any(ast.dump(node.test) in raising for node in idle)


def _raises(body: list[ast.stmt]) -> bool:
    return any(isinstance(step, ast.Raise) for step in body)


def _checks(function: Function) -> Counter[str]:
    return Counter(kind for node in own_nodes(function) if (kind := _kind(node)))


def _kind(node: ast.AST) -> str:
    if isinstance(node, ast.Assert):
        return "assert"
    if isinstance(node, ast.Raise) and node.exc and "NotImplementedError" not in ast.unparse(node.exc):
        return "raise"
    is_test = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TYPE_TESTS
    return "isinstance" if is_test else ""


_TYPE_TESTS = frozenset({"isinstance", "issubclass"})


def _branches(function: Function) -> int:
    return sum(
        isinstance(node, ast.If | ast.IfExp | ast.match_case | ast.ExceptHandler) for node in own_nodes(function)
    )


def _decided(change: SourceChange) -> Iterator[str]:
    known = Counter(_constant_conditions(change.old).values())
    for node, what in _constant_conditions(change.new).items():
        known[what] -= 1
        if known[what] < 0:
            yield (
                f"{change.new.shown(node)} is decided whatever happens; write a condition, or leave the one there was"
            )


def _constant_conditions(code: Code) -> dict[ast.expr, str]:
    """Conditions that are constant, and the constant parts that decide others: `x and False`, `True or x`."""
    found: dict[ast.expr, str] = {}
    for node in code.nodes:
        if isinstance(node, ast.If | ast.IfExp | ast.Assert) and literal(node.test) is not NOT_LITERAL:
            found[node.test] = ast.unparse(node.test)
        elif isinstance(node, ast.BoolOp) and any(_decides(node.op, value) for value in node.values):
            found[node] = ast.unparse(node)
    return found


def _decides(operator: ast.boolop, value: ast.expr) -> bool:
    known = literal(value)
    return known is isinstance(operator, ast.Or) if isinstance(known, bool) else False
