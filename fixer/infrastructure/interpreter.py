"""Finds the project's own Python, and says why it is that one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
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
    PATH. fixer's own environment counts only where it is the project's, or the project has none.
    """
    if asked:
        return _examined(_Candidate(_asked(project, asked, environ), "asked for"), project, environ)
    tried: list[tuple[_Candidate, TestsCannotRun]] = []
    for candidate in _candidates(project, environ, own_prefix):
        if candidate.is_last_resort and any(other.is_environment for other, _ in tried):
            break
        try:
            return _examined(candidate, project, environ)
        except _NoPytest as problem:
            tried.append((candidate, problem))
        except TestsCannotRun as problem:
            if candidate.is_environment:
                raise
            tried.append((candidate, problem))
    raise _nothing_found(tried)


def install_command(python: Path) -> str:
    """What puts something there, without its name; an environment that uv made has no pip of its own."""
    settings = python.parent.parent / "pyvenv.cfg"
    if settings.is_file() and "\nuv = " in settings.read_text(errors="replace"):
        return f"uv pip install --python {python}"
    return f"{python} -m pip install"


@dataclass(frozen=True)
class _Candidate:
    path: Path
    reason: str
    is_environment: bool = False
    """Made for a project, unlike a Python that just happens to be on PATH."""
    is_last_resort: bool = False


class _NoPytest(TestsCannotRun):
    """There is no pytest in it, or it is no Python at all."""


def _nothing_found(tried: list[tuple[_Candidate, TestsCannotRun]]) -> TestsCannotRun:
    listed = "\n".join(f"  tried {one.path} ({one.reason}): {problem.message}" for one, problem in tried)
    cure = tried[0][1].cure if tried else "python3 -m pip install pytest"
    return TestsCannotRun(
        f"No interpreter of this project can run pytest.\n{listed or '  tried nothing: no Python was found'}",
        f"{cure}    (or name another: fixer run --python PATH)",
    )


def _asked(project: Path, asked: str, environ: Mapping[str, str]) -> Path:
    path = Path(asked).expanduser()
    if len(path.parts) == 1 and (found := _which(asked, environ)):
        return found
    path = path if path.is_absolute() else project / path
    if not path.is_file():
        raise UsageError(f"There is no interpreter {asked}.", "Name one that exists: --python .venv/bin/python")
    return path


def _examined(candidate: _Candidate, project: Path, environ: Mapping[str, str]) -> Interpreter:
    path = candidate.path
    versions = _versions(path, project, environ)
    if not versions:
        raise _NoPytest(f"{path} has no pytest.", _install(path))
    python, pytest = versions
    if _numbers(python) < OLDEST_PYTHON:
        raise TestsCannotRun(
            f"{path} is Python {python}; fixer needs 3.8 or newer there.", "Name another: --python PATH"
        )
    if _numbers(pytest) < OLDEST_PYTEST:
        raise TestsCannotRun(f"{path} has pytest {pytest}; fixer needs 6.2 or newer.", _install(path, "--upgrade "))
    return Interpreter(path, candidate.reason, python, pytest)


def _install(python: Path, option: str = "") -> str:
    return f"{install_command(python)} {option}pytest"


def _candidates(project: Path, environ: Mapping[str, str], own_prefix: Path) -> Iterator[_Candidate]:
    folders = _up_to_repository(project)
    own = _python_in(own_prefix)
    is_ours_too = own_prefix.parent in folders
    seen: set[Path] = set()
    # One after the other: a tool is asked only when nothing before it would do.
    for candidate in chain(_environments(folders, environ), _named_by_tools(folders, environ), _on_path(environ)):
        # Called from its own activated environment, VIRTUAL_ENV and PATH lead to fixer's.
        if candidate.path not in seen and (is_ours_too or not _is_same_prefix(candidate.path, own)):
            seen.add(candidate.path)
            yield candidate
    if own not in seen and own.exists():
        yield _Candidate(own, "fixer's own, because nothing else was found", is_last_resort=True)


def _environments(folders: list[Path], environ: Mapping[str, str]) -> Iterator[_Candidate]:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if environ.get(variable) and (python := _python_in(Path(environ[variable]))).exists():
            yield _Candidate(python, variable, is_environment=True)
    for folder in folders:
        for name in (".venv", "venv"):
            if (python := _python_in(folder / name)).exists():
                yield _Candidate(python, f"{name} beside the project", is_environment=True)


def _named_by_tools(folders: list[Path], environ: Mapping[str, str]) -> Iterator[_Candidate]:
    """What uv, poetry, pdm or pipenv name, asked only where their own file is there."""
    for folder in folders:
        for marker, (name, *arguments) in _TOOLS:
            if not (folder / marker).exists() or not (tool := _which(name, environ)):
                continue
            if python := _ask_tool([str(tool), *arguments], folder, environ):
                yield _Candidate(python, f"named by {name}", is_environment=True)


def _on_path(environ: Mapping[str, str]) -> Iterator[_Candidate]:
    for name in ("python", "python3"):
        if python := _which(name, environ):
            yield _Candidate(python, f"{name} on PATH")


def _ask_tool(argv: list[str], folder: Path, environ: Mapping[str, str]) -> Path | None:
    # The tools would name the active environment, which has had its turn.
    env = {name: value for name, value in environ.items() if name not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=TOOL_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    path = Path(done.stdout.strip())
    return path if done.returncode == 0 and path.is_absolute() and path.is_file() else None


def _up_to_repository(project: Path) -> list[Path]:
    folders = [project]
    while not (folders[-1] / ".git").exists() and folders[-1] != folders[-1].parent:
        folders.append(folders[-1].parent)
    return folders if (folders[-1] / ".git").exists() else [project]


def _python_in(prefix: Path) -> Path:
    if os.name == "nt":
        return prefix / "Scripts" / "python.exe"
    python = prefix / "bin" / "python"
    return python if python.exists() else python.with_name("python3")  # as distributions name their own


def _is_same_prefix(python: Path, own: Path) -> bool:
    """Whether both lie in one folder, however it is reached; where the interpreters' links lead says nothing."""
    return python.parent.resolve() == own.parent.resolve()


def _which(name: str, environ: Mapping[str, str]) -> Path | None:
    found = shutil.which(name, path=environ.get("PATH", os.defpath))
    return Path(found).absolute() if found else None


def _versions(python: Path, project: Path, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Its own version and pytest's. Asked in the project, by which pyenv's shims choose; its modules stay out."""
    code = (
        "import sys; sys.path[:] = [path for path in sys.path if path]; "
        "import json, platform, pytest; print(json.dumps([platform.python_version(), pytest.__version__]))"
    )
    env = {name: value for name, value in environ.items() if name != "PYTHONHOME"}
    try:
        done = subprocess.run(
            [str(python), "-c", code],
            cwd=project,
            env=env,
            capture_output=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        answer = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 and done.stdout else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return (str(answer[0]), str(answer[1])) if isinstance(answer, list) and len(answer) == 2 else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


_TOOLS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("uv.lock", ("uv", "python", "find")),
    ("poetry.lock", ("poetry", "env", "info", "--executable")),
    ("pdm.lock", ("pdm", "info", "--python")),
    ("Pipfile.lock", ("pipenv", "--py")),
)
