"""What the standard library offers under a name, learnt from the library itself."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

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


def imports_for(name: str) -> Iterator[str]:
    """The import statements that would bind a name, the likeliest first."""
    if name in sys.stdlib_module_names and not name.startswith("_"):
        yield f"import {name}"
    for module in _COMMON:
        if name and not name.startswith("_") and hasattr(importlib.import_module(module), name):
            yield f"from {module} import {name}"
