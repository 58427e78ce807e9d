"""Gives functions that live already the code of a changed source, where that is the same as importing it again.

It is, where nothing that runs at import time differs: module and class bodies, defaults, decorators, and functions
that ran while the tests were collected. Otherwise `Swapper.swap` says no, and the change has to be imported. Of a file
only the definition that has changed is compiled, in the place where it stands, which is what makes large files quick.
"""

import __future__

import ast
import contextlib
import cProfile
import gc
import importlib
import itertools
import os
import sys
import tokenize
import types

from _pytest.assertion import rewrite
from fixer_modules import is_installed  # type: ignore[import-not-found]
from fixer_renew import Unclear  # type: ignore[import-not-found]
from fixer_texts import same_around  # type: ignore[import-not-found]

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_OPTIMIZED = 0x1  # CO_OPTIMIZED: a function; the bodies of modules and classes do not have it


class Recorder:
    """Notes which functions run; to be started before the tests are collected.

    By the profiler of the standard library, which counts in C: with a tracer, collecting takes more than twice as long.
    """

    def __init__(self):
        self._profiler = cProfile.Profile()
        self._displaced = False
        self._rewrite = rewrite._rewrite_test

    def start(self):
        setattr(rewrite, "_rewrite_test", self._rewrite_unheard)  # noqa: B010
        self._listen()

    def stop(self):
        """The keys of what ran; None where another profiler has, or had, the place of this one."""
        self._pause()
        setattr(rewrite, "_rewrite_test", self._rewrite)  # noqa: B010
        if self._displaced:
            return None
        codes = [entry.code for entry in self._profiler.getstats()]
        return {_key(code) for code in codes if isinstance(code, types.CodeType)}

    def _listen(self):
        if not self._displaced:
            try:
                self._profiler.enable(subcalls=False, builtins=False)
            except ValueError:  # from Python 3.12 on who comes later is refused
                self._displaced = True

    def _pause(self):
        # From Python 3.12 on `sys.setprofile` has a place of its own.
        if sys.version_info < (3, 12) and id(sys.getprofile()) != id(self._profiler):
            self._displaced = True
        if not self._displaced:
            self._profiler.disable()

    def _rewrite_unheard(self, *arguments):
        """Nothing of the project runs there, but much of pytest."""
        self._pause()
        try:
            return self._rewrite(*arguments)
        finally:
            self._listen()


class Swapper:
    """Made once, when everything is collected; used in the forks."""

    def __init__(self, ran):
        self._ran = ran
        self._sources = {}
        self._texts = {}
        self._live: "dict[tuple[str, int, str], list[types.FunctionType]]" = {}
        self._look()

    def load(self, names):
        """Import these modules, which the tests import when they run; they are swapped like others from here on."""
        recorder = Recorder()
        recorder.start()
        for name in names:
            with contextlib.suppress(BaseException):  # the test that needs it will say so
                importlib.import_module(name)
        ran = recorder.stop()
        if ran is None:
            os._exit(0)  # others can import what changes
        self._ran |= ran
        self._look()

    def _look(self):
        """At what lives; what is frozen (`gc.freeze`) is not seen again."""
        self._modules = {_real(file) for file in map(_file_of, list(sys.modules.values())) if isinstance(file, str)}
        for found in gc.get_objects():
            # Most are installed, and have to be imported if they change at all.
            if type(found) is types.FunctionType and not is_installed(found.__code__.co_filename):
                known = self._live.setdefault(_key(found.__code__), [])
                if not any(found is one for one in known):
                    known.append(found)

    def prepare(self, paths):
        """Read what is on disk now, so that the forks need not."""
        for path in paths:
            if path not in self._sources:
                self._sources[path] = Source(path, _text_of(path))

    def swap(self, files):
        """Make the changes, all or none; whether that was possible."""
        changes = self.changes(files)
        for function, code in changes or ():
            function.__code__ = code
        return changes is not None

    def remember(self, paths):
        """Keep the texts of these files, to be compared with what will be there later."""
        self._texts = {path: _text_of(path) for path in paths}

    def read(self, paths):
        """What is there now; None where not all of the files are remembered, or one is gone."""
        if not all(path in self._texts for path in paths):
            return None
        for path in paths:
            self._sources.setdefault(path, Source(path, self._texts[path]))
        try:
            return {path: _text_of(path) for path in paths}
        except (OSError, SyntaxError, ValueError):
            return None

    def changes(self, files, *, all_loaded=False, lines=False, early=False):
        """Living functions with their new code; None where these changes have to be imported.

        A file that is not loaded will be, and is passed over; unless all of them have to be loaded already. With
        `lines`, so have functions that have only moved; with `early`, those that ran while the tests were collected.
        """
        pairs: "list[tuple[types.CodeType, types.CodeType]]" = []
        try:
            for path, text in files.items():
                if os.path.realpath(path) in self._modules:
                    old, new = self._sources[path].compiled(text, whole=lines)
                    _match(old, new, pairs, lines)
                elif all_loaded:
                    return None
            return [(function, new) for old, new in pairs for function in self._functions(old, new, early)]
        except (Different, SyntaxError, ValueError):
            return None

    def renew(self, files, renewal):
        """Run again what these texts change of the modules' bodies. Raises Unclear, and what that raises."""
        for path, text in files.items():
            if path not in self._sources:
                raise Unclear
            renewal.run(path, *self._sources[path].statements(text))

    def ran_early(self, codes):
        """Whether one of these ran while the tests were collected, so that the change came too late for that."""
        return any(_key(code) in self._ran for code in codes)

    def _functions(self, old, new, early):
        key = _key(old)
        found = self._live.get(key, [])
        if (
            (key in self._ran and not early)
            or not found
            or any(one.__code__.co_freevars != new.co_freevars for one in found)
        ):
            raise Different
        return found


