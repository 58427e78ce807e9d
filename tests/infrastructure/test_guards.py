"""Which files a fix may change, judged on real project folders; and that the guide tells of every guard."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer.domain.models import CodeChanges, CodeLocation, ErrorDetails, Proposal, TestError
from fixer.domain.services import Permitted
from fixer.infrastructure.guards import CATALOGUE, Candidate, Eye, PathGuard, SourceChange, SourcesGuard, Survey
from fixer.infrastructure.user_branch import FileChange
from fixer.infrastructure.working_file import FileState

ERROR = TestError(Path("tests/test_a.py"), "test_a", ErrorDetails("AssertionError", ""))
TOP = Path("/project")


def refusal(file: str, *sources: str) -> str:
    proposal = Proposal(CodeChanges("a", "b"), files=("src/fine.py", file))
    return PathGuard(TOP, [TOP / source for source in sources]).refuse(ERROR, proposal)


@pytest.mark.parametrize("file", ["tests/test_a.py", "conftest.py", "pyproject.toml", ".git/hooks/pre-commit"])
def test_protected_files_are_refused_by_name(file: str) -> None:
    assert refusal(file).startswith(f"{file} must not be edited: ")


def test_source_files_pass() -> None:
    assert refusal("src/pkg/other.py") == ""


def test_only_the_given_sources_may_be_edited() -> None:
    assert refusal("src/other.py", "src") == ""
    assert refusal("lib/other.py", "src") == "lib/other.py must not be edited: lies outside the given sources"


def test_what_the_user_permits_is_let_through_also_outside_the_sources() -> None:
    guard = PathGuard(TOP, [TOP / "src"], Permitted((Path("setup.cfg"),)))
    assert guard.refuse(ERROR, Proposal(None, files=("setup.cfg",))) == ""
    assert guard.refuse(ERROR, Proposal(None, files=("tox.ini",)))


@pytest.mark.parametrize(
    ("file", "text", "roots"),
    [
        ("pyproject.toml", '[tool.setuptools.package-dir]\n"" = "lib"\n', ["lib"]),
        ("pyproject.toml", '[tool.setuptools.packages.find]\nwhere = ["lib", "src"]\n', ["lib", "src"]),
        ("pyproject.toml", '[tool.hatch.build.targets.wheel]\npackages = ["src/pkg"]\n', ["src/pkg"]),
        ("pyproject.toml", '[[tool.poetry.packages]]\ninclude = "pkg"\nfrom = "src"\n', ["src/pkg"]),
        ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["lib"]\n', ["lib"]),
        ("setup.cfg", "[options]\npackage_dir =\n    = lib\n", ["lib"]),
        ("setup.cfg", "[options.packages.find]\nwhere = src\n", ["src"]),
        ("tox.ini", "[pytest]\npythonpath = lib\n", ["lib"]),
        ("pyproject.toml", "not toml", ["src", "flat"]),
        ("setup.cfg", "not ini", ["src", "flat"]),
    ],
)
def test_source_folders_are_what_the_configuration_names(
    tmp_path: Path, file: str, text: str, roots: list[str]
) -> None:
    for module in ("lib/a.py", "src/pkg/__init__.py", "flat/__init__.py", "docs/__init__.py"):
        write(tmp_path / module)
    (tmp_path / file).write_text(text)
    assert [root.relative_to(tmp_path).as_posix() for root in Survey(tmp_path, tmp_path).roots] == roots


@pytest.mark.parametrize(
    ("path", "is_new", "refused"),
    [
        ("src/pkg/other.py", False, False),
        ("src/pkg/new.py", True, False),
        ("scripts/used.py", False, False),
        ("scripts/new.py", True, False),
        ("scripts/unused.py", False, True),
        ("elsewhere/new.py", True, True),
        ("src/json.py", True, True),
        ("src/requests.py", True, True),
        ("src/pkg/json.py", True, False),
    ],
)
def test_a_fix_belongs_to_the_sources_or_to_what_the_test_executes(
    tmp_path: Path, path: str, is_new: bool, refused: bool
) -> None:
    for module in ("src/pkg/__init__.py", "scripts/used.py"):
        write(tmp_path / module)
    (tmp_path / "requirements.txt").write_text("requests>=2\n")
    candidate = Candidate((SourceChange(path, None if is_new else "", "x = 1\n"),), ERROR)
    guard = SourcesGuard(
        lambda error, proposal: candidate,
        tmp_path,
        Survey(tmp_path, tmp_path),
        lambda error: [tmp_path / "scripts" / "used.py"],
    )
    assert bool(guard.refuse(ERROR, Proposal(None))) is refused


def test_a_package_is_known_when_it_is_declared_or_imported_but_not_by_the_fix_itself(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["PyYAML>=6", "python-dateutil"]\n')
    write(tmp_path / "pkg" / "a.py", "import numpy\n")
    survey = Survey(tmp_path, tmp_path)
    assert all(survey.knows(name, ()) for name in ("yaml", "dateutil", "numpy", "json", "pkg", "a"))
    assert not survey.knows("numpy", {"pkg/a.py"})
    assert not survey.knows("requests", ())


def test_the_guards_see_texts_and_the_failing_test(tmp_path: Path) -> None:
    write(tmp_path / "tests" / "test_a.py", "LIMIT = 3\n\n\ndef test_a():\n    assert LIMIT\n\n\ndef test_b(): pass\n")
    change = FileChange("m.py", FileState(b"# coding: latin-1\r\nx = '\xe9'\n"), None)
    same = FileChange("n.py", FileState(b""), FileState(b""))
    error = TestError(
        Path("tests/test_a.py"), "test_a", ERROR.error_details, CodeLocation(tmp_path / "tests" / "test_a.py", 5)
    )
    seen = Eye(tmp_path, tmp_path, lambda: [change, same], Survey())(error, Proposal(None))
    text = "# coding: latin-1\nx = '\N{LATIN SMALL LETTER E WITH ACUTE}'\n"
    assert seen.changes == (SourceChange("m.py", text, None),)
    assert "LIMIT = 3" in seen.test_source
    assert "test_b" not in seen.test_source


def test_the_guide_tells_of_every_guard_in_its_own_words() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guards.md").read_text("utf-8")
    assert [line for name, about in CATALOGUE if (line := f"| {name} | {about} |") not in guide] == []


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
