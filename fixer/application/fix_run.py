"""What happens to a whole red run: triage, one fix per cause, what a fix turns green, and a last look at everything."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from fixer.application.ports import Checkpointer, Listener, TestRunner
from fixer.application.triage import Triage
from fixer.application.usecases import StopRun, TestFixingService, errors_of
from fixer.domain.clusters import cause_of
from fixer.domain.errors import CapReached, FixerError, ProviderFailed, TestCapReached, TestsCannotRun, TreeNeedsPerson
from fixer.domain.events import Diagnosed, DiscoveryStarted, ErrorsDiscovered, FixedAlong, FixTakenBack
from fixer.domain.models import Diagnosis, TestError, TestRun
from fixer.domain.repositories import TestErrorRepository

MOST_ROUNDS = 10
"""How often tests that only a fix made visible are worked on in their turn."""


@dataclass(frozen=True)
class RunSummary:
    """How a run ended: its errors with what became of them, and the tests that only fail since the run."""

    errors: tuple[TestError, ...] = ()
    newly_broken: tuple[str, ...] = ()
    stopped: bool = False
    failure: FixerError | None = None
    """What ended the run early, where something did; what had landed by then stays."""
    green: frozenset[str] = frozenset()
    """What passed in the last look at everything, where there was one."""

    @property
    def still_red(self) -> bool:
        """Whether any test that the run knows of is still red; one that was set aside may have passed in the end."""
        return bool(self.newly_broken) or any(
            error.can_attempt_fix() and not (error.diagnosis and error.nodeid in self.green) for error in self.errors
        )


class FixRun:
    """Takes a red run and fixes it test by test; what one fix turns green is not paid for again."""

    def __init__(
        self,
        service: TestFixingService,
        error_repo: TestErrorRepository,
        test_runner: TestRunner,
        checkpointer: Checkpointer,
        publish: Listener,
        *,
        before_fixing: Callable[[], None] = lambda: None,
        look_again: bool = True,
        triage: Triage | None = None,
        named: Callable[[str], bool] = lambda nodeid: False,
        choose: Callable[[Sequence[TestError]], Sequence[TestError]] = lambda errors: errors,
    ) -> None:
        self._service = service
        self._errors = error_repo
        self._tests = test_runner
        self._checkpointer = checkpointer
        self._publish = publish
        self._before_fixing = before_fixing
        self._look_again = look_again
        self._triage = triage
        self._named = named
        self._choose = choose
        self._landed: list[TestError] = []
        self._not_looked_at: list[TestError] = []
        self._fixed_along: dict[UUID, list[TestError]] = {}
        self._given_up: dict[Hashable, TestError] = {}
        self._seen: set[str] = set()
        self._green: set[str] = set()
        self._capped: TestCapReached | None = None

    def __call__(self) -> RunSummary:
        """Discover, fix, and look at everything once more; what that shows for the first time is fixed in its turn."""
        self._publish(DiscoveryStarted())
        before = self._service.discover_and_record_errors()
        if not before.results:
            raise TestsCannotRun(
                "pytest collected no tests here.", "Name the file or folder that holds them: fixer run tests"
            )
        errors = tuple(self._errors.get_unfixed_errors())
        self._publish(ErrorsDiscovered(errors, len(before.passed), before.seconds))
        self._remember(before)
        summary = self._work_on(errors, RunSummary(errors))
        for _ in range(MOST_ROUNDS):
            if not self._has_to_look_again():
                break
            summary, new = self._look_at_everything(summary)
            if not new or summary.stopped or summary.failure:
                break
            summary = self._work_on(new, summary)
        return summary

    def _work_on(self, errors: Sequence[TestError], summary: RunSummary) -> RunSummary:
        try:
            if self._triage:
                self._triage(errors)
            self._leave_unchosen([error for error in errors if error.diagnosis is None])
            if any(error.diagnosis is None for error in errors):
                self._before_fixing()
            self._fix_all(errors)
        except StopRun:
            return replace(summary, stopped=True)
        except (ProviderFailed, CapReached) as ended:
            return replace(summary, failure=ended)
        finally:
            self._tell_what_was_not_tried(errors)
        return replace(summary, failure=self._capped)

    def _leave_unchosen(self, errors: Sequence[TestError]) -> None:
        chosen = {error.id for error in (self._choose(errors) if errors else ())}
        for error in errors:
            if error.id not in chosen:
                error.set_aside(Diagnosis("not chosen", "left alone, as you chose"))
                self._errors.save(error)

    def _fix_all(self, errors: Sequence[TestError]) -> None:
        for error in errors:
            if not error.can_attempt_fix() or error.diagnosis:
                continue
            cause = cause_of(error)
            if cause in self._given_up and not self._named(error.nodeid):
                self._leave_alone(error, self._given_up[cause])
            elif self._triage and self._triage.is_ghost(error):
                continue
            elif self._attempt(error):
                self._landed.append(error)
                self._not_looked_at.append(error)
                self._recheck(errors, error)
            else:
                # A second try at one cause would most likely be paid for in vain; named by its id, it is made.
                self._given_up.setdefault(cause, error)

    def _attempt(self, error: TestError) -> bool:
        try:
            return self._service.attempt_fix(error.id)
        except TestCapReached as reached:  # the others have caps of their own
            self._capped = self._capped or reached
            return False

    def _leave_alone(self, error: TestError, tried: TestError) -> None:
        error.set_aside(Diagnosis("same cause", f"not tried: it has the same cause as {tried.nodeid}, which stays red"))
        self._errors.save(error)

    def _tell_what_was_not_tried(self, errors: Sequence[TestError]) -> None:
        """In the end, because a later fix may have turned them green."""
        told: dict[Diagnosis, list[TestError]] = {}
        for error in errors:
            if error.diagnosis and error.diagnosis.kind == "same cause":
                told.setdefault(error.diagnosis, []).append(error)
        for diagnosis, alike in told.items():
            self._publish(Diagnosed(tuple(alike), diagnosis))

    def _recheck(self, errors: Sequence[TestError], fixed: TestError) -> None:
        red = [error for error in errors if error.can_attempt_fix() and _may_turn_green(error)]
        run = self._tests.run([error.nodeid for error in red]) if red else TestRun(())
        for error in red:
            if run.of(error.nodeid):
                error.mark_fixed_by(fixed)
                self._fixed_along.setdefault(fixed.id, []).append(error)
                self._errors.save(error)
                self._publish(FixedAlong(error.id, error.nodeid, fixed.nodeid))

    def _has_to_look_again(self) -> bool:
        """After any fix; where that is not wanted, at least for what a file that could not be collected has hidden."""
        return any(self._look_again or not error.test_function for error in self._not_looked_at)

    def _look_at_everything(self, summary: RunSummary) -> tuple[RunSummary, tuple[TestError, ...]]:
        self._not_looked_at.clear()
        after = self._tests.discover()
        fixed = {error.nodeid for error in summary.errors if not error.can_attempt_fix() and error.test_function}
        broken = self._broken_by(sorted((self._green | fixed) - after.passed), summary.errors)
        new = tuple(error for error in errors_of(after) if error.nodeid not in self._seen)
        for error in new:
            self._errors.save(error)
        self._remember(after)
        if new:
            self._publish(ErrorsDiscovered(new, len(after.passed), after.seconds))
        return replace(summary, errors=summary.errors + new, newly_broken=broken, green=after.passed), new

    def _remember(self, run: TestRun) -> None:
        self._seen |= {result.nodeid for result in run.results}
        self._green |= run.passed

    def _broken_by(self, suspects: list[str], errors: Sequence[TestError]) -> tuple[str, ...]:
        """Take back the fix that broke a test, newest first, and name what stays broken."""
        broken = self._still_red(suspects)  # a flaky test is not held against a fix
        for error in reversed(self._landed):
            if not broken:
                break
            broken = self._try_without(error, broken)
        self._landed = [error for error in self._landed if not error.can_attempt_fix()]
        for error in errors:
            if error.nodeid in broken and not error.can_attempt_fix():
                error.reopen("passed when it was verified, and fails in the run of everything")
                self._errors.save(error)
        known = {error.nodeid for error in errors}
        return tuple(nodeid for nodeid in broken if nodeid not in known)

    def _try_without(self, error: TestError, broken: list[str]) -> list[str]:
        try:
            fix_id = self._checkpointer.take_back(error)
        except TreeNeedsPerson:
            return broken
        left = self._still_red([nodeid for nodeid in broken if nodeid != error.nodeid])
        cured = tuple(nodeid for nodeid in broken if nodeid not in (*left, error.nodeid))
        if not cured and error.nodeid not in broken:
            self._checkpointer.put_back(error)
            return broken
        reason = (
            f"broke {', '.join(cured)}" if cured else "passed when it was verified, and not in the run of everything"
        )
        self._reopen(error, reason)
        self._publish(FixTakenBack(error.nodeid, fix_id, cured))
        return left

    def _reopen(self, error: TestError, reason: str) -> None:
        for other in (error, *self._fixed_along.pop(error.id, [])):
            other.reopen(reason)
            self._errors.save(other)

    def _still_red(self, nodeids: list[str]) -> list[str]:
        if not nodeids:
            return []
        passed = self._tests.run(nodeids).passed
        return [nodeid for nodeid in nodeids if nodeid not in passed]


def _may_turn_green(error: TestError) -> bool:
    """What is the machine's fault, or comes and goes, is no fix's merit when it passes."""
    return error.diagnosis is None or error.diagnosis.kind in ("same cause", "not chosen")
