"""Gives functions that live already the code of a changed source, where that is the same as importing it again.

It is, where nothing that runs at import time differs: module and class bodies, defaults, decorators, and functions
that ran while the tests were collected. Otherwise `Swapper.swap` says no, and the change has to be imported.
"""

import gc
import os
import sys
import types

_OPTIMIZED = 0x1  # CO_OPTIMIZED: a function; the bodies of modules and classes do not have it


class Recorder:
    """Notes which functions run; to be started before the tests are collected."""

    def __init__(self):
        self._ran = {}

    def start(self):
        sys.setprofile(self._note)

    def stop(self):
        """The keys of what ran."""
        sys.setprofile(None)
        return {_key(code) for code in self._ran.values()}

    def _note(self, frame, event, argument):
        del argument
        if event == "call":
            self._ran[id(frame.f_code)] = frame.f_code


class Swapper:
    """Made once, when everything is collected; used in the forks."""

    def __init__(self, ran):
        self._ran = ran
        self._old = {}
        self._live: "dict[tuple[str, int, str], list[types.FunctionType]]" = {}
        self._modules = {os.path.realpath(file) for file in map(_file_of, list(sys.modules.values())) if file}
        for found in gc.get_objects():
            if type(found) is types.FunctionType:
                self._live.setdefault(_key(found.__code__), []).append(found)

    def prepare(self, paths):
        """Compile what is on disk now, so that the forks need not."""
        for path in paths:
            if path not in self._old:
                with open(path, "rb") as file:
                    self._old[path] = compile(file.read(), path, "exec", dont_inherit=True)

    def swap(self, files):
        """Make the changes, all or none; whether that was possible."""
        pairs: "list[tuple[types.CodeType, types.CodeType]]" = []
        try:
            for path, text in files.items():
                if os.path.realpath(path) in self._modules:
                    new = compile(text, path, "exec", dont_inherit=True)
                    _match(self._old[path], new, pairs)
            changes = [(function, new) for old, new in pairs for function in self._functions(old)]
        except (Different, SyntaxError, ValueError):
            return False
        for function, code in changes:
            function.__code__ = code
        return True

    def _functions(self, old):
        key = _key(old)
        if key in self._ran or key not in self._live:
            raise Different
        return self._live[key]


class Different(Exception):
    """Something differs that cannot be swapped."""


_files: "dict[str, str]" = {}


def _key(code):
    name = code.co_filename
    if name not in _files:
        _files[name] = os.path.realpath(name)
    return _files[name], code.co_firstlineno, code.co_name


def _file_of(module):
    return getattr(module, "__file__", None)


def _match(old, new, pairs):
    """Collect the functions directly inside two bodies that differ; the bodies themselves must not."""
    if _skeleton(old) != _skeleton(new):
        raise Different
    for before, after in zip(_inner(old), _inner(new)):
        if not before.co_flags & _OPTIMIZED:
            _match(before, after, pairs)
        elif _meaning(before) != _meaning(after):
            swappable = before.co_name == "<lambda>" or not before.co_name.startswith("<")
            if not swappable or before.co_freevars != after.co_freevars:
                raise Different
            pairs.append((before, after))


def _inner(code):
    return [const for const in code.co_consts if isinstance(const, types.CodeType)]


def _skeleton(code):
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, _constants(code)


def _constants(code):
    """The constants with their types, because 1 equals True, and with the names of functions in their place."""
    return [
        const.co_name if isinstance(const, types.CodeType) else (type(const), repr(const)) for const in code.co_consts
    ]


def _meaning(code):
    """Everything but where it stands."""
    return _skeleton(code), code.co_flags, code.co_argcount, [_meaning(inner) for inner in _inner(code)]
