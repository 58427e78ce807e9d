"""Keeps what pytest works out anew for each failure, so that a thousand of them in one file cost a thousand times one.

For every frame that pytest shows it parses the whole file. The tree stays the same as long as the source does.
"""

import ast
import contextlib
import inspect
import itertools
import linecache
import sys
import tokenize
from collections import abc

_MOST_TREES = 16
_MOST_CHARACTERS = 2000000
_COMPARED: "tuple[type, ...]" = (int, float, str, bytes, bool, type(None), list, tuple, dict, set, frozenset)
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


def fail_once():
    """As a test does, so that what Python and pytest keep of the way there is kept for all runs."""
    read_pytest()
    inspect.getmodule(fail_once.__code__)
    list(tokenize.generate_tokens(iter(["assert (\n", "1)\n", ""]).__next__))
    for compared, kind in itertools.product(_COMPARED, (abc.Sequence, abc.Set, abc.Mapping)):
        issubclass(compared, kind)  # which pytest asks of both sides, and these keep for each class
    with contextlib.suppress(Exception):
        from _pytest._code import ExceptionInfo

        try:
            raise ValueError
        except ValueError:
            ExceptionInfo.from_current().getrepr(style="long")


def place_once(items):
    """Have pytest know where these tests stand, which it keeps."""
    for item in items:
        with contextlib.suppress(Exception):  # whoever runs it will find that out
            item.location  # noqa: B018


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
    for function in found.values():
        inspect.getmodule(function.__code__)  # else each traceback looks through all modules for it
    characters = 0
    for function in found.values():
        with contextlib.suppress(Exception):  # generated, or gone: whoever shows it will find that out
            source, _ = findsource(function)
            characters += len(str(source))
            if source is not None and characters < _MOST_CHARACTERS:
                code.getstatementrange_ast(0, source)  # type: ignore[attr-defined]
