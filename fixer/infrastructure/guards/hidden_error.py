"""A guard on handlers that make an error disappear instead of its cause."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from fixer.domain.models import TestError
from fixer.infrastructure.guards.candidate import Candidate, DiffGuard
from fixer.infrastructure.guards.change import (
    NOT_LITERAL,
    Code,
    Function,
    SourceChange,
    added,
    literal,
    own_nodes,
    returns,
)


class HiddenErrorGuard(DiffGuard):
    """New handlers do something about what they catch.

    The line: catching everything (bare, Exception, BaseException) is refused where the handler neither raises nor calls
    anything, a logger say. Catching one kind is honest where an answer is given in its place (`except KeyError: return
    default`), also a literal one; it is refused where it is the failing test's own exception, around the line that
    fails, and the handler only goes on (`pass`, `continue`). Going on is honest for what is merely taken away
    (`del`, `.unlink()`, `.remove()` …) and at the end of an iterator. Mistakes of the programmer (NameError,
    AssertionError …) are never answered by a literal. `contextlib.suppress` counts as a handler that goes on.
    """

    name = "hidden error"
    about = (
        "a new `except` or `contextlib.suppress` that catches everything, or the test's own exception, and goes on as "
        "if nothing had happened; `return` in `finally`"
    )

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """Each handler that hides."""
        for change in candidate.comparable:
            for node, what in _hidden(change, candidate.error):
                yield f"{change.new.shown(node)} hides {what}; remove its cause instead"


_EVERYTHING = frozenset({"", "BaseException", "Exception"})
_MISTAKES = frozenset(
    {"AssertionError", "IndentationError", "NameError", "RecursionError", "SyntaxError", "UnboundLocalError"}
)
_ENDS = frozenset({"GeneratorExit", "StopAsyncIteration", "StopIteration"})
_TAKES_AWAY = frozenset(
    {"cancel", "close", "delete", "discard", "kill", "pop", "popitem", "remove", "rmdir", "terminate", "unlink"}
)


def _hidden(change: SourceChange, error: TestError) -> Iterator[tuple[ast.AST, str]]:
    failing = _failing_functions(change, error)
    for code, node, _ in added([change], _catching):
        around = failing is None or code.owners.get(node, "") in failing
        what = _hidden_by(code, node, error.error_details.error_type if around else "")
        if what:
            yield node, what
    yield from _swallowed(change)


def _catching(code: Code) -> Iterator[tuple[str, ast.AST]]:
    """Handlers, each as what it catches in which function and whether it does something about it."""
    for node in code.nodes:
        owner = code.owners.get(node, "")
        if isinstance(node, ast.ExceptHandler):
            does = "goes on" if _goes_on(node) else "idle" if _is_idle(node.body) else "acts"
            yield f"{owner}: {sorted(_caught(node.type, code))} {does}", node
        elif isinstance(node, ast.With | ast.AsyncWith):
            yield f"{owner}: {[ast.unparse(item.context_expr) for item in node.items]}", node


def _hidden_by(code: Code, node: ast.AST, failing: str) -> str:
    if isinstance(node, ast.With | ast.AsyncWith):
        return _suppressed(code, node, failing)
    return _handled(code, node, failing) if isinstance(node, ast.ExceptHandler) else ""


def _handled(code: Code, node: ast.ExceptHandler, failing: str) -> str:
    caught = _caught(node.type, code)
    if caught & _EVERYTHING:
        return "every error" if _is_idle(node.body) else ""
    if caught & _MISTAKES and _is_idle(node.body) and _is_literal(node.body):
        return f"{', '.join(sorted(caught & _MISTAKES))}, a mistake in the code"
    tried = code.parents[node]
    body = tried.body if isinstance(tried, ast.Try) else []
    return _own_error(caught, failing) if _goes_on(node) and not _only_takes_away(body) else ""


def _suppressed(code: Code, node: ast.With | ast.AsyncWith, failing: str) -> str:
    for item in node.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and code.full_name(call.func) == "contextlib.suppress":
            caught = {name for argument in call.args for name in _caught(argument, code)}
            if caught & _EVERYTHING:
                return "every error"
            if not _only_takes_away(node.body):
                return _own_error(caught, failing)
    return ""


def _own_error(caught: set[str], failing: str) -> str:
    """The failing test's exception, caught by its own name or by that of one it derives from."""
    name = failing.rpartition(".")[2]
    kind = getattr(builtins, name, None)
    names = {base.__name__ for base in kind.__mro__} if isinstance(kind, type) else {name}
    hidden = (caught - _ENDS) & names
    return f"{name}, which the test fails with" if name and hidden else ""


def _caught(node: ast.expr | None, code: Code) -> set[str]:
    if node is None:
        return {""}
    kinds = node.elts if isinstance(node, ast.Tuple) else [node]
    return {code.full_name(kind).rpartition(".")[2] for kind in kinds}


def _is_idle(body: list[ast.stmt]) -> bool:
    """Whether nothing is raised and nothing is called."""
    return not any(isinstance(node, ast.Raise | ast.Call) for step in body for node in ast.walk(step))


def _is_literal(body: list[ast.stmt]) -> bool:
    values = [step.value for step in body if isinstance(step, ast.Return | ast.Assign) and step.value]
    return all(literal(value) is not NOT_LITERAL for value in values)


def _goes_on(handler: ast.ExceptHandler) -> bool:
    return all(isinstance(step, ast.Pass | ast.Continue) or _is_text(step) for step in handler.body)


def _is_text(step: ast.stmt) -> bool:
    return isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)


def _only_takes_away(body: list[ast.stmt]) -> bool:
    if len(body) != 1:
        return False
    step = body[0]
    if isinstance(step, ast.Delete):
        return True
    call = step.value if isinstance(step, ast.Expr) else None
    call = call.value if isinstance(call, ast.Await) else call
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _TAKES_AWAY


def _swallowed(change: SourceChange) -> Iterator[tuple[ast.AST, str]]:
    """A `finally` that is left by return, break or continue, and an `__exit__` that answers yes to everything."""
    yield from ((step, "every error") for _, step, _ in added([change], _leaving_finally))
    known = {ast.dump(node) for node in change.old.nodes}
    for node in change.new.nodes:
        if isinstance(node, Function) and node.name in ("__exit__", "__aexit__") and ast.dump(node) not in known:
            answers = [literal(answer) for answer in returns(node) if answer]
            if answers and all(answer is True for answer in answers):
                yield node.body[-1], "every error"


def _leaving_finally(code: Code) -> Iterator[tuple[str, ast.AST]]:
    for node in code.nodes:
        parts = node.finalbody if isinstance(node, ast.Try) else []
        steps = (step for part in parts for step in (part, *own_nodes(part)))
        yield from ((code.owners.get(step, ""), step) for step in steps if isinstance(step, ast.Return))


def _failing_functions(change: SourceChange, error: TestError) -> set[str] | None:
    """The functions of this file that the traceback goes through; None where it goes through no file of the fix."""
    places = [*error.frames, *([error.location] if error.location else [])]
    lines = [place.line for place in places if place.file.as_posix().endswith(change.path)]
    if not lines:
        return None if not places else set()
    inside = (
        name
        for name, node in change.old.functions.items()
        for line in lines
        if node.lineno <= line <= (node.end_lineno or node.lineno)
    )
    return {*inside} or {""}
