"""The one place that wires: which adapter stands behind which port, for a run and for everything after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.application.ports import Guard, Listener, Reviewer
from fixer.domain.events import DiscoveryStarted, DomainEvent, FixLanded, Notice
from fixer.infrastructure.fix_store import DRY_RUN, FixStore
from fixer.infrastructure.landing import Landing
from fixer.infrastructure.ledger import Ledger, LedgerErrors
from fixer.infrastructure.ledger_reader import CostKeeper, LedgerReader
from fixer.infrastructure.project import Project, locate
from fixer.infrastructure.run_lock import run_lock
from fixer.infrastructure.workspace import Workspace, recover

if TYPE_CHECKING:
    from fixer.application.usecases import FixRun
    from fixer.infrastructure.interpreter import Interpreter
    from fixer.settings import Settings


@dataclass(frozen=True)
class Memory:
    """What fixer remembers of a project, and the hand that moves its tree."""

    project: Project
    ledger: Ledger
    store: FixStore
    landing: Landing
    reader: LedgerReader


def open_memory(directory: Path, environ: Mapping[str, str], *, commit: bool = True, dry_run: bool = False) -> Memory:
    """Find the project around a directory and open its ledger. Raises UsageError, LedgerUnusable."""
    project = locate(directory, environ)
    ledger = Ledger(project.state)
    store = FixStore(ledger, project.top)
    landing = Landing(project, store, commit=commit and not dry_run, why_not=DRY_RUN if dry_run else "")
    return Memory(project, ledger, store, landing, LedgerReader(ledger))


@contextmanager
def hold_tree(memory: Memory, publish: Listener) -> Iterator[None]:
    """Hold the working tree alone, after bringing it out of whatever a crash left. Raises TreeNeedsPerson."""
    with run_lock(memory.project.worktree_state):
        for sentence in recover(memory.project, memory.store, memory.landing):
            publish(Notice(sentence))
        yield


def take_back_run(memory: Memory, run_id: str) -> None:
    """Take every fix of a run out of the tree again, newest first. Raises TreeNeedsPerson."""
    for fix in memory.store.fixes():
        if fix.run_id == run_id and fix.state != "undone":
            memory.landing.undo(fix)


def assemble_run(
    memory: Memory,
    settings: Settings,
    interpreter: Interpreter,
    selection: tuple[str, ...],
    pytest_args: tuple[str, ...],
    run_id: str,
    listen: Listener,
    reviewer: Reviewer | None,
) -> FixRun:
    """Everything that a run needs, put together."""
    from fixer.application.usecases import FixRun, TestFixingService
    from fixer.infrastructure.aider_coder import AiderCoder
    from fixer.infrastructure.baseline import Baseline
    from fixer.infrastructure.briefing import Briefing
    from fixer.infrastructure.candidate_checker import ForkChecker
    from fixer.infrastructure.guards import ModuleGuard, PathGuard
    from fixer.infrastructure.prompt_library import PromptLibrary
    from fixer.infrastructure.pytest_runner import PytestRunner, rerun_options
    from fixer.infrastructure.shadow_repo import ShadowRepo
    from fixer.offline.model import OfflineModel

    project = memory.project
    runner = PytestRunner(
        interpreter.path,
        project.directory,
        selection,
        pytest_args,
        settings.test_timeout,
        settings.run_timeout,
        project.top,
        project.worktree_state / "bytecode",
    )
    baseline = Baseline(runner)
    shadow = ShadowRepo(project)
    workspace = Workspace(project, shadow, memory.store, memory.landing, run_id)

    def notice(text: str) -> None:
        publish(Notice(text))

    def detail(text: str) -> None:
        publish(Notice(text, detail=True))

    checker = ForkChecker(
        python=interpreter.path,
        project=project.directory,
        rootdir=runner.rootdir,
        pytest_args=rerun_options(pytest_args),
        test_timeout=settings.test_timeout,
        environ=runner.environ,
    )
    offline = OfflineModel(
        checker=checker,
        top=project.top,
        module_ids=baseline.module_ids,
        progress=detail,
        budget_seconds=settings.offline_budget,
    )
    prompts = PromptLibrary(project.top / ".fixer" / "prompts")
    briefing = Briefing(baseline, prompts, project.top, settings.token_budget, baseline.module_ids, detail)
    coder = AiderCoder(
        model=settings.model[0],
        shadow=workspace,
        briefing=briefing,
        local_models={"offline": offline},
        notice=notice,
        model_timeout=settings.model_timeout,
    )
    workspace.use_engine(coder.undo, settings.model[0])
    # Aider takes seconds to import: that begins while the tests run, for the case that they are red.
    publish = _fan_out(
        CostKeeper(memory.ledger), _on(DiscoveryStarted, coder.prefetch), _on(FixLanded, briefing.forget), listen
    )
    errors = LedgerErrors(memory.ledger, run_id)
    guards: list[Guard] = [PathGuard()]
    if settings.guard != "none":
        guards.append(ModuleGuard(baseline, baseline.passed_before))
    service = TestFixingService(
        errors,
        coder,
        baseline,
        workspace,
        workspace,
        settings.temperature,
        settings.temperature_step,
        settings.attempts,
        checkpointer=workspace,
        guards=guards,
        reviewer=reviewer,
        publish=publish,
    )

    def before_fixing() -> None:
        coder.check_model()
        shadow.open()

    return FixRun(
        service,
        errors,
        baseline,
        workspace,
        publish,
        before_fixing=before_fixing,
        look_again=settings.guard == "suite",
    )


def _fan_out(*listeners: Listener) -> Callable[[DomainEvent], None]:
    def publish(event: DomainEvent) -> None:
        for listener in listeners:
            listener(event)

    return publish


def _on(kind: type[DomainEvent], act: Callable[[], None]) -> Listener:
    def listen(event: DomainEvent) -> None:
        if isinstance(event, kind):
            act()

    return listen
