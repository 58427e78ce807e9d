"""A word or two of a text put right where the error says what the text should have been."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from fixer.offline.place import Failure, Place, likeness
from fixer.offline.source import Edit, Source
from fixer.offline.templates.base import SSTUBS, TBAR, Example
from fixer.offline.templates.coordinated import at_once
from fixer.offline.templates.strings import is_docstring


class Reworded:
    """A text that is, but for a word or two, what the test expects, as far as the error tells that."""

    name = "other word"
    source = TBAR
    prior = 1.0
    examples = (
        Example(
            "x = 'more that two'",
            "x = 'more than two'",
            "AssertionError: assert 'more that two' == 'more than two'",
        ),
        Example(
            "x = f'It holds more that {n} signs.' ' Given up.'",
            "x = f'It holds more than {n} signs.' ' Given up.'",
            "AssertionError: Regex pattern did not match.\n Regex: 'Error: It holds more than 2 signs\\\\.'",
        ),
        Example(
            "x = 'Tag \"%s\" is unknown, you did not spelt it well'",
            "x = 'Tag \"%s\" is unknown, you have not spelt it well'",
            'AssertionError: assert 0\n\n  - Tag "<b>" is unknown, you have not spelt it well\n  ?',
        ),
        Example(
            "x = 'é: it fails today'",
            "x = 'é: it never fails today'",
            "AssertionError: assert x == 'é: it never fails today'",
        ),
        Example(
            "x = (\n    'It fails today,'\n    'and each day.'\n)",
            "x = (\n    'It fails today, '\n    'and each day.'\n)",
            "AssertionError: assert 'It fails today,and each day.' == 'It fails today, and each day.'",
        ),
        Example("x = 'no  more  of it'", "x = 'no more  of it'", "AssertionError: assert x == 'no more  of it'"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put the words, or white space, of a text of the message into each literal of several that is almost it."""
        return _corrections(place, sentences=True)


