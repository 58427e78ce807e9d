"""Wrong text: near-miss strings, missing clean-up, values joined with text."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from fixer.offline.place import Failure, Place, likeness
from fixer.offline.source import Edit
from fixer.offline.templates.base import MUTATION, PYTER, SSTUBS, TBAR, Example


class Text:
    """A string that is almost right."""

    name = "text"
    source = MUTATION
    prior = 0.5
    examples = (
        Example("x = 'Name'", "x = 'name'"),
        Example("x = ','", "x = ', '"),
        Example("x = ''", "x = ' '"),
        Example(
            "def f(d):\n    d['colour'] = 1\n    return d['color']",
            "def f(d):\n    d['colour'] = 1\n    return d['colour']",
        ),
        Example("x = 'é '", "x = 'é'"),
        Example("x = '('", "x = ')'"),
        Example("x = ','", "x = ' '"),
        Example("x = 'xyz'", "x = 'xyzXYZ'"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Change case, white space, side or separator, or take a similar string of the function."""
        others = [value for value in place.scope.constants if isinstance(value, str) and len(value) <= _LONGEST]
        for node in place.nodes(ast.Constant):
            if not isinstance(node.value, str) or len(node.value) > _LONGEST or is_docstring(place, node):
                continue
            for weight, text in enumerate(_variants(node.value)):
                yield _text(place, node, text, -0.2 * weight)
            for other in others:
                if other != node.value:
                    yield _text(place, node, other, 2 * likeness(node.value, other) - 1)


