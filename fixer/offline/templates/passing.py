"""Arguments passed under the wrong name, twice, or alone where several are asked for."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from fixer.offline.place import Place, likeness
from fixer.offline.source import Edit, Function, parameters
from fixer.offline.templates.base import PYTER, SSTUBS, Example


class KeywordTwice:
    """A keyword argument that a dictionary passed on may hold as well."""

    name = "keyword twice"
    source = PYTER
    prior = 2.0
    examples = (
        Example(
            "f(a, b=c, **d)",
            "f(a, **{**d, 'b': c})",
            "TypeError: f() got multiple values for keyword argument 'b'",
        ),
        Example(
            "f(b=c, **d)",
            "f(**{'b': c, **d})",
            "TypeError: m.f() got multiple values for keyword argument 'b'",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Let one of the two win."""
        name = place.failure.quoted("TypeError", "multiple values for keyword argument")
        for call in place.nodes(ast.Call):
            rest = [keyword for keyword in call.keywords if keyword.arg is None]
            for given in (keyword for keyword in call.keywords if name and keyword.arg == name):
                if rest and call.keywords[-1] is rest[-1]:
                    own, others = f"{name!r}: {place.text(given.value)}", f"**{place.text(rest[-1].value)}"
                    before = [place.text(one) for one in (*call.args, *call.keywords[:-1]) if one is not given]
                    start, end = place.source.span(call.func)[1], place.source.span(call)[1]
                    for weight, both in enumerate((f"{others}, {own}", f"{own}, {others}")):
                        text = ", ".join([*before, f"**{{{both}}}"])
                        yield Edit(start, end, f"({text})", -0.3 * weight)


class UnknownKeyword:
    """A keyword argument that the function does not know."""

    name = "unknown keyword"
    source = PYTER
    prior = 2.0
    examples = (
        Example(
            "def f(names):\n    pass\nf(name=1)",
            "def f(names):\n    pass\nf(names=1)",
            "TypeError: f() got an unexpected keyword argument 'name'",
        ),
        Example(
            "class A:\n    def __init__(self, a, size=1):\n        pass\nx = A(1, sizes=2)",
            "class A:\n    def __init__(self, a, size=1):\n        pass\nx = A(1, size=2)",
            "TypeError: A.__init__() got an unexpected keyword argument 'sizes'. Did you mean 'size'?",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Name one that it does know and that looks like it."""
        unknown = place.failure.quoted("TypeError", "unexpected keyword argument")
        given = [keyword for call in place.nodes(ast.Call) for keyword in call.keywords if keyword.arg == unknown]
        if not unknown or not given:
            return
        called = re.findall(r"(\w+)\(\)", place.failure.message)
        functions = (node for node in place.source.statements if isinstance(node, Function) and node.name in called)
        meant = re.findall(r"Did you mean '(\w+)'", place.failure.message)
        for name in dict.fromkeys([*meant, *(name for function in functions for name in parameters(function))]):
            if likeness(unknown, name) >= _ALIKE:
                yield from (_renamed(place, one, name, likeness(unknown, name)) for one in given)


class KeywordUnlike:
    """A keyword argument that is not named after its value, as those beside it are."""

    name = "keyword unlike its value"
    source = SSTUBS
    prior = 0.6
    examples = (
        Example("f(_a_forbid=forbid, _a_use_linger=linger)", "f(_a_forbid=forbid, _a_linger=linger)"),
        Example("x = f(size=a.size, width=width, heights=height)", "x = f(size=a.size, width=width, height=height)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Name it as those are named."""
        for call in place.nodes(ast.Call):
            named = [(keyword, keyword.arg, _last_word(keyword.value)) for keyword in call.keywords if keyword.arg]
            prefixes = Counter(name.removesuffix(word) for _, name, word in named if word and name.endswith(word))
            for prefix in (one for one, count in prefixes.items() if count == max(prefixes.values())):
                for keyword, name, word in named:
                    meant = prefix + word
                    if word and name != meant and likeness(name, meant) >= _ALIKE:
                        yield _renamed(place, keyword, meant, likeness(name, meant))


class TextForTexts:
    """A text alone where its neighbour is a collection: what asks whether a text is in it finds parts of it, too."""

    name = "text for a collection of texts"
    source = PYTER
    prior = 0.4
    examples = (
        Example("x = f(a, ('b',), 'c')", "x = f(a, ('b',), ('c',))"),
        Example("x = f(['a', 'b'], c='d')", "x = f(['a', 'b'], c=['d'])"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put it in a collection of the same kind."""
        for call in place.nodes(ast.Call):
            values = [*call.args, *(keyword.value for keyword in call.keywords)]
            kinds = dict.fromkeys(type(value) for value in values if isinstance(value, ast.Tuple | ast.List))
            for value in (one for one in values if isinstance(one, ast.Constant) and isinstance(one.value, str)):
                for kind in kinds:
                    form = "({},)" if kind is ast.Tuple else "[{}]"
                    yield place.replace(value, form.format(place.text(value)))


_ALIKE = 0.6


def _renamed(place: Place, keyword: ast.keyword, name: str, weight: float) -> Edit:
    start, _ = place.source.span(keyword)
    return Edit(start, start + len(keyword.arg or ""), name, weight)


def _last_word(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
