"""What a project says about itself: where its sources are, what it depends on, which modules it uses already."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as Unreadable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Survey:
    """Looks a project up, when asked. `directory` is where pytest runs, `top` the top of the working tree."""

    top: Path | None = None
    directory: Path | None = None

    @cached_property
    def roots(self) -> tuple[Path, ...]:
        """The folders and files that the configuration names as sources; `src` and the packages where it names none."""
        found = [root for folder in self._folders for root in _roots_in(folder)]
        return tuple(dict.fromkeys(root.resolve() for root in found if root.exists()))

    def knows(self, module: str, changed: Collection[str]) -> bool:
        """Whether a top-level module is part of Python, of the project, of what it declares, or of what it imports.

        What the `changed` files (relative to the top) import now does not count. Looked up anew each time: the files
        of an attempt come and go.
        """
        if module in sys.stdlib_module_names or self.declares(module):
            return True
        files = (
            [file for file in _python_files(self.top) if _relative(file, self.top) not in changed] if self.top else []
        )
        own = {name for file in files for name in (file.stem, *file.relative_to(self.top or file).parts[:-1])}
        # Line by line, without trees: of thousands of files those would take seconds.
        return module in own or any(module in _IMPORT.findall(_text(file)) for file in files)

    def declares(self, module: str) -> bool:
        """Whether the project's declared dependencies provide this top-level module."""
        return bool(_distributions(module) & self._declared)

    @property
    def _folders(self) -> tuple[Path, ...]:
        """From where pytest runs up to the top."""
        if not self.top:
            return ()
        start = self.directory or self.top
        return tuple(folder for folder in (start, *start.parents) if folder.is_relative_to(self.top))

    @cached_property
    def _declared(self) -> frozenset[str]:
        found = (name for folder in self._folders for name in _requirements_in(folder))
        return frozenset(_normal(name) for name in found)


_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_NOT_SOURCES = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist"})
_NO_PACKAGES = frozenset(
    {"benchmarks", "ci", "doc", "docs", "example", "examples", "scripts", "test", "testing", "tests", "tools"}
)
_OTHER_NAMES = {
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "jwt": "pyjwt",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Modules whose distribution is called otherwise."""


def _distributions(module: str) -> set[str]:
    return {_normal(module), _normal(_OTHER_NAMES.get(module, module))}


def _normal(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _roots_in(folder: Path) -> Iterator[Path]:
    project = _toml(folder / "pyproject.toml")
    names = [*_toml_roots(project), *_cfg_roots(folder)]
    yield from (folder / name for name in names)
    if not names:
        yield folder / "src"
        yield from (file.parent for file in folder.glob("*/__init__.py") if file.parent.name not in _NO_PACKAGES)


def _toml_roots(project: Mapping[str, Any]) -> Iterator[str]:
    """What setuptools, hatch, poetry, pdm, uv and pytest are told, each in its own words."""
    yield from _texts(_get(project, "tool", "setuptools", "package-dir"))
    yield from _texts(_get(project, "tool", "setuptools", "packages", "find", "where"))
    yield from (name.replace(".", "/") for name in _texts(_get(project, "tool", "setuptools", "packages")))
    yield from _texts(_get(project, "tool", "hatch", "build", "targets", "wheel", "packages"))
    yield from _texts(_get(project, "tool", "pdm", "build", "package-dir"))
    yield from _texts(_get(project, "tool", "uv", "build-backend", "module-root"))
    yield from _texts(_get(project, "tool", "pytest", "ini_options", "pythonpath"))
    packages = _get(project, "tool", "poetry", "packages")
    for package in packages if isinstance(packages, list) else []:
        if isinstance(package, dict):
            yield f"{package.get('from', '.')}/{package.get('include', '')}".removesuffix("/*")


def _cfg_roots(folder: Path) -> Iterator[str]:
    setup = _ini(folder / "setup.cfg")
    lines = setup.get("options", "package_dir", fallback="").splitlines()
    yield from (place for line in lines if (place := line.partition("=")[2].strip()))
    yield from setup.get("options.packages.find", "where", fallback="").split()
    yield from setup.get("tool:pytest", "pythonpath", fallback="").split()
    for name in ("pytest.ini", "tox.ini"):
        yield from _ini(folder / name).get("pytest", "pythonpath", fallback="").split()


def _requirements_in(folder: Path) -> Iterator[str]:
    project = _toml(folder / "pyproject.toml")
    declared = [*_texts(_get(project, "project", "dependencies"))]
    for extra in (_get(project, "project", "optional-dependencies"), _get(project, "dependency-groups")):
        declared += [line for lines in extra.values() for line in _texts(lines)] if isinstance(extra, dict) else []
    poetry = _get(project, "tool", "poetry", "dependencies")
    declared += list(poetry) if isinstance(poetry, dict) else []
    setup = _ini(folder / "setup.cfg")
    declared += setup.get("options", "install_requires", fallback="").splitlines()
    for file in sorted(folder.glob("requirements*.txt")):
        declared += _text(file).splitlines()
    yield from (match[1] for line in declared if (match := _NAME.match(line)))


def _get(table: object, *path: str) -> object:
    for key in path:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def _texts(value: object) -> list[str]:
    """One text, a list of them, or the values of a table."""
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)]


def _toml(file: Path) -> dict[str, Any]:
    """Empty where there is none; a broken one is for pytest to complain about."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(_text(file))
    except ValueError:
        return {}


def _ini(file: Path) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(_text(file))
    except Unreadable:
        return ConfigParser()
    return parser


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _python_files(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if not _is_foreign(Path(folder, name))]
        yield from (Path(folder, name) for name in files if name.endswith(".py"))


def _relative(file: Path, top: Path) -> str:
    return file.relative_to(top).as_posix()


def _is_foreign(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _NOT_SOURCES or (folder / "pyvenv.cfg").exists()
