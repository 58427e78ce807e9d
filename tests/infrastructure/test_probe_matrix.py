"""The probe says the same with every Python and pytest that it promises to work with."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import environment

from fixer.domain.models import TestRun, Verdict
from fixer.infrastructure.pytest_runner import PytestRunner

TORTURE = """
import ctypes, os, pytest, time, unittest
from calc import f

ODD = ["a::b", "1 + 1", "[x]", "a/b", "it's", '"q"', "new\\nline", "\\xfcn\\xef", "-k", "$HOME `id`", "x" * 300]

@pytest.mark.parametrize("v", ODD, ids=ODD)
def test_odd(v):
    assert v != v

class TestU(unittest.TestCase):
    def test_equal(self):
        self.assertEqual([1, 2], [1, 3])
    @unittest.expectedFailure
    def test_expected(self):
        self.fail()

def test_passes(): assert f(1)

def test_zero(): assert f(0) == 0

def test_chained():
    try:
        1 / 0
    except ZeroDivisionError as e:
        raise RuntimeError("outer") from e

@pytest.mark.skip(reason="not now")
def test_skipped(): ...

@pytest.mark.xfail
def test_xfail(): assert 0

@pytest.mark.xfail
def test_xpass(): ...

@pytest.mark.xfail(strict=True)
def test_xpass_strict(): ...

@pytest.fixture
def bad_setup(): raise ValueError("setup")

@pytest.fixture
def bad_teardown():
    yield
    raise ValueError("teardown")

def test_setup_error(bad_setup): ...
def test_teardown_error(bad_teardown): ...

def test_slow():
    end = time.time() + 20
    while time.time() < end:
        try:
            time.sleep(0.01)
        except Exception:
            pass

def test_exits(): os._exit(0)
def test_segfault(): ctypes.string_at(0)
def test_last(): ...
"""

SHOWN = {
    "TestU::test_equal": (Verdict.FAILED, "AssertionError"),
    "TestU::test_expected": (Verdict.NOT_RUN, "expected to fail"),
    "test_passes": (Verdict.PASSED, ""),
    "test_zero": (Verdict.PASSED, ""),
    "test_chained": (Verdict.FAILED, "RuntimeError"),
    "test_skipped": (Verdict.NOT_RUN, "skipped: Skipped: not now"),
    "test_xfail": (Verdict.NOT_RUN, "expected to fail"),
    "test_xpass": (Verdict.NOT_RUN, "passed, but is marked as expected to fail"),
    "test_xpass_strict": (Verdict.FAILED, "XPass(strict)"),
    "test_setup_error": (Verdict.FAILED, "ValueError in setup"),
    "test_teardown_error": (Verdict.FAILED, "ValueError in teardown"),
    "test_slow": (Verdict.FAILED, "Timeout"),
    "test_exits": (Verdict.FAILED, "exited with code 0"),
    "test_segfault": (Verdict.FAILED, "crashed (SIGSEGV)"),
    "test_last": (Verdict.PASSED, ""),
}
COMBINATIONS = [("3.8", "6.2.5"), ("3.9", "7.4.4"), ("3.10", "8.0.2"), ("3.12", "8.4.2"), ("3.13", "9.0.2")]


@pytest.mark.slow
@pytest.mark.parametrize(("python", "version"), COMBINATIONS)
def test_the_same_is_seen_everywhere(python: str, version: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (project / "calc.py").write_text("def f(x):\n    if x:\n        return 1\n    return 0\n")
    (project / "test_torture.py").write_text(TORTURE, encoding="utf-8")
    (project / "test_broken.py").write_text("def test_x(:\n")
    (project / "test_import.py").write_text("import no_such_module_at_all\n")
    runner = PytestRunner(environment(python, f"pytest=={version}"), project, test_timeout=0.5)
    run = runner.discover()
    shown = {result.nodeid: (result.verdict, result.reason) for result in run.results}
    odd = [nodeid for nodeid in shown if "::test_odd[" in nodeid]
    assert {name: shown.get(f"test_torture.py::{name}") for name in SHOWN} == SHOWN
    assert shown["test_broken.py"] == (Verdict.FAILED, "not collected: SyntaxError")
    assert shown["test_import.py"] == (Verdict.FAILED, "not collected: ModuleNotFoundError")
    assert len(shown) == len(run.results) == len(SHOWN) + len(odd) + 2

    again = runner.run([*odd, "test_torture.py::test_passes", "test_torture.py::test_zero"], trace=True)
    assert [(result.nodeid, result.reason) for result in again.results[:11]] == [
        (nodeid, "AssertionError") for nodeid in odd
    ]
    assert _lines(again, "test_passes", project) == {2, 3}
    assert _lines(again, "test_zero", project) == {2, 4}


def _lines(run: TestRun, name: str, project: Path) -> frozenset[int]:
    return run.executed[f"test_torture.py::{name}"][project / "calc.py"]
