"""The model with a checker that only pretends: what it tries, in which order, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from time import monotonic

import pytest
from pretended import PretendedChecker
from repair_rank import TimedChecker, rank_of_right

from fixer.application.ports import RepairRequest
from fixer.domain.models import CodeLocation, ErrorDetails, TestError, TestResult, TestRun, Verdict
from fixer.offline.localise import suspects
from fixer.offline.model import OfflineModel
from fixer.offline.source import Source

FAILING, OTHER = "test_app.py::test_it", "test_app.py::test_other"
PROGRAM = "LIMIT = 3\n\n\ndef small(n):\n    return n < LIMIT\n\n\ndef unused(n):\n    return n > 7\n"


class PretendChecker(PretendedChecker):
    """Says which tests pass for a text; remembers what it was asked."""

    def __init__(self, verdict: Callable[[str, str], bool]) -> None:
        self.verdict = verdict
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def shown(self, text: str, nodeids: Sequence[str], vital: Sequence[str]) -> TestRun:
        self.asked.append((text, tuple(nodeids)))
        verdicts = (Verdict.PASSED if self.verdict(text, nodeid) else Verdict.FAILED for nodeid in nodeids)
        return TestRun(tuple(TestResult(*pair) for pair in zip(nodeids, verdicts, strict=True)))


@pytest.fixture
def request_(tmp_path: Path) -> RepairRequest:
    app = tmp_path / "app.py"
    app.write_text(PROGRAM)
    executed = {FAILING: {app: frozenset({5})}, OTHER: {app: frozenset({9})}}
    run = TestRun((TestResult(FAILING, Verdict.FAILED), TestResult(OTHER, Verdict.PASSED)), executed)
    error = TestError(Path("test_app.py"), "test_it", ErrorDetails("AssertionError", "assert False"))
    return RepairRequest(error, 1, 0.4, (app,), run)


def model_for(
    checker: PretendChecker,
    top: Path,
    seed: int = 0,
    *,
    least_confidence: float = 0.0,
    module: Sequence[str] = (FAILING, OTHER),
    budget: float = 5,
    clock: Callable[[], float] = monotonic,
) -> OfflineModel:
    return OfflineModel(
        checker=checker,
        top=top,
        module_ids=lambda nodeid: module,
        progress=lambda text: None,
        budget_seconds=budget,
        seed=seed,
        least_confidence=least_confidence,
        clock=clock,
    )


def test_the_edit_that_passes_is_answered_with_what_it_is_worth(request_: RepairRequest, tmp_path: Path) -> None:
    answer = model_for(PretendChecker(lambda text, _: "n <= LIMIT" in text), tmp_path).answer(request_)
    assert "app.py\n```python\n<<<<<<< SEARCH\n    return n < LIMIT\n=======\n    return n <= LIMIT\n" in answer
    assert "Read it" in answer


def test_an_edit_that_breaks_a_test_that_passed_is_not_answered(request_: RepairRequest, tmp_path: Path) -> None:
    def verdict(text: str, nodeid: str) -> bool:
        return "n <= LIMIT" in text or ("n > LIMIT" in text and nodeid == FAILING)

    assert "n <= LIMIT" in model_for(PretendChecker(verdict), tmp_path).answer(request_)


def test_an_edit_that_breaks_a_test_that_was_not_traced_is_not_answered(
    request_: RepairRequest, tmp_path: Path
) -> None:
    far = "test_app.py::test_far_away"
    checker = PretendChecker(lambda text, nodeid: text == "" if nodeid == far else "n <= LIMIT" in text)
    model = model_for(checker, tmp_path, module=[FAILING, far])
    assert "SEARCH" not in model.answer(request_)
    assert checker.asked.count(("", (far,))) == 1


def test_a_passing_test_of_another_function_does_not_hold_an_edit(request_: RepairRequest, tmp_path: Path) -> None:
    model = model_for(PretendChecker(lambda text, nodeid: nodeid == OTHER or "n <= LIMIT" in text), tmp_path)
    assert "0 other tests show what it does" in model.answer(request_)
    app = tmp_path / "app.py"
    run = replace(request_.evidence, executed={FAILING: {app: frozenset({5})}, OTHER: {app: frozenset({4, 5})}})
    model = model_for(PretendChecker(lambda text, nodeid: nodeid == OTHER or "n <= LIMIT" in text), tmp_path)
    assert "no test that passed before is known to run the edited function" not in model.answer(
        replace(request_, evidence=run)
    )


def test_of_a_large_file_the_tests_that_run_the_function_are_asked_first(
    request_: RepairRequest, tmp_path: Path
) -> None:
    far = [f"test_app.py::test_{number}" for number in range(9)]
    app = tmp_path / "app.py"
    results = TestResult(FAILING, Verdict.FAILED), TestResult(OTHER, Verdict.PASSED, seconds=2)
    run = TestRun(results, {FAILING: {app: frozenset({5})}, OTHER: {app: frozenset({5})}})
    checker = PretendChecker(lambda text, nodeid: text == PROGRAM if nodeid == OTHER else "n <= LIMIT" in text)
    model = OfflineModel(
        checker=checker,
        top=tmp_path,
        module_ids=lambda nodeid: [FAILING, OTHER, *far],
        progress=lambda text: None,
        budget_seconds=5,
    )
    assert "SEARCH" not in model.answer(replace(request_, evidence=run))
    assert {nodeids for _, nodeids in checker.asked} == {(FAILING,), (OTHER,)}


def test_an_edit_that_mends_another_test_too_is_preferred(request_: RepairRequest, tmp_path: Path) -> None:
    run = TestRun((request_.evidence.results[0], TestResult(OTHER, Verdict.FAILED)), request_.evidence.executed)
    both_red = RepairRequest(request_.error, 1, 0.4, request_.sources, run)

    def verdict(text: str, nodeid: str) -> bool:
        return "n >= LIMIT" in text or ("n <= LIMIT" in text and nodeid == FAILING)

    assert "n >= LIMIT" in model_for(PretendChecker(verdict), tmp_path).answer(both_red)


def test_edits_that_mend_one_red_test_of_two_do_not_end_the_search(request_: RepairRequest, tmp_path: Path) -> None:
    executed = dict.fromkeys((FAILING, OTHER), request_.evidence.executed[FAILING])
    run = TestRun((request_.evidence.results[0], TestResult(OTHER, Verdict.FAILED)), executed)
    both_red = RepairRequest(request_.error, 1, 0.4, request_.sources, run)
    halves: set[str] = set()

    def verdict(text: str, nodeid: str) -> bool:
        if len(halves) < 30:
            halves.add(text)
        return nodeid == FAILING or text not in halves

    answer = model_for(PretendChecker(verdict), tmp_path).answer(both_red)
    assert len(halves) == 30
    assert "turns every red test of its file that runs it green" in answer


def test_a_red_test_of_another_function_is_not_waited_for(request_: RepairRequest, tmp_path: Path) -> None:
    run = TestRun((request_.evidence.results[0], TestResult(OTHER, Verdict.FAILED)), request_.evidence.executed)
    both_red = RepairRequest(request_.error, 1, 0.4, request_.sources, run)
    answer = model_for(PretendChecker(lambda text, nodeid: nodeid == FAILING), tmp_path).answer(both_red)
    assert "turns every red test of its file that runs it green" in answer
    assert "by trying 5 edits" in answer


def test_where_it_is_not_sure_enough_it_says_what_it_would_do_and_does_not(
    request_: RepairRequest, tmp_path: Path
) -> None:
    checker = PretendChecker(lambda text, _: "n <= LIMIT" in text or "n != LIMIT" in text)
    model = model_for(checker, tmp_path, least_confidence=0.9)
    answer = model.answer(request_)
    assert "SEARCH" not in answer
    assert answer.startswith("Not sure enough to change anything by itself: the best of ")
    assert "at app.py:5 `return n <= LIMIT` for `return n < LIMIT`." in answer
    assert "One other edit passes too: at app.py:5 `return n != LIMIT` for `return n < LIMIT`." in answer
    asked = len(checker.asked)
    again = model.answer(RepairRequest(request_.error, 2, 0.5, request_.sources, request_.evidence))
    assert (again, len(checker.asked)) == (answer, asked)


def test_no_edit_is_answered_where_none_passes(request_: RepairRequest, tmp_path: Path) -> None:
    checker = PretendChecker(lambda text, nodeid: False)
    answer = model_for(checker, tmp_path).answer(request_)
    assert answer.startswith(f"No fix found: {len(checker.asked)} candidates in ")
    assert "best place app.py:5" in answer
    assert "SEARCH" not in answer


def test_the_budget_is_counted_by_the_clock_that_is_given(request_: RepairRequest, tmp_path: Path) -> None:
    checker = PretendChecker(lambda text, nodeid: False)
    ticks = count()
    model = model_for(checker, tmp_path, budget=10, clock=lambda: next(ticks))
    model.answer(request_)
    assert 1 <= len(checker.asked) <= 10


def test_doubts_that_take_too_long_are_left_out_and_the_answer_is_less_sure(
    request_: RepairRequest, tmp_path: Path
) -> None:
    def answer(seconds_of_a_doubt: float) -> tuple[str, int]:
        now = [0.0]

        def verdict(text: str, nodeid: str) -> bool:
            now[0] += seconds_of_a_doubt if len(checker.asked) > tries else 0.0
            return "n <= LIMIT" in text

        checker = PretendChecker(verdict)
        tries = 40  # enough to find it, and those that pass as well
        model = model_for(checker, tmp_path, budget=10, clock=lambda: now[0])
        return model.answer(request_), len(checker.asked)

    (calm, all_asked), (hasty, asked) = answer(0.0), answer(3.0)
    assert "no time left to doubt it" not in calm
    assert "no time left to doubt it as it should be" in hasty
    assert "<<<<<<< SEARCH" in hasty
    assert asked < all_asked
    assert sureness(hasty) < sureness(calm)


def test_the_rank_of_the_right_edit_is_its_place_in_the_order_tried(request_: RepairRequest, tmp_path: Path) -> None:
    right = PROGRAM.replace("n < LIMIT", "n <= LIMIT")
    checker = PretendChecker(lambda text, nodeid: text == right)
    model_for(checker, tmp_path).answer(request_)
    rank = rank_of_right(request_, tmp_path / "app.py", [right])
    assert rank
    assert checker.asked[rank.place - 1][0] == right
    assert rank.by_chance == (rank.of + 1) / 2
    assert not rank_of_right(request_, tmp_path / "app.py", ["print('something else altogether')\n"])


def test_the_first_edit_that_passes_breaks_no_other_test(request_: RepairRequest, tmp_path: Path) -> None:
    def verdict(text: str, nodeid: str) -> bool:
        return nodeid == FAILING if "first" in text else "last" in text

    timed = TimedChecker(PretendChecker(verdict), request_, lambda: 7.0)
    texts = {tmp_path: "first"}, {tmp_path: "last"}
    for text, seen in zip(texts, (None, 7.0), strict=True):
        for nodeid in (FAILING, OTHER):
            list(timed.check([text], [nodeid]))
        assert timed.first == seen


def test_when_nothing_is_left_to_try_that_is_said(request_: RepairRequest, tmp_path: Path) -> None:
    checker = PretendChecker(lambda text, nodeid: False)
    model = model_for(checker, tmp_path)
    for attempt in range(1, 6):
        answer = model.answer(RepairRequest(request_.error, attempt, 0.4, request_.sources, request_.evidence))
    assert "No fix found: every edit that can be thought of was tried before; best place app.py:5 " in answer
    assert answer.endswith("(then app.py:4, app.py:1).\n")


def test_no_edit_is_tried_twice_whatever_the_attempt(request_: RepairRequest, tmp_path: Path) -> None:
    checker = PretendChecker(lambda text, nodeid: False)
    model = model_for(checker, tmp_path)
    model.answer(request_)
    model.answer(RepairRequest(request_.error, 2, 0.5, request_.sources, request_.evidence))
    texts = [text for text, _ in checker.asked]
    assert len(texts) == len(set(texts)) > 50


def test_what_was_tried_in_another_process_is_not_tried_again(request_: RepairRequest, tmp_path: Path) -> None:
    diff = "--- a/app.py\n+++ b/app.py\n@@ -5 +5 @@\n-    return n < LIMIT\n+    return n <= LIMIT\n"
    tried = RepairRequest(request_.error, 2, 0.5, request_.sources, request_.evidence, frozenset({diff}))
    checker = PretendChecker(lambda text, nodeid: False)
    model_for(checker, tmp_path).answer(tried)
    assert not any("n <= LIMIT" in text for text, _ in checker.asked)


def test_the_first_attempt_goes_by_rank_and_later_ones_by_seed(request_: RepairRequest, tmp_path: Path) -> None:
    def order(attempt: int, seed: int) -> list[str]:
        checker = PretendChecker(lambda text, nodeid: False)
        request = RepairRequest(request_.error, attempt, 0.4, request_.sources, request_.evidence)
        model_for(checker, tmp_path, seed).answer(request)
        return [text for text, _ in checker.asked]

    assert order(1, 1) == order(1, 2)
    assert order(2, 1) == order(2, 1)
    assert order(2, 1) != order(2, 2)


def test_a_file_that_cannot_be_parsed_is_named(request_: RepairRequest, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def f(:\n")
    answer = model_for(PretendChecker(lambda text, nodeid: True), tmp_path).answer(request_)
    assert "Not searched: app.py" in answer


def test_files_outside_the_tree_are_left_alone(request_: RepairRequest, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    checker = PretendChecker(lambda text, nodeid: True)
    assert "No fix found: 0 candidates" in model_for(checker, tmp_path / "inner").answer(request_)


def test_executed_statements_come_first_then_the_values_they_use(request_: RepairRequest, tmp_path: Path) -> None:
    source = Source.read(tmp_path / "app.py")
    assert [found.statement.lineno for found in suspects(request_, [source])] == [5, 4, 1]


def test_what_a_used_value_is_made_of_is_suspected_less_than_the_value(request_: RepairRequest, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("LOW = 1\nLIMIT = LOW + 2\nOTHER = 1\ndef small(n):\n    return n < LIMIT\n")
    found = suspects(request_, [Source.read(tmp_path / "app.py")])
    assert [one.statement.lineno for one in found] == [5, 4, 2, 1]


def test_a_table_of_another_file_is_suspected_by_what_uses_its_name(request_: RepairRequest, tmp_path: Path) -> None:
    (tmp_path / "tables.py").write_text("class Small:\n    LIMIT = 1\n    KIND = 2\n")
    found = suspects(request_, [Source.read(tmp_path / name) for name in ("app.py", "tables.py")])
    assert [(one.source.path.name, one.statement.lineno) for one in found][-1] == ("tables.py", 2)
    assert len([one for one in found if one.source.path.name == "tables.py"]) == 1


def test_the_place_where_the_exception_was_raised_comes_first(request_: RepairRequest, tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    frames = (CodeLocation(tmp_path / "test_app.py", 4), CodeLocation(app, 9))
    error = TestError(Path("test_app.py"), "", ErrorDetails("NameError", "name 'x' is not defined"), frames=frames)
    request = RepairRequest(error, 1, 0.4, (app,), TestRun(()))
    assert suspects(request, [Source.read(app)])[0].statement.lineno == 9


def test_what_the_test_is_named_after_comes_before_what_it_uses(request_: RepairRequest, tmp_path: Path) -> None:
    (tmp_path / "prices.py").write_text("def total(n):\n    return n\n\n\ndef rest(n):\n    return n\n")
    (tmp_path / "deep.py").write_text("def deeper(n):\n    return n\n")
    sources = [Source.read(tmp_path / name) for name in ("deep.py", "prices.py")]
    error = TestError(Path("test_prices.py"), "test_total", ErrorDetails("AssertionError", ""))
    executed = {error.nodeid: {tmp_path / "deep.py": frozenset({2}), tmp_path / "prices.py": frozenset({2, 6})}}
    run = TestRun((TestResult(error.nodeid, Verdict.FAILED),), executed)
    found = suspects(replace(request_, error=error, evidence=run), sources)
    assert [(one.source.path.name, one.statement.lineno) for one in found[:3]] == [
        ("prices.py", 2),
        ("prices.py", 6),
        ("deep.py", 2),
    ]


def sureness(answer: str) -> int:
    """In percent."""
    return int(answer.partition("Confidence ")[2].partition("%")[0])
