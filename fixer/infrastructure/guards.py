"""Checks that a candidate fix must pass besides its own test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from fixer.application.ports import TestRunner
from fixer.domain.models import Proposal, TestError
from fixer.domain.services import protected_reason


class PathGuard:
    """No test, configuration or other protected file was changed, and nothing outside `sources` where there are any.

    Asked once more after the engine's own guard.
    """

    name = "protected file"
    after_test = False

    def __init__(self, top: Path, sources: Sequence[Path] = ()) -> None:
        self._top = top
        self._sources = sources

    def refuse(self, error: TestError, proposal: Proposal) -> str:
        """The first file that may not be changed, and why."""
        del error
        reasons = ((file, self._reason(file)) for file in proposal.files)
        return next((f"{file} must not be edited: {reason}" for file, reason in reasons if reason), "")

    def _reason(self, file: str) -> str:
        outside = self._sources and not any((self._top / file).is_relative_to(source) for source in self._sources)
        return protected_reason(PurePosixPath(file)) or ("lies outside the given sources" if outside else "")


class ModuleGuard:
    """What passed before in the failing test's module still passes."""

    name = "broke another test"
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
        passed = self._runner.run([*before, error.nodeid]).passed
        return ", ".join(nodeid for nodeid in [*before, error.nodeid] if nodeid not in passed)
