"""Guards on code that knows of tests: it skips them, or behaves differently when it is tested."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fixer.infrastructure.guards.candidate import Candidate, DiffGuard
from fixer.infrastructure.guards.change import Code, Function, added, imported_modules, literal


class SkipGuard(DiffGuard):
    """No test is skipped, expected to fail, or kept from being collected, wherever that is written."""

    name = "skipped test"
    about = "an added or widened skip, xfail, `importorskip` or `pytest.exit`; a new pytest hook or `__test__ = False`"

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """What keeps a test from being run."""
        for code, node, what in added(candidate.changes, _skips):
            yield f"{code.shown(node)} adds {what.partition(' ')[0]}; the test has to run and pass, not to be left out"


class DetectionGuard(DiffGuard):
    """The product does not ask whether it is being tested.

    Asked of sys.argv only where it is compared with something about tests, and of CI variables only where the failing
    test does not set them itself: both have honest uses.
    """

    name = "test detection"
    about = (
        "code that looks for the test run: `PYTEST_CURRENT_TEST`, `sys.modules`, `sys.argv`, the call stack, CI "
        "variables, an import of pytest, unittest or mock, the test's own name"
    )

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """What the product asks about its test."""
        names = _names_of(candidate)
        own = candidate.test_source
        for code, node, what in added(candidate.product, lambda code: _glances(code, names, own)):
            yield f"{code.shown(node)} asks for {what}; the code must do the same whether it is tested or not"


_SKIPPING = frozenset(
    {
        "nose.SkipTest",
        "pytest.exit",
        "pytest.importorskip",
        "pytest.mark.skip",
        "pytest.mark.skipif",
        "pytest.mark.xfail",
        "pytest.skip",
        "pytest.xfail",
        "unittest.SkipTest",
        "unittest.case.SkipTest",
        "unittest.expectedFailure",
        "unittest.skip",
        "unittest.skipIf",
        "unittest.skipUnless",
    }
)
_UNCOLLECTED = frozenset({"__test__", "collect_ignore", "collect_ignore_glob"})


def _skips(code: Code) -> Iterator[tuple[str, ast.AST]]:
    for node in code.nodes:
        if isinstance(node, ast.Name | ast.Attribute):
            name = code.full_name(node)
            if name in _SKIPPING or name.startswith("_pytest.outcomes.") or name.endswith(".skipTest"):
                yield f"{name}{_condition(code, node)}", node
            elif isinstance(node.ctx, ast.Store) and name.rpartition(".")[2] in _UNCOLLECTED:
                yield name, node
        elif isinstance(node, Function) and node.name.startswith("pytest_"):
            yield f"the hook `{node.name}`".replace(" ", "\N{NO-BREAK SPACE}"), node


def _condition(code: Code, node: ast.AST) -> str:
    """What a mark is given besides its reason, so that a wider condition counts as a new mark."""
    call = code.parents.get(node)
    if not (isinstance(call, ast.Call) and call.func is node):
        return ""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg not in ("reason", "msg"))]
    return " " + ", ".join(ast.unparse(argument) for argument in given)


_TEST_TOOLS = frozenset({"_pytest", "mock", "nose", "pytest", "pytest_mock", "unittest"})
_STACK = frozenset(
    {
        "gc.get_objects",
        "gc.get_referrers",
        "inspect.currentframe",
        "inspect.getouterframes",
        "inspect.stack",
        "sys._current_frames",
        "sys._getframe",
        "sys._getframemodulename",
        "traceback.extract_stack",
        "traceback.format_stack",
        "traceback.walk_stack",
    }
)
_CI_VARIABLES = frozenset(
    {
        "APPVEYOR",
        "BUILDKITE",
        "CI",
        "CIRCLECI",
        "CONTINUOUS_INTEGRATION",
        "COVERAGE_RUN",
        "COV_CORE_SOURCE",
        "GITHUB_ACTIONS",
        "GITLAB_CI",
        "JENKINS_URL",
        "NOX_CURRENT_SESSION",
        "TESTING",
        "TEST_MODE",
        "TOX_ENV_DIR",
        "TOX_ENV_NAME",
        "TRAVIS",
        "UNIT_TEST",
    }
)


def _names_of(candidate: Candidate) -> frozenset[str]:
    """What the failing test is called; a name of one word only as pytest would collect it."""
    error = candidate.error
    function = error.test_function.partition("[")[0]
    names = {error.nodeid, error.test_file.name, error.test_file.stem, *function.split("::")}
    return frozenset(name for name in names if name.lower().startswith("test") and len(name) > len("test"))


def _glances(code: Code, names: frozenset[str], own: str) -> Iterator[tuple[str, ast.AST]]:
    for module, node in imported_modules(code):
        if module.partition(".")[0] in _TEST_TOOLS:
            yield f"`{module.partition('.')[0]}`", node
    for node in code.nodes:
        if isinstance(node, ast.Attribute | ast.Name):
            what = _what_name(code, node)
        elif isinstance(node, ast.Constant | ast.BinOp):
            what = _what_text(code, node, names, own)
        else:
            continue
        if what:
            yield what, node


def _what_name(code: Code, node: ast.Attribute | ast.Name) -> str:
    name = code.full_name(node)
    if name in _STACK:
        return "its callers"
    if name == "sys.modules" and not _is_own_module(code, node):
        return "the loaded modules"
    if name == "sys.argv" and _is_compared_with_test(code, node):
        return "the command line of the tests"
    return ""


def _is_own_module(code: Code, node: ast.AST) -> bool:
    """`sys.modules[__name__]` is a module's way to itself."""
    parent = code.parents.get(node)
    return isinstance(parent, ast.Subscript) and ast.unparse(parent.slice).endswith(("__name__", "__module__"))


def _is_compared_with_test(code: Code, node: ast.AST) -> bool:
    around: ast.AST | None = node
    while around is not None and not isinstance(around, ast.stmt):
        around = code.parents.get(around)
    if isinstance(around, ast.If | ast.While):
        around = around.test
    texts = (child.value for child in ast.walk(around or node) if isinstance(child, ast.Constant))
    return any("test" in text.lower() for text in texts if isinstance(text, str))


def _what_text(code: Code, node: ast.Constant | ast.BinOp, names: frozenset[str], own: str) -> str:
    text = literal(node)
    if not isinstance(text, str) or node in code.docstrings or isinstance(code.parents.get(node), ast.JoinedStr):
        return ""
    if text in names or text.startswith("PYTEST_") or text in _TEST_TOOLS:
        return f"`{text}`"
    if text in _CI_VARIABLES and text not in own and _is_looked_up(code, node):
        return f"`{text}`"
    return ""


def _is_looked_up(code: Code, node: ast.AST) -> bool:
    """In the environment, or in something that was made of it."""
    parent = code.parents.get(node)
    around = code.parents.get(parent) if isinstance(parent, ast.Tuple | ast.List | ast.Set) else parent
    return isinstance(around, ast.Call | ast.Subscript | ast.Compare | ast.Assign | ast.comprehension)
