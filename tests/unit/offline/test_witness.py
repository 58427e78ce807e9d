"""What is noted of the calls of a function, and that the function is none the wiser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixer.offline.witness import watch

Notes = list[tuple[str, str]]


def watched(out: Path, text: str, path: str, *, trials: bool = False) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "program"}
    exec(text, names)
    watch(names, path, str(out), trials)
    return names


def notes(out: Path) -> Notes:
    return [tuple(json.loads(line)) for line in out.read_text("utf-8").splitlines()] if out.exists() else []


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "calls"


def test_each_call_from_outside_is_noted_with_its_result(out: Path) -> None:
    names = watched(out, "def fact(n):\n    return n * fact(n - 1) if n else 1\n", "fact")
    assert names["fact"](4) == 24
    assert notes(out) == [("4", "24")]


def test_what_a_call_does_to_its_arguments_is_noted(out: Path) -> None:
    names = watched(out, "def push(a):\n    a.append(1)\n", "push")
    names["push"]([0])
    assert notes(out) == [("[0]", "None, leaving [0, 1]")]


def test_an_exception_is_noted_and_goes_on(out: Path) -> None:
    names = watched(out, "def f(a):\n    return a[9]\n", "f")
    with pytest.raises(IndexError):
        names["f"]([])
    assert notes(out) == [("[]", "raised IndexError")]


def test_a_method_is_watched_in_its_class(out: Path) -> None:
    names = watched(out, "class A:\n    def f(self, n):\n        return n\n", "A.f")
    assert names["A"]().f(3) == 3
    ((given, outcome),) = notes(out)
    assert given == "<program.A object>, 3"
    assert outcome == "3"


def test_other_inputs_are_tried_where_that_is_allowed_and_the_same_for_every_edit(out: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    for place, text in ((out, "def f(a):\n    return sum(a)\n"), (again, "def f(a):\n    return max(a)\n")):
        watched(place, text, "f", trials=True)["f"]([1, 2, 3])
    tried, retried = ([given for given, _ in notes(place) if given[0] == "?"] for place in (out, again))
    assert tried == retried
    assert len(set(tried)) > 2
    assert not {given for given, outcome in notes(out)} - {given for given, outcome in notes(again)}


def test_nothing_is_tried_where_it_is_not_allowed_or_the_input_is_not_plain(out: Path) -> None:
    watched(out, "def f(a):\n    return a\n", "f")["f"](1)
    watched(out, "def f(a):\n    return a\n", "f", trials=True)["f"](object())
    assert not [given for given, _ in notes(out) if given[0] == "?"]


@pytest.mark.parametrize("value", [3, 2.5, "text", b"bytes", True, None, [1, "a"], (1, [2]), {"a": 1}, {1, 2}])
def test_every_plain_value_survives_being_tried(value: object, out: Path) -> None:
    function: Callable[[object], object] = watched(out, "def f(a):\n    return a\n", "f", trials=True)["f"]
    assert function(value) == value
