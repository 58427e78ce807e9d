"""`fixer doctor`: checks what a run needs here, one line each, with the command that cures what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from fixer.domain.errors import FixerError
from fixer.domain.events import DomainEvent, Notice


def examine(directory: Path, environ: Mapping[str, str]) -> int:
    """Print the checks; 0 where all is well, else the exit code that a run would have."""
    codes = [_line(name, check, directory, environ) for name, check in _CHECKS]
    return next((code for code in codes if code), 0)


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


def _settings(directory: Path, environ: Mapping[str, str]) -> str:
    from fixer.settings import load_settings

    loaded = load_settings(directory, {}, environ)
    set_here = [f"{name} from {origin}" for name, origin in loaded.origins.items() if origin != "default"]
    return ", ".join(set_here) or "all defaults"


def _model(directory: Path, environ: Mapping[str, str]) -> str:
    from fixer.settings import keys_found, load_settings

    loaded = load_settings(directory, {}, environ)
    keys = ", ".join(f"{variable} (--model {example})" for variable, example in keys_found(environ))
    return f"{loaded.settings.model[0]}; keys in the environment: {keys or 'none'}"


def _ledger(directory: Path, environ: Mapping[str, str]) -> str:
    from fixer.bootstrap import open_memory, recover_if_idle
    from fixer.ui.console import open_arbiter

    memory = open_memory(directory, environ)
    recover_if_idle(memory, _say, open_arbiter(environ))
    fixes = memory.store.fixes()
    in_place = sum(1 for fix in fixes if fix.state != "undone")
    return f"{memory.ledger.path}: {len(fixes)} fixes, {in_place} in place"


def _say(event: DomainEvent) -> None:
    if isinstance(event, Notice):
        sys.stderr.write(f"fixer: {event.text}\n")


_CHECKS: tuple[tuple[str, Callable[[Path, Mapping[str, str]], str]], ...] = (
    ("git", _git),
    ("settings", _settings),
    ("interpreter", _interpreter),
    ("model", _model),
    ("ledger", _ledger),
)
