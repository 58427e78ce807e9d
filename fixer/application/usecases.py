"""What happens to one failing test: attempts at rising temperatures, each verified, then landed or undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from fixer.application.ports import (
    AIManager,
    ChangeApplier,
    Checkpointer,
    Decision,
    Guard,
    HandEditor,
    Hint,
    Landed,
    Listener,
    Meter,
    Reviewer,
    TestRunner,
    VcsManager,
)
from fixer.domain.errors import EditFailed
from fixer.domain.events import (
    DomainEvent,
    FixAttemptCompleted,
    FixAttemptStarted,
    FixLanded,
    GuardPassed,
    Notice,
    PhaseEntered,
)
from fixer.domain.ladder import Rung, Tried, already_climbed, models_of, next_rung
from fixer.domain.models import ErrorDetails, FixAttempt, Proposal, TestError, TestResult, TestRun, Usage
from fixer.domain.repositories import TestErrorRepository


class StopRun(Exception):
    """The person at the terminal wants to end the run; everything landed so far stays."""


class TestFixingService:
    """Finds failing tests and tries to fix them, at rising temperatures.

    Of what `error_repo`, `ai_manager`, `test_runner`, `vcs_manager` and `change_applier` return, only the truth
    is relied on to decide; whatever else their answers carry is recorded. `confirm` is how often, each time in a
    process of its own, a test has to pass before its fix counts; `confirmed_by` names the runners that have to see it
    pass instead, quick ones first, of which the last has to be beyond doubt. A `ladder` takes the place of the
    temperatures and of `max_retries`; its last rung is reached only where each one before it could tell something new.
    What `recall` knows of attempts at a test in an earlier run counts as made: its rungs are not climbed again, and it
    is told.
    """

    __test__: ClassVar[bool] = False

    def __init__(
        self,
        error_repo: TestErrorRepository,
        ai_manager: AIManager,
        test_runner: TestRunner,
        vcs_manager: VcsManager,
        change_applier: ChangeApplier,
        initial_temp: float = 0.4,
        temp_increment: float = 0.1,
        max_retries: int = 3,
        *,
        checkpointer: Checkpointer | None = None,
        guards: Sequence[Guard] = (),
        reviewer: Reviewer | None = None,
        editor: HandEditor | None = None,
        publish: Listener | None = None,
        confirm: int = 1,
        confirmed_by: Sequence[TestRunner] = (),
        ladder: Sequence[Rung] = (),
        meter: Meter | None = None,
        recall: Callable[[TestError], Sequence[FixAttempt]] = lambda error: (),
    ) -> None:
        self._errors = error_repo
        self._ai = ai_manager
        self._tests = test_runner
        self._vcs = vcs_manager
        self._changes = change_applier
        plain = (Rung("", round(initial_temp + number * temp_increment, 6)) for number in range(max_retries))
        self._ladder = tuple(ladder or plain)
        self._climbs = bool(ladder)
        self._meter = meter
        self._recall = recall
        self._checkpointer = checkpointer
        self._guards = guards
        self._reviewer = reviewer
        self._editor = editor
        self._confirmed_by = tuple(confirmed_by) or (test_runner,) * confirm
        self._publish: Callable[[DomainEvent], None] = publish or _nobody_listens
        self._refused_by = ""

    def discover_and_record_errors(self) -> TestRun:
        """Run the tests and save each failure. Raises TestsCannotRun."""
        run = self._tests.discover()
        for error in errors_of(run):
            error.fix_attempts.extend(self._recall(error))
            self._errors.save(error)
        return run

    def attempt_fix(self, error_id: UUID) -> bool:
        """Try to fix one test, `max_retries` times at the most; false also for an unknown or fixed error.

        Raises what a collaborator raises, after the attempt was taken back.
        """
        error = self._errors.get_by_id(error_id)
        if not error or not error.can_attempt_fix():
            return False
        tried = self._climbed_before(error)
        rung = self._next(tried)
        if tried and not rung:
            self._publish(Notice(f"{error.nodeid}: nothing is left to try. To begin anew: fixer run '{error.nodeid}'"))
        while rung:
            if self._meter:
                self._meter.attempt_begins(error)
            attempt = error.start_fix_attempt(rung.temperature, rung if self._climbs else None)
            outcome = self._try(error, attempt)
            if outcome is _KEPT:
                return True
            if outcome is _LEAVE_ALONE:
                return False
            tried.append(_tried(rung, attempt))
            # Who asks for another attempt at the keyboard gets it, on the last rung if need be.
            rung = self._next(tried) or (rung if outcome is _ASKED_AGAIN else None)
        return False

    def _climbed_before(self, error: TestError) -> list[Tried]:
        if not self._climbs:
            return []
        ended = (attempt for attempt in error.fix_attempts if attempt.status == "failed" and not attempt.cut_off)
        return already_climbed(self._ladder, (_tried(attempt.rung, attempt) for attempt in ended if attempt.rung))

    def _next(self, tried: Sequence[Tried]) -> Rung | None:
        if self._climbs:
            return next_rung(self._ladder, tried)
        return self._ladder[len(tried)] if len(tried) < len(self._ladder) else None

    def _try(self, error: TestError, attempt: FixAttempt) -> str:
        self._errors.save(error)
        self._publish(
            FixAttemptStarted(
                error.id,
                attempt.id,
                error.nodeid,
                attempt.attempt_number,
                max(len(self._ladder), attempt.attempt_number),
                attempt.temperature,
                attempt.rung.model if attempt.rung and len(models_of(self._ladder)) > 1 else "",
            )
        )
        proposal: object = None
        landed: object = None
        try:
            if self._checkpointer:
                self._checkpointer.checkpoint(error, attempt)
            proposal = self._propose(error, attempt)
            failure = self._verify(error, proposal)
            attempt.refused_by = self._refused_by
            outcome = _TRY_AGAIN if failure else _KEPT
            if not failure and self._reviewer:
                failure, outcome = self._ask(error, attempt, proposal, self._reviewer)
            if not failure:
                landed = self._land(error, attempt, proposal)
        except BaseException as stopped:
            attempt.cut_off = True
            self._take_back(error, attempt, proposal, _reason(stopped))
            raise
        if failure:
            self._take_back(error, attempt, proposal, failure)
        else:
            self._completed(error, attempt, proposal)
        if isinstance(landed, Landed):
            self._publish(FixLanded(error.id, error.nodeid, landed.fix_id, landed.commit, landed.note, landed.files))
        return outcome

    def _propose(self, error: TestError, attempt: FixAttempt) -> object:
        self._publish(PhaseEntered(error.id, "thinking"))
        proposal = self._ai.generate_fix(error, attempt.temperature)
        if isinstance(proposal, Proposal):
            attempt.changes, attempt.reason = proposal.changes, proposal.reason
        return proposal

    def _verify(self, error: TestError, proposal: object) -> str:
        """Why the proposal is no fix; empty when it is one."""
        self._refused_by = ""
        if not proposal:
            return (isinstance(proposal, Proposal) and proposal.reason) or "no fix was generated"
        refusal = self._guarded(error, proposal, after_test=False)
        if refusal:
            return refusal
        self._publish(PhaseEntered(error.id, "testing"))
        return self._tested(error) or self._guarded(error, proposal, after_test=True)

    def _tested(self, error: TestError) -> str:
        """Why the test cannot be trusted to pass now; empty where it passed as often as is asked for."""
        for passed, runner in enumerate(self._confirmed_by):
            result = runner.run_test_and_check(error.test_file, error.test_function)
            if not result:
                again = f" (after it had passed {passed} of {passed + 1} runs)" if passed else ""
                return f"{_describe(result)}{again}"
        return ""

    def _guarded(self, error: TestError, proposal: object, *, after_test: bool) -> str:
        if not isinstance(proposal, Proposal):
            return ""
        due = [guard for guard in self._guards if guard.after_test is after_test]
        if due:
            self._publish(PhaseEntered(error.id, "guarding"))
        for guard in due:
            refusal = guard.refuse(error, proposal)
            if refusal:
                self._refused_by = "" if after_test else guard.name
                return f"{guard.name}: {refusal}"
            self._publish(GuardPassed(error.id, guard.name))
        return ""

    def _ask(self, error: TestError, attempt: FixAttempt, proposal: object, reviewer: Reviewer) -> tuple[str, str]:
        answer = reviewer.review(error, attempt)
        while answer is Decision.EDIT:
            self._let_edit(error, attempt, proposal)
            answer = reviewer.review(error, attempt)
        if isinstance(answer, Hint):
            return f"declined in review, with this hint: {answer.words}", _ASKED_AGAIN
        if answer is Decision.QUIT:
            raise StopRun(_DECLINED)
        if answer is Decision.KEEP:
            return "", _KEPT
        return _DECLINED, _LEAVE_ALONE if answer is Decision.SKIP else _ASKED_AGAIN

    def _let_edit(self, error: TestError, attempt: FixAttempt, proposal: object) -> None:
        """What a person makes of the fix is verified like the fix; where it does not hold, the fix is put back."""
        if self._editor is None:
            return
        try:
            changes = self._editor.edit()
        except EditFailed as failed:
            self._publish(Notice(f"{failed.message} {failed.cure}".rstrip()))
            return
        if changes is None:
            self._publish(Notice("Nothing was changed."))
            return
        failure = self._verify(error, proposal)
        if failure:
            kept = self._editor.restore()
            self._publish(
                Notice(f"Your version does not hold: {failure}\nThe verified one is back; yours is in {kept}")
            )
        else:
            attempt.changes = changes

    def _land(self, error: TestError, attempt: FixAttempt, proposal: object) -> object:
        landed = self._commit(error)
        while isinstance(landed, Landed) and landed.rewritten:
            landed = self._land_rewritten(error, attempt, proposal, landed)
        error.mark_fixed(attempt)
        self._errors.save(error)
        return landed

    def _commit(self, error: TestError) -> object:
        self._publish(PhaseEntered(error.id, "landing"))
        return self._vcs.commit_changes(f"Fix {error.nodeid}")

    def _land_rewritten(self, error: TestError, attempt: FixAttempt, proposal: object, rewritten: Landed) -> object:
        """What a hook made of the fix is verified like the fix itself; if it does not hold, the fix still does."""
        self._publish(Notice(f"{error.nodeid}: {rewritten.note}"))
        failure = self._verify(error, proposal)
        if failure:
            return self._vcs.keep_verified(failure)
        attempt.changes = rewritten.changes
        return self._commit(error)

    def _take_back(self, error: TestError, attempt: FixAttempt, proposal: object, reason: str) -> None:
        if attempt.status == "success":  # landed already: nothing of this attempt is left to take back
            return
        self._publish(PhaseEntered(error.id, "undoing"))
        self._changes.revert()
        error.mark_attempt_failed(attempt, reason)
        self._errors.save(error)
        self._completed(error, attempt, proposal)

    def _completed(self, error: TestError, attempt: FixAttempt, proposal: object) -> None:
        spent = self._meter.attempt_usage if self._meter else Usage()
        usage = proposal.usage if isinstance(proposal, Proposal) else spent
        self._publish(
            FixAttemptCompleted(
                error.id,
                attempt.id,
                error.nodeid,
                attempt.attempt_number,
                attempt.status == "success",
                attempt.reason,
                usage,
            )
        )


def errors_of(run: TestRun) -> list[TestError]:
    """The failing tests of a run, in its order; what was skipped or not run is not red."""
    return [_error_of(result, result.details) for result in run.results if result.details]


_KEPT = "kept"
_TRY_AGAIN = "try again"
_ASKED_AGAIN = "asked again"
_LEAVE_ALONE = "leave alone"
_DECLINED = "declined in review"


def _error_of(result: TestResult, details: ErrorDetails) -> TestError:
    file, _, function = result.nodeid.partition("::")
    return TestError(Path(file), function, details, result.location, result.frames)


def _tried(rung: Rung, attempt: FixAttempt) -> Tried:
    return Tried(rung, attempt.changes.description if attempt.changes else "", attempt.reason)


def _describe(result: object) -> str:
    if not isinstance(result, TestResult):
        return "the test still fails"
    if result.details is None:
        return f"the test did not pass: {result.reason or result.verdict.value}"
    return f"the test still fails: {result.details.error_type}: {result.details.message}".rstrip(": ")


def _reason(stopped: BaseException) -> str:
    return str(stopped) or ("interrupted" if isinstance(stopped, KeyboardInterrupt) else type(stopped).__name__)


def _nobody_listens(event: DomainEvent) -> None:
    del event
