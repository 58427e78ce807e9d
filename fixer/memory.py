"""What fixer remembers of a project, opened for whatever command needs it, with the tree held and put right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fixer.application.ports import Arbiter, Listener
from fixer.domain.errors import UsageError
from fixer.domain.events import Notice
from fixer.infrastructure.fix_store import DRY_RUN, FixStore
from fixer.infrastructure.landing import Landing
from fixer.infrastructure.ledger import Ledger
from fixer.infrastructure.ledger_reader import LedgerReader
from fixer.infrastructure.project import Project, find_project, locate
from fixer.infrastructure.recovery import NobodyToAsk, StandingAnswer, is_interrupted, recover
from fixer.infrastructure.run_lock import is_held, run_lock


@dataclass(frozen=True)
class Memory:
    """What fixer remembers of a project, and the hand that moves its tree."""

    project: Project
    ledger: Ledger
    store: FixStore
    landing: Landing
    reader: LedgerReader


def open_memory(
    directory: Path, environ: Mapping[str, str], *, commit: bool = True, dry_run: bool = False, run_hooks: bool = True
) -> Memory:
    """Find the project around a directory and open its ledger. Raises UsageError, LedgerUnusable."""
    project = locate(directory, environ)
    ledger = Ledger(project.state)
    store = FixStore(ledger, project.top)
    why_not = DRY_RUN if dry_run else ""
    landing = Landing(project, store, commit=commit and not dry_run, why_not=why_not, run_hooks=run_hooks)
    return Memory(project, ledger, store, landing, LedgerReader(ledger))


@contextmanager
def hold_tree(memory: Memory, publish: Listener, arbiter: Arbiter | None = None) -> Iterator[None]:
    """Hold the working tree alone, after bringing it out of whatever a crash left. Raises TreeNeedsPerson."""
    with run_lock(memory.project.worktree_state):
        for sentence in recover(memory.project, memory.store, memory.landing, arbiter or NobodyToAsk()):
            publish(Notice(sentence))
        yield


def has_memory(directory: Path, environ: Mapping[str, str]) -> bool:
    """Whether fixer has ever worked on the project around a directory; nothing is made in order to find out."""
    try:
        return (find_project(directory, environ).state / "ledger.db").exists()
    except UsageError:
        return False


def standing_answer(keep: str) -> Arbiter:
    """The decision about files that were edited since, given beforehand. Raises UsageError."""
    if keep not in ("mine", "before"):
        raise UsageError(f"--keep {keep}: it is either mine or before.", "See: fixer recover --help")
    return StandingAnswer(keep == "mine")


def recover_if_idle(memory: Memory, publish: Listener, arbiter: Arbiter | None) -> None:
    """Bring the tree out of whatever a crash left, unless a run is at work in it. Raises TreeNeedsPerson."""
    if is_interrupted(memory.store) and not is_held(memory.project.worktree_state):
        with hold_tree(memory, publish, arbiter):
            pass


def take_back_run(memory: Memory, run_id: str) -> None:
    """Take every fix of a run out of the tree again, newest first. Raises TreeNeedsPerson."""
    for fix in memory.store.fixes():
        if fix.run_id == run_id and fix.state != "undone":
            memory.landing.undo(fix)
