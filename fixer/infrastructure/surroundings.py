"""Finds out what the project says of itself: its own modules, what it needs, and for which Python it is written."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from functools import cached_property
from pathlib import Path
from typing import Any

from fixer.domain.environment import Surroundings, environment_fault
from fixer.domain.models import Diagnosis, TestError
from fixer.infrastructure.interpreter import Interpreter, install_command

MOST_FOLDERS = 5_000
"""Folders that are looked into for modules; names that lie beyond are taken to be somebody else's."""


class EnvironmentLook:
    """Recognises failures that no change of the project's code can mend. Looks at the project only when asked."""

    def __init__(self, project: Path, top: Path, interpreter: Interpreter) -> None:
        self._project = project
        self._top = top
        self._interpreter = interpreter

    def __call__(self, error: TestError) -> Diagnosis | None:
        """What is missing, or None."""
        return environment_fault(error.error_details, self.surroundings)

    @cached_property
    def surroundings(self) -> Surroundings:
        """What is known, looked up once."""
        pyproject = _pyproject(self._project)
        setup = _setup_cfg(self._project)
        return Surroundings(
            install=install_command(self._interpreter.path),
            version=tuple(int(part) for part in re.findall(r"\d+", self._interpreter.python_version)[:3]),
            requires_python=_requires_python(pyproject, setup),
            own_modules=frozenset(_own_modules({self._project, self._top})),
            declared=frozenset(map(_normal, _declared(self._project, pyproject, setup))),
            read_source=self._read,
        )

    def _read(self, name: str) -> str:
        try:
            return (self._project / name).read_text("utf-8", errors="replace")
        except OSError:
            return ""


def _own_modules(tops: Iterable[Path]) -> Iterator[str]:
    """Names of modules and packages that do not lie in a package themselves."""
    looked_into = 0
    for top in tops:
        for folder, folders, files in os.walk(top):
            looked_into += 1
            folders[:] = [name for name in folders if not _is_foreign(Path(folder, name))]
            if looked_into > MOST_FOLDERS:
                return
            if "__init__.py" not in files:
                yield from (name[:-3] for name in files if name.endswith(".py"))
                yield from (name for name in folders if name.isidentifier())


def _is_foreign(folder: Path) -> bool:
    if folder.name.startswith(".") or folder.name in ("node_modules", "site-packages", "__pycache__", "build", "dist"):
        return True
    return (folder / "pyvenv.cfg").exists()


def _pyproject(project: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):  # without it, or with a broken one, less is known
        return {}


def _setup_cfg(project: Path) -> ConfigParser:
    setup = ConfigParser(interpolation=None, strict=False)
    try:
        setup.read(project / "setup.cfg", encoding="utf-8")
    except (ConfigError, ValueError):
        return ConfigParser()
    return setup


def _requires_python(pyproject: dict[str, Any], setup: ConfigParser) -> str:
    stated = _table(pyproject, "project").get("requires-python") or setup.get("options", "python_requires", fallback="")
    if stated:
        return str(stated)
    poetry = str(_table(pyproject, "tool", "poetry", "dependencies").get("python", ""))
    return poetry.replace("^", ">=")


def _declared(project: Path, pyproject: dict[str, Any], setup: ConfigParser) -> Iterator[str]:
    stated = _table(pyproject, "project")
    yield from _texts(stated.get("dependencies"))
    for extra in (*_table(stated, "optional-dependencies").values(), *_table(pyproject, "dependency-groups").values()):
        yield from _texts(extra)
    poetry = _table(pyproject, "tool", "poetry")
    for group in (poetry, *(group for group in _table(poetry, "group").values() if isinstance(group, dict))):
        yield from (*_table(group, "dependencies"), *_table(group, "dev-dependencies"))
    for section in ("options", "options.extras_require"):
        for option, value in setup.items(section) if setup.has_section(section) else ():
            if section != "options" or option.endswith("_require") or option == "install_requires":
                yield from value.splitlines()
    for file in (*project.glob("requirements*.txt"), *project.glob("requirements/*.txt")):
        yield from file.read_text("utf-8", errors="replace").splitlines()


def _table(table: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        inner = table.get(name)
        table = inner if isinstance(inner, dict) else {}
    return table


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _normal(requirement: str) -> str:
    """The name of the distribution, as it is compared; empty for lines that name none."""
    name = re.match(r"\s*([A-Za-z0-9][\w.-]*)", requirement)
    return re.sub(r"[-_.]+", "-", name[1]).lower() if name else ""
