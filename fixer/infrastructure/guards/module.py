"""A guard that runs the other tests of the failing test's module."""

from __future__ import annotations

from collections.abc import Callable

from fixer.application.ports import TestRunner
from fixer.domain.models import Proposal, TestError
from fixer.infrastructure.guards.breakage import breakage


class ModuleGuard:
    """What passed before in the failing test's module still passes."""

    name = "module tests"
    after_test = True

    def __init__(self, runner: TestRunner, passed_before: Callable[[str], list[str]]) -> None:
        self._runner = runner
        self._passed_before = passed_before

    def refuse(self, error: TestError, proposal: Proposal) -> str:
        """The tests of the module that passed before and do not now."""
        del proposal
        before = self._passed_before(error.nodeid)
        if not before:
            return ""
        # The fixed test runs along, in file order: it must pass in company too.
        return breakage(self._runner, [*before, error.nodeid])
