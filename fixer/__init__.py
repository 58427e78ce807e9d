"""Takes a red pytest run and makes it green, one verified commit at a time."""

from __future__ import annotations


def __getattr__(name: str) -> str:
    """Read the version from the installed metadata when it is asked for, not at import."""
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-fixer")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
