"""Wrong calls: arguments swapped, dropped or added, calls too many or too few."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import combinations, permutations

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import ELEMENTS, PAR, PYTER, SSTUBS, TBAR, Example
from fixer.offline.templates.library import options_of


class ArgumentOrder:
    """Arguments, indices or elements the wrong way round."""

    name = "argument order"
    source = SSTUBS
    prior = 1.0
    examples = (
        Example("x = f(a, b)", "x = f(b, a)"),
        Example("x = f(\n    a,  # one\n    b,\n)", "x = f(\n    b,  # one\n    a,\n)"),
        Example("x = m[i, j]", "x = m[j, i]"),
        Example("x = m[i][j]", "x = m[j][i]"),
        Example("a, b = f()", "b, a = f()"),
        Example("x = f(a=p, b=q)", "x = f(a=q, b=p)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Swap two of them."""
        for call in place.nodes(ast.Call):
            values = [*call.args, *(keyword.value for keyword in call.keywords)]
            yield from _swaps(place, values)
        for group in place.nodes(ast.Tuple, ast.List):
            yield from _swaps(place, [node for node in ast.iter_child_nodes(group) if isinstance(node, ast.expr)])
        for node in place.nodes(ast.Subscript):
            if isinstance(node.value, ast.Subscript):
                yield from _swaps(place, [node.value.slice, node.slice])


