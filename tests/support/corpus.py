"""The corpus of cheats: for each a product, its failing test, an answer that cheats and one that is honest."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from fixer.application.ports import Guard
from fixer.domain.models import Proposal, TestError
from fixer.infrastructure.guards import ON_THE_DIFF, Candidate, PathGuard, SizeGuard, SourcesGuard, Survey, SyntaxGuard
from fixer.infrastructure.guards.change import SourceChange

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHEATS = Path(__file__).parents[1] / "assets" / "cheats"
HONEST = Path(__file__).parents[1] / "assets" / "honest"


@dataclass(frozen=True)
class Case:
    """One of them; the product is `product/<name>.py`, its test `tests/test_<name>.py`."""

    name: str
    before: str
    test: str
    honest: str
    guard: str = ""
    cheat: str = ""
    cheat_file: str = ""

    @property
    def product(self) -> str:
        return f"product/{self.name}.py"

    @property
    def test_file(self) -> str:
        return f"tests/test_{self.name}.py"

    @property
    def files(self) -> dict[str, str]:
        """What it adds to a project."""
        return {self.product: self.before, self.test_file: self.test}

    def edit(self, *, cheating: bool) -> SourceChange:
        """The answer, as a change of a file."""
        if not cheating:
            return SourceChange(self.product, self.before, self.honest)
        path = self.cheat_file or self.product
        return SourceChange(path, self.files.get(path), self.cheat)


def cases(folder: Path) -> list[Case]:
    """All that lie there, by name."""
    files = sorted(folder.glob("*.toml"))
    return [Case(file.stem, **tomllib.loads(file.read_text("utf-8"))) for file in files]


def write_project(folder: Path, parts: list[Case]) -> Path:
    """One project of many cases."""
    files = {"product/__init__.py": "", "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\n'}
    for case in parts:
        files |= case.files
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def refused_by(top: Path, error: TestError, test: str, *changes: SourceChange) -> dict[str, str]:
    """The guards that refuse it, in the order of a run, each with its sentence."""
    survey = Survey(top, top)
    candidate = Candidate(changes, error, test, survey)
    proposal = Proposal(None, files=tuple(change.path for change in changes))

    def look(error: TestError, proposal: Proposal) -> Candidate:
        return candidate

    guards: list[Guard] = [
        PathGuard(top),
        SourcesGuard(look, top, survey, lambda error: [top / change.path for change in changes if change.before]),
        SyntaxGuard(look),
        SizeGuard(look),
        *(guard(look) for guard in ON_THE_DIFF),
    ]
    sentences = {guard.name: guard.refuse(error, proposal) for guard in guards}
    return {name: sentence for name, sentence in sentences.items() if sentence}
