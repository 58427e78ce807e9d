"""Texts in the wrong form: a conversion that turns what was got into what was expected."""

from __future__ import annotations

import ast
import codecs
import html
import os.path
import re
import textwrap
import unicodedata
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from fixer.offline.place import Failure, Place
from fixer.offline.source import Edit, Source
from fixer.offline.templates.base import PAR, Example
from fixer.offline.templates.coordinated import at_once
from fixer.offline.templates.sides import sides


class Recoded:
    """A text that should be encoded, decoded, escaped or converted otherwise: the error shows that this is missing."""

    name = "text in the wrong form"
    source = PAR
    prior = 2.0
    examples = (
        Example(
            "def f(a):\n    return a['b']",
            "def f(a):\n    return a['b'].encode('latin-1').decode('utf-8')",
            "AssertionError: assert '/cafÃ©' == '/café'",
        ),
        Example(
            "def f(a, c):\n    d = c.encode('utf8').decode(\"latin1\", 'ignore')\n    x = {'b': a}",
            "def f(a, c):\n    d = c.encode('utf8').decode(\"latin1\", 'ignore')\n"
            "    x = {'b': a.encode('utf8').decode(\"latin1\", 'ignore')}",
            "AssertionError: assert '/文' == '/æ\x96\x87'",
        ),
        Example(
            "def f(a):\n    return g('to:%s' % a[0])",
            "def f(a):\n    from urllib.parse import quote\n    return g('to:%s' % quote(a[0], safe='@'))",
            "AssertionError: assert '<b>to:a%b@c</b>' == '<b>to:a%25b@c</b>'",
        ),
        Example(
            "import html\ndef f(a, b):\n    return a + b",
            "import html\ndef f(a, b):\n    return a + html.escape(b)",
            "AssertionError: 'a <b>' != 'a &lt;b&gt;'",
        ),
        Example(
            "from os import path\ndef f(a):\n    x = a",
            "from os import path\ndef f(a):\n    x = path.normpath(a)",
            "AssertionError: assert 'a/../b' == 'b'",
        ),
        Example("def f(a):\n    return a", "def f(a):\n    return a.lower()", "AssertionError: assert 'One' == 'one'"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put it around each value that is returned, kept, passed on or joined."""
        fitting = _fitting(place.failure)
        values = [node for node in place.loads(*_VALUES) if _is_text(place, node)] if fitting else []
        for weight, conversion in fitting:
            form, line = _spelled(place, conversion)
            for node in values:
                less = weight - (0.0 if isinstance(place.parent(node), _KEPT) else 0.5)
                edit = place.replace(node, form.format(_receiver(place, node, form)), less)
                yield from with_import(place, edit, line)


def with_import(place: Place, edit: Edit, line: str) -> Iterator[Edit]:
    """An edit with the import that it needs, in front of the statement, where it costs no more than the function.

    Nothing where the name stands for something else already.
    """
    if not line:
        yield edit
        return
    if line.rsplit(maxsplit=1)[-1] not in (*place.scope.locals, *place.scope.globals):
        for imported in place.before(line):
            unchanged = edit.start - imported.start + len(imported.text)
            yield at_once(place, [imported, edit], edit.weight + _PER_CHARACTER * unchanged)


@dataclass(frozen=True)
class _Conversion:
    """How it is written, with braces for the value; `needs` is the function of the library that a call names."""

    form: str
    apply: Callable[[str], str]
    needs: str = ""
    codecs: tuple[str, str] = ("", "")


_VALUES = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, ast.JoinedStr)
_KEPT = (ast.Return, ast.Assign, ast.AnnAssign, ast.Dict, ast.Yield)
_SLOTS = (*_KEPT, ast.AugAssign, ast.Call, ast.keyword, ast.BinOp, ast.IfExp, ast.BoolOp, ast.List, ast.Tuple)
_OTHER_WAY_ROUND = -1.0
_PER_CHARACTER = 0.02
"""For the import, and what stands unchanged between it and the value, which count as changed elsewhere."""
_LONGEST_CHAIN = 80
_BETWEEN = (None, r"\n", r"\s+", r"""[\s"'<>=:,;()\[\]{}]+""")
"""What divides texts into parts, of which only some may have to be converted."""
_SIGNS = frozenset("/@:?=&,+;!$'()*")
"""What an address may hold unquoted."""


def _is_text(place: Place, node: ast.expr) -> bool:
    """Whether a value may be one, and stands where it may be converted."""
    parent = place.parent(node)
    joins = all(isinstance(one.op, ast.Add | ast.Mod) for one in (node, parent) if isinstance(one, ast.BinOp))
    no_value = (isinstance(parent, ast.Dict) and node in parent.keys) or node is getattr(parent, "annotation", None)
    no_text = place.text(node) in ("self", "cls", "str", *place.scope.callables, *place.scope.collections)
    return joins and isinstance(parent, _SLOTS) and not no_value and not no_text and not place.is_called(node)


def _recoder(source: str, target: str) -> _Conversion:
    form = f"{{}}.encode({source!r}).decode({target!r})"
    return _Conversion(form, lambda text: text.encode(source).decode(target), codecs=(source, target))


def _normaliser(form: Literal["NFC", "NFKC", "NFD"]) -> _Conversion:
    return _Conversion(
        f"normalize({form!r}, {{}})", lambda text: unicodedata.normalize(form, text), "unicodedata.normalize"
    )


_CONVERSIONS = (
    _recoder("latin-1", "utf-8"),
    _recoder("utf-8", "latin-1"),
    _Conversion("unquote({})", urllib.parse.unquote, "urllib.parse.unquote"),
    _Conversion("unquote_plus({})", urllib.parse.unquote_plus, "urllib.parse.unquote_plus"),
    _Conversion("quote_plus({})", urllib.parse.quote_plus, "urllib.parse.quote_plus"),
    _Conversion("escape({})", html.escape, "html.escape"),
    _Conversion("escape({}, quote=False)", lambda text: html.escape(text, quote=False), "html.escape"),
    _Conversion("unescape({})", html.unescape, "html.unescape"),
    _Conversion("normpath({})", os.path.normpath, "os.path.normpath"),
    _normaliser("NFC"),
    _normaliser("NFKC"),
    _normaliser("NFD"),
    _Conversion("{}.expandtabs(4)", lambda text: text.expandtabs(4)),
    _Conversion("dedent({})", textwrap.dedent, "textwrap.dedent"),
    _Conversion("re.escape({})", re.escape, "re"),
)
_PLAIN = (
    *(
        _Conversion(f"{{}}.{name}()", getattr(str, name))
        for name in ("strip", "rstrip", "lstrip", "lower", "upper", "capitalize", "title", "swapcase")
    ),
    _Conversion("repr({})", repr),
)


@lru_cache(maxsize=8)
def _fitting(failure: Failure) -> tuple[tuple[float, _Conversion], ...]:
    """The conversions that turn one side of the assertion into the other."""
    found: dict[str, tuple[float, _Conversion]] = {}
    for one, other in sides(failure):
        for weight, got, expected in ((0.0, one, other), (_OTHER_WAY_ROUND, other, one)):
            for conversion in (one for differ in _differing(got, expected) for one in _all_that_fit(differ)):
                found.setdefault(conversion.form, (weight, conversion))
    return tuple(found.values())


def _differing(got: str, expected: str) -> Iterator[set[tuple[str, str]]]:
    """The parts in which two texts differ, by what divides them; a conversion has to fit them all."""
    for between in _BETWEEN:
        ours, theirs = (re.split(between, text) if between else [text] for text in (got, expected))
        if len(ours) == len(theirs):
            yield {(one, other) for one, other in zip(ours, theirs, strict=True) if one != other}


def _all_that_fit(differ: set[tuple[str, str]]) -> list[_Conversion]:
    """One of either kind: others that fit do the same here."""
    if not differ:
        return []
    fit, plain = (
        [one for one in conversions if all(_turns(one, *pair) for pair in differ)]
        for conversions in ((_quoting(differ), *_CONVERSIONS), _PLAIN)
    )
    return fit[:1] + plain[:1]


def _turns(conversion: _Conversion, got: str, expected: str) -> bool:
    try:
        return conversion.apply(got) == expected
    except ValueError:  # what cannot be encoded or decoded
        return False


def _quoting(differ: set[tuple[str, str]]) -> _Conversion:
    """To quote for an address, but for the signs that are expected as they are."""
    safe = "".join(sorted({sign for got, expected in differ for sign in got if sign in expected} & _SIGNS))
    form = "quote({})" if safe in ("", "/") else f"quote({{}}, safe={safe!r})"
    return _Conversion(form, lambda text: urllib.parse.quote(text, safe=safe or "/"), "urllib.parse.quote")


def _spelled(place: Place, conversion: _Conversion) -> tuple[str, str]:
    """The form as the file would write it, and the import that it is missing."""
    module, _, function = conversion.needs.rpartition(".")
    if not conversion.needs:
        return _chains(place.source).get(_normal(*conversion.codecs), conversion.form), ""
    for name, whole in place.scope.imported.items():
        if whole == conversion.needs:
            return conversion.form.replace(f"{function}(", f"{name}(", 1), ""
        if whole == module:
            return f"{name}.{conversion.form}", ""
    package = module.partition(".")[0]
    if place.scope.imported.get(package) == package:
        return f"{module}.{conversion.form}", ""
    return conversion.form, f"from {module} import {function}" if module else f"import {function}"


@lru_cache(maxsize=8)
def _chains(source: Source) -> dict[tuple[str, str], str]:
    """How the file encodes and decodes at once, by the two encodings."""
    found = {}
    for call in (node for node in ast.walk(source.tree) if isinstance(node, ast.Call)):
        inner = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "decode" else None
        if not isinstance(inner, ast.Call) or not isinstance(inner.func, ast.Attribute) or source.is_in_fstring(call):
            continue
        names = [one.args[0].value for one in (inner, call) if one.args and isinstance(one.args[0], ast.Constant)]
        if inner.func.attr == "encode" and len(names) == 2 and all(isinstance(name, str) for name in names):
            chain = source.text[source.span(inner.func.value)[1] : source.span(call)[1]].lstrip(")")
            if len(chain) <= _LONGEST_CHAIN and not set(chain) & {*"\n{}"}:
                found[_normal(*map(str, names))] = "{}" + chain
    return found


def _normal(source: str, target: str) -> tuple[str, str]:
    """Two encodings, by the names that they have whatever they are called."""
    try:
        return codecs.lookup(source).name, codecs.lookup(target).name
    except (LookupError, ValueError):
        return source, target


def _receiver(place: Place, node: ast.expr, form: str) -> str:
    text = place.text(node)
    return f"({text})" if form.startswith("{}.") and isinstance(node, ast.BinOp) else text
