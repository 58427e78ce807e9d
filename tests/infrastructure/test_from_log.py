"""Logs as pytest itself writes them, read back to the ids that pytest gave."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fixer.domain.errors import UsageError
from fixer.from_log import failures_in, those_here

TESTS = """\
import pytest


class TestA:
    class TestB:
        @pytest.mark.parametrize("x", ["1 + 1", "a.b", "<&>"])
        def test_y(self, x):
            print("said")
            assert x == 1


@pytest.fixture
def bad():
    raise KeyError("k")


def test_setup(bad): ...
def test_ok(): ...
def test_skipped(): pytest.skip("no")
"""
RED = [
    "tests/test_broken.py",
    *[f"tests/unit/test_x.py::TestA::TestB::test_y[{text}]" for text in ("1 + 1", "<&>", "a.b")],
    "tests/unit/test_x.py::test_setup",
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    (tmp_path / "tests" / "unit" / "test_x.py").write_text(TESTS)
    (tmp_path / "tests" / "test_broken.py").write_text("import nothing_here\n")
    return tmp_path


def run_pytest(project: Path, *options: str) -> str:
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--continue-on-collection-errors", *options]
    return subprocess.run(argv, cwd=project, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("family", ["xunit1", "xunit2"])
def test_junit_xml_of_pytest(project: Path, family: str) -> None:
    run_pytest(project, "--junitxml=junit.xml", "-o", f"junit_family={family}", "-o", "junit_logging=all")
    errors = failures_in(str(project / "junit.xml"), project)
    assert sorted(error.nodeid for error in errors) == RED
    by_name = {error.nodeid: error.error_details for error in errors}
    assert by_name[RED[0]].error_type == "ModuleNotFoundError"
    assert by_name[RED[1]].error_type == "AssertionError"
    assert by_name[RED[1]].message.startswith("assert '1 + 1' == 1")
    assert "said" in by_name[RED[1]].captured_output
    assert by_name[RED[4]].error_type == "KeyError"
    assert list(those_here(errors, project)) == [error.nodeid for error in errors]


def test_junit_xml_that_was_cut_off_tells_what_came_before(project: Path) -> None:
    run_pytest(project, "--junitxml=junit.xml")
    text = (project / "junit.xml").read_text()
    (project / "junit.xml").write_text(text[: text.index("test_setup")])
    assert {error.nodeid for error in failures_in(str(project / "junit.xml"), project)} == set(RED[:4])


def test_entities_of_a_log_are_not_resolved(project: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuites><testcase name="&a;"><failure/></testcase></testsuites>'
    (project / "junit.xml").write_text(bomb)
    assert failures_in(str(project / "junit.xml"), project) == []


REPORTS = [
    {"pytest_version": "9.2.0", "$report_type": "SessionStart"},
    {"nodeid": "a.py", "outcome": "failed", "longrepr": "x\nE   ImportError: no", "$report_type": "CollectReport"},
    {"nodeid": "b.py::test_ok", "outcome": "passed", "when": "call", "longrepr": None, "$report_type": "TestReport"},
    {
        "nodeid": "b.py::test_red[1 + 1]",
        "outcome": "failed",
        "when": "call",
        "longrepr": {
            "reprcrash": {"path": "/p/b.py", "lineno": 3, "message": "ValueError: bad\nvalue"},
            "reprtraceback": {"reprentries": [{"type": "ReprEntry", "data": {"lines": ["> boom", "E ValueError"]}}]},
        },
        "sections": [["Captured stdout call", "said"]],
        "$report_type": "TestReport",
    },
    {"nodeid": "b.py::test_red[1 + 1]", "outcome": "failed", "when": "teardown", "longrepr": "again"},
]


def test_reportlog_is_read_with_its_last_line_cut_off(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(report) for report in REPORTS)
    (tmp_path / "r.jsonl").write_text(f'{lines}\n{{"nodeid": "c.py::te')
    collected, red = failures_in(str(tmp_path / "r.jsonl"), tmp_path)
    assert (collected.nodeid, collected.error_details.error_type) == ("a.py", "ImportError")
    assert red.nodeid == "b.py::test_red[1 + 1]"
    details = red.error_details
    assert (details.error_type, details.message) == ("ValueError", "bad\nvalue")
    assert (details.stack_trace, details.captured_output) == ("> boom\nE ValueError", "said")


@pytest.mark.skipif(not importlib.util.find_spec("pytest_reportlog"), reason="pytest-reportlog is not installed")
def test_reportlog_of_pytest(project: Path) -> None:
    run_pytest(project, "--report-log=r.jsonl")
    assert sorted(error.nodeid for error in failures_in(str(project / "r.jsonl"), project)) == RED


def test_text_of_powershell_is_read(project: Path) -> None:
    (project / "ci.log").write_bytes(run_pytest(project, "-q").encode("utf-16"))
    assert sorted(error.nodeid for error in failures_in(str(project / "ci.log"), project)) == RED


def test_tests_of_elsewhere_are_named_and_left_out(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = project / "ci.log"
    log.write_text(f"FAILED {RED[4]} - x\nFAILED tests/unit/test_x.py::test_gone - x\nFAILED other.py::test_a - x\n")
    assert those_here(failures_in(str(log), project), project) == (RED[4],)
    assert (
        capsys.readouterr().err == "fixer: not here, and left out: tests/unit/test_x.py::test_gone, other.py::test_a\n"
    )


def test_a_log_of_another_project_is_refused_with_its_tests_named(project: Path) -> None:
    log = project / "ci.log"
    log.write_text("".join(f"FAILED other.py::test_{number} - x\n" for number in range(9)))
    with pytest.raises(UsageError, match=r"other\.py::test_4 and 4 more"):
        those_here(failures_in(str(log), project), project)


def test_ids_from_the_root_are_here_in_a_folder_below_it(project: Path) -> None:
    (project / "ci.log").write_text(f"FAILED {RED[4]} - x\n")
    inside = project / "tests" / "unit"
    assert those_here(failures_in(str(project / "ci.log"), inside), inside) == ("test_x.py::test_setup",)
