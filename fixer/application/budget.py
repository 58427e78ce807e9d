"""Counts what a run spends, and ends it before a call would pass a cap."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID

from fixer.application.ports import Estimate
from fixer.domain.errors import CapReached, TestCapReached
from fixer.domain.models import TestError, Usage


@dataclass(frozen=True)
class Caps:
    """What may be spent: US dollars, tokens sent and received, seconds of wall time, attempts. None: no cap."""

    cost: float | None = None
    tokens: int | None = None
    seconds: float | None = None
    attempts: int | None = None


NO_CAPS = Caps()


@dataclass(frozen=True)
class _Account:
    usage: Usage = field(default_factory=Usage)
    attempts: int = 0
    since: float = 0.0


class Budget:
    """A Meter with caps on the whole run and on each test. Costs that nobody knows are not counted at all."""

    def __init__(self, run: Caps, test: Caps = Caps(), clock: Callable[[], float] = time.monotonic) -> None:
        self._run_caps = run
        self._test_caps = test
        self._clock = clock
        self._run = _Account(since=clock())
        self._tests: dict[UUID, _Account] = {}
        self._error_id: UUID | None = None
        self._attempt = Usage()

    @property
    def attempt_usage(self) -> Usage:
        """What the current attempt has cost so far."""
        return self._attempt

    def attempt_begins(self, error: TestError) -> None:
        """Begin to count the next attempt at this test. Raises CapReached."""
        self._error_id = error.id
        self._tests.setdefault(error.id, _Account(since=self._clock()))
        self._check(Estimate(), attempts=1)
        self._attempt = Usage()
        self._run = replace(self._run, attempts=self._run.attempts + 1)
        self._tests[error.id] = replace(self._test, attempts=self._test.attempts + 1)

    def before_call(self, estimate: Estimate) -> None:
        """See that a call of this size fits. Raises CapReached."""
        self._check(estimate)

    def call_ended(self, usage: Usage) -> None:
        """Add what one call has cost, whether it was answered or not."""
        self._attempt = _sum(self._attempt, usage)
        self._run = replace(self._run, usage=_sum(self._run.usage, usage))
        if self._error_id:
            self._tests[self._error_id] = replace(self._test, usage=_sum(self._test.usage, usage))

    @property
    def _test(self) -> _Account:
        return self._tests[self._error_id] if self._error_id else _Account(since=self._clock())

    def _check(self, estimate: Estimate, attempts: int = 0) -> None:
        now = self._clock()
        for why in _passed(self._run_caps, self._run, estimate, attempts, now):
            raise CapReached(f"The run has reached its cap: {why}.", _GO_ON)
        for why in _passed(self._test_caps, self._test, estimate, attempts, now):
            raise TestCapReached(f"A test has reached its cap: {why}.", _GO_ON)


_GO_ON = "What was verified is kept. Raise the cap and go on with the rest: fixer run --resume"


def _passed(caps: Caps, spent: _Account, next_call: Estimate, attempts: int, now: float) -> Iterator[str]:
    """The caps that would be passed, in words. To reach a cap exactly is allowed; time is up when it is up."""
    usage, seconds = spent.usage, now - spent.since
    cost, tokens = usage.cost_usd or 0.0, usage.tokens_sent + usage.tokens_received
    if caps.attempts is not None and spent.attempts + attempts > caps.attempts:
        yield f"{caps.attempts} attempts"
    if caps.seconds is not None and seconds >= caps.seconds:
        yield f"{caps.seconds:g} s, {seconds:.0f} s have passed"
    if caps.tokens is not None and tokens + next_call.tokens > caps.tokens:
        yield f"{caps.tokens:,} tokens, {tokens:,} are spent and the next call takes about {next_call.tokens:,}"
    # Sums of prices are not exact: a hundred-millionth of a cent is nobody's cap.
    if caps.cost is not None and cost + (next_call.cost_usd or 0.0) > caps.cost + 1e-10:
        yield f"${caps.cost:g}, ${cost:.4f} is spent and the next call takes about ${next_call.cost_usd or 0:.4f}"


def _sum(one: Usage, other: Usage) -> Usage:
    known = one.cost_usd is not None and other.cost_usd is not None
    return Usage(
        other.model or one.model,
        other.temperature,
        one.calls + other.calls,
        one.tokens_sent + other.tokens_sent,
        one.tokens_received + other.tokens_received,
        (one.cost_usd or 0.0) + (other.cost_usd or 0.0) if known else None,
        one.model_seconds + other.model_seconds,
    )
