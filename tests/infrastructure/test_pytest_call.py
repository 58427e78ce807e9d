"""A pytest process is given what it should see, watched while it runs, and leaves nothing behind."""

from __future__ import annotations

import os
import py_compile
import sys
import time
from pathlib import Path

import _pytest.python
import pytest
from runners import runner

from fixer.domain.errors import TestsCannotRun
from fixer.domain.models import Verdict
from fixer.infrastructure.pytest_runner import PytestRunner


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


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


def test_what_it_was_started_with_does_not_tell_how_to_forge_one(project: Path) -> None:
    (project / "test_look.py").write_text(
        "def test_look():\n"
        "    for name in ('environ', 'cmdline'):\n"
        "        assert b'NONCE=' not in open(f'/proc/self/{name}', 'rb').read()\n"
    )
    assert runner(project).run_test_and_check(Path("test_look.py"), "test_look")


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


def test_a_strict_project_accepts_the_probe(project: Path) -> None:
    (project / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config\n"
    )
    (project / "test_a.py").write_text("def test_1(): pass\n")
    assert runner(project).discover().passed == {"test_a.py::test_1"}


def test_what_failed_last_is_read_from_the_users_cache_and_not_written_to_it(project: Path) -> None:
    remembered = project / ".pytest_cache/v/cache/lastfailed"
    remembered.parent.mkdir(parents=True)
    remembered.write_text('{"test_a.py::test_2": true}')
    (project / "test_a.py").write_text("def test_1(cache): pass\ndef test_2(cache): cache.set('x', 1)\n")
    assert runner(project, args=("--lf",)).discover().passed == {"test_a.py::test_2"}
    assert len(runner(project).discover().passed) == 2
    assert {path.name for path in project.rglob("*") if path.is_file()} == {"lastfailed", "test_a.py"}
    assert remembered.read_text() == '{"test_a.py::test_2": true}'


def test_tests_see_the_environment_of_the_start(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "test_a.py").write_text(
        "import os\n\n\ndef test_env():\n    assert os.environ['BEFORE'] == '1'\n    assert 'AFTER' not in os.environ\n"
    )
    monkeypatch.setenv("BEFORE", "1")
    made = runner(project)
    monkeypatch.setenv("BEFORE", "2")
    monkeypatch.setenv("AFTER", "1")
    assert made.discover().passed == {"test_a.py::test_env"}


@pytest.mark.slow
@pytest.mark.parametrize("args", [(), ("-s",)], ids=["captured", "shown"])
def test_a_test_that_prints_without_end_is_stopped(project: Path, args: tuple[str, ...]) -> None:
    (project / "test_a.py").write_text(
        "def test_loud():\n    while True:\n        print('x' * 100_000)\n\n\ndef test_next(): pass\n"
    )
    run = runner(project, args=args, timeout=60.0).discover()
    loud = run.of("test_a.py::test_loud")
    assert (loud.verdict, loud.reason) == (Verdict.FAILED, "printed more than 100 MB")
    assert run.passed == {"test_a.py::test_next"}


@pytest.mark.slow
def test_much_output_is_cut_in_the_report(project: Path) -> None:
    (project / "test_a.py").write_text(
        "def test_loud():\n    for i in range(500):\n        print('x' * 100_000)\n    assert 0\n"
    )
    details = runner(project, timeout=60.0).discover().of("test_a.py::test_loud").details
    assert details is not None
    assert details.error_type == "AssertionError"
    assert len(details.captured_output) < 100_000


@pytest.mark.slow
def test_a_process_that_does_not_exit_keeps_what_its_tests_showed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fixer.infrastructure.pytest_call.EXIT_SECONDS", 0.5)
    (project / "test_a.py").write_text(
        "import threading, time\n\n\ndef test_1():\n    threading.Thread(target=time.sleep, args=(300,)).start()\n"
    )
    started = time.monotonic()
    assert runner(project).discover().passed == {"test_a.py::test_1"}
    assert time.monotonic() - started < 60


@pytest.mark.slow
def test_a_file_that_hangs_while_it_is_imported_ends_the_first_run(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fixer.infrastructure.pytest_call.SILENT_SECONDS", 0.5)
    (project / "test_a.py").write_text("import time\n\n\ndef deep_wait(): time.sleep(300)\n\n\ndeep_wait()\n")
    with pytest.raises(TestsCannotRun, match=r"timed out: nothing was heard of it for (.|\n)*deep_wait"):
        runner(project, timeout=0.1).discover()


def test_a_fork_that_a_test_leaves_running_does_not_report(project: Path) -> None:
    (project / "test_a.py").write_text(
        "import os\n\n\ndef test_fork():\n    child = os.fork()\n    if child:\n        os.waitpid(child, 0)\n"
        "    assert child\n\n\ndef test_next(): pass\n"
    )
    run = runner(project).discover()
    assert [(result.nodeid, bool(result)) for result in run.results] == [
        ("test_a.py::test_fork", True),
        ("test_a.py::test_next", True),
    ]


def test_byte_code_that_cannot_be_written_is_done_without(project: Path, tmp_path: Path) -> None:
    (project / "calc.py").write_text("def f():\n    return 1\n")
    (project / "test_calc.py").write_text("from calc import f\n\n\ndef test_f():\n    assert f() == 2\n")
    kept = tmp_path / "kept"
    kept.touch()  # no folder: nothing can be read or written below it
    made = PytestRunner(Path(sys.executable), project, bytecode=kept)
    assert not made.run_test_and_check(Path("test_calc.py"), "test_f")


def test_installed_byte_code_is_used_where_it_lies_and_that_of_the_project_never_is(
    project: Path, tmp_path: Path
) -> None:
    (project / "calc.py").write_text("VALUE = 1\n")
    (project / "test_calc.py").write_text(
        "import calc, _pytest.python\n\n\ndef test_places():\n"
        "    assert _pytest.python.__cached__.startswith(_pytest.python.__file__[:-9])\n"
        "    assert calc.VALUE == 2\n"
    )
    py_compile.compile(str(project / "calc.py"), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    (project / "calc.py").write_text("VALUE = 2\n")
    py_compile.compile(_pytest.python.__file__)
    kept = tmp_path / "bytecode"
    assert PytestRunner(Path(sys.executable), project, bytecode=kept).discover().passed == {"test_calc.py::test_places"}
    compiled = list(kept.rglob("*.pyc"))
    assert {"calc", "test_calc"} <= {path.name.partition(".")[0] for path in compiled}
    assert not [path for path in compiled if "_pytest" in path.parts]


def test_what_runs_is_pytest_for_whoever_looks(project: Path) -> None:
    (project / "test_main.py").write_text(
        "import multiprocessing, sys\n\n\ndef test_main():\n"
        "    assert sys.modules['__main__'].__spec__.name == 'pytest.__main__'\n"
        "    assert sys.argv[0].endswith('__main__.py')\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        assert pool.apply(abs, (-1,)) == 1\n"
    )
    assert runner(project, timeout=20).discover().passed == {"test_main.py::test_main"}
