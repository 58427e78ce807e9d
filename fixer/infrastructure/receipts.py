"""Writes down with each fix what it was verified by, from what events tell: guards, runs, interpreter, versions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict

from fixer.domain.events import (
    DomainEvent,
    FixAttemptCompleted,
    FixAttemptStarted,
    FixLanded,
    GuardPassed,
    PhaseEntered,
    TestsRan,
)
from fixer.infrastructure.baseline import SELECTION
from fixer.infrastructure.ledger import Ledger


class ReceiptKeeper:
    """A listener; `made_with` is asked when a fix has landed, since part of it is known only after a run."""

    def __init__(self, ledger: Ledger, made_with: Callable[[], Mapping[str, str]]) -> None:
        self._ledger = ledger
        self._made_with = made_with
        self._phase = ""
        self._guards: list[str] = []
        self._runs: list[TestsRan] = []
        self._landed: list[str] = []

    def __call__(self, event: DomainEvent) -> None:
        """Hear of an event."""
        match event:
            case FixAttemptStarted():
                self._guards, self._runs = [], []
            case PhaseEntered(phase=phase):
                self._phase = phase
            case FixAttemptCompleted():
                self._phase = ""
            case GuardPassed(name=name):
                self._guards.append(name)
            case TestsRan():
                self._ran(event)
            case FixLanded(fix_id=fix_id):
                self._save(fix_id)

    def _ran(self, event: TestsRan) -> None:
        if self._phase in ("testing", "guarding"):
            self._runs.append(event)
        elif event.what == SELECTION:
            self._add_to_landed(event)

    def _save(self, fix_id: str) -> None:
        document = {
            "guards": list(dict.fromkeys(self._guards)),
            "runs": [asdict(run) for run in self._runs],
            "made_with": dict(self._made_with()),
        }
        self._ledger.db.execute("INSERT OR REPLACE INTO receipts VALUES (?, ?)", (fix_id, json.dumps(document)))
        self._landed.append(fix_id)

    def _add_to_landed(self, event: TestsRan) -> None:
        """The run over everything, after the last fix, speaks for all of them."""
        with self._ledger.transaction() as db:
            for fix_id in self._landed:
                row = db.execute("SELECT document FROM receipts WHERE fix_id = ?", (fix_id,)).fetchone()
                document = json.loads(row["document"])
                document["runs"].append(asdict(event))
                db.execute("UPDATE receipts SET document = ? WHERE fix_id = ?", (json.dumps(document), fix_id))
