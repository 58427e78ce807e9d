"""The runner tells apart everything that a test can do, in real pytest processes, and leaves nothing behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixer.domain.errors import TestsCannotRun, UsageError
from fixer.domain.models import TestRun, Verdict
from fixer.infrastructure.pytest_runner import PytestRunner

TORTURE = """
import os, pytest, sys, time, unittest, warnings

ODD = ["a::b", "1 + 1", "[x]", "a/b", "it's", '"q"', "new\\nline", "ünï", "-k", "$HOME `id`", "x" * 300]

@pytest.mark.parametrize("v", ODD, ids=ODD)
def test_odd(v):
    assert v != v, "odd"

class TestU(unittest.TestCase):
    def test_equal(self):
        self.assertEqual([1, 2], [1, 3])
    @unittest.expectedFailure
    def test_expected(self):
        self.fail()

def test_passes():
    print("seen")

def test_diff():
    assert {"k%d" % i: i for i in range(60)} == {"k%d" % i: i + (i == 50) for i in range(60)}

def test_output():
    print("to stdout"); print("to stderr", file=sys.stderr)
    raise KeyError("missing")

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

def test_swallows():
    end = time.time() + 20
    while time.time() < end:
        try:
            time.sleep(0.01)
        except Exception:
            pass

def test_exits(): os._exit(0)

def test_after(): ...

def test_segfault():
    import ctypes
    ctypes.string_at(0)

def test_last(): ...
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_BYTECODE", str(tmp_path_factory.mktemp("bytecode")))
        yield


def runner(project: Path, *selection: str, args: tuple[str, ...] = (), timeout: float = 2.0) -> PytestRunner:
    bytecode = Path(os.environ["TEST_BYTECODE"])
    return PytestRunner(Path(sys.executable), project, selection, args, test_timeout=timeout, bytecode=bytecode)


@pytest.fixture(scope="module")
def torture(tmp_path_factory: pytest.TempPathFactory) -> tuple[PytestRunner, TestRun]:
    project = tmp_path_factory.mktemp("torture")
    (project / "test_torture.py").write_text(TORTURE)
    (project / "test_broken.py").write_text("def test_x(:\n")
    (project / "test_import.py").write_text("import no_such_module_at_all\n")
    made = runner(project)
    return made, made.discover()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "verdict", "reason"),
    [
        ("test_passes", Verdict.PASSED, ""),
        ("test_after", Verdict.PASSED, ""),
        ("test_last", Verdict.PASSED, ""),
        ("TestU::test_equal", Verdict.FAILED, "AssertionError"),
        ("TestU::test_expected", Verdict.NOT_RUN, "expected to fail"),
        ("test_chained", Verdict.FAILED, "RuntimeError"),
        ("test_skipped", Verdict.NOT_RUN, "skipped: Skipped: not now"),
        ("test_xfail", Verdict.NOT_RUN, "expected to fail"),
        ("test_xpass", Verdict.NOT_RUN, "passed, but is marked as expected to fail"),
        ("test_xpass_strict", Verdict.FAILED, "XPass(strict)"),
        ("test_setup_error", Verdict.FAILED, "ValueError in setup"),
        ("test_teardown_error", Verdict.FAILED, "ValueError in teardown"),
        ("test_swallows", Verdict.FAILED, "Timeout"),
        ("test_exits", Verdict.FAILED, "exited with code 0"),
        ("test_segfault", Verdict.FAILED, "crashed (SIGSEGV)"),
    ],
)
def test_every_outcome_is_told_apart(
    torture: tuple[PytestRunner, TestRun], name: str, verdict: Verdict, reason: str
) -> None:
    result = torture[1].of(f"test_torture.py::{name}")
    assert (result.verdict, result.reason) == (verdict, reason)
    assert (result.details is not None) is (verdict is Verdict.FAILED)


