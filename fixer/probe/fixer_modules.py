"""Tells the modules of the project, whose sources may change, from those that are installed and stay as they are."""

import functools
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIBRARY = os.path.dirname(os.__file__) + os.sep


@functools.lru_cache(maxsize=None)
def is_installed(file):
    """Whether a file belongs to the standard library or to site-packages."""
    parts = file.split(os.sep)
    return file.startswith(_LIBRARY) or "site-packages" in parts or "dist-packages" in parts


def is_library(name):
    """Whether a module that is loaded is one of those, or built in."""
    file = getattr(sys.modules.get(name), "__file__", None)
    return name in sys.builtin_module_names or (isinstance(file, str) and is_installed(file))


def own_modules():
    """The modules that are loaded from files, and are neither installed nor Python's own, nor these here."""
    return [module for name, module in _from_files() if name != "__main__" and not _is_foreign(module.__file__)]


def installed_modules():
    """The names of those that belong to the standard library or to site-packages."""
    names = [name for name, module in _from_files() if is_installed(module.__file__)]
    return [name for name in names if name not in ("__main__", "conftest")]


def is_rewritten(module):
    """Whether pytest has changed its assertions: then what lives is not what compiling its source would give."""
    return type(getattr(module, "__loader__", None)).__name__ == "AssertionRewritingHook"


def _from_files():
    loaded = list(sys.modules.items())
    return [(name, module) for name, module in loaded if isinstance(getattr(module, "__file__", None), str)]


def _is_foreign(file):
    return is_installed(file) or file.startswith(_HERE)
