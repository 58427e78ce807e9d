"""Guards on which files a fix changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from sys import stdlib_module_names

from fixer.domain.models import Proposal, TestError
from fixer.domain.services import NOTHING_PERMITTED, Permitted, protected_reason
from fixer.infrastructure.guards.candidate import Candidate, DiffGuard, Look
from fixer.infrastructure.guards.change import SourceChange
from fixer.infrastructure.guards.survey import Survey


class PathGuard:
    """No test, configuration or other protected file was changed, and nothing outside `sources` where there are any.

    Asked once more after the engine's own guard.
    """

    name = "protected file"
    about = "tests, `conftest.py`, configuration of tests and builds, lock and CI files, `*.pth`, hidden files"
    after_test = False

    def __init__(self, top: Path, sources: Sequence[Path] = (), permitted: Permitted = NOTHING_PERMITTED) -> None:
        self._top = top
        self._sources = sources
        self._permitted = permitted

    def refuse(self, error: TestError, proposal: Proposal) -> str:
        """The first file that may not be changed, and why."""
        del error
        reasons = ((file, self._reason(file)) for file in proposal.files)
        return next((f"{file} must not be edited: {reason}" for file, reason in reasons if reason), "")

    def _reason(self, file: str) -> str:
        path = PurePosixPath(file)
        inside = not self._sources or any((self._top / file).is_relative_to(source) for source in self._sources)
        outside = not inside and not self._permitted.covers(path)
        return protected_reason(path, self._permitted) or ("lies outside the given sources" if outside else "")


class SourcesGuard(DiffGuard):
    """Only files below the project's source roots, or that the failing test executed; new ones only beside these."""

    name = "outside the sources"
    about = (
        "files that are neither below the project's source folders nor executed by the failing test; "
        "new modules elsewhere, or that would hide a module of Python or of a dependency"
    )

    def __init__(
        self,
        look: Look,
        top: Path,
        survey: Survey,
        executed: Callable[[TestError], Iterable[Path]],
        permitted: Permitted = NOTHING_PERMITTED,
    ) -> None:
        super().__init__(look)
        self._top = top.resolve()
        self._survey = survey
        self._executed = executed
        self._permitted = permitted

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """Files that are no business of this fix."""
        named = [change for change in candidate.changes if not self._permitted.covers(PurePosixPath(change.path))]
        strange = [change for change in named if not self._below_roots(self._top / change.path)]
        executed = {path.resolve() for path in self._executed(candidate.error)} if strange else set()
        folders = {path.parent for path in executed}
        for change in strange:
            path = (self._top / change.path).resolve()
            if not (path.parent in folders if change.before is None else path in executed):
                where = "is not beside any of these" if change.before is None else "is neither"
                yield (
                    f"{change.path} {where}: a fix belongs in the project's source folders or in files that the "
                    "failing test executes"
                )
        yield from (objection for change in named if (objection := self._hiding(change)))

    def _below_roots(self, path: Path) -> bool:
        return any(path.resolve().is_relative_to(root) for root in self._survey.roots)

    def _hiding(self, change: SourceChange) -> str:
        path = PurePosixPath(change.path)
        module = path.parent.name if path.name == "__init__.py" else path.stem
        folder = self._top / (path.parent.parent if path.name == "__init__.py" else path.parent)
        if change.before is not None or (folder / "__init__.py").exists():
            return ""
        if module not in stdlib_module_names | _TEST_TOOLS and not self._survey.declares(module):
            return ""
        return f"{change.path} would hide the installed module `{module}`; choose another name"


_TEST_TOOLS = frozenset({"_pytest", "pluggy", "pytest"})
