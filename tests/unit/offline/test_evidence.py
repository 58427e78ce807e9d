"""What speaks against an edit that passes, by itself."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest

from fixer.domain.models import TestResult, TestRun, Verdict
from fixer.offline.evidence import Doubt, Held, against, holding
from fixer.offline.firmness import Firmness
from fixer.offline.rank import Candidate
from fixer.offline.search import Found
from fixer.offline.source import Edit, Source

PROGRAM = "def read(path):\n    text = open(path).read()\n    return text.strip() if text else None\n"
A, B = frozenset({"a"}), frozenset({"b"})
HELD = Held(A, A, A | B)
FIRM, LOOSE = Firmness(24, 24), Firmness(2, 24)


def doubts(
    old: str = "strip",
    new: str = "rstrip",
    *,
    tries: int = 10,
    firm: Firmness = FIRM,
    calls: int = 20,
    held: Held = HELD,
    dispensable: bool = False,
    also_fixed: int = 0,
) -> tuple[Doubt, ...]:
    start = PROGRAM.index(old)
    edit = Edit(start, start + len(old), new)
    candidate = Candidate(Source(Path("/app.py"), PROGRAM), edit, "kind", 3, 0.0)
    found = Found(candidate, also_fixed, complete=True, tries=tries)
    return against(found, firm, held, calls=calls, dispensable=dispensable)


def left(*found: Doubt) -> float:
    return prod(doubt.left for doubt in found)


def test_an_early_edit_that_many_tests_hold_is_hardly_doubted() -> None:
    assert left(*doubts()) > 0.9


def test_a_late_edit_is_doubted_and_the_sooner_the_less_its_tests_notice() -> None:
    assert left(*doubts(tries=3000)) < 0.5 < left(*doubts(tries=400))
    assert left(*doubts(tries=400, firm=LOOSE)) < 0.5 < left(*doubts(tries=40, firm=LOOSE))
    assert any("edit 400, and its tests miss 22 of 24" in doubt.why for doubt in doubts(tries=400, firm=LOOSE))


def test_what_only_takes_away_needs_more_calls_than_what_changes_something() -> None:
    drops = {"old": "text.strip() if text else None", "new": "text"}
    assert left(*doubts(**drops, calls=2)) <= 0.5 < left(*doubts(calls=2))  # type: ignore[arg-type]
    assert left(*doubts(**drops, calls=20)) > 0.7  # type: ignore[arg-type]
    assert _says("it only takes away", doubts(**drops))  # type: ignore[arg-type]


def test_a_call_that_is_exchanged_is_not_only_taken_away() -> None:
    assert not _says("it only takes away", doubts("strip()", "lower()"))


def test_what_changes_places_is_not_taken_away() -> None:
    assert not _says("it only takes away", doubts("text.strip() if text else None", "None if text else text.strip()"))


def test_another_red_test_that_is_mended_holds_an_edit() -> None:
    nobody = Held(frozenset(), frozenset(), A)
    assert left(*doubts(held=nobody)) < 0.6 < left(*doubts(held=nobody, also_fixed=1))


@pytest.mark.parametrize(("calls", "said"), [(1, "1 call only"), (3, "3 calls only")])
def test_one_call_says_less_than_many(calls: int, said: str) -> None:
    assert left(*doubts(calls=calls)) < left(*doubts(calls=calls + 1))
    assert any(doubt.why.endswith(said) for doubt in doubts(calls=calls))


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (Held(frozenset(), frozenset(), frozenset()), "no test passed before"),
        (Held(frozenset(), frozenset(), B), "no test that passed before is known to run the edited function"),
        (Held(A, frozenset(), A), "no test that passed before is known to run the edited lines"),
    ],
)
def test_what_no_passing_test_runs_is_less_sure(held: Held, said: str) -> None:
    assert left(*doubts(held=held)) < left(*doubts())
    assert said in [doubt.why for doubt in doubts(held=held)]


def test_what_runs_in_no_passing_test_at_all_is_less_sure_than_what_runs_in_part() -> None:
    nowhere, beside = Held(frozenset(), frozenset(), B), Held(A, frozenset(), A)
    assert left(*doubts(held=nowhere)) < left(*doubts(held=beside))


def test_tests_hold_what_they_run() -> None:
    path = Path("/app.py")
    start = PROGRAM.index("strip")
    candidate = Candidate(Source(path, PROGRAM), Edit(start, start + 5, "rstrip"), "kind", 3, 0.0)
    executed = {"a": {path: frozenset({2})}, "b": {path: frozenset({2, 3})}, "red": {path: frozenset({3})}}
    passing = tuple(TestResult(nodeid, Verdict.PASSED) for nodeid in "abc")
    run = TestRun((*passing, TestResult("red", Verdict.FAILED)), executed)
    assert holding(run, candidate) == Held(A | B, B, A | B | {"c"})
    assert holding(TestRun(passing), candidate) == Held(*[A | B | {"c"}] * 3)


def test_that_little_is_seen_of_a_function_counts_once() -> None:
    nobody = Held(frozenset(), frozenset(), A)
    assert left(*doubts(held=nobody, calls=1)) == left(*doubts(held=nobody, calls=20))


def test_what_runs_at_import_is_held_by_all_who_use_the_file() -> None:
    path = Path("/app.py")
    run = TestRun((TestResult("a", Verdict.PASSED),), {"a": {path: frozenset({5})}})
    candidate = Candidate(Source(path, f"X = 1\n\n\n{PROGRAM}"), Edit(0, 0, "import os\n"), "kind", 1, 0.0)
    assert holding(run, candidate).lines == A


def test_what_passes_as_well_without_its_statement_is_not_sure() -> None:
    assert left(*doubts(dispensable=True)) < 0.5
    assert any("does nothing" in doubt.why for doubt in doubts(dispensable=True))


@pytest.mark.parametrize(("text", "is_said"), [("[0-9]+", True), ("+", False)])
def test_a_long_text_that_is_changed_in_one_of_two_places_only_is_doubted(text: str, *, is_said: bool) -> None:
    program = f"def f(kind):\n    if kind == 1:\n        return {text!r}\n    return {text!r}\n"
    start = program.index(repr(text))
    for end, said in ((start + len(repr(text)), is_said), (start, False)):
        edit = Edit(start, end, "'[0-9]*'" if end > start else "'' or ")
        found = Found(Candidate(Source(Path("/app.py"), program), edit, "kind", 3, 0.0), 0, complete=True)
        said_of_it = against(found, FIRM, HELD, calls=20, dispensable=False)
        assert _says("stands in the function once more", said_of_it) is said


@pytest.mark.parametrize(
    ("old", "new", "is_said"), [("False", "True", True), ("False", "bad", False), ("x", "y", False)]
)
def test_a_function_that_gives_the_same_everywhere_is_doubted(old: str, new: str, *, is_said: bool) -> None:
    program = (
        "def raises(bad):\n    try:\n        bad(x)\n        return False\n    except Error:\n        return True\n"
    )
    start = program.index(old)
    candidate = Candidate(Source(Path("/app.py"), program), Edit(start, start + len(old), new), "kind", 3, 0.0)
    said = against(Found(candidate, 0, complete=True), FIRM, HELD, calls=20, dispensable=False)
    assert _says("gives the same everywhere", said) is is_said


def _says(text: str, found: tuple[Doubt, ...]) -> bool:
    return any(text in doubt.why for doubt in found)
