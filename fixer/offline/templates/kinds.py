"""Which classes of a module of the standard library are easily left out beside another one, learnt from the library."""

from __future__ import annotations

import importlib
from functools import lru_cache

_MODULES = frozenset(("datetime", "fractions", "pathlib", "collections", "collections.abc", "ipaddress"))
"""Harmless to import, and with classes of values."""
_MOST = 4


@lru_cache(maxsize=500)
def siblings(module: str, name: str) -> tuple[str, ...]:
    """The other public classes of a class's module, those alike first; none that it lets in already, and no errors."""
    held = getattr(importlib.import_module(module), name, None) if module in _MODULES else None
    if not isinstance(held, type):
        return ()
    public = vars(importlib.import_module(module)).items()
    others = {key: other for key, other in public if isinstance(other, type) and not key.startswith("_")}
    apart = {key: other for key, other in others.items() if not issubclass(other, held) and not issubclass(held, other)}
    own = {key: other for key, other in apart.items() if _home(other) == _home(held)}
    values = (key for key, other in own.items() if not issubclass(other, BaseException))
    return tuple(sorted(values, key=lambda key: -_shared(held, others[key]))[:_MOST])


def _home(kind: type) -> str:
    return kind.__module__.lstrip("_")


def _shared(one: type, other: type) -> float:
    """How much of what either offers both offer."""
    ours, theirs = set(dir(one)), set(dir(other))
    return len(ours & theirs) / len(ours | theirs)
