"""The use cases against hand-written collaborators: what is tried, landed, undone and told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import pytest

from fixer.application.fix_run import FixRun, RunSummary
from fixer.application.ports import Decision, Hint, Landed
from fixer.application.triage import Triage
from fixer.application.usecases import StopRun, TestFixingService, errors_of
from fixer.domain.errors import CapReached, EditFailed, FixerError, ProviderFailed, TestsCannotRun, TreeNeedsPerson
from fixer.domain.events import (
    Diagnosed,
    DomainEvent,
    ErrorsDiscovered,
    FixAttemptCompleted,
    FixAttemptStarted,
    FixedAlong,
    FixLanded,
    FixTakenBack,
    Notice,
    PhaseEntered,
)
from fixer.domain.models import (
    CodeChanges,
    CodeLocation,
    Diagnosis,
    ErrorDetails,
    FixAttempt,
    Proposal,
    TestError,
    TestResult,
    TestRun,
    Usage,
    Verdict,
)

DETAILS = ErrorDetails("AssertionError", "assert 1 == 2")
USAGE = Usage("a-model", 0.4, 1, 100, 20, 0.01)


def proposal(diff: str = "-1\n+2") -> Proposal:
    return Proposal(CodeChanges("1", "2", diff), usage=USAGE, files=("a.py",))


class Errors:
    __test__: ClassVar[bool] = False

    def __init__(self) -> None:
        self.kept: dict[UUID, TestError] = {}
        self.saved: list[tuple[str, str]] = []

    def get_by_id(self, error_id: UUID) -> TestError | None:
        return self.kept.get(error_id)

    def save(self, error: TestError) -> None:
        self.kept[error.id] = error
        last = error.fix_attempts[-1].status if error.fix_attempts else ""
        self.saved.append((error.status, last))

    def get_unfixed_errors(self) -> list[TestError]:
        return [error for error in self.kept.values() if error.can_attempt_fix()]


@dataclass
class Tree:
    """The working tree as all collaborators see it: what is landed, what is tried, and who did what in which order."""

    landed: list[str] = field(default_factory=list)
    tried: str = ""
    log: list[str] = field(default_factory=list)


class Model:
    def __init__(self, tree: Tree, answers: Iterable[object] = ()) -> None:
        self.tree = tree
        self.answers = iter(answers)
        self.asked: list[tuple[str, float]] = []

    def generate_fix(self, error: TestError, temperature: float) -> Proposal:
        self.asked.append((error.nodeid, temperature))
        self.tree.log.append("propose")
        given = next(self.answers, None)
        answer = proposal() if given is None else given
        if isinstance(answer, BaseException):
            raise answer
        self.tree.tried = error.nodeid
        return answer  # type: ignore[return-value]


class Suite:
    """A project in which `red` says which tests fail, given what has been landed and tried."""

    __test__: ClassVar[bool] = False

    def __init__(self, tree: Tree, nodeids: Sequence[str], red: Callable[[Tree], set[str]]) -> None:
        self.tree = tree
        self.nodeids = list(nodeids)
        self.red = red
        self.locations: dict[str, CodeLocation] = {}

    def discover(self) -> TestRun:
        return self.run(self.nodeids)

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        self.tree.log.append(f"run {len(nodeids)}")
        return TestRun(tuple(self.result(nodeid) for nodeid in nodeids), seconds=1.5)

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        self.tree.log.append("check")
        return self.result(f"{test_file.as_posix()}::{test_function}" if test_function else test_file.as_posix())

    def result(self, nodeid: str) -> TestResult:
        if nodeid in self.red(self.tree):
            return TestResult(nodeid, Verdict.FAILED, "AssertionError", DETAILS, self.locations.get(nodeid))
        return TestResult(nodeid, Verdict.PASSED)


class Hands:
    """Lands, reverts, remembers and takes back."""

    def __init__(self, tree: Tree, *, stuck: bool = False) -> None:
        self.tree = tree
        self.stuck = stuck
        self.rewrites: list[CodeChanges] = []

    def commit_changes(self, message: str) -> Landed:
        self.tree.log.append(f"commit {message}")
        if self.rewrites:
            return Landed("fix-1", "", "a hook changed it", ("a.py",), rewritten=True, changes=self.rewrites.pop(0))
        self.tree.landed.append(self.tree.tried)
        self.tree.tried = ""
        return Landed("fix-1", "c0ffee", files=("a.py",))

    def keep_verified(self, failure: str) -> Landed:
        self.tree.log.append("keep")
        self.tree.landed.append(self.tree.tried)
        return Landed("fix-1", "", failure, ("a.py",))

    def revert(self) -> None:
        self.tree.log.append("revert")
        self.tree.tried = ""

    def checkpoint(self, error: TestError, attempt: FixAttempt) -> None:
        self.tree.log.append("checkpoint")

    def take_back(self, error: TestError) -> str:
        if self.stuck:
            raise TreeNeedsPerson("the file was edited since")
        self.tree.log.append("take back")
        self.tree.landed.remove(error.nodeid)
        return "fix-1"

    def put_back(self, error: TestError) -> None:
        self.tree.log.append("put back")
        self.tree.landed.append(error.nodeid)


class PickyGuard:
    def __init__(self, refusals: Iterable[str], *, after_test: bool, tree: Tree | None = None) -> None:
        self.name = "late" if after_test else "early"
        self.after_test = after_test
        self.refusals = iter(refusals)
        self.tree = tree

    def refuse(self, error: TestError, proposal: Proposal) -> str:
        if self.tree:
            self.tree.log.append(self.name)
        return next(self.refusals, "")


class Person:
    def __init__(self, *decisions: Decision | Hint) -> None:
        self.decisions = iter(decisions)
        self.shown: list[str] = []

    def review(self, error: TestError, attempt: FixAttempt) -> Decision | Hint:
        self.shown.append(attempt.changes.description if attempt.changes else "")
        return next(self.decisions)


class Hand:
    """A HandEditor in which the person makes this of the fix."""

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome
        self.restored = 0

    def edit(self) -> CodeChanges | None:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome  # type: ignore[return-value]

    def restore(self) -> str:
        self.restored += 1
        return "saved/1"


class Bench:
    """Everything around the use cases, put together."""

    def __init__(
        self,
        nodeids: Sequence[str] = ("t.py::test_a",),
        red: Callable[[Tree], set[str]] | None = None,
        answers: Iterable[object] = (),
        *,
        stuck: bool = False,
        **options: object,
    ) -> None:
        self.tree = Tree()
        self.events: list[DomainEvent] = []
        self.errors = Errors()
        self.model = Model(self.tree, answers)
        self.tests = Suite(self.tree, nodeids, red or (lambda _: set()))
        self.hands = Hands(self.tree, stuck=stuck)
        self.service = TestFixingService(
            error_repo=self.errors,
            ai_manager=self.model,
            test_runner=self.tests,
            vcs_manager=self.hands,
            change_applier=self.hands,
            publish=self.events.append,
            **options,  # type: ignore[arg-type]
        )

    def error(self, nodeid: str = "t.py::test_a") -> TestError:
        file, _, function = nodeid.partition("::")
        error = TestError(Path(file), function, DETAILS)
        self.errors.save(error)
        return error

    def run(self, **options: object) -> RunSummary:
        run = FixRun(self.service, self.errors, self.tests, self.hands, self.events.append, **options)  # type: ignore[arg-type]
        return run()

    def heard(self, kind: type[DomainEvent]) -> list[DomainEvent]:
        return [event for event in self.events if isinstance(event, kind)]


def still_red(*_: object) -> set[str]:
    return {"t.py::test_a"}


def unless_fixed(*nodeids: str) -> Callable[[Tree], set[str]]:
    """Each test stays red until its own fix is tried or landed."""
    return lambda tree: {nodeid for nodeid in nodeids if nodeid not in [*tree.landed, tree.tried]}


class TestOneTest:
    def test_a_fix_that_holds_is_committed_once(self) -> None:
        bench = Bench()
        error = bench.error()
        assert bench.service.attempt_fix(error.id) is True
        assert (error.status, [attempt.status for attempt in error.fix_attempts]) == ("fixed", ["success"])
        assert bench.tree.log == ["propose", "check", "commit Fix t.py::test_a"]
        assert bench.errors.saved[-1] == ("fixed", "success")

    def test_every_failed_try_is_reverted_once_and_hotter_than_the_last(self) -> None:
        bench = Bench(red=still_red)
        error = bench.error()
        assert bench.service.attempt_fix(error.id) is False
        assert [temperature for _, temperature in bench.model.asked] == [0.4, 0.5, 0.6]
        assert bench.tree.log == ["propose", "check", "revert"] * 3
        assert (error.status, bench.errors.saved[-1]) == ("unfixed", ("unfixed", "failed"))

    def test_what_a_hook_made_of_a_fix_is_tested_guarded_and_landed_again(self) -> None:
        guards = [PickyGuard([], after_test=False), PickyGuard([], after_test=True)]
        bench = Bench(guards=guards)
        for guard in guards:
            guard.tree = bench.tree
        formatted = CodeChanges("1", "2 ", "-1\n+2 ")
        bench.hands.rewrites = [CodeChanges("1", " 2"), formatted]
        error = bench.error()
        assert bench.service.attempt_fix(error.id) is True
        round_ = ["early", "check", "late", "commit Fix t.py::test_a"]
        assert bench.tree.log == ["propose", *round_ * 3]
        assert error.fix_attempts[0].changes == formatted
        assert [event.text for event in bench.heard(Notice) if isinstance(event, Notice)] == [
            "t.py::test_a: a hook changed it"
        ] * 2
        (landed,) = bench.heard(FixLanded)
        assert isinstance(landed, FixLanded)
        assert landed.commit == "c0ffee"

    @pytest.mark.parametrize("refusals", [["", "c.py::d"], None])
    def test_what_a_hook_made_of_a_fix_and_does_not_hold_is_not_landed(self, refusals: list[str] | None) -> None:
        if refusals:
            bench = Bench(guards=[PickyGuard(refusals, after_test=True)])
        else:
            bench = Bench(red=lambda tree: still_red() if tree.log.count("check") == 2 else set())
        bench.hands.rewrites = [CodeChanges("1", " 2")]
        error = bench.error()
        assert bench.service.attempt_fix(error.id) is True
        assert bench.tree.log == ["propose", "check", "commit Fix t.py::test_a", "check", "keep"]
        assert (error.status, error.fix_attempts[0].changes) == ("fixed", proposal().changes)
        (landed,) = bench.heard(FixLanded)
        assert isinstance(landed, FixLanded)
        reason = "late: c.py::d" if refusals else "the test still fails: AssertionError: assert 1 == 2"
        assert (landed.commit, landed.note) == ("", reason)

    def test_an_interrupt_while_a_hooks_version_is_tested_takes_the_attempt_back(self) -> None:
        def red(tree: Tree) -> set[str]:
            if tree.log.count("check") == 2:
                raise KeyboardInterrupt
            return set()

        bench = Bench(red=red)
        bench.hands.rewrites = [CodeChanges("1", " 2")]
        error = bench.error()
        with pytest.raises(KeyboardInterrupt):
            bench.service.attempt_fix(error.id)
        assert bench.tree.log[-2:] == ["check", "revert"]
        assert (error.status, error.fix_attempts[0].reason) == ("unfixed", "interrupted")

    def test_the_ladder_is_the_callers(self) -> None:
        bench = Bench(red=still_red, initial_temp=0.1, temp_increment=0.2, max_retries=2)
        assert not bench.service.attempt_fix(bench.error().id)
        assert [temperature for _, temperature in bench.model.asked] == [0.1, 0.3]

    def test_no_fix_generated_is_a_failed_try_without_a_test_run(self) -> None:
        bench = Bench(answers=[Proposal(None, "the model declined"), Proposal(None)], max_retries=2)
        error = bench.error()
        assert not bench.service.attempt_fix(error.id)
        assert bench.tree.log == ["propose", "revert"] * 2
        assert [attempt.reason for attempt in error.fix_attempts] == ["the model declined", "no fix was generated"]

    def test_an_unknown_error_is_not_tried(self) -> None:
        bench = Bench()
        assert bench.service.attempt_fix(uuid4()) is False
        assert bench.tree.log == []

    def test_a_fixed_error_is_not_tried_again(self) -> None:
        bench = Bench()
        error = bench.error()
        error.mark_fixed(error.start_fix_attempt(0.4))
        assert bench.service.attempt_fix(error.id) is False
        assert bench.tree.log == []

    def test_a_second_try_can_succeed(self) -> None:
        bench = Bench(answers=[Proposal(None)])
        error = bench.error()
        assert bench.service.attempt_fix(error.id)
        assert [attempt.status for attempt in error.fix_attempts] == ["failed", "success"]
        assert bench.tree.log == ["propose", "revert", "propose", "check", "commit Fix t.py::test_a"]

    def test_the_checkpoint_comes_before_anything_is_touched_and_after_the_attempt_is_saved(self) -> None:
        bench = Bench()
        seen: list[tuple[str, str]] = []

        class Recorder(Hands):
            def checkpoint(self, error: TestError, attempt: FixAttempt) -> None:
                seen.append(bench.errors.saved[-1])
                super().checkpoint(error, attempt)

        service = TestFixingService(
            bench.errors,
            bench.model,
            bench.tests,
            bench.hands,
            bench.hands,
            checkpointer=Recorder(bench.tree),
        )
        assert service.attempt_fix(bench.error().id)
        assert seen == [("unfixed", "pending")]
        assert bench.tree.log[:2] == ["checkpoint", "propose"]

    def test_a_fix_is_confirmed_as_often_as_is_asked_for(self) -> None:
        bench = Bench(confirm=3)
        assert bench.service.attempt_fix(bench.error().id)
        assert bench.tree.log == ["propose", *["check"] * 3, "commit Fix t.py::test_a"]

    def test_a_fix_is_confirmed_by_all_runners_that_are_named_in_their_order(self) -> None:
        quick, sure = Bench(), Bench(red=still_red)
        bench = Bench(confirmed_by=[quick.tests, sure.tests], max_retries=1)
        error = bench.error()
        assert not bench.service.attempt_fix(error.id)
        assert (quick.tree.log, sure.tree.log) == (["check"], ["check"])
        assert bench.tree.log == ["propose", "revert"]
        assert error.fix_attempts[0].reason.endswith("(after it had passed 1 of 2 runs)")

    def test_a_fix_that_does_not_hold_a_second_time_is_none(self) -> None:
        bench = Bench(confirm=2, max_retries=2)
        results = iter([True, False, False])
        bench.tests.result = lambda nodeid: (  # type: ignore[method-assign]
            TestResult(nodeid, Verdict.PASSED)
            if next(results)
            else TestResult(nodeid, Verdict.FAILED, "AssertionError", DETAILS)
        )
        error = bench.error()
        assert not bench.service.attempt_fix(error.id)
        assert bench.tree.log == ["propose", "check", "check", "revert", "propose", "check", "revert"]
        assert [attempt.reason for attempt in error.fix_attempts] == [
            "the test still fails: AssertionError: assert 1 == 2 (after it had passed 1 of 2 runs)",
            "the test still fails: AssertionError: assert 1 == 2",
        ]

    def test_events_tell_the_story(self) -> None:
        bench = Bench(answers=[Proposal(None, "declined", USAGE)])
        bench.service.attempt_fix(bench.error().id)
        story = [getattr(event, "phase", type(event).__name__) for event in bench.events]
        assert story == [
            *("FixAttemptStarted", "thinking", "undoing", "FixAttemptCompleted"),
            *("FixAttemptStarted", "thinking", "testing", "landing", "FixAttemptCompleted", "FixLanded"),
        ]
        first, second = bench.heard(FixAttemptCompleted)
        assert isinstance(first, FixAttemptCompleted)
        assert (first.success, first.reason, first.usage) == (False, "declined", USAGE)
        assert isinstance(second, FixAttemptCompleted)
        assert (second.success, second.attempt_number) == (True, 2)

    @pytest.mark.parametrize(
        ("result", "reason"),
        [
            (TestResult("t", Verdict.NOT_RUN, "timed out"), "the test did not pass: timed out"),
            (TestResult("t", Verdict.NOT_RUN), "the test did not pass: not run"),
            (
                TestResult("t", Verdict.FAILED, "E", DETAILS),
                "the test still fails: AssertionError: assert 1 == 2",
            ),
            (TestResult("t", Verdict.FAILED, "E", ErrorDetails("ValueError", "")), "the test still fails: ValueError"),
            (False, "the test still fails"),
        ],
    )
    def test_a_failed_attempt_says_why(self, result: TestResult, reason: str) -> None:
        bench = Bench(max_retries=1)
        bench.tests.result = lambda nodeid: result  # type: ignore[method-assign]
        error = bench.error()
        bench.service.attempt_fix(error.id)
        assert error.fix_attempts[0].reason == reason

    @pytest.mark.parametrize(
        ("raised", "reason"),
        [
            (ProviderFailed("no such key"), "no such key"),
            (KeyboardInterrupt(), "interrupted"),
            (RuntimeError(), "RuntimeError"),
        ],
    )
    def test_whatever_interrupts_an_attempt_finds_it_undone(self, raised: BaseException, reason: str) -> None:
        bench = Bench(answers=[raised])
        error = bench.error()
        with pytest.raises(type(raised)):
            bench.service.attempt_fix(error.id)
        assert bench.tree.log == ["propose", "revert"]
        assert [(attempt.status, attempt.reason) for attempt in error.fix_attempts] == [("failed", reason)]
        assert bench.errors.saved[-1] == ("unfixed", "failed")

    def test_what_has_landed_is_not_reverted_by_a_listener_that_fails(self) -> None:
        bench = Bench()

        def listen(event: DomainEvent) -> None:
            if isinstance(event, FixLanded):
                raise KeyboardInterrupt

        service = TestFixingService(bench.errors, bench.model, bench.tests, bench.hands, bench.hands, publish=listen)
        error = bench.error()
        with pytest.raises(KeyboardInterrupt):
            service.attempt_fix(error.id)
        assert (error.status, "revert" in bench.tree.log) == ("fixed", False)


class TestGuards:
    def test_a_refused_diff_is_not_even_tested(self) -> None:
        bench = Bench(guards=[PickyGuard(["it edits a test"], after_test=False)], max_retries=1)
        error = bench.error()
        assert not bench.service.attempt_fix(error.id)
        assert bench.tree.log == ["propose", "revert"]
        assert error.fix_attempts[0].reason == "early: it edits a test"

    def test_guards_that_run_tests_come_after_the_test_itself(self) -> None:
        bench = Bench(max_retries=1)
        bench.service._guards = [
            PickyGuard(["it breaks test_b"], after_test=True, tree=bench.tree),
            PickyGuard([], after_test=False, tree=bench.tree),
        ]
        error = bench.error()
        assert not bench.service.attempt_fix(error.id)
        assert bench.tree.log == ["propose", "early", "check", "late", "revert"]
        assert error.fix_attempts[0].reason == "late: it breaks test_b"

    def test_no_guard_is_asked_after_a_refusal(self) -> None:
        bench = Bench(max_retries=1)
        bench.service._guards = [
            PickyGuard(["no"], after_test=False, tree=bench.tree),
            PickyGuard(["no"], after_test=False, tree=bench.tree),
        ]
        bench.service.attempt_fix(bench.error().id)
        assert bench.tree.log == ["propose", "early", "revert"]


class TestReview:
    def test_what_is_kept_is_landed(self) -> None:
        person = Person(Decision.KEEP)
        bench = Bench(reviewer=person)
        assert bench.service.attempt_fix(bench.error().id)
        assert person.shown == ["-1\n+2"]
        assert bench.tree.log[-1] == "commit Fix t.py::test_a"

    def test_what_is_undone_is_tried_again(self) -> None:
        bench = Bench(reviewer=Person(Decision.UNDO, Decision.KEEP))
        error = bench.error()
        assert bench.service.attempt_fix(error.id)
        assert [(attempt.status, attempt.reason) for attempt in error.fix_attempts] == [
            ("failed", "declined in review"),
            ("success", ""),
        ]

    def test_what_is_skipped_is_left_alone(self) -> None:
        bench = Bench(reviewer=Person(Decision.SKIP))
        error = bench.error()
        assert not bench.service.attempt_fix(error.id)
        assert bench.tree.log == ["propose", "check", "revert"]
        assert error.can_attempt_fix()

    def test_quitting_undoes_and_ends_the_run(self) -> None:
        bench = Bench(reviewer=Person(Decision.QUIT))
        error = bench.error()
        with pytest.raises(StopRun):
            bench.service.attempt_fix(error.id)
        assert bench.tree.log == ["propose", "check", "revert"]
        assert error.fix_attempts[0].reason == "declined in review"

    def test_a_hint_reaches_the_next_attempt_as_the_reason_of_the_last(self) -> None:
        bench = Bench(reviewer=Person(Hint("mind the sign"), Decision.KEEP))
        error = bench.error()
        assert bench.service.attempt_fix(error.id)
        assert error.fix_attempts[0].reason == "declined in review, with this hint: mind the sign"

    def test_who_asks_for_another_attempt_gets_it_beyond_the_last_rung(self) -> None:
        bench = Bench(reviewer=Person(*[Decision.UNDO] * 3, Hint("once more"), Decision.KEEP))
        assert bench.service.attempt_fix(bench.error().id)
        assert [temperature for _, temperature in bench.model.asked] == [0.4, 0.5, 0.6, 0.6, 0.6]
        started = [event for event in bench.events if isinstance(event, FixAttemptStarted)]
        assert [(event.attempt_number, event.max_attempts) for event in started][-1] == (5, 5)

    def test_an_edit_that_holds_is_what_lands(self) -> None:
        person, editor = Person(Decision.EDIT, Decision.KEEP), Hand(CodeChanges("", "", "by hand"))
        bench = Bench(reviewer=person, editor=editor)
        assert bench.service.attempt_fix(bench.error().id)
        assert bench.tree.log == ["propose", "check", "check", "commit Fix t.py::test_a"]
        assert person.shown == ["-1\n+2", "by hand"]

    def test_an_edit_that_does_not_hold_is_put_back_and_told(self) -> None:
        person, editor = Person(Decision.EDIT, Decision.KEEP), Hand(CodeChanges("", "", "by hand"))
        bench = Bench(reviewer=person, editor=editor)
        bench.tests.red = lambda tree: {"t.py::test_a"} if len(tree.log) == 3 else set()
        assert bench.service.attempt_fix(bench.error().id)
        assert (person.shown, editor.restored) == (["-1\n+2"] * 2, 1)
        (told,) = [event.text for event in bench.events if isinstance(event, Notice)]
        assert told.startswith("Your version does not hold: the test still fails")
        assert told.endswith("yours is in saved/1")

    @pytest.mark.parametrize(
        ("outcome", "said"),
        [
            (None, "Nothing was changed."),
            (EditFailed("No editor is named.", "Name one."), "No editor is named. Name one."),
        ],
    )
    def test_without_an_edit_the_question_is_asked_again(self, outcome: object, said: str) -> None:
        bench = Bench(reviewer=Person(Decision.EDIT, Decision.KEEP), editor=Hand(outcome))
        assert bench.service.attempt_fix(bench.error().id)
        assert bench.tree.log == ["propose", "check", "commit Fix t.py::test_a"]
        assert Notice(said) in bench.events

    def test_a_person_is_only_shown_what_was_verified(self) -> None:
        person = Person()
        bench = Bench(red=still_red, reviewer=person)
        assert not bench.service.attempt_fix(bench.error().id)
        assert person.shown == []


class TestDiscovery:
    def test_each_failure_is_saved_and_nothing_else(self) -> None:
        bench = Bench(["t.py::test_a", "t.py::TestX::test_b[1 + 1]"], red=lambda _: {"t.py::TestX::test_b[1 + 1]"})
        bench.service.discover_and_record_errors()
        [error] = bench.errors.get_unfixed_errors()
        assert (error.test_file, error.test_function) == (Path("t.py"), "TestX::test_b[1 + 1]")
        assert error.error_details == DETAILS

    def test_skipped_tests_are_not_red(self) -> None:
        run = TestRun((TestResult("t.py::test_a", Verdict.NOT_RUN, "skipped"),))
        assert errors_of(run) == []

    def test_a_file_that_cannot_be_collected_is_red_as_a_whole(self) -> None:
        [error] = errors_of(TestRun((TestResult("t.py", Verdict.NOT_RUN, "collection", DETAILS),)))
        assert (error.nodeid, error.test_function) == ("t.py", "")


A, B, C = "t.py::test_a", "t.py::test_b", "t.py::test_c"
FLAKY = {A: Diagnosis("flaky", "passed 1 of 3 runs"), B: None}


class TestRuns:
    def test_a_green_run_asks_nobody(self) -> None:
        bench = Bench([A, B])
        summary = bench.run()
        assert (summary.errors, summary.still_red, bench.tree.log) == ((), False, ["run 2"])
        [found] = bench.heard(ErrorsDiscovered)
        assert found == ErrorsDiscovered((), 2, 1.5)

    def test_every_red_test_is_fixed_in_order(self) -> None:
        bench = Bench([A, B, C], red=unless_fixed(A, B))
        summary = bench.run()
        assert not summary.still_red
        assert bench.tree.landed == [A, B]
        assert [nodeid for nodeid, _ in bench.model.asked] == [A, B]

    def test_what_one_fix_turns_green_is_not_paid_for_again(self) -> None:
        bench = Bench([A, B], red=lambda tree: set() if A in [*tree.landed, tree.tried] else {A, B})
        summary = bench.run()
        assert not summary.still_red
        assert [nodeid for nodeid, _ in bench.model.asked] == [A]
        [along] = bench.heard(FixedAlong)
        assert along == FixedAlong(summary.errors[1].id, B, A)
        assert summary.errors[1].fixed_by == summary.errors[0].id

    def test_a_test_given_up_on_is_fixed_by_a_later_fix_all_the_same(self) -> None:
        bench = Bench([A, B], red=lambda tree: set() if B in [*tree.landed, tree.tried] else {A, B})
        summary = bench.run()
        assert not summary.still_red
        assert (len(summary.errors[0].fix_attempts), summary.errors[0].fixed_by) == (3, summary.errors[1].id)

    def test_a_file_that_can_be_collected_after_a_fix_is_not_paid_for(self) -> None:
        bench = Bench(("a.py", "b.py"), red=lambda tree: set() if tree.landed or tree.tried else {"a.py", "b.py"})
        summary = bench.run()
        assert [(error.status, len(error.fix_attempts)) for error in summary.errors] == [("fixed", 1), ("fixed", 0)]

    def test_what_fails_where_another_could_not_be_fixed_is_not_paid_for(self) -> None:
        here, there = CodeLocation(Path("calc.py"), 2), CodeLocation(Path("calc.py"), 9)
        bench = Bench(
            ("t.py::test_a", "t.py::test_b", "t.py::test_c"), red=lambda _: {f"t.py::test_{n}" for n in "abc"}
        )
        bench.tests.locations = {"t.py::test_a": here, "t.py::test_b": here, "t.py::test_c": there}
        summary = bench.run()
        assert [len(error.fix_attempts) for error in summary.errors] == [3, 0, 3]
        [told] = bench.heard(Diagnosed)
        assert isinstance(told, Diagnosed)
        assert [error.nodeid for error in told.errors] == ["t.py::test_b"]
        assert told.diagnosis.message == "not tried: it has the same cause as t.py::test_a, which stays red"

    def test_one_that_is_named_is_tried_although_its_cause_stays_red(self) -> None:
        bench = Bench([A, B], red=lambda _: {A, B})
        bench.tests.locations = dict.fromkeys([A, B], CodeLocation(Path("calc.py"), 2))
        summary = bench.run(named=lambda nodeid: nodeid == B)
        assert [len(error.fix_attempts) for error in summary.errors] == [3, 3]

    def test_one_not_tried_for_its_cause_is_fixed_by_a_later_fix_all_the_same(self) -> None:
        bench = Bench([A, B, C], red=lambda tree: {A} if C in [*tree.landed, tree.tried] else {A, B, C})
        bench.tests.locations = dict.fromkeys([A, B], CodeLocation(Path("calc.py"), 2))
        summary = bench.run()
        assert [(error.status, error.diagnosis) for error in summary.errors[1:]] == [("fixed", None)] * 2
        assert summary.errors[1].fixed_by == summary.errors[2].id
        assert bench.heard(Diagnosed) == []

    def test_one_that_cannot_be_fixed_does_not_stop_the_others(self) -> None:
        bench = Bench([A, B], red=lambda tree: {A, *unless_fixed(B)(tree)})
        summary = bench.run()
        assert summary.still_red
        assert [error.status for error in summary.errors] == ["unfixed", "fixed"]

    def test_a_fix_that_breaks_another_test_is_taken_back(self) -> None:
        bench = Bench([A, C], red=lambda tree: {C} if A in tree.landed else unless_fixed(A)(tree))
        summary = bench.run()
        assert bench.tree.landed == []
        assert (summary.still_red, summary.newly_broken) == (True, ())
        [taken] = bench.heard(FixTakenBack)
        assert taken == FixTakenBack(A, "fix-1", (C,))
        assert [(attempt.status, attempt.reason) for attempt in summary.errors[0].fix_attempts] == [
            ("failed", f"broke {C}")
        ]

    def test_with_the_fix_goes_what_it_fixed_along(self) -> None:
        def red(tree: Tree) -> set[str]:
            return {C} if A in tree.landed else set() if tree.tried == A else {A, B}

        summary = Bench([A, B, C], red=red).run()
        assert [error.status for error in summary.errors] == ["unfixed", "unfixed"]

    def test_only_the_guilty_fix_is_taken_back(self) -> None:
        def red(tree: Tree) -> set[str]:
            return {*unless_fixed(A, B)(tree), *({C} if A in tree.landed else set())}

        bench = Bench([A, B, C], red=red)
        summary = bench.run()
        assert bench.tree.landed == [B]
        assert [error.status for error in summary.errors] == ["unfixed", "fixed"]

    def test_of_two_fixes_that_break_a_test_together_the_newer_goes(self) -> None:
        def red(tree: Tree) -> set[str]:
            return {*unless_fixed(A, B)(tree), *({C} if {A, B} <= set(tree.landed) else set())}

        bench = Bench([A, B, C], red=red)
        bench.run()
        assert bench.tree.landed == [A]

    def test_what_no_fix_explains_is_reported_as_broken(self) -> None:
        state = {"runs": 0}

        def red(tree: Tree) -> set[str]:
            return {*unless_fixed(A)(tree), *({C} if tree.landed or state["runs"] else set())}

        bench = Bench([A, C], red=red)
        take_back = bench.hands.take_back

        def take_back_and_stay_broken(error: TestError) -> str:
            state["runs"] = 1
            return take_back(error)

        bench.hands.take_back = take_back_and_stay_broken  # type: ignore[method-assign]
        summary = bench.run()
        assert summary.newly_broken == (C,)
        assert bench.tree.landed == [A]
        assert summary.still_red

    def test_a_fix_that_cannot_be_taken_back_stays_and_is_reported(self) -> None:
        bench = Bench([A, C], red=lambda tree: {C} if A in tree.landed else unless_fixed(A)(tree), stuck=True)
        summary = bench.run()
        assert (summary.newly_broken, bench.tree.landed) == ((C,), [A])

    def test_without_a_last_look_nothing_is_taken_back(self) -> None:
        bench = Bench([A, C], red=lambda tree: {C} if A in tree.landed else unless_fixed(A)(tree))
        assert bench.run(look_again=False).newly_broken == ()
        assert bench.tree.landed == [A]

    def test_quitting_keeps_what_has_landed(self) -> None:
        bench = Bench([A, B], red=unless_fixed(A, B), reviewer=Person(Decision.KEEP, Decision.QUIT))
        summary = bench.run()
        assert (summary.stopped, bench.tree.landed) == (True, [A])
        assert [error.status for error in summary.errors] == ["fixed", "unfixed"]

    @pytest.mark.parametrize("ended", [ProviderFailed("no key"), CapReached("no money left")])
    def test_what_ends_a_run_early_is_told_with_what_has_landed(self, ended: FixerError) -> None:
        bench = Bench([A, B], red=unless_fixed(A, B), answers=[None, ended])
        summary = bench.run()
        assert summary.failure is ended
        assert bench.tree.landed == [A]

    def test_no_tests_at_all_cannot_be_a_success(self) -> None:
        with pytest.raises(TestsCannotRun):
            Bench([]).run()

    def test_a_model_is_only_made_ready_when_something_is_red(self) -> None:
        calls: list[str] = []
        Bench([A]).run(before_fixing=lambda: calls.append("green"))
        Bench([A], red=unless_fixed(A)).run(before_fixing=lambda: calls.append("red"))
        assert calls == ["red"]

    def revealing(self, hidden: str, red: Callable[[Tree], set[str]]) -> Bench:
        """A project whose tests B and C show only when `hidden` is fixed."""
        bench = Bench([hidden], red=red)
        discover = bench.tests.discover

        def discover_more() -> TestRun:
            bench.tests.nodeids = [A, B, C] if bench.tree.landed else [hidden]
            return discover()

        bench.tests.discover = discover_more  # type: ignore[method-assign]
        return bench

    def test_tests_that_only_show_after_a_fix_are_fixed_in_their_turn(self) -> None:
        bench = self.revealing("t.py", unless_fixed("t.py", B))
        summary = bench.run()
        assert [(error.nodeid, error.status) for error in summary.errors] == [("t.py", "fixed"), (B, "fixed")]
        assert (summary.still_red, summary.newly_broken, bench.tree.landed) == (False, (), ["t.py", B])

    def test_what_a_file_has_hidden_is_fixed_also_without_a_last_look(self) -> None:
        bench = self.revealing("t.py", unless_fixed("t.py", B))
        assert not bench.run(look_again=False).still_red

    def test_what_shows_after_a_fix_and_cannot_be_fixed_is_red_and_no_regression(self) -> None:
        bench = self.revealing(A, lambda tree: {*unless_fixed(A)(tree), B})
        summary = bench.run()
        assert [(error.nodeid, error.status) for error in summary.errors] == [(A, "fixed"), (B, "unfixed")]
        assert (summary.still_red, summary.newly_broken) == (True, ())

    def test_a_fix_that_breaks_what_an_earlier_fix_mended_is_taken_back(self) -> None:
        def red(tree: Tree) -> set[str]:
            last = tree.tried or (tree.landed[-1] if tree.landed else "")
            return {A, B} - {last}

        bench = Bench([A, B], red=red)
        summary = bench.run()
        assert bench.tree.landed == [A]
        assert [error.status for error in summary.errors] == ["fixed", "unfixed"]
        assert summary.errors[1].fix_attempts[0].reason == f"broke {A}"
        assert (summary.newly_broken, summary.still_red) == ((), True)

    def test_a_fix_whose_own_test_is_red_in_the_end_is_taken_back(self) -> None:
        bench = Bench([A, B], red=lambda tree: {A} if not tree.tried else set())
        summary = bench.run()
        assert bench.tree.landed == []
        assert summary.errors[0].status == "unfixed"
        assert summary.errors[0].fix_attempts[0].reason.startswith("passed when it was verified")

    def test_what_is_set_aside_is_neither_paid_for_nor_rerun_and_still_red(self) -> None:
        bench = Bench([A, B], red=lambda tree: {A, *unless_fixed(B)(tree)})
        triage = Triage(
            bench.errors,
            bench.tests,
            bench.events.append,
            look=lambda error: Diagnosis("environment", "no server") if error.nodeid == A else None,
        )
        summary = bench.run(triage=triage)
        assert [error.status for error in summary.errors] == ["unfixed", "fixed"]
        assert [nodeid for nodeid, _ in bench.model.asked] == [B]
        assert summary.still_red

    def test_what_was_set_aside_and_passes_in_the_end_is_not_red(self) -> None:
        bench = Bench([A, B], red=lambda tree: set() if tree.landed else {A, *unless_fixed(B)(tree)})
        triage = Triage(bench.errors, bench.tests, bench.events.append, look=lambda error: FLAKY[error.nodeid])
        summary = bench.run(triage=triage)
        assert [error.status for error in summary.errors] == ["unfixed", "fixed"]
        assert not summary.still_red

    def test_no_model_is_made_ready_where_everything_is_set_aside(self) -> None:
        calls: list[str] = []
        bench = Bench([A], red=lambda _: {A})
        triage = Triage(bench.errors, bench.tests, bench.events.append, look=lambda error: FLAKY[error.nodeid])
        bench.run(triage=triage, before_fixing=lambda: calls.append("ready"))
        assert (calls, bench.model.asked) == ([], [])

    def test_phases_are_told_in_order(self) -> None:
        bench = Bench([A], red=unless_fixed(A), guards=[PickyGuard([], after_test=True)])
        bench.run()
        phases = [event.phase for event in bench.heard(PhaseEntered) if isinstance(event, PhaseEntered)]
        assert phases == ["thinking", "testing", "guarding", "landing"]
        [started] = bench.heard(FixAttemptStarted)
        assert isinstance(started, FixAttemptStarted)
        assert (started.nodeid, started.attempt_number, started.max_attempts, started.temperature) == (A, 1, 3, 0.4)

    def test_what_was_not_chosen_is_left_alone_and_stays_red(self) -> None:
        bench = Bench([A, B], red=unless_fixed(A, B))
        summary = bench.run(choose=lambda errors: errors[:1])
        assert summary.still_red
        assert [error.diagnosis.kind if error.diagnosis else "" for error in summary.errors] == ["", "not chosen"]
        assert [nodeid for nodeid, _ in bench.model.asked] == [A]

    def test_what_was_not_chosen_may_turn_green_by_the_fix_of_another(self) -> None:
        bench = Bench([A, B], red=lambda tree: set() if A in [*tree.landed, tree.tried] else {A, B})
        summary = bench.run(choose=lambda errors: errors[:1])
        assert not summary.still_red

    def test_where_nothing_is_chosen_no_model_is_prepared(self) -> None:
        prepared: list[int] = []
        bench = Bench([A, B], red=unless_fixed(A, B))
        summary = bench.run(choose=lambda errors: (), before_fixing=lambda: prepared.append(1))
        assert (prepared, bench.model.asked, summary.still_red) == ([], [], True)
