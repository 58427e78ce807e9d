"""Guards on code that reaches around the code: it ends the process, patches others, runs text, silences warnings."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixer.infrastructure.guards.candidate import Candidate, DiffGuard
from fixer.infrastructure.guards.change import Code, added, literal


class ProcessGuard(DiffGuard):
    """Nothing ends or interrupts the process.

    Honest are a way out that the failing test itself asks for, and one that the file took before. (In pytest none of
    them can make a test pass.)
    """

    name = "ends the process"
    about = "a new `sys.exit`, `os._exit`, `os.kill`, `os.exec…`, `signal` or `atexit` that the test does not speak of"

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """Each way out."""
        expected = {word for word in _EXPECTABLE if word in candidate.test_source}
        used = {name for change in candidate.product for name, _ in _exits(change.old)}
        for code, node, name in added(candidate.product, _exits):
            if name not in used and not expected & _EXPECTED_BY.get(name.partition(".")[0], frozenset()):
                yield f"{code.shown(node)} uses `{name}`, which cuts the test run short; let the code go on"


class PatchGuard(DiffGuard):
    """No module, no class of another module and no built-in is changed from outside, where none of it was before."""

    name = "patches other code"
    about = "assigning to attributes of imported modules and classes, to `builtins`, `globals()` or `sys.modules`"

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """Each place."""
        patched = {name.partition(".")[0] for change in candidate.product for name, _ in _patches(change.old)}
        for code, node, name in added(candidate.product, _patches):
            if name.partition(".")[0] not in patched:
                yield f"{code.shown(node)} changes `{name}` from outside; change the code where it is written"


class CodeFromTextGuard(DiffGuard):
    """No text becomes code, and no code watches other code run."""

    name = "runs text as code"
    about = "new `eval`, `exec`, `compile`, code objects, `sys.settrace`, `sys.setprofile`"

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """Each place."""
        for code, node, name in added(candidate.product, _dynamic):
            yield f"{code.shown(node)} uses `{name}`; write what is meant as plain code"


class WarningsGuard(DiffGuard):
    """Warnings stay on, unless for the length of a `with warnings.catch_warnings()`."""

    name = "silences warnings"
    about = "a new filter that ignores warnings for good, or `logging.disable`"

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """Each filter."""
        for code, node, _ in added(candidate.product, _silencing):
            yield f"{code.shown(node)} silences warnings for good; remove what is warned of"


_ENDING = frozenset(
    {
        "KeyboardInterrupt",
        "SystemExit",
        "builtins.exit",
        "builtins.quit",
        "exit",
        "os._exit",
        "os.abort",
        "os.kill",
        "os.killpg",
        "quit",
        "sys.exit",
    }
)
_ENDING_FAMILIES = ("atexit.", "os.exec", "os.spawn", "signal.")
_EXPECTABLE = ("atexit", "exit", "signal", "SystemExit", "KeyboardInterrupt")
_EXIT_WORDS = frozenset({"exit", "SystemExit"})
_EXPECTED_BY = {
    "KeyboardInterrupt": frozenset({"KeyboardInterrupt"}),
    "SystemExit": _EXIT_WORDS,
    "atexit": frozenset({"atexit"}),
    "builtins": _EXIT_WORDS,
    "exit": _EXIT_WORDS,
    "quit": _EXIT_WORDS,
    "signal": frozenset({"signal"}),
    "sys": _EXIT_WORDS,
}


def _exits(code: Code) -> Iterator[tuple[str, ast.AST]]:
    """Calls, and exceptions raised; catching one, or naming it in a type, ends nothing."""
    for node in code.nodes:
        if isinstance(node, ast.Call):
            name = code.full_name(node.func)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
            name = code.full_name(node.exc)
        else:
            continue
        if name in _ENDING or name.startswith(_ENDING_FAMILIES):
            yield name, node


def _patches(code: Code) -> Iterator[tuple[str, ast.AST]]:
    for node in code.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            owner = _foreign(code, node.value)
            name = f"{owner}.{node.attr}" if owner else ""
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            name = _namespace(code, node.value)
        elif isinstance(node, ast.Call):
            name = _patching_call(code, node)
        else:
            continue
        if name:
            yield name, node


def _foreign(code: Code, owner: ast.expr) -> str:
    """The imported module, or class of another module, that an expression names; empty where it names neither."""
    root = owner
    while isinstance(root, ast.Attribute):
        root = root.value
    name = code.full_name(owner)
    if isinstance(root, ast.Call):
        return name  # __import__("x") and importlib.import_module("x"); other calls have no name
    if not isinstance(root, ast.Name) or not (code.is_imported(root.id) or name.startswith("builtins")):
        return ""
    is_from = "." in code.full_name(root)
    # Of what was imported from a module only classes are known, by their spelling; the rest may be plain objects.
    return "" if is_from and not root.id[:1].isupper() else name


def _namespace(code: Code, owner: ast.expr) -> str:
    if isinstance(owner, ast.Call) and code.full_name(owner.func) in ("globals", "vars", "builtins.globals"):
        return ast.unparse(owner)
    name = code.full_name(owner)
    if name in ("sys.modules", "__builtins__") or name.startswith("builtins."):
        return name
    is_dict = isinstance(owner, ast.Attribute) and owner.attr == "__dict__"
    return _foreign(code, owner.value) if is_dict and isinstance(owner, ast.Attribute) else ""


def _patching_call(code: Code, node: ast.Call) -> str:
    if code.full_name(node.func) in ("setattr", "delattr") and node.args:
        return _foreign(code, node.args[0])
    is_update = isinstance(node.func, ast.Attribute) and node.func.attr in (
        "update",
        "setdefault",
        "pop",
        "__setitem__",
    )
    return _namespace(code, node.func.value) if is_update and isinstance(node.func, ast.Attribute) else ""


_DYNAMIC = frozenset(
    {
        "builtins.compile",
        "builtins.eval",
        "builtins.exec",
        "compile",
        "ctypes.pythonapi",
        "eval",
        "exec",
        "marshal.loads",
        "sys.monitoring",
        "sys.setprofile",
        "sys.settrace",
        "threading.setprofile",
        "threading.settrace",
        "types.CodeType",
        "types.FunctionType",
    }
)


def _dynamic(code: Code) -> Iterator[tuple[str, ast.AST]]:
    for node in code.nodes:
        if isinstance(node, ast.Name | ast.Attribute | ast.Call) and isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):
            name = code.full_name(node)
            if name in _DYNAMIC:
                yield name, node
        if isinstance(node, ast.Attribute) and node.attr == "__code__" and isinstance(node.ctx, ast.Store):
            yield "__code__", node


def _silencing(code: Code) -> Iterator[tuple[str, ast.AST]]:
    for node in code.nodes:
        if not isinstance(node, ast.Call):
            continue
        name = code.full_name(node.func)
        ignores = [literal(value) == "ignore" for value in (*node.args, *(each.value for each in node.keywords))]
        is_filter = name in ("warnings.simplefilter", "warnings.filterwarnings") and any(ignores)
        if (is_filter and not _is_passing(code, node)) or name == "logging.disable":
            yield name, node


def _is_passing(code: Code, node: ast.AST | None) -> bool:
    while node is not None:
        if isinstance(node, ast.With | ast.AsyncWith) and "catch_warnings" in ast.unparse(node.items[0].context_expr):
            return True
        node = code.parents.get(node)
    return False
