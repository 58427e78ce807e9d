"""Triage tells ghosts from failures by runs alone, says what it saw, and leaves alone only what was not named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from fixer.application.triage import MOST_ALIKE, MOST_TOGETHER, Triage
from fixer.domain.events import Diagnosed, DomainEvent
from fixer.domain.models import CodeLocation, Diagnosis, ErrorDetails, TestError, TestResult, TestRun, Verdict


class Memory:
    def __init__(self) -> None:
        self.saved: list[TestError] = []

    def get_by_id(self, error_id: UUID) -> TestError | None:
        return next((error for error in self.saved if error.id == error_id), None)

    def save(self, error: TestError) -> None:
        self.saved.append(error)

    def get_unfixed_errors(self) -> list[TestError]:
        return self.saved


class Runs:
    """Tests that pass in company where `together` says so, and alone by their list of results."""

    def __init__(self, together: Callable[[str], bool], **alone: list[bool]) -> None:
        self.together = together
        self.alone = alone
        self.log: list[str] = []

    def discover(self) -> TestRun:
        raise AssertionError("not asked for")

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        self.log.append(f"run {len(nodeids)}")
        return TestRun(tuple(_result(nodeid, self.together(nodeid)) for nodeid in nodeids))

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        self.log.append(test_function)
        results = self.alone.get(test_function, [])
        return _result(f"{test_file}::{test_function}", results.pop(0) if results else False)


def _result(nodeid: str, passed: bool) -> TestResult:
    return TestResult(nodeid, Verdict.PASSED if passed else Verdict.FAILED)


def red(name: str, error_type: str = "AssertionError", place: CodeLocation | None = None) -> TestError:
    return TestError(Path("t.py"), name, ErrorDetails(error_type, "no"), place)


def never(nodeid: str) -> bool:
    return False


class Bench:
    def __init__(self, runs: Runs, **options: object) -> None:
        self.memory = Memory()
        self.events: list[DomainEvent] = []
        self.triage = Triage(self.memory, runs, self.events.append, **options)  # type: ignore[arg-type]

    def told(self) -> list[tuple[list[str], str, str]]:
        return [
            ([error.test_function for error in event.errors], event.diagnosis.kind, event.diagnosis.message)
            for event in self.events
            if isinstance(event, Diagnosed)
        ]


def test_what_fails_always_is_left_to_the_model() -> None:
    runs = Runs(never)
    bench = Bench(runs)
    errors = [red("a"), red("b")]
    bench.triage(errors)
    assert (bench.told(), [bench.triage.is_ghost(error) for error in errors]) == ([], [False, False])
    assert runs.log == ["run 2", "a", "b"]


def test_what_passes_with_the_other_red_ones_and_always_alone_depends_on_the_order() -> None:
    runs = Runs(lambda nodeid: nodeid.endswith("a"), a=[True] * 3)
    bench = Bench(runs)
    bench.triage([red("a"), red("b")])
    assert bench.told() == [(["a"], "order-dependent", "passes alone 3 of 3, fails after the others")]
    assert runs.log == ["run 2", "a", "a", "a"]


def test_what_passes_now_and_then_is_flaky_with_its_count() -> None:
    bench = Bench(Runs(lambda nodeid: nodeid.endswith("a"), a=[True, False, True]))
    bench.triage([red("a"), red("b")])
    assert bench.told() == [(["a"], "flaky", "passed 3 of 5 runs of the same code")]


def test_what_fails_alone_always_is_worked_on_although_it_passed_in_company() -> None:
    bench = Bench(Runs(lambda nodeid: nodeid.endswith("a"), a=[False] * 3))
    bench.triage([red("a"), red("b")])
    assert bench.told() == []


def test_what_passes_alone_just_before_it_would_be_paid_for_is_a_ghost() -> None:
    runs = Runs(never, a=[True] * 3)
    bench = Bench(runs)
    error = red("a")
    bench.triage([error])
    assert bench.triage.is_ghost(error)
    assert runs.log == ["a"] * 3
    assert error.diagnosis is not None
    assert error.diagnosis.kind == "order-dependent"
    assert bench.memory.saved == [error]


def test_a_quick_look_ends_the_matter_only_where_it_shows_a_failure() -> None:
    glance, fresh = Runs(never, a=[False, True]), Runs(never, a=[True, True])
    triage = Triage(Memory(), fresh, lambda event: None, glance=glance)
    assert not triage.is_ghost(red("a"))
    assert fresh.log == []
    error = red("a")
    assert triage.is_ghost(error)
    assert fresh.log == ["a", "a"]
    assert glance.log == ["a", "a"]


def test_of_ghosts_with_one_cause_only_the_first_is_looked_at_closely() -> None:
    place = CodeLocation(Path("/p/shop.py"), 3)
    runs = Runs(lambda nodeid: True, a=[True] * 3, b=[True] * 3, c=[True] * 3)
    bench = Bench(runs)
    bench.triage([red(name, "KeyError", place) for name in "abc"])
    assert runs.log == ["run 3", "a", "a", "a", "b", "c"]
    assert [names for names, *_ in bench.told()] == [["a"], ["b"], ["c"]]


def test_of_many_with_one_cause_a_few_are_run_again() -> None:
    shop, cart = CodeLocation(Path("/p/shop.py"), 3), CodeLocation(Path("/p/cart.py"), 3)
    runs = Runs(never)
    Bench(runs).triage([red(f"a{n}", "KeyError", shop) for n in range(1_000)] + [red("b", "KeyError", cart)])
    Bench(runs).triage([red(f"a{n}") for n in range(1_000)])
    assert runs.log == [f"run {MOST_ALIKE + 1}", f"run {MOST_TOGETHER}"]


@pytest.mark.parametrize("error_type", ["Timeout", "Crash"])
def test_what_would_hold_up_the_others_is_not_run_with_them(error_type: str) -> None:
    runs = Runs(never)
    Bench(runs).triage([red("a"), red("b"), red("c", error_type)])
    assert runs.log == ["run 2"]


def test_a_file_is_not_run() -> None:
    runs = Runs(never)
    bench = Bench(runs)
    bench.triage([red("a"), red("")])
    assert not bench.triage.is_ghost(red(""))
    assert runs.log == []


def test_what_the_machine_lacks_is_told_once_for_all_that_lack_it() -> None:
    runs = Runs(never)
    numpy = Diagnosis("environment", "no numpy", "pip install numpy")
    bench = Bench(runs, look=lambda error: None if error.test_function == "c" else numpy)
    bench.triage([red("a"), red("b"), red("c")])
    assert bench.told() == [(["a", "b"], "environment", "no numpy")]
    assert (runs.log, len(bench.memory.saved)) == ([], 2)


def test_what_was_named_is_never_set_aside() -> None:
    runs = Runs(lambda nodeid: True, a=[True] * 9)
    bench = Bench(runs, look=lambda error: Diagnosis("environment", "no"), named=lambda nodeid: nodeid == "t.py::a")
    error = red("a")
    bench.triage([error])
    assert not bench.triage.is_ghost(error)
    assert (error.diagnosis, runs.log, bench.events) == (None, [], [])
