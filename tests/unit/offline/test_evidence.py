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
HELD = Held(frozenset(map(str, range(20))), frozenset(map(str, range(20))))
ALONE = Held(frozenset(), frozenset())
FIRM, LOOSE = Firmness(24, 24), Firmness(2, 24)


def doubts(
    old: str = "strip",
    new: str = "rstrip",
    *,
    tries: int = 10,
    firm: Firmness = FIRM,
    places: float = 3.0,
    held: Held = HELD,
    dispensable: bool = False,
    also_fixed: int = 0,
    kind: str = "kind",
    ties: bool = False,
) -> tuple[Doubt, ...]:
    start = PROGRAM.index(old)
    edit = Edit(start, start + len(old), new)
    candidate = Candidate(Source(Path("/app.py"), PROGRAM), edit, kind, 3, 0.0, ties=ties)
    found = Found(candidate, also_fixed, complete=True, tries=tries)
    return against(found, firm, held, places=places, dispensable=dispensable)


def left(*found: Doubt) -> float:
    return prod(doubt.left for doubt in found)


def test_an_early_edit_that_many_tests_hold_is_hardly_doubted() -> None:
    assert left(*doubts()) > 0.9


def test_a_late_edit_is_doubted_and_the_sooner_the_less_its_tests_notice() -> None:
    few = Held(A, A)
    assert left(*doubts(tries=3000, held=few)) < 0.2 < 0.5 < left(*doubts(tries=400, held=few))
    assert left(*doubts(tries=400, held=few, firm=LOOSE)) < 0.5 < left(*doubts(tries=40, held=few, firm=LOOSE))
    assert _says("edit 400, its tests miss 22 of 24", doubts(tries=400, firm=LOOSE))


def test_what_only_takes_away_needs_more_tests_than_what_changes_something() -> None:
    drops = {"old": "text.strip() if text else None", "new": "text"}
    few = Held(A, A)
    assert left(*doubts(**drops, held=few)) <= 0.55 < 0.85 < left(*doubts(held=few))  # type: ignore[arg-type]
    assert left(*doubts(**drops)) > 0.85  # type: ignore[arg-type]
    assert _says("it only takes away", doubts(**drops))  # type: ignore[arg-type]


def test_a_call_that_is_exchanged_is_not_only_taken_away() -> None:
    assert not _says("it only takes away", doubts("strip()", "lower()"))


def test_what_changes_places_is_not_taken_away() -> None:
    assert not _says("it only takes away", doubts("text.strip() if text else None", "None if text else text.strip()"))


def test_the_more_places_there_are_the_more_tests_it_needs() -> None:
    assert left(*doubts(held=ALONE, places=2)) > 0.8
    assert left(*doubts(held=ALONE, places=40)) < 0.3 < 0.5 < left(*doubts(places=40))


def test_a_slip_may_be_at_any_place_and_what_answers_the_error_is_there_for_a_reason() -> None:
    slip, other, aimed = (
        left(*doubts(held=ALONE, places=9, kind=kind))
        for kind in ("comparison operator", "missing statement", "missing key")
    )
    assert slip < other - 0.1 < aimed - 0.2
    assert all(
        _says("it only exchanges a sign or a name", doubts(kind=kind)) for kind in ("constant", "regular expression")
    )
    assert not _says("it only exchanges", doubts(kind="variable", ties=True))


def test_another_test_shows_what_an_edit_does_be_it_one_that_passed_or_one_that_it_mends() -> None:
    alone, held, mends = doubts(held=ALONE), doubts(held=Held(A, A)), doubts(held=ALONE, also_fixed=1)
    assert left(*alone) < left(*held) == left(*mends)
    assert left(*doubts(held=Held(A, frozenset()))) == left(*alone)  # it does not run the edited lines


@pytest.mark.parametrize(
    ("also", "said"), [(0, "0 other tests show"), (1, "1 other test shows"), (2, "2 other tests show")]
)
def test_how_many_tests_show_it_is_told(also: int, said: str) -> None:
    assert _says(f"mistakes made there, and {said} what it does", doubts(held=ALONE, also_fixed=also))


