"""The few colours of what is shown without rich: of words, of diffs, and of the Python in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal

from fixer.ui.foreign_text import harmless

Color = Literal["red", "green", "yellow", "cyan"]


def paint(text: str, color: Color) -> str:
    """The text in that colour of the terminal's own palette."""
    return f"\x1b[{_CODES[color]}m{text}\x1b[0m"


def diff_lines(diff: str, *, color: bool) -> list[str]:
    """A unified diff, made harmless, line by line; in colour, with its Python set off and changed words reversed."""
    lines = harmless(diff).splitlines()
    return list(_painted(lines)) if color else lines


def changed_words(old: str, new: str) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """Both lines in pieces, each with whether it is part of the change; nothing is, where too little is left alike."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return [(old, False)], [(new, False)]
    olds: list[tuple[str, bool]] = []
    news: list[tuple[str, bool]] = []
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        olds.append(("".join(before[old_start:old_end]), tag != "equal"))
        news.append(("".join(after[new_start:new_end]), tag != "equal"))
    return [piece for piece in olds if piece[0]], [piece for piece in news if piece[0]]


_CODES: dict[Color, int] = {"red": 31, "green": 32, "yellow": 33, "cyan": 36}
_YELLOW, _CYAN = str(_CODES["yellow"]), str(_CODES["cyan"])
_OWN_COLORS = (_YELLOW, _CYAN)
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_ALIKE = 0.4
"""Below this, a line was not changed but replaced, and marking its words would only unsettle the eye."""


def _painted(lines: Sequence[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        if lines[at].startswith("--- ") and lines[at + 1 : at + 2] and lines[at + 1].startswith("+++ "):
            yield from lines[at : at + 2]  # the names of a file's two sides
            at += 2
            continue
        removed = _run_of("-", lines, at)
        added = _run_of("+", lines, at + len(removed))
        if removed and len(removed) == len(added):
            pairs = [changed_words(old[1:], new[1:]) for old, new in zip(removed, added, strict=True)]
            yield from (_marked("-", old, "red") for old, _ in pairs)
            yield from (_marked("+", new, "green") for _, new in pairs)
        else:
            yield from (_marked("-", [(line[1:], False)], "red") for line in removed)
            yield from (_marked("+", [(line[1:], False)], "green") for line in added)
        at += len(removed) + len(added)
        if not removed and not added:
            yield _around(lines[at])
            at += 1


def _run_of(mark: str, lines: Sequence[str], start: int) -> list[str]:
    """The lines from there on that are removed, or added."""
    end = start
    while end < len(lines) and lines[end].startswith(mark):
        end += 1
    return list(lines[start:end])


def _around(line: str) -> str:
    if line.startswith("@"):
        return paint(line, "cyan")
    return _marked(" ", [(line[1:], False)], None) if line.startswith(" ") else line


def _marked(mark: str, pieces: Sequence[tuple[str, bool]], color: Color | None) -> str:
    """One line in its colour, from which texts and numbers differ; what changed is reversed."""
    text = "".join([mark, *(piece for piece, _ in pieces)])
    changed = [False, *(is_changed for piece, is_changed in pieces for _ in piece)]
    styles = zip(["", *_python_styles(text[1:])], changed, strict=True)
    line = str(_CODES[color]) if color else ""
    written, at = [], 0
    for (style, is_changed), run in groupby(styles):
        size = len(list(run))
        codes = [style if style in _OWN_COLORS else f"{line};{style}".strip(";"), "7" if is_changed else ""]
        written.append(_in_style(text[at : at + size], ";".join(filter(None, codes))))
        at += size
    return "".join(written)


def _in_style(text: str, codes: str) -> str:
    return f"\x1b[{codes}m{text}\x1b[0m" if codes else text


def _python_styles(line: str) -> list[str]:
    """For each character of a line of Python, how it is shown; empty for names, operators and blanks."""
    from pygments.lexers.python import PythonLexer
    from pygments.token import Comment, Keyword, Number, Operator, String

    shown = ((Comment, "2"), (String, _YELLOW), (Number, _CYAN), (Keyword, "1"), (Operator.Word, "1"))
    styles: list[str] = []
    for _, kind, value in PythonLexer().get_tokens_unprocessed(line):
        styles += [next((style for family, style in shown if kind in family), "")] * len(value)
    return styles
