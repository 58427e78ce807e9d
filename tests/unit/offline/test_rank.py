"""The order of candidates: what one may cost, and which mean the same."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixer.offline.localise import Suspect
from fixer.offline.place import Failure, Place
from fixer.offline.rank import Candidate, ranked
from fixer.offline.source import Edit, Source
from fixer.offline.templates import CATALOGUE
from fixer.offline.templates.base import Example
from fixer.offline.templates.operators import Augmented


class Wasteful:
    """Proposes every number there is, nearly."""

    name = "number"
    source = "this test"
    prior = 1.0
    examples: tuple[Example, ...] = ()

    def __init__(self) -> None:
        self.proposed = 0

    def propose(self, place: Place) -> Iterator[Edit]:
        """As the protocol says."""
        start, end = place.source.span(place.statement)
        for number in range(1_000_000):
            self.proposed += 1
            yield Edit(start, end, f"x = {number}")


def test_of_a_template_that_proposes_too_much_only_the_first_are_looked_at() -> None:
    source = Source(Path("/app.py"), "x = -1\n")
    template = Wasteful()
    found = list(ranked([Suspect(source, source.tree.body[0], 1.0)], [template], Failure(), per_group=5))
    assert len(found) == 5
    assert template.proposed <= 10_000


SEVERAL = """\
def f(items, limit):
    total = 0
    for item in items:
        if item < limit and total <= 10:
            total += item - 1
    return total


class Shelf:
    def count(self, name):
        found = []
        for one in self.names[1:]:
            if one == name:
                found = [one]
        return len(name) + 1
"""


def test_edits_come_by_their_score_although_most_are_not_thought_of_yet() -> None:
    source = Source(Path("/app.py"), SEVERAL)
    suspects = [
        Suspect(source, node, suspicion)
        for node, suspicion in zip(source.statements, itertools.cycle((0.9, 0.05, 0.4)))
        if not isinstance(node, ast.ClassDef)
    ]
    scores = [one.score for one in ranked(suspects, CATALOGUE, Failure("TypeError", "no"))]
    assert len(scores) > 500
    assert scores == sorted(scores, reverse=True)
    few = [one.score for one in ranked(suspects, CATALOGUE, Failure("TypeError", "no"), most=20)]
    assert few == scores[: len(few)]
    assert len(few) > 10


def test_no_edit_is_thought_of_before_it_may_be_the_next() -> None:
    source = Source(Path("/app.py"), "x = -1\ny = -1\n")
    template = Wasteful()
    suspects = [Suspect(source, node, suspicion) for node, suspicion in zip(source.tree.body, (1.0, 0.01), strict=True)]
    found = ranked(suspects, [template], Failure(), per_group=5)
    assert next(found).line == 1
    assert template.proposed <= 5_000
    assert [one.line for one in found] == [1] * 4 + [2] * 5


@pytest.mark.parametrize("scale", [0.0, 0.5])
def test_the_same_seed_gives_the_same_order(scale: float) -> None:
    source = Source(Path("/app.py"), SEVERAL)
    suspects = [Suspect(source, node, 0.5) for node in source.statements]

    def edits(seed: int) -> list[Edit]:
        return [one.edit for one in ranked(suspects, CATALOGUE, Failure(), scale=scale, seed=seed)]

    assert edits(1) == edits(1)
    assert (edits(1) == edits(2)) is not bool(scale)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("def f(a):\n    return a + 1\n", "a + 1", "(a) + 1"),
        ("class A:\n    x = 1\n    y = (2, 3)\n", "(2, 3)", "2, 3"),
        ("x = 1\nfor i in [1, 2]:\n    if i:\n        break\n", "[1, 2]", "[1,2]"),
        ("class A(B):\n    x = 1\n", "(B)", "(B,)"),
    ],
)
def test_what_changes_only_the_layout_is_no_candidate(text: str, old: str, new: str) -> None:
    assert not _replacing(text, old, new).key


@pytest.mark.parametrize(
    ("text", "old", "new", "other"),
    [
        ("def f(a):\n    return a + 1\n", "+ 1", "+ 2", "+ 3"),
        ("class A:\n    x = 1\n    y = {\n        2: 3,\n    }\n", "2: 3", "2: 4", "2: 5"),
        ("class A(B):\n    x = 1\n", "(B)", "(C)", "(D)"),
        ("for i in [1, 2]:\n    if i:\n        break\n", "break", "continue", "pass"),
    ],
)
def test_the_same_meaning_has_the_same_key_wherever_it_stands(text: str, old: str, new: str, other: str) -> None:
    key = _replacing(text, old, new).key
    assert key
    assert _replacing(text, old, new + " ").key == key
    assert _replacing(text, old, other).key not in ("", key)


def test_what_says_the_same_in_two_classes_has_two_keys() -> None:
    source = Source(Path("/app.py"), "class A:\n    x = 1\n\nclass B:\n    x = 1\n")
    first, second = (source.text.index("1"), source.text.rindex("1"))
    keys = {Candidate(source, Edit(at, at + 1, "2"), "number", 1, 0.0).key for at in (first, second)}
    assert len(keys) == 2


def test_of_a_long_class_only_the_edited_statement_is_compiled() -> None:
    text = "class A:\n" + "".join(f"    x{number} = {number}\n" for number in range(100))
    source = Source(Path("/app.py"), text)
    at = text.index("x7 = 7")
    start, end = source.smallest_unit(Edit(at, at + 2, "y7"))
    assert text[start:end].strip() == "x7 = 7"


def _replacing(text: str, old: str, new: str) -> Candidate:
    source, start = Source(Path("/app.py"), text), text.index(old)
    return Candidate(source, Edit(start, start + len(old), new), "number", 1, 0.0)


def test_a_statement_outside_of_functions_is_not_given_the_names_that_they_bind() -> None:
    source = Source(
        Path("/app.py"), "def f(part):\n    piece = part\n    return piece\n\n\nclass A:\n    kind = whole = 1\n"
    )
    place = Place(source, source.tree.body[1], Failure())
    assert place.scope.locals == ("kind", "whole")
    assert not any("part" in text or "piece" in text for text in place.scope.expressions)


@pytest.mark.parametrize(("text", "augmented"), [("x = f()", False), ("x = 0\nx = f()", True), ("x.y = f()", True)])
def test_what_has_no_value_yet_is_not_added_to(text: str, augmented: bool) -> None:
    source = Source(Path("/app.py"), text)
    place = Place(source, source.tree.body[-1], Failure())
    assert any("+=" in edit.text for edit in Augmented().propose(place)) == augmented
