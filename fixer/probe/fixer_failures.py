"""Keeps what pytest works out anew for each failure, so that a thousand of them in one file cost a thousand times one.

For every frame that pytest shows it parses the whole file. The tree stays the same as long as the source does.
"""

import ast
import contextlib
import inspect
import linecache
import sys

_MOST_TREES = 16
_MOST_CHARACTERS = 2000000
_PARAMETERS = ["lineno", "source", "assertion", "astnode"]


def parse_once():
    """Have pytest show failures as it does, and read each source once; nothing where this pytest does it otherwise."""
    try:
        from _pytest._code import code

        plain = getattr(code, "getstatementrange_ast")  # noqa: B009
        fits = plain.__module__ != __name__ and list(inspect.signature(plain).parameters) == _PARAMETERS
    except (ImportError, AttributeError, TypeError, ValueError):
        return
    if not fits:
        return
    trees: "dict[str, ast.AST]" = {}

    def remembering(lineno, source, assertion=False, astnode=None):
        content = str(source)
        found = plain(lineno, source, assertion, astnode or trees.get(content))
        if len(trees) >= _MOST_TREES and content not in trees:
            trees.clear()
        trees[content] = found[0]
        return found

    setattr(code, "getstatementrange_ast", remembering)  # noqa: B010


def read_pytest():
    """Have the lines at hand that every traceback leads through."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("_pytest.", "pluggy.")):
            linecache.getlines(getattr(module, "__file__", None) or "")


def read_tests(functions):
    """Parse the files that these stand in, as far as that is not too much."""
    from _pytest._code import code
    from _pytest._code.source import findsource

    found = {function.__code__.co_filename: function for function in functions if hasattr(function, "__code__")}
    characters = 0
    for function in found.values():
        with contextlib.suppress(Exception):  # generated, or gone: whoever shows it will find that out
            source, _ = findsource(function)
            characters += len(str(source))
            if source is not None and characters < _MOST_CHARACTERS:
                code.getstatementrange_ast(0, source)  # type: ignore[attr-defined]
