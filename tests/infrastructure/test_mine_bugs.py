"""Mining real bugs, on a history as small as it can be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mine_bugs import Bug, Fix, Place, fixes, main, read_manifest, reproduced, write_manifest

BROKEN = "def half(n):\n    return n // 3\n"
FIXED = "def half(n):\n    return n // 2\n"
OLD_TEST = "from halves import half\n\n\ndef test_of_nothing():\n    assert half(0) == 0\n"
NEW_TEST = OLD_TEST + "\n\ndef test_of_six():\n    assert half(6) == 3\n"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    argv = ["git", *identity, *arguments]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def commit(project: Path, message: str, **files: str) -> str:
    for name, text in files.items():
        (project / f"{name}.py").write_text(text)
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", message)
    return git(project, "rev-parse", "HEAD")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place("ada/halves", tmp_path)
    place.project.mkdir()
    place.python.parent.mkdir(parents=True)
    place.python.symlink_to(sys.executable)
    git(place.project, "init", "-q")
    commit(place.project, "Begin", halves=BROKEN, test_halves=OLD_TEST)
    return place


def test_a_commit_of_one_source_and_a_test_that_speaks_of_a_mistake_is_a_fix(place: Place) -> None:
    made = commit(place.project, "Fix the half of six", halves=FIXED, test_halves=NEW_TEST)
    commit(place.project, "Fix two files", halves=BROKEN, other="x = 1\n", test_halves=OLD_TEST)
    commit(place.project, "Add a feature", halves=FIXED, test_halves=NEW_TEST)
    assert list(fixes(place.project, "2000-01-01", 10)) == [Fix(made, "halves.py", ("test_halves.py",), 2)]


def test_a_fix_of_many_lines_is_not_looked_at(place: Place) -> None:
    commit(place.project, "Fix it", halves=FIXED + "x = 1\n" * 20, test_halves=NEW_TEST)
    assert not list(fixes(place.project, "2000-01-01", 10))


@pytest.mark.slow
def test_a_bug_is_what_fails_before_its_fix_and_passes_after_it(place: Place) -> None:
    fix = Fix(commit(place.project, "Fix", halves=FIXED, test_halves=NEW_TEST), "halves.py", ("test_halves.py",), 2)
    bug = reproduced(place, fix)
    assert bug == Bug("ada/halves", fix.commit, "halves.py", ("test_halves.py",), ("test_halves.py::test_of_six",))
    place.lay_out(fix)
    assert (place.project / "halves.py").read_text() == BROKEN
    assert (place.project / "test_halves.py").read_text() == NEW_TEST


@pytest.mark.slow
def test_a_commit_whose_tests_pass_without_it_shows_no_bug(place: Place) -> None:
    made = commit(place.project, "Fix a comment", halves="# halves\n" + BROKEN, test_halves=OLD_TEST + "# more\n")
    assert reproduced(place, Fix(made, "halves.py", ("test_halves.py",), 1)) is None


@pytest.mark.slow
def test_what_is_laid_out_hides_no_later_fix(place: Place, tmp_path: Path) -> None:
    history = tmp_path / "history"
    place.project.rename(history)
    commit(history, "Fix", halves=FIXED, test_halves=NEW_TEST)
    place = Place("ada/halves", tmp_path / "into/ada+halves")
    git(tmp_path, "clone", "-q", str(history), str(place.project))
    place.python.parent.mkdir(parents=True)
    place.python.symlink_to(sys.executable)
    git(place.project, "checkout", "-q", "HEAD~1")
    arguments = [str(history), "--repository", "ada/halves", "--into", str(tmp_path / "into"), "--draw", "2"]
    assert main([*arguments, "--manifest", str(tmp_path / "bugs.json")]) == 0
    (bug,) = read_manifest(tmp_path / "bugs.json")
    assert bug.draw == 2


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    bug = Bug("ada/halves", "0" * 40, "halves.py", ("test_halves.py",), ("test_halves.py::test_of_six",))
    write_manifest(tmp_path / "bugs.json", [bug])
    assert read_manifest(tmp_path / "bugs.json") == [bug]
    assert read_manifest(tmp_path / "missing.json") == []


def test_the_halves_are_fixed_by_the_commit_and_about_as_large() -> None:
    bugs = [Bug("ada/halves", f"{number:040x}", "halves.py", (), ()) for number in range(200)]
    assert 70 < sum(bug.half == "known" for bug in bugs) < 130


def test_the_bugs_that_were_mined_are_many_of_many_projects_in_two_halves_and_several_draws() -> None:
    bugs = read_manifest(Path(__file__).parents[1] / "assets/real_bugs.json")
    assert len(bugs) == len({bug.name for bug in bugs})
    assert all(bug.failing and bug.source not in bug.tests for bug in bugs)
    first, second = ([bug for bug in bugs if bug.draw == draw] for draw in (1, 2))
    assert min(sum(bug.half == half for bug in first) for half in ("known", "unseen")) >= 20
    assert len(second) >= 24
    assert all(len({bug.repository for bug in draw}) >= 8 for draw in (first, second))
    repositories = {(bug.repository, bug.draw) for bug in bugs}
    assert len(repositories) == len({repository for repository, _ in repositories})
