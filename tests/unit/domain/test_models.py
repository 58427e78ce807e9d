"""What a failing test, its attempts and its results promise."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from fixer.domain.models import (
    CodeChanges,
    ErrorDetails,
    Proposal,
    TestError,
    TestResult,
    TestRun,
    Verdict,
)

DETAILS = ErrorDetails("AssertionError", "assert 1 == 2")


@pytest.fixture
def error() -> TestError:
    return TestError(test_file=Path("tests/test_a.py"), test_function="test_b", error_details=DETAILS)


def test_a_new_error_is_unfixed_and_untried(error: TestError) -> None:
    assert isinstance(error.id, UUID)
    assert (error.status, error.fix_attempts, error.can_attempt_fix()) == ("unfixed", [], True)


def test_two_errors_are_never_the_same(error: TestError) -> None:
    other = TestError(test_file=error.test_file, test_function="test_b", error_details=DETAILS)
    assert other.id != error.id
    assert other != error


def test_starting_an_attempt_keeps_it_pending(error: TestError) -> None:
    attempt = error.start_fix_attempt(0.4)
    assert (attempt.attempt_number, attempt.temperature, attempt.status) == (1, 0.4, "pending")
    assert (attempt.error_id, attempt.completed_at) == (error.id, None)
    assert attempt.started_at.utcoffset() == timedelta(0)
    assert (error.fix_attempts, error.status) == ([attempt], "unfixed")


def test_attempts_are_counted_from_one(error: TestError) -> None:
    assert [error.start_fix_attempt(0.4).attempt_number for _ in range(3)] == [1, 2, 3]


def test_a_verified_attempt_fixes_the_error(error: TestError) -> None:
    attempt = error.start_fix_attempt(0.4)
    error.mark_fixed(attempt)
    assert (error.status, attempt.status, error.can_attempt_fix()) == ("fixed", "success", False)
    assert attempt.completed_at is not None
    assert attempt.completed_at >= attempt.started_at


def test_a_failed_attempt_leaves_the_error_unfixed(error: TestError) -> None:
    attempt = error.start_fix_attempt(0.4)
    error.mark_attempt_failed(attempt, "still red")
    assert (error.status, attempt.status, attempt.reason) == ("unfixed", "failed", "still red")
    assert error.can_attempt_fix()


def test_an_error_can_be_fixed_by_the_fix_of_another(error: TestError) -> None:
    other = TestError(Path("tests/test_a.py"), "test_c", DETAILS)
    error.mark_fixed_by(other)
    assert (error.status, error.fixed_by) == ("fixed", other.id)


def test_a_fix_that_is_taken_back_leaves_no_success_behind(error: TestError) -> None:
    failed, fixing = error.start_fix_attempt(0.4), error.start_fix_attempt(0.5)
    error.mark_attempt_failed(failed, "still red")
    error.mark_fixed(fixing)
    error.reopen("broke test_c")
    assert error.can_attempt_fix()
    assert [(attempt.status, attempt.reason) for attempt in error.fix_attempts] == [
        ("failed", "still red"),
        ("failed", "broke test_c"),
    ]


@pytest.mark.parametrize(
    ("function", "nodeid"),
    [
        ("test_b", "tests/test_a.py::test_b"),
        ("TestX::test_y[1 + 1]", "tests/test_a.py::TestX::test_y[1 + 1]"),
        ("", "tests/test_a.py"),
    ],
)
def test_node_ids_are_put_together_as_pytest_does(function: str, nodeid: str) -> None:
    assert TestError(Path("tests/test_a.py"), function, DETAILS).nodeid == nodeid


@pytest.mark.parametrize(
    ("verdict", "truth"), [(Verdict.PASSED, True), (Verdict.FAILED, False), (Verdict.NOT_RUN, False)]
)
def test_only_a_pass_is_a_pass(verdict: Verdict, truth: bool) -> None:
    assert bool(TestResult("a::b", verdict)) is truth


def test_a_run_knows_its_results_by_exact_id() -> None:
    run = TestRun((TestResult("a::b", Verdict.PASSED), TestResult("a::b[1]", Verdict.FAILED)))
    assert run.passed == {"a::b"}
    assert run.of("a::b[1]").verdict is Verdict.FAILED
    assert run.of("a::c") == TestResult("a::c", Verdict.NOT_RUN, "not collected")


def test_a_proposal_without_changes_is_none() -> None:
    assert not Proposal(None, "the model declined")
    assert Proposal(CodeChanges("a", "b"))