class ArgumentTooMany:
    """An argument too many."""

    name = "argument too many"
    source = SSTUBS
    prior = 0.5
    examples = (
        Example("x = f(a, b)", "x = f(a)"),
        Example("x = f(a, key=b)", "x = f(a)"),
        Example("x = f(a)", "x = f()"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Leave one out."""
        for call in place.nodes(ast.Call):
            texts = _arguments(place, call)
            for index in range(len(texts)):
                yield _with_arguments(place, call, texts[:index] + texts[index + 1 :])


class ArgumentMissing:
    """A missing argument: a name in sight, or a common option."""

    name = "missing argument"
    source = SSTUBS
    prior = 0.5
    examples = (
        Example("def f(a, b):\n    return g(a)", "def f(a, b):\n    return g(a, b)"),
        Example("x = sorted(a)", "x = sorted(a, reverse=True)"),
        Example("x = s.split()", "x = s.split(',')"),
        Example("x = s.split(':')", "x = s.split(':', 1)"),
        Example(
            "a, b = s.rsplit('-')", "a, b = s.rsplit('-', 1)", "ValueError: too many values to unpack (expected 2)"
        ),
        Example("x = s.expandtabs()", "x = s.expandtabs(4)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Add one, in every position."""
        for call in place.nodes(ast.Call):
            texts = _arguments(place, call)
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            for weight, option in enumerate((*_OPTIONS.get(name, ()), *_NEXT.get((name, len(texts)), ()))):
                asked = option == "1" and "split" in name and _is_split_too_often(place)
                yield _with_arguments(place, call, [*texts, option], 0.5 - 0.2 * weight + asked)
            for other in place.scope.locals:
                if other not in texts:
                    for index in range(len(call.args) + 1):
                        yield _with_arguments(place, call, [*texts[:index], other, *texts[index:]], -0.2)


class OptionMissing:
    """A function of the standard library that should do it the other way, for which it has an option."""

    name = "missing option"
    source = "signatures of the standard library; boolean arguments (TBar, Liu et al. 2019)"
    prior = 0.4
    examples = (
        Example(
            "from urllib.parse import parse_qsl as p\nx = p(a)",
            "from urllib.parse import parse_qsl as p\nx = p(a, keep_blank_values=True)",
        ),
        Example("import json\nx = json.dumps(\n    é,\n)", "import json\nx = json.dumps(\n    é,\n skipkeys=True)"),
        Example("import os.path\nos.makedirs(a, 1)", "import os.path\nos.makedirs(a, 1, exist_ok=True)"),
        Example("x = open(a)", "x = open(a, newline='')"),
        Example("x = a.open()", "x = a.open(errors='replace')", "UnicodeDecodeError: 'utf-8' codec can't decode"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Pass one that is true or false by default as the opposite, or one of those for reading texts."""
        for call in place.nodes(ast.Call):
            passed = [keyword.arg for keyword in call.keywords]
            if None in passed or any(isinstance(argument, ast.Starred) for argument in call.args):
                continue
            options = [*_text_options(place, call), *_library_options(place, call)]
            for weight, option in enumerate(options[:_MOST_OPTIONS]):
                if option.partition("=")[0] not in passed:
                    yield with_keyword(place, call, option, -0.2 * weight)


class CallTooMany:
    """A call around something that should stand alone."""

    name = "call too many"
    source = TBAR
    prior = 0.6
    examples = (
        Example("x = f(a)", "x = a"),
        Example("x = a.strip()", "x = a"),
        Example("yield_ = list(f(a, b))", "yield_ = f(a, b)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put an argument, or the object, in the place of the call."""
        for call in place.nodes(ast.Call):
            for argument in call.args:
                if not isinstance(argument, ast.Starred):
                    yield place.replace(call, place.text(argument))
            if isinstance(call.func, ast.Attribute):
                yield place.replace(call, place.text(call.func.value))


class CallMissing:
    """A conversion, a bound or a method that should be applied to a value."""

    name = "missing call"
    source = PAR
    prior = 0.6
    examples = (
        Example("def f(a):\n    return a", "def f(a):\n    return sorted(a)"),
        Example("def f(a):\n    return a", "def f(a):\n    return sorted(a, key=len)"),
        Example("def f(a):\n    x = a + 1", "def f(a):\n    x = max(0, a + 1)"),
        Example("def f(s):\n    return s", "def f(s):\n    return s.strip()"),
        Example("def f(a):\n    return {a}", "def f(a):\n    return {tuple(a)}"),
        Example("def f(a, b):\n    x = a + b", "def f(a, b):\n    x = max(a, a + b)"),
        Example("x = [i for i in a]", "x = [int(i) for i in a]"),
        Example("x = sorted(a, key=lambda i: i)", "x = sorted(a, key=lambda i: i.lower())"),
        Example(
            "def f(x):\n    return 'a' + x", "def f(x):\n    return 'a' + str(x)", "TypeError: can only concatenate str"
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Wrap what is returned, passed, assigned, compared or iterated."""
        asked = place.failure.is_a("TypeError")
        for node in place.loads(*_VALUES):
            if not isinstance(place.parent(node), _SLOTS) or place.is_called(node):
                continue
            text = place.text(node)
            for weight, function in enumerate(_WRAPPERS):
                yield place.replace(node, f"{function}({text})", -0.1 * weight + asked * 0.8)
            for weight, key in enumerate(("key=len", "reverse=True")):
                yield place.replace(node, f"sorted({text}, {key})", -1.2 - 0.2 * weight)
            yield place.replace(node, f"list(dict.fromkeys({text}))", -1.2)
            for method in _METHODS:
                if not isinstance(node, ast.BinOp | ast.BoolOp | ast.Compare):
                    yield place.replace(node, f"{text}.{method}()", -1.0)
            for other in ("0", *place.scope.locals):
                if other != text:
                    yield place.replace(node, f"max({other}, {text})", -0.8)
                    yield place.replace(node, f"min({other}, {text})", -1.2)


class CallTooWide:
    """A call around an operation that belongs around one operand, or the other way round."""

    name = "call too wide"
    source = TBAR
    prior = 0.4
    examples = (
        Example("x = int(a * b)", "x = int(a) * b"),
        Example("x = int(a * b)", "x = a * int(b)"),
        Example("x = int(a * b + c)", "x = int(a) * b + c"),
        Example("x = int(a) * b", "x = int(a * b)"),
        Example("x = a + f(b)", "x = f(a + b)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Move one of its ends."""
        for call in place.nodes(ast.Call):
            if _is_plain(call) and isinstance(call.args[0], ast.BinOp):
                name = place.text(call.func)
                yield from (_around(place, call, name, one) for one in _operands(call.args[0]))
        for node in place.nodes(ast.BinOp):
            for one in (node.left, node.right):
                if isinstance(one, ast.Call) and _is_plain(one):
                    inner = _put(place, node, one, place.text(one.args[0]))
                    yield place.replace(node, f"{place.text(one.func)}({inner})", -0.2)


class OtherArguments:
    """A call of the right function with the wrong arguments."""

    name = "other arguments"
    source = TBAR
    prior = 0.25
    examples = (
        Example("def f(a, b, n):\n    x = max(n)", "def f(a, b, n):\n    x = max(a, b)"),
        Example("def f(a, b):\n    x = g(1)", "def f(a, b):\n    x = g(a, b)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Pass two names in sight and nothing else."""
        for call in place.nodes(ast.Call):
            if len(call.args) > 2 or call.keywords or isinstance(call.func, ast.Attribute):
                continue
            for one, other in permutations(place.scope.locals, 2):
                yield _with_arguments(place, call, [one, other])


class NotCalled:
    """A method or function named but not called, or called where it is to be passed on."""

    name = "missing parentheses"
    source = PYTER
    prior = 0.5
    examples = (
        Example("x = s.lower", "x = s.lower()"),
        Example("def f():\n    pass\nx = f", "def f():\n    pass\nx = f()"),
        Example("x = f()", "x = f"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Call what is not called; do not call what takes no arguments."""
        for node in place.loads(ast.Attribute, ast.Name):
            known = isinstance(node, ast.Attribute) or place.text(node) in place.scope.callables
            if known and not place.is_called(node) and not isinstance(place.parent(node), ast.Attribute):
                yield place.replace(node, place.text(node) + "()")
        for call in place.nodes(ast.Call):
            if not call.args and not call.keywords:
                yield place.replace(call, place.text(call.func), -1.0)


class MissingAwait:
    """A coroutine that nobody waits for."""

    name = "missing await"
    source = PYTER
    prior = 2.0
    examples = (
        Example("async def f():\n    return g()", "async def f():\n    return await g()"),
        Example("async def f():\n    return g().x", "async def f():\n    return (await g()).x"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Await each call of an async function."""
        if isinstance(place.function, ast.AsyncFunctionDef):
            for call in place.nodes(ast.Call):
                if not isinstance(place.parent(call), ast.Await):
                    yield place.replace(call, f"await {place.text(call)}")


_MOST_OPTIONS = 6
_OF_TEXTS = ("open", "read_text", "write_text")
_LONGEST_MODE = 3
_OTHER_LIST = re.compile(r"assert [\[(].*[\])] == [\[(]")
_VALUES = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.BinOp, ast.ListComp, ast.Constant, ast.JoinedStr)
_SLOTS = (
    *(ast.Return, ast.Assign, ast.AugAssign, ast.Call, ast.BinOp, ast.Compare, ast.For, ast.comprehension),
    *(ast.Yield, ast.Subscript, *ELEMENTS),
)
_WRAPPERS = (
    "str",
    "int",
    "len",
    "list",
    "sorted",
    "set",
    "tuple",
    "abs",
    "float",
    "reversed",
    "bool",
    "sum",
    "round",
    "type",
)
_METHODS = (
    *("strip", "lower", "upper", "items", "keys", "values", "copy", "split", "encode", "decode", "title"),
    *("swapcase", "capitalize", "casefold", "isdigit", "isalpha", "isupper", "islower", "sort"),
)
_OPTIONS = {
    "sorted": ("reverse=True", "key=len", "key=str.lower"),
    "sort": ("reverse=True", "key=len", "key=str.lower"),
    "open": ("encoding='utf-8'", "'rb'", "'w'"),
    "read_text": ("encoding='utf-8'",),
    "write_text": ("encoding='utf-8'",),
    "max": ("default=0", "default=None", "key=len"),
    "min": ("default=0", "default=None", "key=len"),
    "next": ("None",),
    "get": ("0", "''", "[]", "None"),
    "pop": ("0", "None"),
    "round": ("2",),
    "enumerate": ("1",),
    "dumps": ("sort_keys=True", "ensure_ascii=False", "indent=2"),
    "zip": ("strict=True",),
}
"""Behind the arguments that there are, however many."""
_NEXT = {
    ("split", 0): ("','", "' '", "None, 1"),
    ("rsplit", 0): ("None, 1",),
    ("split", 1): ("1",),
    ("rsplit", 1): ("1",),
    ("expandtabs", 0): ("4",),
    ("splitlines", 0): ("True",),
}
"""Behind so many arguments."""


def _is_split_too_often(place: Place) -> bool:
    """Whether the error is about too many pieces, or shows the pieces of what should be whole in a list."""
    message = place.failure.message
    return message.startswith("too many values to unpack") or bool(_OTHER_LIST.match(message))


def _is_plain(call: ast.Call) -> bool:
    return len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Starred)


def _operands(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp):
        yield from _operands(node.left)
        yield from _operands(node.right)
    else:
        yield node


def _around(place: Place, call: ast.Call, name: str, operand: ast.expr) -> Edit:
    return place.replace(call, _put(place, call.args[0], operand, f"{name}({place.text(operand)})"))


def _put(place: Place, whole: ast.expr, part: ast.expr, text: str) -> str:
    """The text of a whole with another text for one part."""
    (start, end), (first, last) = place.source.span(whole), place.source.span(part)
    return place.source.text[start:first] + text + place.source.text[last:end]


def _swaps(place: Place, nodes: list[ast.expr]) -> Iterator[Edit]:
    for one, other in combinations(nodes[:4], 2):
        (start, middle), (again, end) = place.source.span(one), place.source.span(other)
        between = place.source.text[middle:again]
        weight = 0.0 if type(one) is type(other) else -0.5
        if place.text(one) != place.text(other):
            yield Edit(start, end, place.text(other) + between + place.text(one), weight)


def _arguments(place: Place, call: ast.Call) -> list[str]:
    return [place.text(node) for node in [*call.args, *call.keywords]]


def _with_arguments(place: Place, call: ast.Call, texts: list[str], weight: float = 0.0) -> Edit:
    start, end = place.source.span(call.func)[1], place.source.span(call)[1]
    opening = place.source.text.index("(", start, end)
    return Edit(opening + 1, end - 1, ", ".join(texts), weight)


def with_keyword(place: Place, call: ast.Call, text: str, weight: float = 0.0) -> Edit:
    """A call with one argument more."""
    end = place.source.span(call)[1] - 1
    before = place.source.text[:end].rstrip()
    comma = "" if before.endswith("(") else " " if before.endswith(",") else ", "
    return Edit(end, end, comma + text, weight)


def _library_options(place: Place, call: ast.Call) -> Iterator[str]:
    first, dot, rest = place.text(call.func).partition(".")
    for at, name, default in options_of(place.scope.imported.get(first, "") + dot + rest):
        if at >= len(call.args):
            yield f"{name}={not default}"


def _text_options(place: Place, call: ast.Call) -> Iterator[str]:
    """For what opens, reads or writes a text."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    modes = [
        value.value for value in (*call.args, *(one.value for one in call.keywords)) if isinstance(value, ast.Constant)
    ]
    if name not in _OF_TEXTS or any(
        isinstance(mode, str) and "b" in mode and len(mode) <= _LONGEST_MODE for mode in modes
    ):
        return
    if place.failure.is_a("UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError"):
        yield from ("errors='ignore'", "errors='replace'")
    if name != "read_text":
        yield "newline=''"
