"""Which tests the user asked for by their exact id, however the path in it was written."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path


class Named:
    """Says of a node id whether it was typed; a test is also named when its parameters were left out."""

    def __init__(self, typed: Sequence[str], folder: Path, rootdir: Callable[[], Path]) -> None:
        split = (name.partition("::") for name in typed)
        self._typed = [(os.path.normpath(folder / file), rest) for file, _, rest in split if rest]
        self._rootdir = rootdir

    def __call__(self, nodeid: str) -> bool:
        """Whether the user typed it. What is typed is relative to a folder, a node id to pytest's rootdir."""
        file, _, rest = nodeid.partition("::")
        path = os.path.normpath(self._rootdir() / file)
        return any(path == where and (rest == typed or rest.startswith(f"{typed}[")) for where, typed in self._typed)
