"""Patterns tried on texts: which inputs, what counts as wider, and that none runs for ever."""

from __future__ import annotations

import pytest

from fixer.offline.place import Failure
from fixer.offline.templates.trial import Trial, inputs_of

ENDLESS = [
    "(a+)+$",
    "(a|a)*$",
    "(?:a*)*b",
    "((a+)b?)+$",
    "(a?a?)*b",
    r"(\.*a*\.)*b",
    r"(a+)\1*$",
    "(a{1,3})*b",
    "(.*)*b",
]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_pattern_that_may_take_for_ever_is_not_tried(pattern: str) -> None:
    trial = Trial(repr(pattern), "", 0, ["a" * 60 + "!"])
    assert not trial.answers
    assert not trial.widened(repr("a+"))


def test_what_becomes_endless_is_not_tried_either() -> None:
    trial = Trial(repr("(a)+$"), "", 0, ["a" * 60 + "!"])
    assert trial.answers
    assert not trial.widened(repr("(a+)+!"))


@pytest.mark.parametrize("pattern", [r"([\w-]+\.)+x", r"(?P<a>\d+(?:\.[0-9]+)*)", "a*b*", r"(?:\d{3}-)?\w+"])
def test_a_usual_pattern_is_tried(pattern: str) -> None:
    assert Trial(repr(pattern), "", 0, ["a.x", "1.2.3"]).answers


@pytest.mark.parametrize(
    ("before", "after", "wider"),
    [("[a-z]+", "[a-z.]+", True), ("[a-z]+", "[a-y]+", False), ("[a-z]+", "[a-z]+(", False), ("a|b", "a|b|c", True)],
)
def test_wider_is_what_covers_more_and_nothing_less(before: str, after: str, wider: bool) -> None:
    assert Trial(repr(before), "", 0, ["a.b", "b.c.z"]).widened(repr(after)) is wider


def test_slots_are_filled_with_a_word() -> None:
    for form, pattern in (
        ("%", r"v%s\.\d"),
        ("%", r"v%(a)s\.\d"),
        ("format", r"v{0}\.\d{{1}}"),
        ("format", r"v{a}\.\d"),
    ):
        assert Trial(repr(pattern), form, 0, ["vxy.1"]).answers == (((0, 5),),)


def test_the_inputs_are_the_quoted_texts_their_parts_and_words_with_signs() -> None:
    failure = Failure("ValueError", "bad text 'one <two>' in 1.2+3, not " + repr("x" * 90))
    assert inputs_of(failure) == ("one <two>", "one", "two", "1.2+3")
