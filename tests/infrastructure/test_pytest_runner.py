"""The runner tells apart everything that a test can do, in real pytest processes, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from runners import runner

from fixer.domain.errors import UsageError
from fixer.domain.models import CodeLocation, TestRun, Verdict
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


def test_a_conftest_that_raises_is_one_error_for_all_that_it_hides(project: Path) -> None:
    (project / "calc.py").write_text("def f():\n    raise RuntimeError('no database')\n\n\nf()\n")
    (project / "conftest.py").write_text("import calc\n")
    for name in "ab":
        (project / f"test_{name}.py").write_text("def test_1(): pass\n")
    made = runner(project)
    [error] = made.discover().results
    assert (error.nodeid, error.verdict, error.reason) == ("conftest.py", Verdict.FAILED, "not collected: RuntimeError")
    assert error.location == CodeLocation(project / "calc.py", 2)
    assert error.details is not None
    assert error.details.message == "no database"
    assert "import calc" in error.details.stack_trace
    assert "_pytest" not in error.details.stack_trace
    assert made.run_test_and_check(Path("conftest.py"), "").reason == "not collected: RuntimeError"
    (project / "calc.py").write_text("")
    assert made.run_test_and_check(Path("conftest.py"), "")
    assert made.discover().passed == {"test_a.py::test_1", "test_b.py::test_1"}


def test_a_conftest_below_is_red_under_its_own_name_and_mended_alone(project: Path) -> None:
    (project / "sub").mkdir()
    (project / "sub/conftest.py").write_text("import no_such_module_at_all\n")
    for name in "ab":
        (project / f"sub/test_{name}.py").write_text("def test_1(): pass\n")
    (project / "test_top.py").write_text("def test_1(): pass\n")
    made = runner(project)
    run = made.discover()
    assert [(result.nodeid, result.reason) for result in run.results if not result] == [
        ("sub/conftest.py", "not collected: ModuleNotFoundError")
    ]
    assert run.of("test_top.py::test_1")
    hidden = made.run_test_and_check(Path("sub/test_a.py"), "test_1")
    assert (hidden.nodeid, hidden.reason) == ("sub/test_a.py::test_1", "not collected: ModuleNotFoundError")
    (project / "sub/conftest.py").write_text("")
    assert made.run_test_and_check(Path("sub/conftest.py"), "")


def test_files_are_collected_together_and_judged_each_on_its_own(project: Path) -> None:
    (project / "test_a.py").write_text("import no_such_module_at_all\n")
    (project / "test_b.py").write_text("def test_1(): assert 0\n")
    (project / "test_c.py").write_text("")
    run = runner(project).run(["test_a.py", "test_b.py", "test_c.py", "test_b.py::test_1"])
    assert {result.nodeid: (bool(result), result.reason) for result in run.results} == {
        "test_a.py": (False, "not collected: ModuleNotFoundError"),
        "test_b.py": (True, ""),
        "test_c.py": (False, "holds no test that can be collected"),
        "test_b.py::test_1": (False, "AssertionError"),
    }


def test_what_the_project_leaves_out_is_not_run(project: Path) -> None:
    (project / "conftest.py").write_text(
        "def pytest_collection_modifyitems(config, items):\n"
        "    config.hook.pytest_deselected(items=items[:])\n    items[:] = []\n"
    )
    (project / "test_a.py").write_text("def test_1(): pass\n")
    result = runner(project).run(["test_a.py::test_1"]).of("test_a.py::test_1")
    assert (result.verdict, result.reason) == (Verdict.NOT_RUN, "deselected by the project's own configuration")


def test_a_test_that_is_gone_or_hidden_says_so(project: Path) -> None:
    (project / "test_a.py").write_text("def test_1(): pass\n")
    made = runner(project)
    assert made.run(["test_a.py::test_2"]).of("test_a.py::test_2").reason == "not collected"
    (project / "test_a.py").write_text("def test_1(:\n")
    result = made.run_test_and_check(Path("test_a.py"), "test_1")
    assert (result.verdict, result.reason) == (Verdict.FAILED, "not collected: SyntaxError")
    assert result.details is not None
    assert result.details.error_type == "SyntaxError"


def test_a_hanging_test_fails_with_the_stack_of_every_thread(project: Path) -> None:
    (project / "shop.py").write_text(
        "import threading\nimport time\n\n\ndef wait_for_it():\n    time.sleep(60)\n\n\n"
        "def order():\n    courier = threading.Thread(target=wait_for_it, name='courier', daemon=True)\n"
        "    courier.start()\n    courier.join()\n"
    )
    (project / "test_a.py").write_text("from shop import order\n\n\ndef test_1(): order()\n\n\ndef test_2(): pass\n")
    run = runner(project, timeout=0.5).discover()
    result = run.of("test_a.py::test_1")
    assert (result.verdict, result.reason) == (Verdict.FAILED, "Timeout")
    assert result.location == CodeLocation(project / "shop.py", 12)
    assert result.details is not None
    assert "Thread courier" in result.details.stack_trace
    assert f'"{project}/shop.py", line 6, in wait_for_it' in result.details.stack_trace
    assert run.of("test_a.py::test_2")


@pytest.mark.slow
def test_a_test_that_cannot_be_interrupted_fails_at_the_place_where_it_hangs(project: Path) -> None:
    (project / "shop.py").write_text(
        "import signal, time\n\n\ndef order():\n    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\n"
        "    time.sleep(60)\n"
    )
    (project / "test_a.py").write_text("from shop import order\n\n\ndef test_1(): order()\n")
    result = runner(project, timeout=0.5).discover().of("test_a.py::test_1")
    assert (result.verdict, result.reason) == (Verdict.FAILED, "timed out: nothing was heard of it for 6 s")
    assert result.location == CodeLocation(project / "shop.py", 6)
    assert [place.file.name for place in result.frames] == ["test_a.py", "shop.py"]


def test_an_empty_project_has_no_results(project: Path) -> None:
    assert runner(project).discover().results == ()


@pytest.mark.parametrize(
    "args",
    [
        ("-k", "test_2"),
        ("-ktest_2",),
        ("-m=slow",),
        ("-xvm", "slow"),
        ("--deselect", "test_a.py::test_1"),
        ("--deselect=test_a.py::test_1",),
        ("--ignore", "test_a.py"),
        ("--ignore-glob=*_a.py",),
        ("--maxfail=1", "-x", "--lf", "--ff", "--sw"),
        ("--pdb",),
    ],
    ids=" ".join,
)
def test_what_chose_the_tests_does_not_hide_one_that_is_named(project: Path, args: tuple[str, ...]) -> None:
    (project / "pytest.ini").write_text("[pytest]\naddopts = -x\nmarkers = slow\n")
    (project / "test_a.py").write_text("def test_1(): assert 0\ndef test_2(): pass\n")
    run = runner(project, args=args).run(["test_a.py::test_1", "test_a.py::test_2"])
    assert [(result.nodeid, result.reason) for result in run.results] == [
        ("test_a.py::test_1", "AssertionError"),
        ("test_a.py::test_2", ""),
    ]


def test_only_the_users_own_x_ends_the_first_run_early(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\naddopts = -x\n")
    (project / "test_a.py").write_text("def test_1(): assert 0\ndef test_2(): assert 0\n")
    assert len(runner(project).discover().results) == 2
    assert len(runner(project, args=("-x",)).discover().results) == 1


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ("raise KeyError('no')", "not collected: KeyError"),
        ("import os; os._exit(3)", "pytest could not run"),
        ("def (", "not collected: SyntaxError"),
    ],
)
def test_an_edit_after_which_pytest_cannot_run_is_a_failed_fix(project: Path, edit: str, reason: str) -> None:
    (project / "calc.py").write_text("")
    (project / "conftest.py").write_text("import calc\n")
    (project / "test_a.py").write_text("def test_1(): assert 0\n")
    made = runner(project)
    made.discover()
    (project / "calc.py").write_text(f"{edit}\n")
    result = made.run_test_and_check(Path("test_a.py"), "test_1")
    assert (result.verdict, result.reason) == (Verdict.FAILED, reason)
    assert result.details is not None


@pytest.mark.parametrize("edit", ["raise KeyError('no')", "import os; os._exit(3)"])
def test_an_edit_after_which_a_file_cannot_be_imported_is_a_failed_fix(project: Path, edit: str) -> None:
    (project / "calc.py").write_text("")
    (project / "test_a.py").write_text("import calc\n\n\ndef test_1(): assert 0\n")
    made = runner(project)
    made.discover()
    (project / "calc.py").write_text(f"{edit}\n")
    assert made.run_test_and_check(Path("test_a.py"), "test_1").verdict is not Verdict.PASSED


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_tests_end_with_the_fixer_that_is_killed(project: Path) -> None:
    (project / "test_long.py").write_text(
        "import os, time\n\n\ndef test_long():\n"
        "    open('pid.part', 'w').write(str(os.getpid()))\n    os.rename('pid.part', 'pid')\n    time.sleep(60)\n"
    )
    code = (
        "import sys; from pathlib import Path; from fixer.infrastructure.pytest_runner import PytestRunner; "
        "PytestRunner(Path(sys.executable), Path(sys.argv[1])).discover()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(project)])
    deadline = time.monotonic() + 30
    while not (project / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    child = Path("/proc", (project / "pid").read_text(), "stat")
    deadline = time.monotonic() + 5
    while child.exists() and " Z " not in child.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not child.exists() or " Z " in child.read_text()
