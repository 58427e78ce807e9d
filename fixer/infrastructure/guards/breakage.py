"""Runs tests that passed before, and says which of them a fix has broken, and how."""

from __future__ import annotations

from collections.abc import Sequence

from fixer.application.ports import TestRunner
from fixer.domain.models import TestRun
from fixer.infrastructure.excerpt import shorten


def breakage(runner: TestRunner, nodeids: Sequence[str]) -> str:
    """The tests that pass in neither of two runs, and how the first of them fails; empty where there is none.

    A flaky test is not held against a fix. All run again, not only the broken ones: they have to pass in company.
    One run where all is well.
    """
    broken: Sequence[str] = nodeids
    for _ in range(_TRIES):
        run = runner.run(nodeids)
        broken = [nodeid for nodeid in broken if not run.of(nodeid)]
        if not broken:
            return ""
    return f"broke {', '.join(broken)}{_how(run, broken[0])}"


_TRIES = 2
_LONGEST = 600


def _how(run: TestRun, nodeid: str) -> str:
    details = run.of(nodeid).details
    return f": {shorten(f'{details.error_type}: {details.message}', _LONGEST)}" if details else ""
