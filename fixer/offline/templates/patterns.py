"""Wrong regular expressions: ends, repetitions, dots, flags."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from fixer.offline.place import Place
from fixer.offline.source import Edit
from fixer.offline.templates.base import Example
from fixer.offline.templates.strings import MIRROR
from fixer.offline.templates.trial import Trial, inputs_of

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
        Example(r"x = re.split('\r?\n', a)", r"x = re.split('\r?\n|\r', a)"),
        Example("x = re.match('a|b', c)", "x = re.match('(?:a|b)$', c)"),
        Example(r"x = r'<a\b[^>]*>'", r"x = r'<a\b[^<>]*>'"),
        Example(r"x = r'\d{4,8}'", r"x = r'\d{4,}'"),
        Example(r"x = r'\d{4}'", r"x = r'\d{1,4}'"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Change one sign of each literal that is used, or written, as a regular expression."""
        for node in place.nodes(ast.Constant):
            if isinstance(node.value, str) and _is_pattern(place, node):
                for weight, literal in _variants(place.text(node)):
                    if _compiles(literal):
                        yield place.replace(node, literal, weight)


class PatternTooNarrow:
    """A regular expression that stops too early in a text which the error holds."""

    name = "pattern too narrow"
    source = _SOURCE
    prior = 1.0
    examples = (
        Example("x = re.compile('v[0-9.]+')", "x = re.compile('v[0-9.+]+')", "ValueError: bad version: v1.2+3"),
        Example(
            r"""x = re.compile(r'/[^\s\[\]"]*')""",
            r"""x = re.compile(r'/[^\s"]*')""",
            "AssertionError: assert '/a[]=1' == '/a'",
        ),
        Example(
            r"""x = r'a={{0,1}}{0}[^\\&\(\)]*'.format(b)""",
            r"""x = r'a={{0,1}}{0}[^\\&]*'.format(b)""",
            "AssertionError: assert 'a=bcd(1)' == 'a=bcd'",
        ),
        Example(r"x = r'[MN]\d{3}\.'", r"x = r'[MN]\d{3,5}\.'", "AssertionError: no match: 'M12345.'"),
        Example(r"x = r'[MN]\d{3}\.'", r"x = r'[MNO]\d{3}\.'", "AssertionError: no match: 'O123.'"),
        Example(r"x = r'([+-]?\d+)\s*(%s)' % a", r"x = r'([+-]?\s*\d+)\s*(%s)' % a", "AssertionError: '- 1 day' != ''"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Let it go on: by the sign at which it stops, a longer repetition, or white space."""
        inputs = inputs_of(place.failure)
        for node in place.nodes(ast.Constant) if inputs else ():
            literal = _literal(place.text(node)) if isinstance(node.value, str) and _is_pattern(place, node) else None
            if literal and not _divides(place, node):
                trial = Trial(place.text(node), _form(place, node), _flags(place, node), inputs)
                for weight, text in _widened(literal, trial):
                    yield place.replace(node, text, weight)


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
_MOST_WIDENED = 6
_MOST_SPACES = 3
_MOST_SIGNS = 20
_LONGER = 20
_NEGATED = "[^"
_MIRRORED = re.compile(r"\[\^([<>{}()])\]")
_COUNTED = re.compile(r"(?<!\{)\{(\d+)(?:,(\d*))?\}(?!\})")
_ONE_OR_NONE = re.compile(r"(\\+.|[^\\.])\?(?!\1)(\\+.|[^\\.])", re.DOTALL)
_NO_BEGINNING = frozenset("*+?{})|")
_FLAGS = {"VERBOSE": "X", "IGNORECASE": "I", "DOTALL": "S", "MULTILINE": "M"}


@dataclass(frozen=True)
class _Literal:
    """A literal's prefix, its quotes and what stands between them; `escape` is a backslash in it."""

    prefix: str
    quotes: str
    text: str

    @property
    def escape(self) -> str:
        return "\\" if "r" in self.prefix.lower() else "\\\\"

    def with_text(self, text: str) -> str:
        return f"{self.prefix}{self.quotes}{text}{self.quotes}"


def _literal(text: str) -> _Literal | None:
    found = re.fullmatch(r"([a-zA-Z]*)('''|\"\"\"|'|\")(.*)\2", text, re.DOTALL)
    plain = found and not set("fbFB") & set(found[1])
    return _Literal(found[1], found[2], found[3]) if found and plain else None


def _function_of_re(call: ast.Call) -> str:
    function = call.func
    known = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re"
    return function.attr if known and isinstance(function, ast.Attribute) else ""


def _is_pattern(place: Place, node: ast.Constant) -> bool:
    parent = place.parent(node)
    used = isinstance(parent, ast.Call) and _function_of_re(parent) in _ARGUMENTS and node in parent.args[:1]
    return len(str(node.value)) <= _LONGEST and (used or bool(_WRITTEN_AS_ONE.search(str(node.value))))


def _variants(literal: str) -> Iterator[tuple[float, str]]:
    found = _literal(literal)
    for weight, text in _changed(found.text, found.escape) if found else ():
        yield weight, found.with_text(text) if found else ""


def _divides(place: Place, node: ast.Constant) -> bool:
    """Whether it is no mistake where the pattern is found nowhere."""
    parent = place.parent(node)
    return isinstance(parent, ast.Call) and _function_of_re(parent) in ("split", "sub")


def _form(place: Place, node: ast.Constant) -> str:
    """How a pattern is filled in."""
    parent = place.parent(node)
    if isinstance(parent, ast.Attribute) and parent.attr == "format":
        return "format"
    return "%" if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mod) and parent.left is node else ""


def _flags(place: Place, node: ast.Constant) -> int:
    """The flags that its statement names; a pattern of several lines is a verbose one."""
    said = place.text(place.statement) if len(place.text(place.statement)) <= 2 * _LONGEST else ""
    flags = [name for name, short in _FLAGS.items() if re.search(rf"\bre\.({name}|{short})\b", said)]
    flags += ["VERBOSE"] if "\n" in str(node.value) else []
    return sum(getattr(re, name) for name in dict.fromkeys(flags))


def _widened(literal: _Literal, trial: Trial) -> Iterator[tuple[float, str]]:
    """What covers more of an input, as literals."""
    wider = (*_with_signs(literal, trial), *_with_longer(literal, trial), *_with_spaces(literal, trial))
    return islice(((weight, text) for weight, text in wider), _MOST_WIDENED)


def _with_signs(literal: _Literal, trial: Trial) -> Iterator[tuple[float, str]]:
    """With the sign at which it stops in a class, in all equal ones at once."""
    classes = dict.fromkeys(sign for sign in _SIGNS.findall(literal.text) if sign[0] == "[" and sign[-1] == "]")
    signs = _stopping(trial)
    for held in classes:
        for sign in signs:
            for weight, other in enumerate(_other_classes(held, sign, literal.escape)):
                changed = literal.with_text(literal.text.replace(held, other))
                if other != held and trial.widened(changed):
                    yield 0.5 - 0.3 * weight, changed


def _stopping(trial: Trial) -> list[str]:
    """The signs behind what was found in the inputs; all of theirs where nothing was found in any."""
    answered = list(zip(trial.inputs, trial.answers, strict=False))
    behind = [text[end] for text, answer in answered for _, end in answer if end < len(text)]
    signs = behind if any(trial.answers) else [sign for text, _ in answered for sign in text]
    return [sign for sign in dict.fromkeys(signs) if not sign.isspace()][:_MOST_SIGNS]


def _other_classes(held: str, sign: str, escape: str) -> Iterator[str]:
    """With a sign more; with one less that it excludes, first together with its mirror."""
    if not held.startswith(_NEGATED):
        added = escape + sign if sign in "]\\^" else sign
        yield f"{held[:-2]}{added}-]" if held.endswith("-]") and sign != "-" else f"{held[:-1]}{added}]"
        return
    parts = re.findall(r"\\+.|.", held[len(_NEGATED) : -1], re.DOTALL)
    for left_out in dict.fromkeys(((sign, sign.translate(MIRROR)), (sign,))):
        kept = [part for part in parts if not _says_one_of(part, left_out)]
        if kept:
            yield _NEGATED + "".join(kept) + "]"


def _says_one_of(part: str, signs: tuple[str, ...]) -> bool:
    """Whether a part of a class is one of these signs, escaped or not; a letter that is escaped is something else."""
    return part in signs or (part[0] == "\\" and not part[-1].isalnum() and part[-1] in signs)


def _with_longer(literal: _Literal, trial: Trial) -> Iterator[tuple[float, str]]:
    """With a fixed number of repetitions that may be more."""
    for found in re.finditer(r"(?<!\{)\{(\d+)\}(?!\})", literal.text):
        before, after = literal.text[: found.start()], literal.text[found.end() :]
        open_ended = literal.with_text(f"{before}{{{found[1]},}}{after}")
        if trial.widened(open_ended):
            limits = (f"{{{found[1]},{int(found[1]) + more}}}" for more in range(1, _LONGER))
            texts = (literal.with_text(before + limit + after) for limit in limits)
            yield from ((0.5, text) for text in islice(filter(trial.widened, texts), 1))
            yield 0.3, open_ended


def _with_spaces(literal: _Literal, trial: Trial) -> Iterator[tuple[float, str]]:
    """With white space that there may be between two of its signs."""
    if not any(" " in text for text in trial.inputs):
        return
    starts = [sign.start() for sign in _SIGNS.finditer(literal.text) if sign[0][0] not in _NO_BEGINNING]
    texts = (f"{literal.text[:at]}{literal.escape}s*{literal.text[at:]}" for at in starts[1:])
    yield from ((0.0, one) for one in islice(filter(trial.widened, map(literal.with_text, texts)), _MOST_SPACES))


def _changed(text: str, escape: str) -> Iterator[tuple[float, str]]:
    for sign in _SIGNS.finditer(text):
        before, after = text[: sign.start()], text[sign.end() :]
        for weight, other in enumerate(_instead(sign[0], after, escape)):
            yield -0.2 * weight, before + other + after
    for counted in _COUNTED.finditer(text):
        before, after = text[: counted.start()], text[counted.end() :]
        yield from ((-0.2 * weight, before + other + after) for weight, other in enumerate(_counted(counted)))
    if "|" in text:
        yield from ((-0.3, f"(?:{text})$"), (-0.5, f"^(?:{text})"))
    one_or_none = _ONE_OR_NONE.fullmatch(text)
    if one_or_none:
        yield 0.8, f"{text}|{one_or_none[1]}"
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
        mirrored = _MIRRORED.fullmatch(sign)
        yield from ("[^" + "".join(sorted((mirrored[1], mirrored[1].translate(MIRROR)))) + "]",) if mirrored else ()
        yield from (f"{sign}?", f"{sign}+", f"{sign}*") if after[:1] not in ("?", "*", "+", "{") else ()


def _counted(found: re.Match[str]) -> tuple[str, ...]:
    """Other bounds of a repetition."""
    least, most = found[1], found[2]
    if most:
        return (f"{{{least},}}", f"{{0,{most}}}", f"{{1,{most}}}", f"{{{most}}}")
    return (f"{{1,{least}}}", f"{{{least},}}", f"{{0,{least}}}") if most is None else ("+", "*")


def _compiles(literal: str) -> bool:
    try:
        re.compile(ast.literal_eval(literal))
    except (re.error, SyntaxError, ValueError, OverflowError):
        return False
    return True
