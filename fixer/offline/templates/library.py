"""What the standard library offers under a name, learnt from the library itself."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from functools import lru_cache

# Modules whose names are commonly used without their module; importing them has no effect on anything else.
_COMMON = (
    "collections",
    "functools",
    "itertools",
    "typing",
    "dataclasses",
    "pathlib",
    "datetime",
    "math",
    "re",
    "json",
    "decimal",
    "fractions",
    "enum",
    "contextlib",
    "collections.abc",
    "abc",
    "copy",
    "random",
    "operator",
    "string",
    "statistics",
    "heapq",
    "bisect",
    "io",
    "os",
    "os.path",
    "shutil",
    "tempfile",
    "textwrap",
    "time",
    "types",
    "uuid",
    "urllib.parse",
)

_WITH_OPTIONS = frozenset(
    (
        *("json", "urllib.parse", "os", "os.path", "shutil", "textwrap", "difflib", "csv", "re", "string"),
        *("itertools", "functools", "collections", "html", "base64", "shlex", "subprocess", "tempfile", "pathlib"),
    )
)
"""Harmless to import as well."""
_HIDE_OR_OPEN = ("ignore_errors", "ignore_cleanup_errors", "ignore_dangling_symlinks", "shell")
"""Options that hide errors, or let a text run as a program."""


@lru_cache(maxsize=500)
def options_of(name: str) -> tuple[tuple[int, str, bool], ...]:
    """The options of a function of the library that are true or false: place, name and default of each."""
    module, _, function = name.rpartition(".")
    if module not in _WITH_OPTIONS:
        return ()
    try:
        parameters = inspect.signature(getattr(importlib.import_module(module), function)).parameters.values()
    except (AttributeError, TypeError, ValueError):  # what is written in C need not tell
        return ()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(
        (sys.maxsize if one.kind is inspect.Parameter.KEYWORD_ONLY else place, one.name, one.default)
        for place, one in enumerate(parameters)
        if isinstance(one.default, bool) and one.kind in named and one.name not in _HIDE_OR_OPEN
    )


def imports_for(name: str) -> Iterator[str]:
    """The import statements that would bind a name, the likeliest first."""
    if name in sys.stdlib_module_names and not name.startswith("_"):
        yield f"import {name}"
    for module in _COMMON:
        if name and not name.startswith("_") and hasattr(importlib.import_module(module), name):
            yield f"from {module} import {name}"
