"""Lands fixes on a test's working tree, with a hand in place of the engine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tree import Tree

from fixer.application.ports import Landed
from fixer.domain.models import ErrorDetails, TestError
from fixer.infrastructure.fix_store import FixStore, StoredFix
from fixer.infrastructure.landing import Landing
from fixer.infrastructure.ledger import Ledger, LedgerErrors
from fixer.infrastructure.project import Project, locate
from fixer.infrastructure.shadow_repo import ShadowRepo
from fixer.infrastructure.workspace import Workspace

BUGGY = "def add(a, b):\n    return a - b\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n"
FIXED = BUGGY.replace("a - b", "a + b")


@dataclass
class Bench:
    """Everything that lands fixes, on one tree, with a hand in place of the engine."""

    tree: Tree
    project: Project
    store: FixStore
    landing: Landing
    workspace: Workspace
    errors: LedgerErrors

    def attempt(self, edits: dict[str, str | bytes | None]) -> TestError:
        error = TestError(Path("tests/test_calc.py"), "test_add", ErrorDetails("AssertionError", "assert -1 == 3"))
        attempt = error.start_fix_attempt(0.4)
        self.errors.save(error)
        self.workspace.checkpoint(error, attempt)
        for name, content in edits.items():
            path = self.project.top / name
            assert self.workspace.about_to_edit(path)
            if content is None:
                path.unlink()
            else:
                self.tree.write(name, content)
        self.workspace.finished()
        return error

    def land(self, edits: dict[str, str | bytes | None]) -> Landed:
        self.attempt(edits)
        return self.workspace.commit_changes("Fix tests/test_calc.py::test_add")

    def fix(self) -> StoredFix:
        """The newest."""
        return self.store.fixes()[0]


def open_bench(
    tree: Tree, *, commit: bool = True, run_hooks: bool = True, directory: Path | None = None, shadow: bool = True
) -> Bench:
    """As a new process would; without a shadow it cannot make attempts."""
    project = locate(directory or tree.path, os.environ)
    ledger = Ledger(project.state)
    run_id = ledger.start_run(project.top, "offline")
    store = FixStore(ledger, project.top)
    shadow_repo = ShadowRepo(project)
    if shadow:
        shadow_repo.open()
    landing = Landing(project, store, commit=commit, run_hooks=run_hooks)
    return Bench(
        tree,
        project,
        store,
        landing,
        Workspace(project, shadow_repo, store, landing, run_id),
        LedgerErrors(ledger, run_id),
    )
