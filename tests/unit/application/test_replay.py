"""When a replay proves a fix, and when it does not."""

from __future__ import annotations

from fixer.application.replay import RunTest, replay
from fixer.domain.models import ErrorDetails, TestResult, Verdict

PASSED = TestResult("t", Verdict.PASSED)
FAILED = TestResult("t", Verdict.FAILED, "ValueError", ErrorDetails("ValueError", "no"))
SKIPPED = TestResult("t", Verdict.NOT_RUN, "skipped")


def test_red_before_and_green_each_time_with_it_is_verified() -> None:
    shown = replay(runs(FAILED), runs(PASSED, PASSED, PASSED), 3)
    assert shown.verified
    assert shown.after == (PASSED, PASSED, PASSED)


def test_a_test_that_passes_without_the_fix_proves_nothing_and_is_not_run_again() -> None:
    shown = replay(runs(PASSED), runs())
    assert (shown.verified, shown.reason) == (False, "the test passes without the fix, too")


def test_a_test_that_is_not_run_before_proves_nothing() -> None:
    assert replay(runs(SKIPPED), runs()).reason == "without the fix the test does not run: skipped"


def test_one_run_that_does_not_pass_is_enough_to_refuse() -> None:
    shown = replay(runs(FAILED), runs(PASSED, FAILED), 5)
    assert (shown.reason, len(shown.after)) == ("with the fix the test does not pass: ValueError: no", 2)
    assert replay(runs(FAILED), runs(SKIPPED)).reason == "with the fix the test does not pass: skipped"


def runs(*results: TestResult) -> RunTest:
    """Each time the next; one more than there are is a mistake."""
    left = iter(results)
    return lambda: next(left)