@pytest.mark.slow
def test_odd_ids_survive_and_are_run_again_exactly(torture: tuple[PytestRunner, TestRun]) -> None:
    made, run = torture
    odd = [result.nodeid for result in run.results if "::test_odd[" in result.nodeid]
    assert len(odd) == 11
    again = made.run(odd)
    assert [result.nodeid for result in again.results] == odd
    assert {result.reason for result in again.results} == {"AssertionError"}


@pytest.mark.slow
def test_details_are_whole(torture: tuple[PytestRunner, TestRun]) -> None:
    run = torture[1]
    diff = run.of("test_torture.py::test_diff")
    assert diff.details is not None
    assert "'k50': 50" in diff.details.message
    assert "'k50': 51" in diff.details.message
    assert "Use -v" not in diff.details.message
    output = run.of("test_torture.py::test_output").details
    assert output is not None
    assert (output.error_type, output.message) == ("KeyError", "'missing'")
    assert output.captured_output == "--- Captured stdout call ---\nto stdout\n--- Captured stderr call ---\nto stderr"
    chained = run.of("test_torture.py::test_chained").details
    assert chained is not None
    assert "ZeroDivisionError" in chained.stack_trace


@pytest.mark.slow
def test_files_that_cannot_be_collected_are_red_under_their_own_name(torture: tuple[PytestRunner, TestRun]) -> None:
    syntax, missing = torture[1].of("test_broken.py"), torture[1].of("test_import.py")
    assert syntax.details is not None
    assert missing.details is not None
    assert (syntax.details.error_type, missing.details.error_type) == ("SyntaxError", "ModuleNotFoundError")
    assert syntax.location is not None
    assert (syntax.location.file.name, syntax.location.line) == ("test_broken.py", 1)
    assert not torture[0].run_test_and_check(Path("test_broken.py"), "")


def test_an_edit_of_equal_size_within_one_second_is_seen(project: Path) -> None:
    (project / "calc.py").write_text("def f():\n    return 1\n")
    (project / "test_calc.py").write_text("from calc import f\n\n\ndef test_f():\n    assert f() == 2\n")
    made = runner(project)
    assert not made.run_test_and_check(Path("test_calc.py"), "test_f")
    (project / "calc.py").write_text("def f():\n    return 2\n")
    os.utime(project / "calc.py", (1_600_000_000, 1_600_000_000))
    assert made.run_test_and_check(Path("test_calc.py"), "test_f")


def test_the_project_sees_nothing_of_ours_and_keeps_its_cache(project: Path) -> None:
    (project / "test_env.py").write_text(
        "import os, sys\n\n\ndef test_env():\n"
        "    assert [n for n in os.environ if n.startswith('FIXER')] == []\n"
        "    assert 'PYTHONPATH' not in os.environ\n"
        "    assert not sys.path[0].endswith('probe')\n"
    )
    assert runner(project).discover().passed == {"test_env.py::test_env"}
    assert sorted(path.name for path in project.iterdir()) == ["test_env.py"]


def test_a_forged_verdict_is_not_believed(project: Path) -> None:
    (project / "test_forge.py").write_text(
        "import glob, json\n\n\ndef test_forge():\n"
        "    for path in glob.glob('/tmp/fixer-run-*/records.jsonl'):\n"
        "        with open(path, 'a') as file:\n"
        "            for when in ('setup', 'call', 'teardown'):\n"
        "                file.write(json.dumps({'kind': 'report', 'nonce': '', 'nodeid': 'test_forge.py::test_forge',\n"
        "                                       'when': when, 'outcome': 'passed', 'seconds': 0}) + '\\n')\n"
        "    import os; os._exit(0)\n"
    )
    result = runner(project).run_test_and_check(Path("test_forge.py"), "test_forge")
    assert (result.verdict, result.reason) == (Verdict.FAILED, "exited with code 0")


