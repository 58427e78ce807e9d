"""Runs one test on a checkout, and makes sure that it is the checkout's code that it runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fixer.domain.errors import TestsCannotRun
from fixer.domain.models import TestResult, Verdict
from fixer.infrastructure.pytest_call import PROBE_FOLDER, drop_bytecode
from fixer.infrastructure.pytest_runner import PytestRunner


@dataclass(frozen=True)
class Place:
    """Where a project's tests are run; `directory` and `rootdir` are relative to the top of its working tree."""

    python: Path
    top: Path
    directory: str = "."
    rootdir: str = "."
    changed: tuple[str, ...] = ()
    """The files of the fix, relative to the top."""


@dataclass(frozen=True)
class CheckoutRunner:
    """Runs tests on checkouts of one project. Seconds are wall time."""

    place: Place
    environ: Mapping[str, str]
    bytecode: Path
    test_timeout: float = 60.0
    run_timeout: float = 1800.0

    def run(self, checkout: Path, test_file: Path, test_function: str) -> TestResult:
        """Run exactly this test in a fresh process. Raises TestsCannotRun where the checkout's code is not run."""
        base = _inside(checkout, self.place.rootdir)
        nodeid = f"{test_file.as_posix()}::{test_function}" if test_function else test_file.as_posix()
        if not (base / test_file).is_file():
            return TestResult(nodeid, Verdict.NOT_RUN, f"{test_file.as_posix()} is not in the commit")
        runner = self._runner(checkout, base)
        try:
            result = runner.run_test_and_check(test_file, test_function)
        finally:
            drop_bytecode(self.bytecode, checkout)
        foreign = foreign_code(runner.imports, checkout, self.place)
        if foreign:
            raise TestsCannotRun(
                f"not run: the project is installed from {foreign}, its tests do not import the checkout.",
                "Install it so that PYTHONPATH wins, or check the commit out and run its test there.",
            )
        return result

    def _runner(self, checkout: Path, base: Path) -> PytestRunner:
        return PytestRunner(
            self.place.python,
            _inside(checkout, self.place.directory),
            pytest_args=(f"--rootdir={base}",),
            test_timeout=self.test_timeout,
            run_timeout=self.run_timeout,
            top=checkout,
            bytecode=self.bytecode,
            environ={**self.environ, "PYTHONPATH": os.pathsep.join(self._import_path(checkout))},
            base=base,
            with_imports=True,
        )

    def _import_path(self, checkout: Path) -> list[str]:
        """The checkout's source roots in front of what leads to the user's tree: an editable install, PYTHONPATH."""
        given = [Path(path) for path in self.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        moved = [checkout / path.relative_to(self.place.top) for path in given if path.is_relative_to(self.place.top)]
        kept = [path for path in given if not path.is_relative_to(self.place.top)]
        paths = [*source_roots(checkout, self.place), *moved, *kept]
        return list(dict.fromkeys(map(str, paths)))


def source_roots(checkout: Path, place: Place) -> list[Path]:
    """The folders that modules are imported from: those that hold the packages that the fix changes, and `src`."""
    found = [(checkout / file).parent for file in place.changed if file.endswith(".py")]
    roots = [_above_packages(folder) for folder in found]
    conventional = [_inside(checkout, folder) / "src" for folder in (place.rootdir, place.directory)]
    return list(dict.fromkeys([*roots, *(folder for folder in conventional if folder.is_dir())]))


def foreign_code(imports: Iterable[Path], checkout: Path, place: Place) -> Path | None:
    """The folder of the first module that is the project's and does not lie in the checkout."""
    imports = list(imports)
    elsewhere = [file for file in imports if not file.is_relative_to(checkout)]
    own = [file for file in elsewhere if _is_projects(file, place)]
    modules = _modules(checkout, place, imports)
    installed = [file for file in elsewhere if any(_ends_with(file, module) for module in modules)]
    return next((file.parent for file in sorted(own) + installed), None)


def _is_projects(file: Path, place: Place) -> bool:
    prefix = place.python.parent.parent
    ours = file.is_relative_to(PROBE_FOLDER) or (prefix != place.top and file.is_relative_to(prefix))
    return file.is_relative_to(place.top) and not ours and "site-packages" not in file.parts


def _modules(checkout: Path, place: Place, imports: Sequence[Path]) -> list[tuple[str, ...]]:
    """The changed modules of packages that were not imported from the checkout, as parts of their paths."""
    files = [checkout / file for file in place.changed if file.endswith(".py")]
    missing = [file for file in files if file.is_file() and file not in imports]
    relative = [file.relative_to(_above_packages(file.parent)).parts for file in missing]
    return [parts for parts in relative if len(parts) > 1]


def _above_packages(folder: Path) -> Path:
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _ends_with(file: Path, parts: tuple[str, ...]) -> bool:
    return file.parts[-len(parts) :] == parts


def _inside(checkout: Path, relative: str) -> Path:
    """Where a folder of the working tree is in the checkout; the top for what lies outside."""
    outside = PurePosixPath(relative).is_absolute() or ".." in PurePosixPath(relative).parts
    return checkout if outside else checkout / relative
