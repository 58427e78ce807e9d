"""A guard on names and signatures that other code may rely on."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from fixer.infrastructure.guards.candidate import Candidate, DiffGuard
from fixer.infrastructure.guards.change import Code, Function, SourceChange, bound_by_import


class PublicNamesGuard(DiffGuard):
    """What could be imported and called before still can be, in the same way.

    Modules whose own name is private have no public names. A misspelt name may be put right where the failing test
    asks for the right one, and a parameter may be added where
    it hands one over (TypeError).
    """

    name = "public name"
    about = "a public function, class, method or constant deleted or renamed; a parameter removed or made required"

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """Each name that is gone, each signature that is narrower."""
        details = candidate.error.error_details
        for change in candidate.product:
            if not _is_private(change.path.removesuffix(".py").replace("/", ".")):
                yield from _gone(change, details.message)
        for change in candidate.comparable:
            yield from _narrowed(change, called_otherwise=details.error_type.endswith("TypeError"))


def _gone(change: SourceChange, message: str) -> Iterator[str]:
    if change.before is None or change.old.error or (change.after is not None and change.new.error):
        return
    if change.after is None:
        yield f"{change.path} is deleted; keep it"
        return
    before, after = _public_names(change.old), _bound_names(change.new)
    if "*" in after or "__getattr__" in after:
        return
    for name in sorted(before - after):
        if not _is_put_right(name, _public_names(change.new) - _bound_names(change.old), message):
            yield f"{change.path} no longer has `{name}`; keep public names, other code relies on them"


def _is_put_right(name: str, new: set[str], message: str) -> bool:
    last = name.rpartition(".")[2]
    candidates = (other.rpartition(".")[2] for other in new)
    return any(f"'{other}'" in message and SequenceMatcher(None, last, other).ratio() >= _ALIKE for other in candidates)


_ALIKE = 0.7


def _public_names(code: Code) -> set[str]:
    """Public names bound at the top of the module, public methods of its public classes, and what `__all__` lists."""
    bound = {name for name in _bound_names(code) if not any(part.startswith("_") for part in name.split("."))}
    imported = {name for node in code.nodes for name, _ in bound_by_import(node)}
    defined = bound if code.path.endswith("__init__.py") else bound - imported
    return defined | {text for text in _exported(code) if text in _bound_names(code)}


def _bound_names(code: Code) -> set[str]:
    names = set(_bound(code.tree.body))
    for path, node in code.classes.items():
        if path in names:
            names |= {f"{path}.{name}" for name in _bound(node.body)}
    return names


def _bound(body: Sequence[ast.AST]) -> Iterator[str]:
    for node in body:
        if isinstance(node, Function | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (name for name, _ in bound_by_import(node))
        for field in ("body", "orelse", "finalbody", "handlers"):
            inner = getattr(node, field, []) if isinstance(node, _BLOCKS) else []
            yield from _bound(inner)


_BLOCKS = ast.If | ast.Try | ast.With | ast.ExceptHandler


def _exported(code: Code) -> set[str]:
    lists = (
        node.value
        for node in code.tree.body
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "__all__" for target in node.targets)
    )
    return {str(item.value) for found in lists for item in ast.walk(found) if isinstance(item, ast.Constant)}


def _narrowed(change: SourceChange, *, called_otherwise: bool) -> Iterator[str]:
    for name, function in change.new.functions.items():
        before = change.old.functions.get(name)
        if before is None or _is_private(name):
            continue
        reason = _narrower(before.args, function.args, called_otherwise=called_otherwise)
        if reason:
            yield f"{change.path}:{function.lineno}: `{name}` {reason}; keep the signature, other code calls it"


def _is_private(name: str) -> bool:
    return any(part.startswith("_") and part not in ("__init__", "__main__") for part in name.split("."))


def _narrower(old: ast.arguments, new: ast.arguments, *, called_otherwise: bool) -> str:
    lost = [name for name in _names(old) if name not in _names(new) and name not in ("self", "cls")]
    if lost and not (new.vararg and new.kwarg) and not (new.kwarg and _by_keyword(old) >= set(lost)):
        return f"no longer takes `{lost[0]}`"
    required = [name for name in _required(new) if name not in _required(old) and name not in ("self", "cls")]
    if required and not (called_otherwise and required[0] not in _names(old)):
        return f"now requires `{required[0]}`"
    return ""


def _names(arguments: ast.arguments) -> list[str]:
    given = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return [each.arg for each in given if not each.arg.startswith("_")]


def _by_keyword(arguments: ast.arguments) -> set[str]:
    return {each.arg for each in arguments.kwonlyargs}


def _required(arguments: ast.arguments) -> list[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    first = [each.arg for each in positional[: len(positional) - len(arguments.defaults)]]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    asked = [*first, *(each.arg for each, default in pairs if default is None)]
    return [name for name in asked if name in _names(arguments)]