def test_a_test_that_blocks_in_c_is_killed_with_all_it_started(project: Path) -> None:
    (project / "test_hang.py").write_text(
        "import signal, subprocess, sys\n\n\ndef test_hang():\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        "    open('child.pid', 'w').write(str(child.pid))\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n"
        "    child.wait()\n\n\ndef test_next():\n    pass\n"
    )
    run = runner(project, timeout=0.2).discover()
    hang = run.of("test_hang.py::test_hang")
    assert hang.reason == "timed out: nothing was heard of it for 5.4 s"
    assert hang.details is not None
    assert "test_hang.py" in hang.details.stack_trace, "the stack of every thread is in the report"
    assert run.of("test_hang.py::test_next")
    pid = int((project / "child.pid").read_text())
    time.sleep(0.1)
    assert _is_gone(pid)


def _is_gone(pid: int) -> bool:
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True


def test_executed_lines_are_those_of_the_test_and_of_the_project(project: Path) -> None:
    (project / "calc.py").write_text(
        "import json\n\n\ndef f(x):\n    if x:\n        return json.dumps(x)\n    return 0\n"
    )
    (project / "test_calc.py").write_text(
        "from calc import f\n\n\ndef test_one():\n    assert f(1)\n\n\ndef test_zero():\n    assert f(0) == 0\n"
    )
    run = runner(project).run(["test_calc.py::test_one", "test_calc.py::test_zero"], trace=True)
    assert run.executed["test_calc.py::test_one"] == {
        project / "calc.py": frozenset({5, 6}),
        project / "test_calc.py": frozenset({5}),
    }
    assert run.executed["test_calc.py::test_zero"][project / "calc.py"] == frozenset({5, 7})


def test_addopts_that_stop_early_or_demand_coverage_do_not_hide_a_result(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\naddopts = -x --color=yes -q test_b.py\n")
    (project / "test_a.py").write_text("def test_1(): assert 0\ndef test_2(): pass\n")
    (project / "test_b.py").write_text("def test_3(): pass\n")
    run = runner(project).run(["test_a.py::test_1", "test_a.py::test_2"])
    assert [(result.nodeid, bool(result)) for result in run.results] == [
        ("test_a.py::test_1", False),
        ("test_a.py::test_2", True),
    ]


def test_the_rootdir_above_the_folder_is_what_ids_are_relative_to(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\n")
    (project / "sub").mkdir()
    (project / "sub/test_a.py").write_text("def test_1(): assert 0\n")
    made = runner(project / "sub")
    assert [result.nodeid for result in made.discover().results] == ["sub/test_a.py::test_1"]
    assert made.rootdir() == project
    assert made.run_test_and_check(Path("sub/test_a.py"), "test_1").verdict is Verdict.FAILED


def test_selection_and_arguments_reach_pytest(project: Path) -> None:
    (project / "test_a.py").write_text("def test_1(): assert 0\ndef test_2(): assert 0\n")
    (project / "test_b.py").write_text("def test_1(): assert 0\n")
    run = runner(project, "test_a.py", args=("-k", "test_1")).discover()
    assert [result.nodeid for result in run.results] == ["test_a.py::test_1"]


def test_an_unknown_test_is_a_usage_error(project: Path) -> None:
    (project / "test_a.py").write_text("def test_1(): assert 0\n")
    with pytest.raises(UsageError, match=r"There is no such test: .*test_a\.py::nope"):
        runner(project, "test_a.py::nope").discover()


def test_a_conftest_that_raises_is_told_with_its_last_lines(project: Path) -> None:
    (project / "conftest.py").write_text("raise RuntimeError('no database')\n")
    (project / "test_a.py").write_text("def test_1(): pass\n")
    with pytest.raises(TestsCannotRun, match="no database"):
        runner(project).discover()


def test_a_strict_project_accepts_the_probe(project: Path) -> None:
    (project / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config\n"
    )
    (project / "test_a.py").write_text("def test_1(): pass\n")
    assert runner(project).discover().passed == {"test_a.py::test_1"}


def test_an_empty_project_has_no_results(project: Path) -> None:
    assert runner(project).discover().results == ()
