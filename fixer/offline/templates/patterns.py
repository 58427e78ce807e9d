"""Wrong regular expressions: ends, repetitions, dots, flags."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import Example

_SOURCE = "mutation operators of regular expressions, reversed (Arcaini et al. 2017)"


class Pattern:
    """A regular expression that is almost right."""

    name = "regular expression"
    source = _SOURCE
    prior = 0.6
    examples = (
        Example("x = re.compile(r'a+$')", r"x = re.compile(r'a+\Z')"),
        Example("x = re.match('a+$', b)", r"x = re.match('a+\\Z', b)"),
        Example("x = re.sub(r'<.*>', '', a)", "x = re.sub(r'<.*?>', '', a)"),
        Example(r"x = r'(\d+)px'", r"x = r'(\d*)px'"),
        Example(r"x = {'é': r'-\d+'}", r"x = {'é': r'-?\d+'}"),
        Example("x = re.split(r'v1.2', a)", r"x = re.split(r'v1\.2', a)"),
        Example(r"x = r'\w+'", r"x = r'\b\w+'"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Change one sign of each literal that is used, or written, as a regular expression."""
        for node in place.nodes(ast.Constant):
            if isinstance(node.value, str) and _is_pattern(place, node):
                for weight, literal in _variants(place.text(node)):
                    if _compiles(literal):
                        yield place.replace(node, literal, weight)


class PatternFlag:
    """A regular expression that looks at the case, or at the ends of lines, and should not, or should."""

    name = "flag of a regular expression"
    source = _SOURCE
    prior = 0.3
    examples = (
        Example("x = re.compile('a')", "x = re.compile('a', re.IGNORECASE)"),
        Example("x = re.search('a', b)", "x = re.search('a', b, re.DOTALL)"),
        Example("x = re.sub('a', b, c)", "x = re.sub('a', b, c, flags=re.MULTILINE)"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Add one flag to each call of the `re` module that has none."""
        for call in place.nodes(ast.Call):
            name = _function_of_re(call)
            if name in _ARGUMENTS and len(call.args) == _ARGUMENTS[name] and not call.keywords:
                keyword = "flags=" if name in ("sub", "split") else ""
                for weight, flag in enumerate(("IGNORECASE", "DOTALL", "MULTILINE", "VERBOSE", "ASCII")):
                    added = f", {keyword}re.{flag}"
                    end = place.source.span(call.args[-1])[1]
                    yield Edit(end, end, added, -0.3 * weight)


_ARGUMENTS = {"compile": 1, "match": 2, "search": 2, "fullmatch": 2, "findall": 2, "finditer": 2, "split": 2, "sub": 3}
_WRITTEN_AS_ONE = re.compile(r"\\[dwsbDWSBAZ.]|\(\?|\[\^|[\])][+*?]|\.[+*]")
_SIGNS = re.compile(r"\\+.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?[a-zA-Z<!=:#]*|.", re.DOTALL)
"""A class in brackets counts as one sign."""
_LONGEST = 400


def _function_of_re(call: ast.Call) -> str:
    function = call.func
    known = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re"
    return function.attr if known and isinstance(function, ast.Attribute) else ""


def _is_pattern(place: Place, node: ast.Constant) -> bool:
    parent = place.parent(node)
    used = isinstance(parent, ast.Call) and _function_of_re(parent) in _ARGUMENTS and node in parent.args[:1]
    return len(str(node.value)) <= _LONGEST and (used or bool(_WRITTEN_AS_ONE.search(str(node.value))))


def _variants(literal: str) -> Iterator[tuple[float, str]]:
    found = re.fullmatch(r"([a-zA-Z]*)('''|\"\"\"|'|\")(.*)\2", literal, re.DOTALL)
    if not found or "f" in found[1].lower() or "b" in found[1].lower():
        return
    escape = "\\" if "r" in found[1].lower() else "\\\\"
    for weight, text in _changed(found[3], escape):
        yield weight, f"{found[1]}{found[2]}{text}{found[2]}"


def _changed(text: str, escape: str) -> Iterator[tuple[float, str]]:
    for sign in _SIGNS.finditer(text):
        before, after = text[: sign.start()], text[sign.end() :]
        for weight, other in enumerate(_instead(sign[0], after, escape)):
            yield -0.2 * weight, before + other + after
    yield from ((-0.4, f"{escape}b{text}"), (-0.4, f"{text}{escape}b"), (-0.4, f"^{text}"), (-0.4, f"{text}$"))


def _instead(sign: str, after: str, escape: str) -> Iterator[str]:
    if sign == "$":
        yield from (f"{escape}Z", "")
    elif sign in "*+":
        yield from ("+" if sign == "*" else "*", "" if after[:1] == "?" else sign + "?")
    elif sign in "?^":
        yield ""
    elif sign == ".":
        yield f"{escape}."
    elif sign not in "(|{}" and not sign.startswith("(?"):
        yield from (f"{sign}?", f"{sign}+", f"{sign}*") if after[:1] not in ("?", "*", "+", "{") else ()


def _compiles(literal: str) -> bool:
    try:
        re.compile(ast.literal_eval(literal))
    except (re.error, SyntaxError, ValueError, OverflowError):
        return False
    return True
