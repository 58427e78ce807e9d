"""Caps: what reaches one exactly is allowed, what would pass it is not begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer.application.budget import Budget, Caps
from fixer.application.ports import Estimate
from fixer.domain.errors import CapReached, TestCapReached
from fixer.domain.models import ErrorDetails, TestError, Usage


def an_error() -> TestError:
    return TestError(Path("test_x.py"), "test_y", ErrorDetails("E", ""))


def spent(tokens: int = 0, cost: float | None = 0.0) -> Usage:
    return Usage("m", 0.4, 1, tokens, 0, cost, 0.5)


@pytest.mark.parametrize(
    ("caps", "used", "fits", "too_much"),
    [
        (Caps(tokens=1000), spent(400), Estimate(600), Estimate(601)),
        (Caps(cost=0.3), spent(0, 0.1), Estimate(0, 0.2), Estimate(0, 0.2001)),
    ],
    ids=["tokens", "cost"],
)
def test_a_cap_may_be_reached_and_not_passed(caps: Caps, used: Usage, fits: Estimate, too_much: Estimate) -> None:
    for budget, raised in ((Budget(caps), CapReached), (Budget(Caps(), caps), TestCapReached)):
        budget.attempt_begins(an_error())
        budget.call_ended(used)
        budget.before_call(fits)
        with pytest.raises(raised):
            budget.before_call(too_much)


def test_time_is_up_when_it_is_up() -> None:
    now = 0.0
    budget = Budget(Caps(seconds=10), clock=lambda: now)
    budget.attempt_begins(an_error())
    now = 9.9
    budget.before_call(Estimate())
    now = 10.0
    with pytest.raises(CapReached, match="10 s"):
        budget.before_call(Estimate())
    with pytest.raises(CapReached):
        budget.attempt_begins(an_error())


def test_the_time_of_a_test_begins_with_its_first_attempt() -> None:
    now = 0.0
    budget = Budget(Caps(), Caps(seconds=10), clock=lambda: now)
    now = 50.0
    error = an_error()
    budget.attempt_begins(error)
    now = 60.0
    with pytest.raises(TestCapReached):
        budget.attempt_begins(error)
    budget.attempt_begins(an_error())


def test_attempts_are_counted_over_the_run() -> None:
    budget = Budget(Caps(attempts=2))
    budget.attempt_begins(an_error())
    budget.attempt_begins(an_error())
    with pytest.raises(CapReached, match="2 attempts"):
        budget.attempt_begins(an_error())


def test_what_one_test_has_spent_is_not_held_against_another() -> None:
    budget = Budget(Caps(), Caps(tokens=100))
    budget.attempt_begins(an_error())
    budget.call_ended(spent(100))
    budget.attempt_begins(an_error())
    budget.before_call(Estimate(100))


def test_an_unknown_price_makes_the_sum_unknown_and_is_not_a_zero() -> None:
    budget = Budget(Caps())
    budget.attempt_begins(an_error())
    budget.call_ended(spent(10, 0.5))
    budget.call_ended(spent(10, None))
    assert budget.attempt_usage.cost_usd is None
    assert budget.attempt_usage.tokens_sent == 20
    budget.attempt_begins(an_error())
    assert budget.attempt_usage == Usage()


def test_a_cap_of_nothing_allows_nothing_that_costs() -> None:
    budget = Budget(Caps(cost=0))
    budget.attempt_begins(an_error())
    budget.before_call(Estimate(10, 0.0))
    with pytest.raises(CapReached):
        budget.before_call(Estimate(10, 0.00001))