class Source:
    """A file as it was, of which changed versions are compiled as far as they differ."""

    def __init__(self, path, text):
        self._path = path
        self._tree = ast.parse(text, path)
        self._whole = compile(self._tree, path, "exec", dont_inherit=True)
        self._flags = self._whole.co_flags & __future__.annotations.compiler_flag
        self._text = text
        self._starts = list(itertools.accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
        self._parts: "dict[int, _Part]" = {}

    def compiled(self, text, *, whole=False):
        """The code as it is, and as it would be with this text: of all of it, or of the definition that differs."""
        if whole:
            return self._whole, compile(text, self._path, "exec", dont_inherit=True)
        text = text.replace("\r\n", "\n")
        before, behind = same_around(self._text, text)
        first, last = (1 + self._text.count("\n", 0, at) for at in (before, len(self._text) - behind))
        chain = _definition(self._tree, first, last)
        if not chain:
            return self._whole, compile(text, self._path, "exec", dont_inherit=True)
        key = chain[-1].lineno
        if key not in self._parts:
            self._parts[key] = self._part(chain)
        part = self._parts[key]
        grown = len(text) - len(self._text)
        return part.code, self._compiled(part.head + text[part.start : part.end + grown] + "\n")

    def statements(self, text):
        """How to compile them, the statements of the module as they would be where this text differs, and the rest."""
        text = text.replace("\r\n", "\n")
        before, behind = same_around(self._text, text)
        first, last = (1 + self._text.count("\n", 0, at) for at in (before, len(self._text) - behind))
        body = self._tree.body
        inside = [one for one in body if _first_line(one) <= last and first <= one.end_lineno]
        first, last = (
            min([first, *map(_first_line, inside)]),
            max([last, *(one.end_lineno for one in inside)]),
        )
        end = self._starts[last] if last < len(self._starts) else len(self._text)
        part = text[self._starts[first - 1] : end + len(text) - len(self._text)]
        return self._flags, ast.parse(part).body, [one for one in body if _first_line(one) > last]

    def _part(self, chain):
        """Of the lines only the last definition, in classes of the same names, as far down as it stands."""
        *classes, function = chain
        first = _first_line(function)
        kept = [""] * (first - 1)
        for one in classes:
            line = self._text[self._starts[one.lineno - 1] : self._starts[one.lineno] - 1]
            kept[one.lineno - 1] = "%sclass %s:" % (line[: len(line) - len(line.lstrip())], one.name)
        head = "".join(line + "\n" for line in kept)
        start, end = self._starts[first - 1], self._starts[function.end_lineno] - 1
        return _Part(head, start, end, self._compiled(head + self._text[start:end] + "\n"))

    def _compiled(self, text):
        return compile(text, self._path, "exec", self._flags, dont_inherit=True)


class _Part:
    """A definition: what is put in front of its text to compile it alone, where that stands, and what it is now."""

    def __init__(self, head, start, end, code):
        self.head, self.start, self.end, self.code = head, start, end, code


class Different(Exception):
    """Something differs that cannot be swapped."""


_files: "dict[str, str]" = {}
_folders: "dict[str, str]" = {}


def _key(code):
    return _real(code.co_filename), code.co_firstlineno, code.co_name


def _real(name):
    """Where a file really is; of the thousand that are loaded most stand in the same few folders."""
    if name not in _files:
        folder, file = os.path.split(name)
        if folder not in _folders:
            _folders[folder] = os.path.realpath(folder)
        path = os.path.join(_folders[folder], file)
        _files[name] = path if file not in ("", ".", "..") and not os.path.islink(path) else os.path.realpath(name)
    return _files[name]


def _text_of(path):
    with tokenize.open(path) as file:
        return file.read()


def _file_of(module):
    return getattr(module, "__file__", None)


def _first_line(node):
    return min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])


def _definition(tree, first, last):
    """The function that these lines lie inside of, behind the classes that it stands in; empty where there is none."""
    chain: "list[ast.AST]" = []
    bodies = tree.body
    while True:
        around = [
            one for one in bodies if isinstance(one, _DEFINITIONS) and one.lineno < first <= last <= one.end_lineno
        ]
        if not around or (isinstance(around[0], ast.ClassDef) and getattr(around[0], "type_params", None)):
            return []
        chain.append(around[0])
        if not isinstance(around[0], ast.ClassDef):
            return chain
        bodies = around[0].body


def _match(old, new, pairs, lines=False):
    """Collect the functions directly inside two bodies that differ; the bodies themselves must not."""
    if _skeleton(old) != _skeleton(new):
        raise Different
    for before, after in zip(_inner(old), _inner(new)):
        if not before.co_flags & _OPTIMIZED:
            _match(before, after, pairs, lines)
        elif before != after if lines else _meaning(before) != _meaning(after):
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
