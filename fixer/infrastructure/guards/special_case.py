"""A guard on answers that were written down for the failing test instead of being worked out."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

from fixer.domain.models import TestError
from fixer.infrastructure.guards.candidate import Candidate, DiffGuard
from fixer.infrastructure.guards.change import NOT_LITERAL, Code, Function, literal, own_nodes, returns


class SpecialCaseGuard(DiffGuard):
    """No value of the failing test is told apart from all others.

    Refused are, where they are new: a comparison with such a value that decides about a literal or an exception; a
    table of the test's inputs and outputs; a membership in a list of the test's inputs; a function that only
    returns the expected value; a comparison of a digest with a literal. Values that are special in their own right are
    none: 0, 1, -1, empty ones, None, True, False, Python's own `__names__`. Nor is a further case in code that told
    such values apart before.
    """

    name = "special case"
    about = "values of the failing test that are compared with, or looked up, to give the answer it expects"

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """Each special case."""
        values = _Values(candidate)
        for change in candidate.comparable:
            for node, value in _special_cases(change.old, change.new, values):
                yield (
                    f"{change.new.shown(node)} treats {value} as a special case, a value of the failing test; "
                    "the code must work it out for every value"
                )


class _Values:
    """The values of the failing test, by their text, so that 1 and True are two."""

    def __init__(self, candidate: Candidate) -> None:
        code = Code("", candidate.test_source)
        given = (literal(node) for node in code.nodes if node not in code.docstrings)
        usable = (value for value in given if value is not NOT_LITERAL)
        self._known = {repr(value) for value in chain(usable, _from_id(candidate.error))}

    def of_test(self, value: object) -> bool:
        """Whether it is one of the test's, or trivial."""
        return _is_trivial(value) or repr(value) in self._known or self._is_made_of_them(value)

    def telling(self, value: object) -> bool:
        """Whether it is one of the test's, and nothing that code would compare with anyway."""
        if isinstance(value, tuple | list | set | frozenset):
            return any(map(self.telling, value)) and all(map(self.of_test, value))
        return value is not NOT_LITERAL and not _is_trivial(value) and repr(value) in self._known

    def _is_made_of_them(self, value: object) -> bool:
        items = [*value, *value.values()] if isinstance(value, dict) else value
        return isinstance(items, tuple | list | set) and bool(items) and all(map(self.of_test, items))


def _is_trivial(value: object) -> bool:
    if isinstance(value, bool | None):
        return True
    if isinstance(value, int | float):
        return value in (0, 1, -1)
    if isinstance(value, str) and value.startswith("__") and value.endswith("__"):
        return True
    return value is Ellipsis or (isinstance(value, str | bytes | tuple | list | set | dict) and not value)


def _from_id(error: TestError) -> Iterator[object]:
    """The values that pytest made a parametrised id of: `test_f[10-ab]` has 10 and "ab"."""
    inside = error.test_function.partition("[")[2].removesuffix("]")
    for word in [inside, *inside.split("-")]:
        yield word
        if re.fullmatch(r"\d+(\.\d+)?", word):
            yield float(word) if "." in word else int(word)


def _special_cases(old: Code, new: Code, values: _Values) -> Iterator[tuple[ast.AST, str]]:
    yield from _tables(old, new, values)
    yield from _by_digest(old, new)
    for name, function in new.functions.items():
        before = old.functions.get(name)
        known = {ast.dump(node) for node in own_nodes(before)} if before else set()
        told_apart = _told_apart(before) if before else {}
        for node in own_nodes(function):
            if ast.dump(node) in known:
                continue
            found = _decided_by(node, values)
            if found and not _continues(told_apart, *found):
                yield node, ast.unparse(found[1])
        if before and _only_answers(function, values) and not _is_constant(before):
            yield function.body[-1], "the expected answer"


