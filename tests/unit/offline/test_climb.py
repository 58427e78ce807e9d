"""Repairs of several edits: a checker only pretends, so that each mistake shows in the test meant to show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pretended import PretendedChecker

from fixer.application.ports import RepairRequest
from fixer.domain.models import CodeLocation, ErrorDetails, TestError, TestResult, TestRun, Verdict
from fixer.offline.executed import executed_after
from fixer.offline.model import OfflineModel
from fixer.offline.rank import Candidate, composed
from fixer.offline.source import Edit, Source

ASKED, OTHER, GREEN = (f"test_app.py::test_{name}" for name in ("asked", "other", "green"))
PROGRAM = "def between(n):\n    low = n > 1\n    high = n < 9\n    return low and high\n"
DETAILS = ErrorDetails("AssertionError", "")


class Pretends(PretendedChecker):
    """Says of a text which of the tests pass."""

    def __init__(self, passes: Callable[[str, str], bool]) -> None:
        self.passes = passes

    def shown(self, text: str, nodeids: Sequence[str], vital: Sequence[str]) -> TestRun:
        return run(*((nodeid, self.passes(text, nodeid)) for nodeid in nodeids))


def run(*shown: tuple[str, bool]) -> TestRun:
    return TestRun(
        tuple(
            TestResult(nodeid, Verdict.PASSED if green else Verdict.FAILED, details=None if green else DETAILS)
            for nodeid, green in shown
        )
    )


def answer(tmp_path: Path, passes: Callable[[str, str], bool]) -> str:
    app = tmp_path / "app.py"
    app.write_text(PROGRAM)
    shown = run((ASKED, False), (OTHER, False), (GREEN, True), ("test_far.py::test_it", True))
    evidence = TestRun(shown.results, {nodeid: {app: frozenset({2, 3, 4})} for nodeid in (ASKED, OTHER, GREEN)})
    request = RepairRequest(TestError(Path("test_app.py"), "test_asked", DETAILS), 1, 0.4, (app,), evidence)
    model = OfflineModel(
        checker=Pretends(passes),
        top=tmp_path,
        module_ids=lambda nodeid: [ASKED, OTHER, GREEN],
        progress=lambda text: None,
        budget_seconds=20,
    )
    return model.answer(request)


BOTH = "    low = n >= 1\n    high = n <= 9\n>>>>>>> REPLACE"


@pytest.mark.parametrize(("first", "second"), [(ASKED, OTHER), (OTHER, ASKED)])
def test_two_mistakes_of_a_function_are_mended_at_once_in_whatever_order_they_show(
    tmp_path: Path, first: str, second: str
) -> None:
    def passes(text: str, nodeid: str) -> bool:
        low, high = "n >= 1" in text, "n <= 9" in text
        return {first: low, second: low and high, GREEN: True}[nodeid]

    said = answer(tmp_path, passes)
    assert BOTH in said
    assert "Changed the comparison operator and comparison operator at" in said
    assert "turns every red test of its file that runs it green" in said


def test_a_second_edit_may_not_break_what_passed_or_what_the_first_one_mended(tmp_path: Path) -> None:
    def passes(text: str, nodeid: str) -> bool:
        low, high = "n >= 1" in text, "n <= 9" in text
        if "low or high" in text:
            return nodeid == OTHER
        if "low and low" in text:
            return nodeid != GREEN
        return {ASKED: low, OTHER: low and high, GREEN: True}[nodeid]

    assert BOTH in answer(tmp_path, passes)


def test_two_edits_are_less_sure_than_one(tmp_path: Path) -> None:
    def sureness(said: str) -> int:
        return int(said.partition("Confidence ")[2].partition("%")[0])

    one = answer(tmp_path, lambda text, nodeid: nodeid == GREEN or "n >= 1" in text)
    two = answer(
        tmp_path, lambda text, nodeid: nodeid == GREEN or ("n >= 1" in text and (nodeid == ASKED or "n <= 9" in text))
    )
    assert sureness(two) < 50 <= sureness(one)


class Stops(PretendedChecker):
    """Runs one test that asserts of both ends of a range, one after the other."""

    def shown(self, text: str, nodeids: Sequence[str], vital: Sequence[str]) -> TestRun:
        return TestRun((stopped(2 + ("n >= 1" in text) + ("n >= 1" in text and "n <= 9" in text)),))


def stopped(line: int) -> TestResult:
    """The test as it fails at that line of its own, which has 3."""
    verdict = Verdict.FAILED if line <= 3 else Verdict.PASSED
    return TestResult(ASKED, verdict, details=DETAILS, frames=(CodeLocation(Path("/project/test_app.py"), line),))


def test_a_test_that_fails_later_than_before_is_searched_on_from_there(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(PROGRAM)
    evidence = TestRun((stopped(2),), {ASKED: {app: frozenset({2, 3, 4})}})
    request = RepairRequest(TestError(Path("test_app.py"), "test_asked", DETAILS), 1, 0.4, (app,), evidence)
    model = OfflineModel(
        checker=Stops(), top=tmp_path, module_ids=lambda nodeid: [ASKED], progress=lambda text: None, budget_seconds=6
    )
    assert BOTH in model.answer(request)


@given(st.data())
def test_two_edits_in_a_row_are_one_edit_of_the_original(data: st.DataObject) -> None:
    def drawn(text: str) -> Candidate:
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, len(text)))
        edit = Edit(start, end, data.draw(st.sampled_from(["", "x", "a b\n"])))
        return Candidate(source_of(text), edit, "kind", 1, -1.0)

    first = drawn(PROGRAM)
    then = drawn(first.text)
    both = composed(first, then)
    assert both.text == then.text
    assert both.source.text == PROGRAM
    assert (both.steps, both.score) == (2, -2.0)


def source_of(text: str) -> Source:
    """A source whatever the text says, and be it no Python."""
    source = Source(Path("/project/app.py"), "")
    source.text = text
    return source


def test_the_lines_that_tests_ran_move_with_the_text_and_a_red_test_may_run_all_of_its_function() -> None:
    file = Path("/project/app.py")
    text = "def f(a):\n    x = a\n    return x\n\n\ndef g(a):\n    y = a\n    return y\n"
    at = text.index("    x = a")
    edit = Candidate(Source(file, text), Edit(at, at, "    a += 1\n    a += 2\n"), "kind", 2, 0.0)
    before = TestRun(
        (), {ASKED: {file: frozenset({2, 7}), Path("/other.py"): frozenset({1})}, GREEN: {file: frozenset({3})}}
    )
    after = executed_after(before, edit, Source(file, edit.text), {GREEN})
    assert after[GREEN] == {file: frozenset({5})}
    assert after[ASKED] == {file: frozenset({*range(1, 6), *range(8, 11)}), Path("/other.py"): frozenset({1})}
