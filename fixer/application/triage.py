"""What can be decided about red tests before a model is paid: flaky, order-dependent, or the machine's fault."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from fixer.application.ports import Listener, TestRunner
from fixer.domain.clusters import cause_of, clusters
from fixer.domain.events import Diagnosed
from fixer.domain.models import Diagnosis, TestError
from fixer.domain.repositories import TestErrorRepository

MOST_ALIKE = 20
"""Tests of one cause that are run again together; any other is still run alone before anything is spent on it."""
MOST_TOGETHER = 200
"""Tests in all that are: where more are red, one fault is likelier than many ghosts, and failing is slow."""


class Triage:
    """Sets red tests aside that no change of the product code is to be expected to mend.

    `look` recognises faults outside of the code by their words alone. `named` says which tests the user asked for by
    their exact id: these are never set aside. `tries` is how often a test runs alone before it is called a ghost.
    `glance` may be a quicker runner, of whose answers only a failure ends the matter.
    """

    def __init__(
        self,
        error_repo: TestErrorRepository,
        test_runner: TestRunner,
        publish: Listener,
        *,
        look: Callable[[TestError], Diagnosis | None] = lambda error: None,
        named: Callable[[str], bool] = lambda nodeid: False,
        tries: int = 3,
        glance: TestRunner | None = None,
    ) -> None:
        self._errors = error_repo
        self._tests = test_runner
        self._publish = publish
        self._look = look
        self._named = named
        self._tries = tries
        self._glance = glance or test_runner
        self._ghostly: set[Hashable] = set()

    def __call__(self, errors: Sequence[TestError]) -> None:
        """Look at all of them, and run those that may be ghosts once more, in one process; a few of each cause."""
        unnamed = [error for error in errors if not self._named(error.nodeid)]
        for error in unnamed:
            error.diagnosis = self._look(error)
        self._tell(unnamed)
        doubtful = [error for error in unnamed if error.diagnosis is None and _is_quickly_run(error)]
        some = [error for alike in clusters(doubtful) for error in alike[:MOST_ALIKE]]
        self._look_for_ghosts(some[:MOST_TOGETHER])

    def is_ghost(self, error: TestError) -> bool:
        """Whether the test passes on its own, as the code is; then it is set aside with the evidence.

        Costs one run of the test where it really fails.
        """
        if not error.test_function or self._named(error.nodeid):
            return False
        if not self._glance.run_test_and_check(error.test_file, error.test_function):
            return False
        self._examine(error, alone=[True], seen=[False, True])
        return True

    def _look_for_ghosts(self, errors: Sequence[TestError]) -> None:
        if len(errors) < 2:  # a single one is run alone before anything is spent on it, which shows the same
            return
        run = self._tests.run([error.nodeid for error in errors])
        for error in errors:
            if run.of(error.nodeid):
                self._examine(error, alone=[], seen=[False, True])

    def _examine(self, error: TestError, *, alone: list[bool], seen: list[bool]) -> None:
        """Run it alone until it is clear what it is. `seen` are all its results so far, `alone` those of them alone."""
        cause = cause_of(error)
        tries = 1 if cause in self._ghostly else self._tries
        while len(alone) < tries:
            alone.append(self._passes_alone(error))
            seen.append(alone[-1])
        if not any(alone):  # red on its own, always: whatever else it is, it can be worked on
            return
        self._ghostly.add(cause)
        error.diagnosis = _order_dependent(len(alone)) if all(alone) else _flaky(seen)
        self._tell([error])

    def _passes_alone(self, error: TestError) -> bool:
        return bool(self._tests.run_test_and_check(error.test_file, error.test_function))

    def _tell(self, errors: Iterable[TestError]) -> None:
        told: dict[Diagnosis, list[TestError]] = {}
        for error in errors:
            if error.diagnosis:
                self._errors.save(error)
                told.setdefault(error.diagnosis, []).append(error)
        for diagnosis, alike in told.items():
            self._publish(Diagnosed(tuple(alike), diagnosis))


def _is_quickly_run(error: TestError) -> bool:
    """Not a file, whose tests are unknown, nor a test that would hold up or end the run of the others."""
    return bool(error.test_function) and error.error_details.error_type not in ("Timeout", "Crash")


def _order_dependent(tries: int) -> Diagnosis:
    return Diagnosis(
        "order-dependent",
        f"passes alone {tries} of {tries}, fails after the others",
        "Some other test leaves something behind that it trips over.",
    )


def _flaky(seen: Sequence[bool]) -> Diagnosis:
    return Diagnosis("flaky", f"passed {sum(seen)} of {len(seen)} runs of the same code", "Make it deterministic.")
