"""`fixer doctor`: checks what a run needs here, with the cure of what is wrong, and frees disk."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.domain.errors import DiskRefuses, FixerError
from fixer.domain.events import DomainEvent, Notice
from fixer.ui.foreign_text import harmless

if TYPE_CHECKING:
    from fixer.infrastructure.project import Project
    from fixer.memory import Memory


def examine(directory: Path, environ: Mapping[str, str]) -> int:
    """Print the checks; 0 where all is well, else the exit code that a run would have."""
    codes = [_line(name, check, directory, environ) for name, check in _CHECKS]
    return next((code for code in codes if code), 0)


def try_models(directory: Path, environ: Mapping[str, str], names: Sequence[str]) -> int:
    """Send one tiny request to each of these models, or to those that a run would use; 0 where all answer."""
    from fixer.domain.ladder import models_of
    from fixer.settings import load_settings

    settings = load_settings(directory, {}, environ).settings
    asked = tuple(names) or models_of(settings.rungs())
    return max(_line("model", _tried(name, settings.model_timeout), directory, environ) for name in asked)


def _tried(name: str, timeout: float) -> Callable[[Path, Mapping[str, str]], str]:
    def check(directory: Path, environ: Mapping[str, str]) -> str:
        from fixer.infrastructure.model_trial import refuse_local, try_model

        del directory, environ
        refuse_local(name)
        trial = try_model(name, timeout)
        price = "price unknown" if trial.cost_usd is None else f"${trial.cost_usd:.6f}"
        temperature = "takes a temperature" if trial.takes_temperature else "takes no temperature"
        context = f"{trial.context:,} tokens" if trial.context else "context size unknown"
        return f"{trial.model}: {trial.seconds:.1f} s, {price}, {temperature}, {context}, edits as {trial.edit_format}"

    return check


def free_disk(memory: Memory) -> int:
    """Delete what can be had again, in all working trees of this repository; print what that freed."""
    import sqlite3

    from fixer.infrastructure.ledger_pruning import compact, forget_details
    from fixer.infrastructure.pruning import prune
    from fixer.infrastructure.run_lock import is_held

    pruned = prune(memory.project, keep_days=0, most_bytecode=0)
    freed, remark = pruned.bytes, ""
    try:
        forget_details(memory.ledger)
        freed += compact(memory.ledger)
    except sqlite3.OperationalError as refused:
        remark = f" The ledger was not made smaller: {refused}."
    if is_held(memory.project.worktree_state):
        remark += " A run is at work here: what it uses was left alone."
    sys.stdout.write(f"Freed {_megabytes(freed)}. Left: {_used(memory.project)}.{remark}\n")
    return 0


def _line(
    name: str, check: Callable[[Path, Mapping[str, str]], str], directory: Path, environ: Mapping[str, str]
) -> int:
    try:
        found = check(directory, environ)
    except FixerError as error:
        cure = f"  → {error.cure}" if error.cure else ""
        sys.stdout.write(f"✗ {name:<12} {error.message}{cure}\n")
        return error.exit_code
    sys.stdout.write(f"✓ {name:<12} {found}\n")
    return 0


def _git(directory: Path, environ: Mapping[str, str]) -> str:
    from fixer.infrastructure.git import Git, find_repository

    del environ
    version = Git(directory).line("version")
    repository = find_repository(directory)
    where = f"repository {repository.top}" if repository else "no repository here: fixes stay uncommitted"
    return f"{version}; {where}"


def _interpreter(directory: Path, environ: Mapping[str, str]) -> str:
    from fixer.infrastructure.interpreter import find_interpreter
    from fixer.settings import load_settings

    settings = load_settings(directory, {}, environ).settings
    found = find_interpreter(directory, settings.python, environ, Path(sys.prefix))
    return f"{found.path} ({found.reason}); Python {found.python_version}, pytest {found.pytest_version}"


def _plugins(directory: Path, environ: Mapping[str, str]) -> str:
    from fixer.infrastructure.interpreter import find_interpreter
    from fixer.infrastructure.plugins import REMARKS, installed_plugins
    from fixer.settings import load_settings

    try:
        asked = load_settings(directory, {}, environ).settings.python
        python = find_interpreter(directory, asked, environ, Path(sys.prefix)).path
    except FixerError:
        return "unknown, as long as there is no interpreter"
    found = installed_plugins(python, directory)
    told = [f"{name}: {REMARKS[name]}" for name in found if name in REMARKS]
    return "; ".join(told) or f"{len(found)} installed, none known to interfere"


def _lock(directory: Path, environ: Mapping[str, str]) -> str:
    from fixer.infrastructure.project import find_project
    from fixer.infrastructure.run_lock import run_lock

    folder = find_project(directory, environ).worktree_state
    if folder.is_dir():
        with run_lock(folder):
            pass
    return "free: no run is at work here"


def _leftovers(directory: Path, environ: Mapping[str, str]) -> str:
    from fixer.memory import has_memory, open_memory, recover_if_idle
    from fixer.ui.console import open_arbiter

    if not has_memory(directory, environ):
        return "none: fixer has not been at work here"
    told: list[DomainEvent] = []

    def listen(event: DomainEvent) -> None:
        _say(event)
        told.append(event)

    recover_if_idle(open_memory(directory, environ), listen, open_arbiter(environ))
    return "put right just now" if told else "none"


def _say(event: DomainEvent) -> None:
    if isinstance(event, Notice):
        sys.stderr.write(f"fixer: {event.text}\n")


def _settings(directory: Path, environ: Mapping[str, str]) -> str:
    from fixer.settings import load_settings

    loaded = load_settings(directory, {}, environ)
    set_here = [f"{name} from {origin}" for name, origin in loaded.origins.items() if origin != "default"]
    return ", ".join(set_here) or "all defaults"


def _model(directory: Path, environ: Mapping[str, str]) -> str:
    from fixer.domain.ladder import models_of
    from fixer.settings import keys_found, load_settings

    loaded = load_settings(directory, {}, environ)
    keys = ", ".join(f"{variable} (--model {example})" for variable, example in keys_found(environ))
    return f"{', '.join(models_of(loaded.settings.rungs()))}; keys in the environment: {keys or 'none'}"


def _servers(directory: Path, environ: Mapping[str, str]) -> str:
    from fixer.infrastructure.model_servers import find_models, servers_of

    del directory
    found = [_served(model.name, model.context, model.base) for model in find_models(*servers_of(environ))]
    return "; ".join(found) or "none on this machine (Ollama, or any that speaks OpenAI's protocol)"


def _served(name: str, context: int | None, base: str) -> str:
    size = f" ({context:,} tokens)" if context else " (context size not told)"
    return f"--model {harmless(name)}{size}" + (f" with OPENAI_API_BASE={base} OPENAI_API_KEY=none" if base else "")


def _ledger(directory: Path, environ: Mapping[str, str]) -> str:
    from fixer.memory import open_memory

    memory = open_memory(directory, environ)
    fixes = memory.store.fixes()
    in_place = sum(1 for fix in fixes if fix.state != "undone")
    return f"{memory.ledger.path}: {len(fixes)} fixes, {in_place} in place"


def _disk(directory: Path, environ: Mapping[str, str]) -> str:
    import shutil

    from fixer.infrastructure.project import find_project

    project = find_project(directory, environ)
    free = shutil.disk_usage(project.top).free
    if free < _LEAST_FREE:
        raise DiskRefuses(
            f"Only {_megabytes(free)} are free.", "Make room; fixer doctor --prune frees what is fixer's."
        )
    used = f"{_megabytes(free)} free; fixer takes {_used(project)}"
    return f"{used}; fixer doctor --prune frees what can be had again"


def _used(project: Project) -> str:
    from fixer.infrastructure.pruning import disk_use

    used = disk_use(project)
    parts = ", ".join(f"{name} {_megabytes(size)}" for name, size in used.items() if size)
    return f"{_megabytes(sum(used.values()))} ({parts or 'nothing'})"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


_LEAST_FREE = 100_000_000
"""Bytes. A run writes some megabytes; below this a full disk is near for everybody."""
_CHECKS: tuple[tuple[str, Callable[[Path, Mapping[str, str]], str]], ...] = (
    ("git", _git),
    ("settings", _settings),
    ("interpreter", _interpreter),
    ("plugins", _plugins),
    ("model", _model),
    ("servers", _servers),
    ("lock", _lock),
    ("leftovers", _leftovers),
    ("ledger", _ledger),
    ("disk", _disk),
)
