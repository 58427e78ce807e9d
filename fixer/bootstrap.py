"""The one place that wires: which adapter stands behind which port of a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.application.ports import Guard, Listener, Reviewer, TestRunner
from fixer.domain.events import DiscoveryStarted, DomainEvent, FixLanded, Notice
from fixer.domain.models import TestError
from fixer.domain.services import Permitted
from fixer.infrastructure.ledger import LedgerErrors
from fixer.infrastructure.ledger_reader import CostKeeper
from fixer.infrastructure.project import Project
from fixer.infrastructure.workspace import Workspace

if TYPE_CHECKING:
    from fixer.application.budget import Budget
    from fixer.application.fix_run import FixRun
    from fixer.application.triage import Triage
    from fixer.application.usecases import TestFixingService
    from fixer.infrastructure.aider_coder import AiderCoder
    from fixer.infrastructure.baseline import Baseline
    from fixer.infrastructure.briefing import Briefing
    from fixer.infrastructure.interpreter import Interpreter
    from fixer.infrastructure.pytest_runner import PytestRunner
    from fixer.infrastructure.shadow_repo import ShadowRepo
    from fixer.memory import Memory
    from fixer.offline.model import OfflineModel
    from fixer.settings import Settings


@dataclass(frozen=True)
class RunPlan:
    """What a run is asked to do, and who follows it."""

    id: str
    settings: Settings
    interpreter: Interpreter
    selection: tuple[str, ...]
    named: tuple[str, ...]
    """What of the selection was typed, and not read from a log."""
    pytest_args: tuple[str, ...]
    listen: Listener
    reviewer: Reviewer | None
    choose: Callable[[Sequence[TestError]], Sequence[TestError]]
    """Which of the red tests to work on."""
    pause: Callable[[], AbstractContextManager[None]]
    """Frees the terminal for something else."""
    show_prompt: bool = False
    """Whether all that is sent to a model is shown before."""
    verbose: bool = False
    """Whether somebody reads along while a model writes."""
    resumed: str = ""
    """The id of the run that this one goes on with."""


def assemble_run(memory: Memory, plan: RunPlan) -> FixRun:
    """Everything that a run needs, put together."""
    from fixer.application.fix_run import FixRun
    from fixer.infrastructure.receipts import ReceiptKeeper
    from fixer.infrastructure.selection import Named
    from fixer.infrastructure.shadow_repo import ShadowRepo

    settings = plan.settings
    shadow = ShadowRepo(memory.project)
    parts = _parts(memory, plan, shadow)
    publisher, runner, errors = parts.publisher, parts.runner, parts.errors
    publisher.listeners.append(ReceiptKeeper(memory.ledger, lambda: _made_with(memory.project, plan, runner)))
    briefing = _briefing(memory.project, settings, parts.baseline, publisher)
    budget = _budget(settings)
    coder = _coder(memory.project, plan, runner, parts.baseline, parts.workspace, publisher, briefing, budget)
    publisher.listeners += [parts.baseline.follow, plan.listen]
    named = Named(plan.named, memory.project.directory, runner.rootdir)

    def before_fixing() -> None:
        coder.check_model()
        shadow.open()
        parts.runners.prepare([error.nodeid for error in errors.get_unfixed_errors() if error.diagnosis is None])

    return FixRun(
        _service(parts, coder, briefing, budget),
        errors,
        parts.baseline,
        parts.workspace,
        publisher,
        before_fixing=before_fixing,
        look_again=settings.guard == "suite",
        triage=_triage(parts, named),
        named=named,
        choose=plan.choose,
    )


@dataclass(frozen=True)
class _Parts:
    """What the parts of one run share."""

    memory: Memory
    plan: RunPlan
    publisher: _Publisher
    runner: PytestRunner
    fresh: Baseline
    """Only ever fresh processes."""
    runners: _Runners
    baseline: Baseline
    workspace: Workspace
    errors: LedgerErrors


def _parts(memory: Memory, plan: RunPlan, shadow: ShadowRepo) -> _Parts:
    from fixer.infrastructure.baseline import Baseline
    from fixer.infrastructure.secrets import mask

    publisher = _Publisher([CostKeeper(memory.ledger)])
    runner = _runner(memory.project, plan)
    runners = _test_runners(runner, plan.settings, publisher)
    return _Parts(
        memory,
        plan,
        publisher,
        runner,
        Baseline(runner, publisher),
        runners,
        Baseline(runners.fixing, publisher),
        Workspace(memory.project, shadow, memory.store, memory.landing, plan.id),
        LedgerErrors(memory.ledger, plan.id, mask),
    )


def _service(parts: _Parts, coder: AiderCoder, briefing: Briefing, budget: Budget) -> TestFixingService:
    from fixer.application.usecases import TestFixingService
    from fixer.infrastructure.hand_edit import HandEdit
    from fixer.infrastructure.secrets import mask
    from fixer.infrastructure.unfinished import Recall

    memory, plan, baseline, workspace = parts.memory, parts.plan, parts.baseline, parts.workspace
    settings, guarding = plan.settings, parts.runners.guarding or baseline
    return TestFixingService(
        parts.errors,
        coder,
        baseline,
        workspace,
        workspace,
        settings.temperature,
        settings.temperature_step,
        settings.attempts,
        checkpointer=workspace,
        guards=_guards(memory.project, settings, baseline, guarding, workspace, briefing, parts.publisher),
        reviewer=plan.reviewer,
        editor=HandEdit(workspace, memory.project, os.environ, plan.pause),
        publish=parts.publisher,
        confirmed_by=_confirming(settings.confirm, baseline, parts.runners.glancing, parts.fresh),
        ladder=settings.rungs(),
        meter=budget,
        recall=Recall(memory.ledger, plan.resumed, mask),
    )


def _triage(parts: _Parts, named: Callable[[str], bool]) -> Triage:
    """Judged by fresh processes: forks share what differs from one to the next, and makes tests come and go."""
    from fixer.application.triage import Triage
    from fixer.infrastructure.surroundings import EnvironmentLook

    project = parts.memory.project
    look = EnvironmentLook(project.directory, project.top, parts.plan.interpreter)
    return Triage(parts.errors, parts.fresh, parts.publisher, look=look, named=named, glance=parts.baseline)


def _runner(project: Project, plan: RunPlan) -> PytestRunner:
    from fixer.infrastructure.pytest_runner import PytestRunner

    return PytestRunner(
        plan.interpreter.path,
        project.directory,
        plan.selection,
        plan.pytest_args,
        plan.settings.test_timeout,
        plan.settings.run_timeout,
        project.top,
        project.worktree_state / "bytecode",
        record_lines=plan.settings.guard in _BY_LINES,
    )


@dataclass(frozen=True)
class _Runners:
    """What tests are run with while they are worked on; `prepare` is told what is red, before anything is changed."""

    fixing: TestRunner
    guarding: TestRunner | None = None
    glancing: TestRunner | None = None
    prepare: Callable[[Collection[str]], None] = lambda red: None


def _test_runners(fresh: PytestRunner, settings: Settings, publisher: _Publisher) -> _Runners:
    """A guard may believe a fork that a test passes where a fresh process looks at everything in the end."""
    from fixer.infrastructure.baseline import Baseline
    from fixer.infrastructure.warm_runner import WarmProcess, WarmRunner, is_failure, is_pass

    if not settings.warm:
        return _Runners(fresh)
    warm = WarmProcess(fresh, publisher.detail)
    guarding = Baseline(WarmRunner(fresh, warm, is_pass), publisher) if settings.guard == "suite" else None
    glancing = Baseline(WarmRunner(fresh, warm, lambda result: is_pass(result) or is_failure(result)), publisher)
    return _Runners(WarmRunner(fresh, warm), guarding, glancing, warm.calibrate)


def _confirming(
    count: int, fixing: TestRunner, glancing: TestRunner | None, fresh: TestRunner
) -> tuple[TestRunner, ...]:
    """Who has to see a test pass. One fork at the most: what differs between processes by chance, forks have in common.

    A single confirmation is a fresh process, where a fork has seen no failure.
    """
    return (glancing, *[fresh] * (count - 1)) if glancing and count > 1 else (fixing,) * count


def _made_with(project: Project, plan: RunPlan, runner: PytestRunner) -> dict[str, str]:
    import platform
    from importlib.metadata import version

    return {
        "python": str(plan.interpreter.path),
        "python_version": plan.interpreter.python_version,
        "pytest": plan.interpreter.pytest_version,
        "fixer": version("pytest-fixer"),
        "platform": platform.platform(),
        "directory": os.path.relpath(project.directory, project.top),
        "rootdir": os.path.relpath(runner.rootdir(), project.top),
    }


def _briefing(project: Project, settings: Settings, baseline: Baseline, publisher: _Publisher) -> Briefing:
    from fixer.infrastructure.briefing import Briefing
    from fixer.infrastructure.commit_history import recent_commits
    from fixer.infrastructure.prompt_library import PromptLibrary

    return Briefing(
        baseline,
        PromptLibrary(project.top / ".fixer" / "prompts"),
        project.top,
        settings.token_budget,
        baseline.module_ids,
        publisher.detail,
        _sources(project, settings),
        _permitted(project, settings),
        partial(recent_commits, project.top),
    )


def _coder(
    project: Project,
    plan: RunPlan,
    runner: PytestRunner,
    baseline: Baseline,
    workspace: Workspace,
    publisher: _Publisher,
    briefing: Briefing,
    budget: Budget,
) -> AiderCoder:
    from fixer.domain.ladder import models_of
    from fixer.infrastructure.aider_coder import AiderCoder
    from fixer.infrastructure.secrets import mask

    settings = plan.settings
    coder = AiderCoder(
        models=models_of(settings.rungs()),
        shadow=workspace,
        briefing=briefing,
        local_models={"offline": _offline_model(project, plan, runner, baseline, publisher)},
        notice=publisher.notice,
        model_timeout=settings.model_timeout,
        permitted=_permitted(project, settings),
        edit_format=settings.edit_format,
        meter=budget,
        mask=mask,
        show=publisher.notice if plan.show_prompt else None,
        watch=publisher.detail if plan.verbose else None,
        bound_by_cost=settings.max_cost is not None or settings.max_cost_per_test is not None,
    )
    workspace.use_engine(coder.undo, coder.current_model)
    # Aider takes seconds to import: that begins while the tests run, for the case that they are red.
    publisher.listeners += [_on(DiscoveryStarted, coder.prefetch), _on(FixLanded, briefing.forget)]
    return coder


def _budget(settings: Settings) -> Budget:
    from fixer.application.budget import Budget, Caps

    return Budget(
        Caps(settings.max_cost, settings.max_tokens, settings.time_limit, settings.max_attempts),
        Caps(settings.max_cost_per_test, settings.max_tokens_per_test, settings.time_limit_per_test),
    )


def _offline_model(
    project: Project, plan: RunPlan, runner: PytestRunner, baseline: Baseline, publisher: _Publisher
) -> OfflineModel:
    from fixer.infrastructure.candidate_checker import ForkChecker
    from fixer.infrastructure.pytest_runner import rerun_options
    from fixer.offline.model import OfflineModel

    checker = ForkChecker(
        python=plan.interpreter.path,
        project=project.directory,
        rootdir=runner.rootdir,
        pytest_args=rerun_options(plan.pytest_args),
        test_timeout=plan.settings.test_timeout,
        environ=runner.environ,
    )
    return OfflineModel(
        checker=checker,
        top=project.top,
        module_ids=baseline.module_ids,
        progress=publisher.detail,
        budget_seconds=plan.settings.offline_budget,
        seed=plan.settings.seed,
        least_confidence=0.0 if plan.reviewer else plan.settings.offline_confidence,
    )


def _guards(
    project: Project,
    settings: Settings,
    baseline: Baseline,
    runner: TestRunner,
    workspace: Workspace,
    briefing: Briefing,
    publisher: _Publisher,
) -> list[Guard]:
    from fixer.infrastructure.guards import AffectedGuard, ModuleGuard

    asked = _guards_on_the_diff(project, settings, workspace, briefing)
    if settings.guard != "none":
        asked.append(ModuleGuard(runner, baseline.passed_before))
    if settings.guard in _BY_LINES:
        affected = AffectedGuard(runner, baseline.first_run, project.top)
        publisher.listeners.append(_on_landing(affected.renumber))
        asked.append(affected)
    return asked


_BY_LINES = ("suite", "affected")
"""The guard levels that ask who executes the changed lines."""


def _guards_on_the_diff(project: Project, settings: Settings, workspace: Workspace, briefing: Briefing) -> list[Guard]:
    from fixer.infrastructure import guards

    permitted, survey = _permitted(project, settings), guards.Survey(project.top, project.directory)
    look = guards.Eye(project.top, project.directory, workspace.changes, survey)
    sources = _sources(project, settings)
    known: list[Guard] = [
        guards.PathGuard(project.top, sources, permitted),
        guards.SyntaxGuard(look),
        guards.SizeGuard(look, settings.max_lines, settings.max_files),
        *(guard(look) for guard in guards.ON_THE_DIFF),
    ]
    if not sources:  # else the user has said where the sources are
        known.append(guards.SourcesGuard(look, project.top, survey, briefing.executed, permitted))
    return [guard for guard in known if guard.name not in settings.guards_off]


def _permitted(project: Project, settings: Settings) -> Permitted:
    named = ((project.directory / place).resolve() for place in settings.allow)
    inside = (path.relative_to(project.top) for path in named if path.is_relative_to(project.top))
    return Permitted(tuple(inside), settings.allow_tests)


def _sources(project: Project, settings: Settings) -> tuple[Path, ...]:
    return tuple((project.directory / place).resolve() for place in settings.source)


class _Publisher:
    """Tells every listener of every event."""

    def __init__(self, listeners: list[Listener]) -> None:
        self.listeners = listeners

    def __call__(self, event: DomainEvent, /) -> None:
        for listener in self.listeners:
            listener(event)

    def notice(self, text: str) -> None:
        self(Notice(text))

    def detail(self, text: str) -> None:
        self(Notice(text, detail=True))


def _on(kind: type[DomainEvent], act: Callable[[], None]) -> Listener:
    def listen(event: DomainEvent) -> None:
        if isinstance(event, kind):
            act()

    return listen


def _on_landing(act: Callable[[tuple[str, ...]], None]) -> Listener:
    def listen(event: DomainEvent) -> None:
        if isinstance(event, FixLanded):
            act(event.files)

    return listen
