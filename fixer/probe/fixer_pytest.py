"""Runs pytest as `python -m pytest` would, on the byte code that what is installed has already.

A run has a place of its own for byte code (`sys.pycache_prefix`), and Python looks for all of it there: the first run
in each working tree, and each search of the offline model, would compile pytest and all that the project needs anew.
"""

import contextlib
import os
import runpy
import sys

from fixer_modules import is_installed  # type: ignore[import-not-found]


def main():
    """Be pytest."""
    use_installed_bytecode()
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)


def use_installed_bytecode():
    """For what is installed, have Python and pytest read the byte code beside it, where that is there."""
    _have_python_use_it()
    with contextlib.suppress(ImportError):
        _have_pytest_use_it()


def _have_python_use_it():
    external = sys.modules["_frozen_importlib_external"]
    place = external.cache_from_source  # what loaders call; importlib.util's stays as it is documented

    def placed(path, *arguments, **options):
        found = place(path, *arguments, **options)
        return _beside(str(path), os.path.basename(found)) or found

    setattr(external, "cache_from_source", placed)  # noqa: B010


def _have_pytest_use_it():
    """Of plugins it keeps what it compiles apart, because it changes their assertions."""
    import pytest  # noqa: F401  # before its parts, as whoever runs it does
    from _pytest.assertion import rewrite

    place = rewrite.get_cache_dir

    def placed(path):
        found = _beside(str(path), path.name[:-3] + rewrite.PYC_TAIL)
        return path.parent / "__pycache__" if found else place(path)

    setattr(rewrite, "get_cache_dir", placed)  # noqa: B010


def _beside(path, name):
    if not is_installed(path):
        return None
    beside = os.path.join(os.path.dirname(path), "__pycache__", name)
    return beside if os.path.exists(beside) else None


if __name__ == "__main__":
    main()
