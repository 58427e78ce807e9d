"""Which lines each test executes, as the first discovery tells where it costs next to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import environment
from runners import runner

from fixer.domain.models import TestRun
from fixer.infrastructure.pytest_runner import PytestRunner

PLUGINS = (
    *("pytest==8.4.2", "pytest-xdist==3.8.0", "pytest-cov==7.0.0", "pytest-timeout==2.4.0"),
    *("pytest-rerunfailures==16.1", "pytest-randomly==4.0.1", "pyfakefs==5.9.3", "pytest-subtests==0.14.2"),
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "calc.py").write_text(
        "def f(x):\n    if x:\n        return 1\n    return 0\n\n\ndef count():\n    yield 1\n    yield 2\n"
    )
    (folder / "test_a.py").write_text(
        "import threading\n\nimport pytest\nfrom calc import count, f\n\n\n"
        "@pytest.fixture(scope='module', autouse=True)\ndef warm():\n    yield f(1)\n\n\n"
        "def test_one():\n    assert f(1) == 1\n\n\n"
        "def test_zero():\n    assert f(0) == 0\n\n\n"
        "def test_one_again():\n    assert f(1) == f(2)\n\n\n"
        "def test_red():\n    assert f(0) == 1\n\n\n"
        "def test_thread():\n    t = threading.Thread(target=f, args=(0,))\n    t.start()\n    t.join()\n\n\n"
        "def test_half_a_generator():\n    next(count())\n"
    )
    return folder


EXPECTED = {"one": {2, 3}, "zero": {2, 4}, "one_again": {2, 3}, "red": {2, 4}, "thread": {2, 4}}


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "2", "-p", "no:randomly"), ("-p", "xdist", "--reruns", "1")])
def test_each_test_has_its_own_lines(project: Path, options: tuple[str, ...]) -> None:
    python = environment("3.12", *PLUGINS)
    run = PytestRunner(python, project, (), options, test_timeout=5, record_lines=True).discover()
    found = lines(run, project)
    # The module's fixture runs for whichever test comes first.
    assert all(found[name] in (own, own | {2, 3}) for name, own in EXPECTED.items())
    assert sum(found[name] == own for name, own in EXPECTED.items()) >= len(EXPECTED) - 2
    assert found["half_a_generator"] - {2, 3} == {8}


@pytest.mark.slow
def test_only_the_first_discovery_tells_and_only_when_asked(project: Path) -> None:
    python = environment("3.12", *PLUGINS)
    asked = PytestRunner(python, project, test_timeout=5, record_lines=True)
    assert asked.discover().executed
    assert not asked.discover().executed
    assert not PytestRunner(python, project, test_timeout=5).discover().executed


@pytest.mark.slow
def test_where_it_would_be_dear_nothing_is_recorded(project: Path) -> None:
    python = environment("3.10", "pytest==8.0.2")
    run = PytestRunner(python, project, test_timeout=5, record_lines=True).discover()
    assert (len(run.results), run.executed) == (6, {})


def test_code_above_the_folder_that_tests_run_in_is_seen_too(project: Path) -> None:
    inner = project / "tests"
    inner.mkdir()
    (project / "test_a.py").rename(inner / "test_a.py")
    (inner / "pytest.ini").write_text("[pytest]\npythonpath = ..\n")
    asked = runner(inner)
    asked.top, asked.record_lines = project, True
    executed = asked.discover().executed
    if executed:  # from Python 3.12 on
        assert project / "calc.py" in executed["test_a.py::test_zero"]
    assert asked.run(["test_a.py::test_zero"])


def lines(run: TestRun, project: Path) -> dict[str, frozenset[int]]:
    return {
        nodeid.partition("::test_")[2]: files.get(project / "calc.py", frozenset())
        for nodeid, files in run.executed.items()
    }
