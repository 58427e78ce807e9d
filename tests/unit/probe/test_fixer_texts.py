"""A text comes back whole from what it was cut down to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fixer.probe.fixer_texts import difference, filled, same_around

TEXTS = st.text("ab\n", max_size=12)


@given(TEXTS, TEXTS)
def test_what_differs_fills_the_base_again(base: str, text: str) -> None:
    assert filled(base, *difference(base, text)) == text


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_as_much_as_possible_is_the_same_and_nothing_twice(start: str, one: str, other: str, end: str) -> None:
    first, second = start + one + end, start + other + end
    before, behind = same_around(first, second)
    assert before + behind >= min(len(start) + len(end), len(first), len(second))
    assert before + behind <= min(len(first), len(second))
