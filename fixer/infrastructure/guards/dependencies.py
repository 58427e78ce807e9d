"""A guard on modules that a fix brings in."""

from __future__ import annotations

from collections.abc import Iterator

from fixer.infrastructure.guards.candidate import Candidate, DiffGuard
from fixer.infrastructure.guards.change import imported_modules


class DependencyGuard(DiffGuard):
    """A fix uses what the project has: Python's own modules, its own, what it declares or imports already."""

    name = "new dependency"
    about = "an import of a package that the project neither declares nor imports anywhere"

    def objections(self, candidate: Candidate) -> Iterator[str]:
        """Each package that is new to the project."""
        before = {
            module.partition(".")[0] for change in candidate.changes for module, _ in imported_modules(change.old)
        }
        paths = {change.path for change in candidate.changes}
        own = {part.removesuffix(".py") for path in paths for part in path.split("/")}
        for change in candidate.product:
            for module, node in imported_modules(change.new):
                package = module.partition(".")[0]
                if package not in before | own and not candidate.survey.knows(package, paths):
                    yield (
                        f"{change.new.shown(node)} needs `{package}`, which the project does not depend on; "
                        "use what it has"
                    )
