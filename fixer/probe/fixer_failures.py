"""Keeps what pytest works out anew for each failure, so that a thousand of them in one file cost a thousand times one.

For every frame that pytest shows it parses the whole file. The tree stays the same as long as the source does.
"""

import ast
import inspect

_MOST_TREES = 16
_PARAMETERS = ["lineno", "source", "assertion", "astnode"]


def parse_once():
    """Have pytest show failures as it does, and read each source once; nothing where this pytest does it otherwise."""
    try:
        from _pytest._code import code

        plain = getattr(code, "getstatementrange_ast")  # noqa: B009
        fits = list(inspect.signature(plain).parameters) == _PARAMETERS
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