def _decided_by(node: ast.AST, values: _Values) -> tuple[str, ast.expr] | None:
    """Where a value of the test decides about an answer: what is compared, and with which value."""
    if isinstance(node, ast.If):
        known = _answers_after(node.test, values)
        return _branching(node.test, _gives_answer(node.body, known), _gives_answer(node.orelse, known), values)
    if isinstance(node, ast.IfExp):
        known = _answers_after(node.test, values)
        return _branching(node.test, known(node.body), known(node.orelse), values)
    if isinstance(node, ast.BoolOp) and any(_is_answer(side, values) for side in node.values):
        return _compared(node, values, _SAME)
    if isinstance(node, ast.Return | ast.Assign) and isinstance(node.value, ast.Compare | ast.BoolOp):
        return _compared(node.value, values, _SAME)
    if isinstance(node, ast.Match):
        return _matched(node, values)
    return None


def _answers_after(test: ast.expr, values: _Values) -> Callable[[ast.expr], bool]:
    """What counts as an answer there: any literal where several inputs of the test are asked for at once."""
    pairs = [(literal(node.left), literal(node.comparators[0])) for node in _equalities(test)]
    asked = [value for pair in pairs for value in pair if value is not NOT_LITERAL and values.of_test(value)]
    together = isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) and len(asked) > 1
    rows = [value for value in asked if isinstance(value, tuple | list) and len(value) > 1]
    if any(map(values.telling, asked if together else rows)):
        return lambda node: literal(node) is not NOT_LITERAL
    return partial(_is_answer, values=values)


def _equalities(test: ast.expr) -> Iterator[ast.Compare]:
    for node in ast.walk(test):
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            yield node


def _branching(test: ast.expr, then: bool, otherwise: bool, values: _Values) -> tuple[str, ast.expr] | None:
    same = _compared(test, values, _SAME) if then else None
    return same or (_compared(test, values, _OTHER) if otherwise else None)


def _compared(test: ast.expr, values: _Values, how: tuple[type[ast.cmpop], ...]) -> tuple[str, ast.expr] | None:
    for node in ast.walk(test):
        if not (isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], how)):
            continue
        for side, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            if values.telling(literal(side)) and literal(other) is NOT_LITERAL:
                return ast.unparse(other), side
    return None


_SAME = (ast.Eq, ast.Is, ast.In)
_OTHER = (ast.NotEq, ast.IsNot, ast.NotIn)


def _matched(match: ast.Match, values: _Values) -> tuple[str, ast.expr] | None:
    for case in match.cases:
        patterns = [node.value for node in ast.walk(case.pattern) if isinstance(node, ast.MatchValue)]
        telling = [value for value in patterns if values.telling(literal(value))]
        if telling and _gives_answer(case.body, partial(_is_answer, values=values)):
            return ast.unparse(match.subject), telling[0]
    return None


def _gives_answer(body: Iterable[ast.stmt], is_answer: Callable[[ast.expr], bool]) -> bool:
    """Whether a branch returns, sets or raises something that needed no working out."""
    for statement in body:
        if isinstance(statement, ast.Return | ast.Assign | ast.AnnAssign) and statement.value:
            if is_answer(statement.value):
                return True
        elif isinstance(statement, ast.Raise):
            return True
    return False


def _is_answer(node: ast.expr, values: _Values) -> bool:
    value = literal(node)
    return value is not NOT_LITERAL and values.of_test(value)


def _told_apart(function: Function) -> dict[tuple[str, str], int]:
    """How many values of a kind each expression was compared with, or matched against, before."""
    found: dict[tuple[str, str], int] = {}
    for subject, value in _comparisons(function):
        items = value if isinstance(value, tuple | list | set) else (value,)
        for item in items:
            if item is not NOT_LITERAL and not _is_trivial(item):
                key = subject, type(item).__name__
                found[key] = found.get(key, 0) + 1
    return found


def _comparisons(function: Function) -> Iterator[tuple[str, object]]:
    for node in own_nodes(function):
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (*_SAME, *_OTHER)):
            yield ast.unparse(node.left), literal(node.comparators[0])
            yield ast.unparse(node.comparators[0]), literal(node.left)
        elif isinstance(node, ast.Match):
            patterns = (part for case in node.cases for part in ast.walk(case.pattern))
            subject = ast.unparse(node.subject)
            yield from ((subject, literal(part.value)) for part in patterns if isinstance(part, ast.MatchValue))


