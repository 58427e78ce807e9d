"""Regular expressions tried on the texts that an error quotes, so that only edits that change their answer are made."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache

from fixer.offline.place import Failure

Answer = tuple[tuple[int, int], ...]
"""Where a pattern was found."""


@lru_cache(maxsize=8)
def inputs_of(failure: Failure) -> tuple[str, ...]:
    """The texts that the message holds in quotes, their parts, and its words with signs between the letters."""
    parts = [part for text in failure.texts for part in (text, *re.split(r"""[\s"'<>]+""", text))]
    said = (word.strip(",.:;()'") for word in failure.message[:_MOST_READ].split())
    words = [word for word in said if _SIGN_WITHIN.search(word) and '"' not in word]
    found = (one for one in (*parts, *words) if _SHORTEST <= len(one) <= _LONGEST_INPUT and one.isprintable())
    return tuple(dict.fromkeys(found))[:_MOST_INPUTS]


class Trial:
    """A pattern as it stands in the file; `form` says how it is filled in, `flags` are those of its call."""

    def __init__(self, literal: str, form: str, flags: int, inputs: Sequence[str]) -> None:
        self.inputs = inputs
        self._form = form
        self._flags = flags
        self._left = _MOST_TRIALS
        self._before = self._answers(literal)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Where the pattern as it is was found in each of the inputs; nothing where it cannot be tried."""
        return self._before

    def widened(self, literal: str) -> bool:
        """Whether a changed pattern covers more of some input, and of none less."""
        if not self._before or self._left <= 0:
            return False
        self._left -= 1
        after = self._answers(literal)
        sizes = [(_size(one), _size(other)) for one, other in zip(self._before, after, strict=False)]
        return len(after) == len(self._before) and all(a <= b for a, b in sizes) and any(a < b for a, b in sizes)

    def _answers(self, literal: str) -> tuple[Answer, ...]:
        return _answers(literal, self._form, self._flags, tuple(self.inputs))


_MOST_READ = 5_000
_SHORTEST, _LONGEST_INPUT = 2, 80
_MOST_INPUTS = 12
_MOST_TRIALS = 80
_MOST_FOUND = 8
_MOST_REPEATS = 16
_SIGN_WITHIN = re.compile(r"\w[^\w\s]\w")
_ATOM = r"(?:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^()|\\\[\]])"
_REPEATED_ATOM = re.compile(rf"({_ATOM})(?:[*+]|\{{\d*,\d*\}})")
_VARIED_ATOM = re.compile(rf"({_ATOM})(?:[*+?]|\{{\d*,\d*\}})")
_FIXED = re.compile(r"\\([^\w\s])(?![*+?{])")
_SLOTS = {"format": r"(?<!\{)\{\w*\}(?!\})", "%": r"%s|%\(\w+\)s"}


@lru_cache(maxsize=3_000)
def _answers(literal: str, form: str, flags: int, inputs: tuple[str, ...]) -> tuple[Answer, ...]:
    compiled = _compiled(literal, form, flags)
    if compiled is None:
        return ()
    return tuple(tuple(one.span() for one in list(compiled.finditer(text))[:_MOST_FOUND]) for text in inputs)


def _compiled(literal: str, form: str, flags: int) -> re.Pattern[str] | None:
    """The pattern with a word in each of its slots; None for one that is invalid or may take for ever."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = str(ast.literal_eval(literal))
            filled = re.sub(_SLOTS[form], r"\\w+", text) if form else text
            filled = filled.replace("{{", "{").replace("}}", "}") if form == "format" else filled
            return re.compile(filled, flags) if _is_quick(filled) else None
    except (re.error, SyntaxError, ValueError, OverflowError, RecursionError):
        return None


def _is_quick(pattern: str) -> bool:
    """Whether no repetition holds another in a way that lets one text be matched in very many ways."""
    few = len(_REPEATED_ATOM.findall(pattern)) <= _MOST_REPEATS and pattern.count(".*") + pattern.count(".+") <= 3
    return few and not re.search(r"\\[1-9]|\(\?P=", pattern) and all(map(_has_one_reading, _repeated_groups(pattern)))


def _repeated_groups(pattern: str) -> Iterator[str]:
    """What stands in the groups that may come more than once; parentheses in classes do not count."""
    opened: list[int] = []
    for sign in re.finditer(_ATOM + r"|[()|]", pattern, re.DOTALL):
        if sign[0] == "(":
            opened.append(sign.end())
        elif sign[0] == ")" and opened:
            start = opened.pop()
            if re.match(r"[*+]|\{\d*,\d*\}|\{\d+\}", pattern[sign.end() :]):
                yield pattern[start : sign.start()]


def _has_one_reading(body: str) -> bool:
    """Whether a repeated group repeats nothing itself, or has a sign that nothing repeated in it can be."""
    if "|" in body or re.search(r"\)[*+?{]", body):
        return False
    varied = _VARIED_ATOM.findall(body)
    fixed = _FIXED.findall(_VARIED_ATOM.sub("", body))
    return not varied or any(not any(re.fullmatch(atom, sign) for atom in varied) for sign in fixed)


def _size(answer: Answer) -> int:
    return sum(end - start for start, end in answer)
