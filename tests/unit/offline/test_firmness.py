"""How many small mistakes at the place of an edit the tests notice; programs really run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pretended import PretendedChecker

from fixer.domain.models import TestResult, TestRun, Verdict
from fixer.offline.firmness import Firmness, dispensable, firmness
from fixer.offline.rank import Candidate
from fixer.offline.source import Edit, Source

PROGRAM = (
    "LIMIT = 10\n\n\ndef price(count, each):\n    total = count * each\n    if total > LIMIT:\n        total -= 1\n"
    "    return total\n\n\ndef other(n):\n    return n + 1\n"
)


class Asserting(PretendedChecker):
    """Instead of tests, looks at what the program gives."""

    def __init__(self, holds: Callable[[dict[str, Any]], bool]) -> None:
        self.holds = holds
        self.texts: list[str] = []

    def shown(self, text: str, nodeids: Sequence[str], vital: Sequence[str]) -> TestRun:
        self.texts.append(text)
        verdict = Verdict.PASSED if self._passes(text) else Verdict.FAILED
        return TestRun(tuple(TestResult(nodeid, verdict) for nodeid in nodeids))

    def _passes(self, text: str) -> bool:
        names: dict[str, Any] = {}
        try:
            exec(compile(text, "program.py", "exec", dont_inherit=True), names)
            return self.holds(names)
        except Exception:  # noqa: BLE001 - whatever the mutant does
            return False


def edit(old: str, new: str, program: str = PROGRAM) -> Candidate:
    start = program.index(old)
    return Candidate(Source(Path("/project/program.py"), program), Edit(start, start + len(old), new), "kind", 1, 0.0)


def test_tests_that_look_closely_notice_most_mistakes_and_those_that_do_not_few() -> None:
    close = Asserting(lambda names: [names["price"](n, 3) for n in (0, 1, 3, 4, 5)] == [0, 3, 9, 11, 14])
    blind = Asserting(lambda names: names["price"](0, 3) == 0)
    candidate = edit("total > LIMIT", "total >= LIMIT")
    assert firmness(candidate, close, ["test"]).share > 0.75
    assert firmness(candidate, blind, ["test"]).share < 0.6


def test_the_mistakes_are_made_in_the_edited_function_as_the_edit_leaves_it() -> None:
    checker = Asserting(lambda names: True)
    firm = firmness(edit("total > LIMIT", "total >= 7 + LIMIT"), checker, ["test"])
    assert firm == Firmness(0, len(checker.texts))
    assert 10 < firm.asked <= 24
    assert all(text.endswith("def other(n):\n    return n + 1\n") for text in checker.texts)
    assert all(text.startswith("LIMIT = 10\n") for text in checker.texts)
    assert any("total >= 7 + LIMIT" in text for text in checker.texts)
    assert len(set(checker.texts)) == len(checker.texts)


def test_of_what_stands_outside_functions_only_the_edited_statement_is_tried() -> None:
    checker = Asserting(lambda names: True)
    assert 0 < firmness(edit("10", "12"), checker, ["test"]).asked <= 6
    assert all("def price(count, each):" in text for text in checker.texts)


@pytest.mark.parametrize(
    ("noticed", "asked", "share"), [(0, 0, 0.5), (1, 1, 2 / 3), (0, 24, 1 / 26), (24, 24, 25 / 26)]
)
def test_little_asked_says_little(noticed: int, asked: int, share: float) -> None:
    assert Firmness(noticed, asked).share == share


@pytest.mark.parametrize(
    ("old", "new", "idle"),
    [
        ("total > LIMIT", "total > 11", False),
        ("total > LIMIT", "count > 99", True),
        ("total -= 1", "total -= 0", True),
        ("total = count * each", "total = each * count", False),
        ("def price(count, each):", "def price(count, each=3):", False),
        ("total = count * each", "total = count *", False),
    ],
)
def test_an_edit_that_keeps_something_from_happening_is_known_by_what_passes_without_it(
    old: str, new: str, *, idle: bool
) -> None:
    wanted = [12, 2] if idle else [11, 2]
    checker = Asserting(lambda names: [names["price"](3, 4), names["price"](1, 2)] == wanted)
    assert dispensable(edit(old, new), checker, ["test"]) is idle


@pytest.mark.parametrize(
    "program",
    [
        "def f(n):\n    return n if k else 9\n",
        "def f(n):\n    return [*(i for i in [n] if k), 9][0]\n",
        "def f(n):\n    return (lambda: n if k else 9)()\n",
    ],
)
def test_a_condition_inside_of_an_expression_that_decides_nothing_is_dispensable(program: str) -> None:
    candidate = edit("if k", "if n", program)
    assert dispensable(candidate, Asserting(lambda names: names["f"](5) == 5), ["test"])
    assert not dispensable(candidate, Asserting(lambda names: [names["f"](5), names["f"](0)] == [5, 9]), ["test"])


def test_a_condition_that_is_not_edited_may_decide_nothing() -> None:
    program = "def f(n, k):\n    return n + 1 if k else 0\n"
    assert not dispensable(edit("n + 1", "n", program), Asserting(lambda names: names["f"](5, True) == 5), ["test"])


def test_a_loop_that_need_not_run_is_dispensable() -> None:
    program = "def f(items):\n    for item in items:\n        items = [item]\n    return items\n"
    kept = Asserting(lambda names: names["f"]([1, 2]) == [1, 2])
    assert dispensable(edit("in items", "in items[:0]", program), kept, ["test"])
    assert not dispensable(edit("in items", "in items[:1]", program), Asserting(lambda n: n["f"]([1, 2]) == [1]), ["t"])