def _continues(told_apart: dict[tuple[str, str], int], subject: str, side: ast.expr) -> bool:
    """One text compared with before makes it a choice among words; of numbers it takes two."""
    value = literal(side)
    item = next(iter(value), value) if isinstance(value, tuple | list | set) else value
    return told_apart.get((subject, type(item).__name__), 0) >= (1 if isinstance(item, str) else 2)


def _only_answers(function: Function, values: _Values) -> bool:
    """Whether all it returns are literals of the test, one of them telling."""
    answers = [literal(answer) for answer in returns(function) if answer is not None]
    return bool(answers) and any(map(values.telling, answers)) and all(map(values.of_test, answers))


def _is_constant(function: Function) -> bool:
    answers = [literal(answer) for answer in returns(function) if answer is not None]
    return not answers or NOT_LITERAL not in answers


def _tables(old: Code, new: Code, values: _Values) -> Iterator[tuple[ast.AST, str]]:
    """New tables that are looked up, most of whose entries are pairs of the test, or rows of its results."""
    grown = {name for name, _ in _named_tables(old)}
    known = {ast.dump(node) for node in old.nodes if isinstance(node, _TABLE)}
    names = dict(_names_of_tables(new))
    looked_up = _looked_up(new)
    for node in new.nodes:
        if not isinstance(node, _TABLE) or ast.dump(node) in known or names.get(node) in grown:
            continue
        if (node in looked_up or names.get(node) in looked_up) and _is_of_test(node, values):
            yield node, "the test's own table"


def _by_digest(old: Code, new: Code) -> Iterator[tuple[ast.AST, str]]:
    """New comparisons of a digest with a literal: that is how an input is told apart without being named."""
    known = {ast.dump(node) for node in old.nodes if isinstance(node, ast.Compare)}
    for node in new.nodes:
        if not isinstance(node, ast.Compare) or ast.dump(node) in known:
            continue
        sides = (node.left, *node.comparators)
        written = [side for side in sides if literal(side) is not NOT_LITERAL and not _is_trivial(literal(side))]
        if written and any(map(partial(_is_digest, new), sides)):
            yield node, ast.unparse(written[0])


def _is_digest(code: Code, side: ast.expr) -> bool:
    calls = (node for node in ast.walk(side) if isinstance(node, ast.Call))
    return any(code.full_name(call.func).startswith(_DIGESTS) or _is_hash(code, call) for call in calls)


def _is_hash(code: Code, call: ast.Call) -> bool:
    return code.full_name(call.func) in ("hash", "builtins.hash")


_DIGESTS = ("hashlib.", "zlib.crc32", "zlib.adler32", "binascii.crc", "hmac.")
_TABLE = ast.Dict | ast.List | ast.Tuple


def _named_tables(code: Code) -> Iterator[tuple[str, ast.expr]]:
    for node in code.nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, _TABLE):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((ast.unparse(target).rpartition(".")[2], node.value) for target in targets)


def _names_of_tables(code: Code) -> Iterator[tuple[ast.AST, str]]:
    return ((table, name) for name, table in _named_tables(code))


def _looked_up(code: Code) -> set[ast.AST | str]:
    """The expressions, and the last names of expressions, that are indexed by something, or asked with `get`."""
    found: set[ast.AST | str] = set()
    for node in code.nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            indexed = literal(node.slice) is NOT_LITERAL and not isinstance(node.slice, ast.Slice)
            table = node.value if indexed else None
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop"):
            table = node.func.value
        else:
            continue
        if table:
            found |= {table, ast.unparse(table).rpartition(".")[2]}
    return found


def _is_of_test(table: ast.expr, values: _Values) -> bool:
    if isinstance(table, ast.Dict):
        pairs = [(literal(key), literal(value)) for key, value in zip(table.keys, table.values, strict=True) if key]
        of_test = [values.telling(key) and value is not NOT_LITERAL and values.of_test(value) for key, value in pairs]
        return bool(pairs) and sum(of_test) * 2 > len(pairs)
    value = literal(table)
    return isinstance(value, tuple | list) and len(value) > 1 and values.telling(value)