class RunLength:
    """A text with the same sign many times, in which the error shows that they should be more or fewer."""

    name = "length of a run"
    source = TBAR
    prior = 1.0
    examples = (
        Example(
            "x = '######-?'", "x = '####-?'", r"AssertionError: assert None = fullmatch('\\d{4}-[A-Z]', '123456-A')"
        ),
        Example('x = "\'-####"', 'x = "\'-#####"', "AssertionError: assert 6 == 7"),
        Example("x = '====\\n'", "x = '======\\n'", "AssertionError: assert '====' == '======'"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Make a run so long, or the whole text, as a number of the message, or as a run of it."""
        for node in place.nodes(ast.Constant):
            if not isinstance(node.value, str) or is_docstring(place, node):
                continue
            for run in _RUN.finditer(place.text(node)):
                start, size = place.source.span(node)[0] + run.start(), len(run[0])
                lengths = _run_lengths(place.failure, run[1], size, len(node.value) - size)
                yield from (Edit(start, start + size, run[1] * length) for length in lengths)


class TimeFormat:
    """A date or time written, or read, with a wrong part: the month for the minutes, 24 hours for 12."""

    name = "part of a time format"
    source = SSTUBS
    prior = 0.5
    examples = (
        Example("x = t.strftime('%Y-%M-%d')", "x = t.strftime('%Y-%m-%d')"),
        Example("x = '%d.%m.%y'", "x = '%d.%m.%Y'"),
        Example("x = ('%I:%M', '%I %p', '%I:%M %S')", "x = ('%I:%M', '%I %p', '%I:%M %p')"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put another part in the place of one: its neighbour by name, or what other texts say behind the same sign."""
        texts = [node for node in place.nodes(ast.Constant) if _is_time_format(node.value)]
        parts = dict.fromkeys(part for node in texts for part in _PART.findall(place.text(node)))
        for node in texts:
            text, start = place.text(node), place.source.span(node)[0]
            for found in _PART.finditer(text):
                sign, part = found.groups()
                others = [*_NEXT_PART.get(part, ""), *(other for before, other in parts if before == sign)]
                for other in dict.fromkeys(other for other in others if f"%{other}" not in text):
                    whole = text[: found.end() - 1] + other + text[found.end() :]
                    weight = float(_halves(text) - _halves(whole))
                    yield Edit(start + found.end() - 1, start + found.end(), other, weight)


class Separator:
    """Two texts with nothing between them."""

    name = "missing separator"
    source = MUTATION
    prior = 0.3
    examples = (
        Example("x = a + b", "x = a + ' ' + b"),
        Example("x = a + b", "x = a + '.' + b"),
        Example("x = ''.join(a)", "x = ', '.join(a)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put a common separator into an addition, or between what is joined."""
        for node in place.nodes(ast.BinOp):
            if isinstance(node.op, ast.Add) and not place.failure.is_a("TypeError"):
                for weight, text in enumerate(_BETWEEN):
                    joined = f"{place.text(node.left)} + {text!r} + {place.text(node.right)}"
                    yield place.replace(node, joined, -0.2 * weight)
        for constant in place.nodes(ast.Constant):
            if constant.value == "" and isinstance(place.parent(constant), ast.Attribute):
                yield from (_text(place, constant, text, -0.2 * weight) for weight, text in enumerate(_BETWEEN))


class EndsOfLines:
    """A text divided at one of the signs that lines may end with."""

    name = "ends of lines"
    source = MUTATION
    prior = 0.6
    examples = (
        Example("x = a.split('\\n')", "x = a.splitlines()"),
        Example("x = a.rstrip('\\n')", "x = a.rstrip('\\r\\n')"),
        Example("x = f(a).split(' ')", "x = f(a).split()"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Divide it into lines, or at any white space, whatever it is; take both signs away."""
        for call in place.nodes(ast.Call):
            method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            said = call.args[0].value if len(call.args) == 1 and isinstance(call.args[0], ast.Constant) else None
            if not isinstance(call.func, ast.Attribute) or call.keywords or not isinstance(said, str):
                continue
            if method == "split" and not said.strip():
                owner = place.text(call.func.value)
                yield place.replace(call, f"{owner}.splitlines()" if "\n" in said else f"{owner}.split()")
            elif method in ("strip", "rstrip", "lstrip") and said == "\n":
                yield place.replace(call.args[0], r"'\r\n'")


class FormatMissing:
    """A text with names in braces that nobody fills in."""

    name = "missing format"
    source = PYTER
    prior = 1.0
    examples = (
        Example("def f(a):\n    return 'no {a}'", "def f(a):\n    return f'no {a}'"),
        Example("def f(a, b):\n    return 'no {a} ' 'or {b}'", "def f(a, b):\n    return f'no {a} ' f'or {b}'"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put an `f` in front of it."""
        for constant in place.nodes(ast.Constant):
            named = re.findall(r"{(\w+)", constant.value) if isinstance(constant.value, str) else []
            known = set(named) <= {*place.scope.locals, *place.scope.globals}
            if named and known and not is_docstring(place, constant):
                yield Edit(*place.source.span(constant), _formatted(place.text(constant)), 1.0)


class JoinedValue:
    """A value that has to become text before it can be joined or concatenated."""

    name = "value for text"
    source = PYTER
    prior = 1.0
    examples = (
        Example("x = ','.join(a)", "x = ','.join(str(item) for item in a)", "TypeError: sequence item 0: expected str"),
        Example("x = a + 'b'", "x = str(a) + 'b'", "TypeError: unsupported operand type(s) for +: 'int' and 'str'"),
        Example("x = a + b", "x = a + int(b)", "TypeError: unsupported operand type(s) for +: 'int' and 'str'"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Convert the items of a join, or one side of an addition."""
        if not place.failure.is_a("TypeError"):
            return
        for call in place.nodes(ast.Call):
            if isinstance(call.func, ast.Attribute) and call.func.attr == "join" and len(call.args) == 1:
                yield place.replace(call.args[0], f"str(item) for item in {place.text(call.args[0])}", 1.0)
        for node in place.nodes(ast.BinOp):
            for side in (node.left, node.right):
                if not isinstance(side, ast.Constant):
                    for weight, function in enumerate(("str", "int", "float", "list", "tuple")):
                        yield place.replace(side, f"{function}({place.text(side)})", -0.3 * weight)


_LONGEST = 60
_RUN = re.compile(r"""([^\\\w\s'"]|[0xX_])\1{3,}""")
_NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?![\w.])")
_MOST_APART = 8
_PART = re.compile(r"(.)%([a-zA-Z])")
_NEXT_PART = dict(zip("mMyYbBaAHIdj", "MmYyBbAaIHjd", strict=True))
"""Parts of dates and times that are taken for each other."""
MIRROR = str.maketrans("()[]{}<>/\\", ")(][}{><\\/")
_BETWEEN = (" ", ", ", ",", "\n", "-", "_", ".", ":", "/")
_SEPARATORS = ",; \t|-_"


def _variants(text: str) -> Iterator[str]:
    yield from (text.lower(), text.upper(), text.title(), text.capitalize(), text.strip())
    yield from (
        text + " ",
        " " + text,
        text + "\n",
        text.replace(" ", ""),
        text.replace("_", "-"),
        text.replace("-", "_"),
    )
    yield from (text + "s", text[:-1], text[1:])
    yield text.translate(MIRROR)
    if len(text) > 1 and text.isalpha():
        yield text + text.swapcase()
    if len(text) == 1 and text in _SEPARATORS:
        yield from _SEPARATORS


def _is_time_format(value: object) -> bool:
    """Whether a text has several parts of a date or a time, one of which no other format has."""
    parts = set(re.findall(r"%(\w)", value)) if isinstance(value, str) and len(value) <= _LONGEST else set()
    return len(parts) > 1 and parts <= set("aAbBcdHIjmMpSfwxXyYzZ") and bool(parts & set("mMHIyY"))


def _halves(text: str) -> bool:
    """Whether it counts to twelve and does not say which half of the day, or the other way round."""
    return ("%I" in text) != ("%p" in text)


def _run_lengths(failure: Failure, sign: str, size: int, rest: int) -> list[int]:
    """What the message names, or shows, that is almost the length of a run with so many signs around it."""
    numbers = [int(number) for number in _NUMBER.findall(failure.message)]
    shown = [len(run[0]) for run in _RUN.finditer(failure.message) if run[1] == sign]
    found = dict.fromkeys([*numbers, *(number - rest for number in numbers), *shown])
    return [length for length in found if length > 0 and 0 < abs(length - size) <= _MOST_APART]


def is_docstring(place: Place, node: ast.expr) -> bool:
    """Whether a literal says what a function or a module is for."""
    return isinstance(place.statement, ast.Expr) and place.statement.value is node


def written(place: Place, node: ast.expr, text: str | bytes) -> str:
    """A text as a literal in the quotes of another."""
    double = place.text(node).startswith('"')
    literal = repr(text)
    if double and '"' not in literal and literal.startswith("'"):
        literal = '"' + literal[1:-1].replace("\\'", "'") + '"'
    return literal


def _text(place: Place, node: ast.Constant, text: str, weight: float) -> Edit:
    return place.replace(node, written(place, node, text), weight)


def _formatted(text: str) -> str:
    """With an `f` in front of each of the texts that stand one behind the other and hold a name in braces."""
    tokens = tokenize.generate_tokens(io.StringIO(f"({text})").readline)
    parts = [token.string for token in tokens if token.type == tokenize.STRING]
    for part in dict.fromkeys(part for part in parts if part[0] in "'\"" and re.search(r"{\w", part)):
        text = re.sub(rf"(?<!\w){re.escape(part)}", lambda found: "f" + found[0], text)
    return text
