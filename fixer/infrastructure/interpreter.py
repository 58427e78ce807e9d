"""Finds the project's own Python, and says why it is that one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fixer.domain.errors import TestsCannotRun, UsageError

OLDEST_PYTHON = (3, 8)
OLDEST_PYTEST = (6, 2)
TOOL_SECONDS = 10.0
"""How long uv, poetry and the like may take to name their environment."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that can run the project's tests. The path is never resolved: behind a venv's link is another Python."""

    path: Path
    reason: str
    python_version: str
    pytest_version: str


def find_interpreter(project: Path, asked: str, environ: Mapping[str, str], own_prefix: Path) -> Interpreter:
    """The first candidate that has pytest. Raises UsageError for a wrong `asked`, TestsCannotRun with the cure.

    The order: what was asked for, the active environment, one beside the project, what the project's tool names,
    PATH. fixer's own environment counts only where it is the project's, or nothing else is there.
    """
    if asked:
        return _examined(_asked(project, asked), "asked for")
    tried = []
    for path, reason in _candidates(project, environ, own_prefix):
        version = _pytest_version(path)
        if version:
            return _checked(path, reason, *version)
        tried.append(f"{path} ({reason})")
    listed = "\n".join(f"  tried {one}" for one in tried) or "  tried nothing: no Python was found"
    python = tried[0].partition(" (")[0] if tried else "python3"
    raise TestsCannotRun(
        f"No interpreter of this project has pytest.\n{listed}",
        f"{python} -m pip install pytest    (or name another: fixer run --python PATH)",
    )


def _asked(project: Path, asked: str) -> Path:
    path = Path(asked).expanduser()
    if len(path.parts) == 1 and (found := shutil.which(asked)):
        return Path(found)
    path = path if path.is_absolute() else project / path
    if not path.is_file():
        raise UsageError(f"There is no interpreter {asked}.", "Name one that exists: --python .venv/bin/python")
    return path


def _examined(path: Path, reason: str) -> Interpreter:
    version = _pytest_version(path)
    if not version:
        raise TestsCannotRun(f"{path} has no pytest.", f"{path} -m pip install pytest")
    return _checked(path, reason, *version)


def _checked(path: Path, reason: str, python: str, pytest: str) -> Interpreter:
    if _numbers(python) < OLDEST_PYTHON:
        raise TestsCannotRun(
            f"{path} is Python {python}; fixer needs 3.8 or newer there.", "Name another: --python PATH"
        )
    if _numbers(pytest) < OLDEST_PYTEST:
        raise TestsCannotRun(
            f"{path} has pytest {pytest}; fixer needs 6.2 or newer.", f"{path} -m pip install --upgrade pytest"
        )
    return Interpreter(path, reason, python, pytest)


def _candidates(project: Path, environ: Mapping[str, str], own_prefix: Path) -> Iterator[tuple[Path, str]]:
    folders = _up_to_repository(project)
    found = _environments(folders, environ)
    own = _python_in(own_prefix)
    for path, reason in found:
        # Called as `.venv/bin/fixer` or from an active tool environment, VIRTUAL_ENV may be fixer's own.
        if path != own or own_prefix.parent in folders:
            yield path, reason
    yield from _named_by_tools(folders)
    for name in ("python", "python3"):
        on_path = shutil.which(name, path=environ.get("PATH"))
        if on_path and Path(on_path) != own:
            yield Path(on_path), f"{name} on PATH"
    if own.exists():
        yield own, "fixer's own, because nothing else was found"


def _environments(folders: list[Path], environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if environ.get(variable) and (python := _python_in(Path(environ[variable]))).exists():
            yield python, variable
    for folder in folders:
        for name in (".venv", "venv"):
            if (python := _python_in(folder / name)).exists():
                yield python, f"{name} beside the project"


def _named_by_tools(folders: list[Path]) -> Iterator[tuple[Path, str]]:
    """What uv, poetry, pdm or pipenv name, asked only where their own file is there."""
    for folder in folders:
        for marker, argv in _TOOLS:
            if (folder / marker).exists() and shutil.which(argv[0]) and (python := _ask_tool(folder, argv)):
                yield python, f"named by {argv[0]}"


def _ask_tool(folder: Path, argv: tuple[str, ...]) -> Path | None:
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TOOL_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    path = Path(done.stdout.strip())
    return path if done.returncode == 0 and path.is_file() else None


def _up_to_repository(project: Path) -> list[Path]:
    folders = [project]
    while not (folders[-1] / ".git").exists() and folders[-1] != folders[-1].parent:
        folders.append(folders[-1].parent)
    return folders if (folders[-1] / ".git").exists() else [project]


def _python_in(prefix: Path) -> Path:
    return prefix / "Scripts" / "python.exe" if os.name == "nt" else prefix / "bin" / "python"


def _pytest_version(python: Path) -> tuple[str, str] | None:
    """Its own version and pytest's, asked in a folder where no project module can get in the way."""
    code = "import json, platform, pytest; print(json.dumps([platform.python_version(), pytest.__version__]))"
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    try:
        done = subprocess.run(
            [str(python), "-c", code], cwd=python.anchor, env=env, capture_output=True, timeout=60, check=False
        )
        answer = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 and done.stdout else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return (str(answer[0]), str(answer[1])) if answer else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


_TOOLS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("uv.lock", ("uv", "python", "find")),
    ("poetry.lock", ("poetry", "env", "info", "--executable")),
    ("pdm.lock", ("pdm", "info", "--python")),
    ("Pipfile.lock", ("pipenv", "--py")),
)