class WordedOtherwise:
    """A text that the test has shown, and that the file says with another word, twice or more."""

    name = "worded otherwise"
    source = "a copy that was changed in all places but one (CP-Miner: Li et al. 2004)"
    prior = 1.0
    examples = (
        Example(
            "a = 'all left via door {n}'\nb = f'not all left via door {n}'\nx = E(f'all left by door {n}')",
            "a = 'all left via door {n}'\nb = f'not all left via door {n}'\nx = E(f'all left via door {n}')",
            "E: all left by door 2",
        ),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put that word in the place of its own."""
        for node, held in _literals(place, sentences=True):
            if not _is_shown(place.failure, held):
                continue
            found = [edit for text in _said(place.source) for edit in _corrected(place, node, held, text, most=1)]
            edits = {(edit.start, edit.end, edit.text): edit for edit in found}
            spans = [(edit.start, edit.end, edit.text) for edit in found]
            yield from (edit for span, edit in edits.items() if spans.count(span) > 1)


class Respelt:
    """A name in quotes that is almost what the error tells of: it is wrong, or the other is missing beside it."""

    name = "other name in quotes"
    source = SSTUBS
    prior = 1.0
    examples = (
        Example("x = {'color': 1}", "x = {'colour': 1}", "KeyError: 'colour'"),
        Example("x = ('A', 'headin')", "x = ('A', 'heading')", "AttributeError: 'B' object has no attribute 'heading'"),
    )

    def propose(self, place: Place) -> Iterator[Edit]:
        """Put it in the place of each literal without white space that is almost it."""
        return _corrections(place, sentences=False)


_Literal = ast.Constant | ast.JoinedStr
_LIKE = 0.8
_MOST_WORDS = 2
_LEAST_WORDS = 3
_LONGEST = 2_000
_MOST_TEXTS = 20
_SLOT = "\0"
_TOKEN = re.compile(r"\0|%[a-z]|\{[^{}]*\}|\w+|\s+|[^\w\s]")
_FILLED = re.compile(r"\0|%[a-z]|\{[^{}]*\}")
_UNPLAIN = re.compile(r"[\\\\'\"{}%\n\r]")
"""What is written otherwise in a literal than it is read."""


@dataclass(frozen=True)
class _Change:
    """The tokens of a text from `start` to `end`, and what is expected there."""

    start: int
    end: int
    new: tuple[str, ...]


@lru_cache(maxsize=8)
def _expected(failure: Failure) -> tuple[tuple[str, ...], ...]:
    """The texts of the message in quotes, and the lines that its diff misses, in tokens."""
    missed = re.findall(r"^\s*- (.*\S)", failure.message, re.MULTILINE)
    texts = [text for text in (*failure.texts, *missed) if len(text) <= _LONGEST][:_MOST_TEXTS]
    if "egex" in failure.message:
        texts += [re.sub(r"\\(\W)", r"\1", text) for text in texts]
    return tuple(filter(None, map(_tokens, dict.fromkeys(texts))))


def _corrections(place: Place, *, sentences: bool) -> Iterator[Edit]:
    expected = _expected(place.failure)
    if not expected:
        return
    for node, held in _literals(place, sentences=sentences):
        yield from (edit for text in expected for edit in _corrected(place, node, held, text))


def _literals(place: Place, *, sentences: bool) -> Iterator[tuple[_Literal, tuple[str, ...]]]:
    """The statement's literals, with their tokens: those that hold white space, or those that hold none."""
    literals: Iterator[_Literal] = place.nodes(ast.Constant, ast.JoinedStr)
    for node in literals:
        held = _tokens(_held(node))
        if held and any(map(str.isspace, held)) == sentences and not is_docstring(place, node):
            yield node, held


@lru_cache(maxsize=8)
def _said(source: Source) -> tuple[tuple[str, ...], ...]:
    """The texts of several words in a file, in tokens, each as often as it stands there."""
    literals = [node for node in ast.walk(source.tree) if isinstance(node, _Literal)]
    inside = {part for node in literals if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = (_tokens(_held(node)) for node in literals if node not in inside)
    return tuple(text for text in texts if _words(text) >= _LEAST_WORDS)


def _is_shown(failure: Failure, held: Sequence[str]) -> bool:
    """Whether the message holds this text, as far as that is known before values are put into it."""
    parts = [part.strip() for part in _FILLED.split("".join(held))]
    longest = max(parts, key=len)
    return _words(_tokens(longest)) >= _LEAST_WORDS and longest in failure.message


def _words(tokens: Sequence[str]) -> int:
    return sum(map(str.isalnum, tokens))


def _held(node: _Literal) -> str:
    """What a literal says, with a sign for each value that is put into it."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    texts = [part.value if isinstance(part, ast.Constant) else _SLOT for part in parts]
    return "".join(text for text in texts if isinstance(text, str))


@lru_cache(maxsize=5_000)
def _tokens(text: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(text)) if len(text) <= _LONGEST else ()


def _corrected(
    place: Place, node: _Literal, held: tuple[str, ...], expected: tuple[str, ...], most: int = _MOST_WORDS
) -> Iterator[Edit]:
    if held == expected or not _may_be(held, expected):
        return
    changes, ours, theirs = _compared(held, expected)
    alike = likeness(ours, theirs) if changes else 0.0
    words = sum(max(_count(held[one.start : one.end]), _count(one.new)) for one in changes)
    if alike < _LIKE or words > most:
        return
    edits = [edit for change in changes for edit in _written(place, node, held, change)]
    if len(edits) == len(changes):
        yield at_once(place, edits, alike)


def _may_be(held: Sequence[str], expected: Sequence[str]) -> bool:
    """A cheap look whether they have enough words in common."""
    if len(held) == 1 or len(expected) == 1:
        return len(held) == len(expected)
    ours, theirs = ({token for token in tokens if token.isalnum()} for tokens in (held, expected))
    return len(ours & theirs) * 2 >= min(len(ours), len(theirs)) > 0


def _compared(held: tuple[str, ...], expected: tuple[str, ...]) -> tuple[list[_Change], str, str]:
    """What to change, and both texts as far as they cover each other; either may be a part of the other."""
    changes, ours, theirs = [], "", ""
    for kind, start, end, first, last in _overlap(held, expected):
        old, new = held[start:end], expected[first:last]
        filled = any(_FILLED.fullmatch(token) for token in old)
        if kind != "equal" and not filled:
            changes.append(_Change(start, end, new))
        ours += "".join(new if filled else old)
        theirs += "".join(new)
    return changes, ours, theirs


def _overlap(held: tuple[str, ...], expected: tuple[str, ...]) -> Iterator[tuple[str, int, int, int, int]]:
    """How one becomes the other, without what stands over at either end."""
    for kind, start, end, first, last in SequenceMatcher(None, held, expected, autojunk=False).get_opcodes():
        at_start, at_end = 0 in (start, first), end == len(held) or last == len(expected)
        size = min(end - start, last - first)
        if kind == "equal" or not (at_start or at_end):
            yield kind, start, end, first, last
        elif kind == "replace" and at_end:
            yield kind, start, start + size, first, first + size
        elif kind == "replace":
            yield kind, end - size, end, last - size, last


def _count(tokens: Sequence[str]) -> int:
    """Words and signs."""
    return sum(not token.isspace() for token in tokens)


def _written(place: Place, node: _Literal, held: Sequence[str], change: _Change) -> Iterator[Edit]:
    """The change where the literal is written; nothing where it does not say there what it means."""
    start = change.start
    if not _count(held[start : change.end]):  # a word to put it behind, for white space is not written in one place
        start = max(0, start - 2)
    before, old = "".join(held[:start]), "".join(held[start : change.end])
    new = "".join((*held[start : change.start], *change.new))
    if not old or _UNPLAIN.search(old + new):
        return
    word = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)" if old.isalnum() else re.escape(old))
    at, literal = place.source.span(node)[0], place.text(node)
    found = list(word.finditer(literal))
    number = len(word.findall(before))
    if len(found) == len(word.findall("".join(held))):
        yield Edit(at + found[number].start(), at + found[number].end(), new)