def test_tests_hold_what_they_run() -> None:
    path = Path("/app.py")
    start = PROGRAM.index("strip")
    candidate = Candidate(Source(path, PROGRAM), Edit(start, start + 5, "rstrip"), "kind", 3, 0.0)
    executed = {"a": {path: frozenset({2})}, "b": {path: frozenset({2, 3})}, "red": {path: frozenset({3})}}
    passing = tuple(TestResult(nodeid, Verdict.PASSED) for nodeid in "abc")
    run = TestRun((*passing, TestResult("red", Verdict.FAILED)), executed)
    assert holding(run, candidate) == Held(A | B, B)
    assert holding(TestRun(passing), candidate) == Held(*[A | B | {"c"}] * 2)


def test_what_runs_at_import_is_held_by_all_who_use_the_file() -> None:
    path = Path("/app.py")
    run = TestRun((TestResult("a", Verdict.PASSED),), {"a": {path: frozenset({5})}})
    candidate = Candidate(Source(path, f"X = 1\n\n\n{PROGRAM}"), Edit(0, 0, "import os\n"), "kind", 1, 0.0)
    assert holding(run, candidate).lines == A


@pytest.mark.parametrize("before", ["PATTERN, N = 'a', 1\n\n\n", "class Reader:\n    PATTERN: str = 'a'\n\n"])
def test_a_value_set_at_import_is_held_by_the_tests_that_use_it(before: str) -> None:
    path, text = Path("/app.py"), f"{before}{PROGRAM.replace('strip()', 'strip(PATTERN)')}"
    at = text.index("'a'")
    line = text[:at].count("\n") + 1
    executed = {"a": {path: frozenset({5, 6})}, "b": {path: frozenset({5, 6}), Path("/b.py"): frozenset({6})}}
    executed["c"] = {path: frozenset({5})}
    run = TestRun(tuple(TestResult(nodeid, Verdict.PASSED) for nodeid in executed), executed)
    candidate = Candidate(Source(path, text), Edit(at, at + 3, "'b'"), "regular expression", line, 0.0)
    assert holding(run, candidate) == Held(A | B | {"c"}, A | B)


def test_tests_that_pass_as_well_without_the_statement_do_not_show_what_it_does() -> None:
    idle = doubts(dispensable=True, also_fixed=3, places=20)
    assert left(*idle) == left(*doubts(held=ALONE, places=20)) < 0.5 < left(*doubts(places=20))
    assert _says("pass as well where it does nothing", idle)


@pytest.mark.parametrize(("text", "is_said"), [("[0-9]+", True), ("+", False)])
def test_a_long_text_that_is_changed_in_one_of_two_places_only_is_doubted(text: str, *, is_said: bool) -> None:
    program = f"def f(kind):\n    if kind == 1:\n        return {text!r}\n    return {text!r}\n"
    start = program.index(repr(text))
    for end, said in ((start + len(repr(text)), is_said), (start, False)):
        edit = Edit(start, end, "'[0-9]*'" if end > start else "'' or ")
        found = Found(Candidate(Source(Path("/app.py"), program), edit, "kind", 3, 0.0), 0, complete=True)
        said_of_it = against(found, FIRM, HELD, places=3.0, dispensable=False)
        assert _says("stands in the function once more", said_of_it) is said


@pytest.mark.parametrize(
    ("old", "new", "is_said"),
    [
        ("(start - end)", "(max(0, start - end))", True),  # `stream.seek(start - end)` is there twice
        ("if start > end", "if start >= end", False),
        ("return None", "return end", False),  # twice, but what does that say
        ("    stream.seek", "    start = end\n    stream.seek", True),
    ],
)
def test_a_statement_that_is_there_twice_and_changed_once_is_doubted(old: str, new: str, *, is_said: bool) -> None:
    text = (
        "def f(stream, start, end):\n    if start > end:\n        return None\n    stream.seek(start - end)\n"
        "    return None\n\n\ndef g(stream, start, end):\n    stream.seek(start - end)\n"
    )
    at = text.index(old)
    line = text[:at].count("\n") + 1
    candidate = Candidate(Source(Path("/app.py"), text), Edit(at, at + len(old), new), "kind", line, 0.0)
    found = against(Found(candidate, 0, complete=True), FIRM, HELD, places=3.0, dispensable=False)
    assert _says("the same stands at line 9, unchanged", found) is is_said


def _says(text: str, found: tuple[Doubt, ...]) -> bool:
    return any(text in doubt.why for doubt in found)
