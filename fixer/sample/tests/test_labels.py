import pytest

from shop.labels import display_name, initials, shorten, slug


@pytest.mark.parametrize(
    ("title", "expected"),
    [("Green Tea", "green-tea"), ("  Cups & Saucers! ", "cups-saucers"), ("No. 7", "no-7"), ("", "")],
)
def test_slug(title, expected):
    assert slug(title) == expected


@pytest.mark.parametrize(("text", "width"), [("tea", 3), ("tea", 10), ("", 0), ("green tea", 9)])
def test_short_texts_stay_whole(text, width):
    assert shorten(text, width) == text


def test_long_texts_are_cut_to_the_width():
    assert shorten("green tea", 6) == "green…"
    assert shorten("green tea", 8) == "green t…"
    assert len(shorten("a very long label indeed", 12)) == 12


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ada lovelace", "Ada Lovelace"), ("  GRACE   hopper ", "Grace Hopper"), ("", "")],
)
def test_display_name_is_tidied(name, expected):
    assert display_name(name) == expected


def test_display_name_of_a_stranger():
    assert display_name(None) == ""
    assert display_name("alan turing") == "Alan Turing"


@pytest.mark.parametrize(("name", "expected"), [("ada lovelace", "AL"), ("Grace Brewster Hopper", "GBH"), ("", "")])
def test_initials(name, expected):
    assert initials(name) == expected
