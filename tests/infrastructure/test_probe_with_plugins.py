"""What popular plugins do to a run neither hides a result nor makes a pass of something that is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import environment

from fixer.domain.models import Verdict
from fixer.infrastructure.pytest_runner import PytestRunner

PLUGINS = (
    *("pytest==8.4.2", "pytest-xdist==3.8.0", "pytest-cov==7.0.0", "pytest-timeout==2.4.0"),
    *("pytest-rerunfailures==16.1", "pytest-randomly==4.0.1", "pyfakefs==5.9.3", "pytest-subtests==0.14.2"),
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def python() -> Path:
    return environment("3.12", *PLUGINS)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "calc.py").write_text("def f(x):\n    if x:\n        return 1\n    return 0\n")
    return folder


def test_workers_report_each_test_once_and_in_full(python: Path, project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\naddopts = -n 2\n")
    (project / "test_a.py").write_text(
        "import os, pytest\nfrom calc import f\n\n\n"
        "@pytest.mark.parametrize('v', range(20))\ndef test_many(v):\n    assert v % 2 == f(0)\n\n\n"
        "def test_worker():\n    assert 'PYTEST_XDIST_WORKER' not in os.environ\n\n\n"
        "def test_crash():\n    os._exit(3)\n\n\n"
        "@pytest.fixture\ndef bad():\n    yield\n    raise KeyError('k')\n\n\ndef test_teardown(bad): ...\n"
    )
    (project / "test_b.py").write_text("def test_x(:\n")
    runner = PytestRunner(python, project, test_timeout=5)
    run = runner.discover()
    assert len(run.results) == len({result.nodeid for result in run.results}) == 24
    odd = run.of("test_a.py::test_many[3]")
    assert odd.details is not None
    assert (odd.reason, odd.details.message) == ("AssertionError", "assert (3 % 2) == 0\n +  where 0 = f(0)")
    assert odd.location is not None
    assert odd.location.line == 7
    assert run.of("test_a.py::test_many[4]")
    assert run.of("test_a.py::test_teardown").reason == "KeyError in teardown"
    assert run.of("test_a.py::test_crash").verdict is Verdict.FAILED
    assert run.of("test_b.py").reason == "not collected: SyntaxError"

    assert run.of("test_a.py::test_worker").verdict is Verdict.FAILED
    again = runner.run(["test_a.py::test_worker", "test_a.py::test_many[2]"], trace=True)
    assert again.passed == {"test_a.py::test_worker", "test_a.py::test_many[2]"}, "without workers"
    assert again.executed["test_a.py::test_many[2]"][project / "calc.py"] == {2, 4}


def test_a_percentage_that_is_asked_for_says_nothing_of_one_test(python: Path, project: Path) -> None:
    (project / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings = error\n"
        "addopts = --cov=calc --cov-branch --cov-fail-under=100 --cov-report=xml --cov-report=html\n"
    )
    (project / "test_a.py").write_text("from calc import f\n\n\ndef test_zero(): assert f(0) == 0\n")
    before = set(project.iterdir())
    runner = PytestRunner(python, project)
    assert runner.discover().passed == {"test_a.py::test_zero"}
    assert runner.run_test_and_check(Path("test_a.py"), "test_zero")
    traced = runner.run(["test_a.py::test_zero"], trace=True)
    assert traced.executed["test_a.py::test_zero"][project / "calc.py"] == {2, 4}
    assert set(project.iterdir()) == before, "no reports are left behind"


def test_a_time_limit_of_the_projects_own_is_left_alone(python: Path, project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\ntimeout = 1\n")
    (project / "test_a.py").write_text(
        "import time\n\n\ndef test_hang(): time.sleep(60)\n\n\ndef test_quick(): time.sleep(0.4)\n"
    )
    run = PytestRunner(python, project, test_timeout=0.2).discover()
    hang = run.of("test_a.py::test_hang")
    assert hang.details is not None
    assert "Timeout" in hang.details.message
    assert run.passed == {"test_a.py::test_quick"}


def test_to_pass_in_a_second_try_is_no_pass(python: Path, project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\naddopts = --reruns 2\n")
    (project / "test_a.py").write_text(
        "import pathlib\n\n\ndef test_flaky():\n    seen = pathlib.Path('seen')\n    first = not seen.exists()\n"
        "    seen.touch()\n    assert not first\n\n\ndef test_red(): assert 0\n\n\ndef test_green(): ...\n"
    )
    run = PytestRunner(python, project).discover()
    flaky = run.of("test_a.py::test_flaky")
    assert (flaky.verdict, flaky.reason) == (Verdict.NOT_RUN, "passed only when it was run again")
    assert run.of("test_a.py::test_red").reason == "AssertionError"
    assert run.passed == {"test_a.py::test_green"}


def test_a_test_that_replaces_what_the_probe_writes_with_is_still_seen(python: Path, project: Path) -> None:
    (project / "test_a.py").write_text(
        "import json, os\n\n\ndef test_other_files(fs):\n    fs.create_file('/x')\n    assert os.listdir('/x')\n\n\n"
        "def test_other_functions(monkeypatch):\n"
        "    for module, name in ((os, 'open'), (os, 'write'), (os, 'getpid'), (json, 'dumps')):\n"
        "        monkeypatch.setattr(module, name, lambda *_: 0)\n\n\n"
        "def test_other_folder(tmp_path, monkeypatch):\n"
        "    monkeypatch.chdir(tmp_path)\n    tmp_path.rmdir()\n    exec(compile('1 / 0', 'made-up', 'exec'))\n"
    )
    run = PytestRunner(python, project).discover()
    assert {result.nodeid.partition("::")[2]: result.reason for result in run.results} == {
        "test_other_files": "NotADirectoryError",
        "test_other_functions": "",
        "test_other_folder": "ZeroDivisionError",
    }


def test_a_part_of_a_test_is_not_the_test(python: Path, project: Path) -> None:
    (project / "test_a.py").write_text(
        "import unittest\n\n\nclass TestU(unittest.TestCase):\n"
        "    def test_parts(self):\n        for i in range(3):\n            with self.subTest(i=i):\n"
        "                self.assertNotEqual(i, 1)\n"
        "    def test_left_out(self):\n        with self.subTest():\n            self.skipTest('no')\n"
    )
    run = PytestRunner(python, project).discover()
    assert [(result.nodeid.rpartition("::")[2], result.reason) for result in run.results if result.details] == [
        ("test_parts", "AssertionError")
    ]
    assert run.passed == {"test_a.py::TestU::test_left_out"}
