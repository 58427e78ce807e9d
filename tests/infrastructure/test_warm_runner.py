"""The warm runner answers quickly where that is safe, says when it does not, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from runners import runner

from fixer.domain.models import TestRun, Verdict
from fixer.infrastructure.pytest_call import Answer, Call
from fixer.infrastructure.warm_runner import Depth, WarmProcess, WarmRunner, is_failure, is_pass

ADD, ZERO = "test_calc.py::test_add", "test_calc.py::test_zero"
SOURCE = "def add(a, b):\n    return a - b\n"
TESTS = """\
import calc


def test_add():
    assert calc.add(1, 2) == 3


def test_zero():
    assert calc.add(1, 0) == 1
"""


class Bench:
    """A project, the fresh runner with a count of its processes, and what was told."""

    def __init__(self, project: Path, depths: Sequence[Depth] = tuple(Depth)) -> None:
        self.project = project
        (project / "calc.py").write_text(SOURCE)
        (project / "test_calc.py").write_text(TESTS)
        self.fresh = runner(project)
        self.started = 0
        self._call = self.fresh.call
        self.fresh.call = self._counted
        self.told: list[str] = []
        self.process = WarmProcess(self.fresh, self.told.append, depths)
        self.runner = WarmRunner(self.fresh, self.process)
        self.guarding = WarmRunner(self.fresh, self.process, is_pass)

    def begin(self) -> TestRun:
        """Find out what is red, and prepare for that."""
        run = self.runner.discover()
        self.process.calibrate([result.nodeid for result in run.results if result.details])
        return run

    def write(self, body: str, name: str = "calc.py") -> None:
        (self.project / name).write_text(f"def add(a, b):\n{body}\n")

    def processes(self) -> int:
        """How many were started since the last time."""
        started, self.started = self.started, 0
        return started

    def _counted(self, call: Call) -> Answer:
        self.started += 1
        return self._call(call)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.process.close()


@pytest.fixture
def warm(bench: Bench) -> Bench:
    assert not bench.begin().of(ADD)
    assert bench.process.depth is Depth.CONFIGURED
    assert bench.processes() == 1
    return bench


def test_a_failure_needs_no_fresh_process_and_a_pass_does(warm: Bench) -> None:
    assert warm.runner.run_test_and_check(Path("test_calc.py"), "test_add").reason == "AssertionError"
    warm.write("    raise OSError('no')")
    assert warm.runner.run_test_and_check(Path("test_calc.py"), "test_add").reason == "OSError"
    assert warm.processes() == 0
    warm.write("    return a + b")
    assert warm.runner.run_test_and_check(Path("test_calc.py"), "test_add")
    assert warm.processes() == 1


def test_guards_take_a_pass_from_a_fork_and_a_failure_from_a_fresh_process(warm: Bench) -> None:
    warm.write("    return a + b")
    assert warm.guarding.run([ADD, ZERO]).passed == {ADD, ZERO}
    assert warm.processes() == 0
    warm.write("    return a * b")
    assert not warm.guarding.run([ADD, ZERO]).passed
    assert warm.processes() == 1


BAD: dict[str, tuple[str, str]] = {
    "a syntax error": ("    return (", "not collected: SyntaxError"),
    "an exit": ("    import os; os._exit(0)", "exited with code 0"),
    "a polite exit": ("    import sys; sys.exit(0)", "SystemExit"),
    "a crash": ("    import ctypes; ctypes.string_at(0)", "crashed (SIGSEGV)"),
    "recursion": ("    return add(a, b)", "RecursionError"),
    "closed descriptors": ("    import os; os.closerange(0, 300)", ""),
    "a loop": ("    while True: pass", "Timeout"),
    "a deaf loop": (
        "    import signal; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n    while True: pass",
        "timed out",
    ),
    "too much memory": ("    return bytearray(60 << 40)", "MemoryError"),
    "a killed group": ("    import os; os.killpg(0, 9)", "crashed (SIGKILL)"),
    "a fork": ("    import os\n    if not os.fork(): return 3\n    os.wait(); return 4", "AssertionError"),
}


def test_lines_are_recorded_without_a_process_where_the_known_failure_shows_again(warm: Bench) -> None:
    shown = warm.runner.run([ADD, ZERO], trace=True)
    assert warm.processes() == 0
    fresh = warm.fresh.run([ADD, ZERO], trace=True)
    assert [(result.nodeid, result.reason) for result in shown.results] == [(ADD, "AssertionError"), (ZERO, "")]
    assert shown.executed == fresh.executed
    assert shown.executed[ADD][warm.project / "calc.py"] == {2}
    assert _without_addresses(shown) == _without_addresses(fresh)
    again, plain = warm.runner.run([ADD], trace=True), warm.runner.run([ADD])
    assert again.executed[ADD] == fresh.executed[ADD]
    assert not plain.executed
    assert _without_addresses(again) == _without_addresses(fresh)[:1]
    assert _without_addresses(plain) == _without_addresses(warm.fresh.run([ADD]))


def _without_addresses(run: TestRun) -> list[str]:
    return [re.sub(r"0x[0-9a-f]+", "", str(result.details)) for result in run.results]


@pytest.mark.parametrize("body", ["    raise OSError", "    return a + b"])
def test_lines_of_another_failure_than_the_known_one_are_recorded_by_a_fresh_process(warm: Bench, body: str) -> None:
    warm.write(body)
    warm.runner.run([ADD], trace=True)
    assert warm.processes() == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_no_candidate_keeps_the_next_from_being_judged(warm: Bench, name: str) -> None:
    body, reason = BAD[name]
    warm.write(body)
    shown = warm.runner.run_test_and_check(Path("test_calc.py"), "test_add")
    assert shown.verdict is Verdict.FAILED
    assert shown.reason.startswith(reason)
    warm.processes()
    warm.write("    return a * b")
    assert warm.runner.run_test_and_check(Path("test_calc.py"), "test_add").reason == "AssertionError"
    assert warm.processes() == 0


@pytest.mark.slow
def test_a_candidate_that_kills_what_it_was_forked_from_is_left_to_a_fresh_process(warm: Bench) -> None:
    for _ in range(2):
        warm.write("    import os, time; os.kill(os.getppid(), 9); time.sleep(9)")
        assert warm.process.run([ADD]) is None
        assert "died" in warm.told.pop()
        warm.write("    return a * b")
        assert not warm.runner.run([ADD]).of(ADD)
    assert warm.processes() == 0


def test_a_candidate_finds_no_nonce_where_processes_tell_of_themselves(warm: Bench) -> None:
    note = warm.project.parent / f"{warm.project.name}-note"
    warm.write(
        f"    import os, sys\n    with open({str(note)!r}, 'wb') as file:\n"
        "        for name in ('environ', 'cmdline'):\n"
        "            for process in (os.getpid(), os.getppid()):\n"
        "                file.write(open(f'/proc/{process}/{name}', 'rb').read() + b'\\n')\n"
        "        file.write(repr((sys.argv, dict(os.environ))).encode())\n"
        "    return 0"
    )
    assert not warm.runner.run_test_and_check(Path("test_calc.py"), "test_add")
    assert warm.processes() == 0
    assert b"PATH=" in note.read_bytes()
    assert b"NONCE" not in note.read_bytes()


CONFTESTS = {
    "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n": "threads",
    "import socket\npair = socket.socketpair()\n": "connection",
    "import subprocess\nsubprocess.Popen(['sleep', '30'])\n": "process",
}


@pytest.mark.slow
@pytest.mark.parametrize("conftest", CONFTESTS)
def test_what_cannot_be_shared_is_configured_anew_each_time_and_that_is_said(bench: Bench, conftest: str) -> None:
    (bench.project / "conftest.py").write_text(conftest)
    bench.begin()
    assert bench.process.depth is Depth.LOADED
    assert CONFTESTS[conftest] in bench.told[0]
    assert not bench.runner.run([ADD]).of(ADD)
    assert bench.processes() == 1


@pytest.mark.slow
def test_where_there_is_no_fork_a_process_waits_that_was_started_ahead(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [Depth.SPARE])
    bench.begin()
    bench.processes()
    for body, reason in [("    return 0", "AssertionError"), ("    return 1 / 0", "ZeroDivisionError")]:
        bench.write(body)
        assert bench.runner.run([ADD]).of(ADD).reason == reason
    assert bench.processes() == 0
    bench.process.close()


def test_what_is_configured_serves_all_files_of_a_folder_and_no_others(bench: Bench) -> None:
    (bench.project / "conftest.py").write_text("import os\nREAD_BY = os.getpid()\n")
    (bench.project / "test_other.py").write_text(
        "def test_other():\n    import conftest; assert not conftest.READ_BY\n"
    )
    (bench.project / "test_third.py").write_text(
        "def test_third():\n    import conftest; assert not conftest.READ_BY\n"
    )
    (bench.project / "deep").mkdir()
    (bench.project / "deep" / "conftest.py").write_text("import sys\nsys.deep = True\n")
    (bench.project / "deep" / "test_deep.py").write_text("def test_deep():\n    import sys; assert not sys.deep\n")
    bench.begin()
    assert bench.process.depth is Depth.CONFIGURED
    others = ["test_other.py::test_other", "test_third.py::test_third"]
    said = [bench.runner.run([nodeid]).of(nodeid).details for nodeid in (*others, *others)]
    both = bench.runner.run(others)
    said += [result.details for result in both.results]
    assert [result.nodeid for result in both.results] == others
    assert len({details.message for details in said if details}) == 1
    deep = bench.runner.run(["deep/test_deep.py::test_deep"]).results
    assert [(result.nodeid, result.reason) for result in deep] == [("deep/test_deep.py::test_deep", "AssertionError")]
    assert bench.processes() == 1


def test_a_conftest_that_has_changed_is_read_again_with_all_that_it_reads(bench: Bench) -> None:
    (bench.project / "conftest.py").write_text("import helper\nDATA = open('data.txt').read()\n")
    (bench.project / "helper.py").write_text("ANSWER = 1\n")
    (bench.project / "data.txt").write_text("a")
    bench.begin()
    assert bench.process.depth is Depth.CONFIGURED
    bench.write("    import helper, conftest\n    raise OSError(conftest.DATA, helper.ANSWER)")
    seen = []
    for name, text in [
        ("data.txt", "b"),
        ("helper.py", "ANSWER = 2\n"),
        ("pytest.ini", "[pytest]\naddopts = -k add\n"),
    ]:
        (bench.project / name).write_text(text)
        details = bench.runner.run([ADD]).of(ADD).details
        seen.append(details.message if details else "")
    assert seen == ["[Errno b] 1", "[Errno b] 2", "[Errno b] 2"]


@pytest.mark.slow
def test_a_test_that_hung_at_first_is_left_to_fresh_processes(bench: Bench) -> None:
    bench.fresh.test_timeout = 0.3
    (bench.project / "test_calc.py").write_text(TESTS + "\n\ndef test_loop():\n    while True: pass\n")
    bench.begin()
    bench.processes()
    assert not bench.runner.run(["test_calc.py::test_loop"]).passed
    assert bench.processes() == 1


@pytest.mark.slow
def test_what_forks_show_otherwise_than_fresh_processes_turns_them_off(bench: Bench) -> None:
    (bench.project / "calc.py").write_text(
        "import os\n\n\ndef add(a, b):\n    line = open(f'/proc/{os.getpid()}/cmdline', 'rb').read()\n"
        "    raise (OSError if b'pytest' in line else ValueError)\n"
    )
    bench.begin()
    assert bench.process.depth is None
    assert all("do not show what a fresh process shows" in told for told in bench.told)
    assert bench.runner.run([ADD]).of(ADD).reason == "OSError"


def test_a_green_run_starts_nothing(bench: Bench) -> None:
    bench.write("    return a + b")
    bench.begin()
    assert bench.process.depth is None
    assert bench.told == []


def test_after_a_fix_what_stays_red_and_what_stays_green_takes_no_process(warm: Bench) -> None:
    tests = "\n\n".join(f"def test_{n}():\n    assert calc.add({n}, 1) == {n} + 1" for n in range(20))
    red = "\n\n".join(f"def test_red_{n}():\n    assert calc.add({n}, 1) == -1" for n in range(20))
    (warm.project / "test_many.py").write_text(f"import calc\n\n\n{tests}\n\n{red}\n")
    warm.write("    return a + b")
    assert len(warm.guarding.run([f"test_many.py::test_{n}" for n in range(20)]).passed) == 20
    assert not warm.runner.run([f"test_many.py::test_red_{n}" for n in range(20)]).passed
    assert warm.processes() == 0


def _family(pid: int) -> list[int]:
    found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [pid, *(other for child in found for other in _family(child))]


def _settled(server: int) -> list[int]:
    """Loaded, configured, collected, and the next run."""
    deadline = time.monotonic() + 20
    time.sleep(0.3)  # the last run has answered, and may still be dying
    while len(_family(server)) != 4:
        assert time.monotonic() < deadline, _family(server)
        time.sleep(0.01)
    return _family(server)


def _gone(pids: Sequence[int], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while any(Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _server(bench: Bench) -> int:
    forks = bench.process._forks
    assert forks
    return forks._server().process.pid


def _scratch(bench: Bench) -> Path:
    forks = bench.process._forks
    assert forks
    return forks._scratch


def test_a_run_that_dies_while_it_waits_is_replaced(warm: Bench) -> None:
    for _ in range(2):
        os.kill(_settled(_server(warm))[-1], 9)
        assert warm.runner.run([ADD]).of(ADD).reason == "AssertionError"
    assert warm.process.depth is Depth.CONFIGURED


def test_a_run_like_the_last_one_is_asked_for_past_the_processes_in_between(warm: Bench) -> None:
    for _ in range(2):
        assert not warm.runner.run([ADD]).of(ADD)
    between = _settled(_server(warm))[:2]
    for process in between:
        os.kill(process, signal.SIGSTOP)
    try:
        warm.write("    return a * b")
        assert warm.runner.run([ADD]).of(ADD).reason == "AssertionError"
        assert not warm.guarding.run([ZERO]).of(ZERO)
    finally:
        for process in between:
            os.kill(process, signal.SIGCONT)
    (warm.project / "calc.py").write_text(f"import math\n\n\n{SOURCE}")  # which has to be imported
    assert warm.runner.run([ADD]).of(ADD).reason == "AssertionError"
    assert warm.processes() == 1  # for the guard: it has failed


def test_a_candidate_that_calls_where_runs_are_asked_for_is_asked_for_nothing(warm: Bench) -> None:
    warm.write(
        "    import os, socket, time\n"
        "    caller = socket.socket(socket.AF_UNIX)\n"
        f"    caller.connect({str(_scratch(warm) / 'direct')!r})\n"
        "    caller.sendall(bytes(7) + b'\\x02{}')\n"
        "    if not os.fork():\n"
        "        os.setsid()\n"
        "        time.sleep(9)\n"
        "    return 0"
    )
    for _ in range(3):
        assert warm.runner.run([ADD]).of(ADD).reason == "AssertionError"
    warm.write("    return a * b")
    for _ in range(3):
        assert warm.runner.run([ADD]).of(ADD).reason == "AssertionError"
    assert warm.processes() == 0
    assert warm.process.depth is Depth.CONFIGURED


def test_what_a_run_leaves_running_is_gone_before_the_next_begins(warm: Bench) -> None:
    warm.write(
        "    import subprocess, sys\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'], start_new_session=True)\n"
        "    raise OSError(str(child.pid))"
    )
    details = warm.runner.run([ADD]).of(ADD).details
    assert details
    assert _gone([int(details.message)], seconds=0)
    assert warm.processes() == 0


def test_a_run_that_a_test_forks_does_not_answer_for_it(warm: Bench) -> None:
    warm.write("    import os, time\n    if os.fork(): time.sleep(0.5)\n    return 4 if os.getppid() else 3")
    assert warm.runner.run([ADD]).of(ADD).reason == "AssertionError"
    assert warm.processes() == 0


def test_closing_ends_every_process_and_removes_every_file(warm: Bench) -> None:
    forks = warm.process._forks
    assert forks
    family = _settled(_server(warm))
    warm.process.close()
    assert _gone(family)
    assert not forks._scratch.exists()


@pytest.mark.slow
def test_when_fixer_is_killed_its_processes_end_and_remove_its_files(tmp_path: Path) -> None:
    (tmp_path / "calc.py").write_text("def add(a, b):\n    import time; time.sleep(60)\n")
    (tmp_path / "test_calc.py").write_text(TESTS + "\n\ndef test_red():\n    assert 0\n")
    script = (
        "import sys; from pathlib import Path\n"
        "from fixer.infrastructure.pytest_runner import PytestRunner\n"
        "from fixer.infrastructure.warm_runner import *\n"
        f"fresh = PytestRunner(Path(sys.executable), Path({str(tmp_path)!r}), selection=('test_calc.py::test_red',))\n"
        "warm = WarmProcess(fresh, lambda told: None)\n"
        "warm.known = fresh.discover()\n"
        "warm.calibrate(['test_calc.py::test_red'])\n"
        "print(warm._forks._server().process.pid, warm._forks._scratch, warm._forks._basetemp, flush=True)\n"
        f"warm.run([{ADD!r}])\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as fixer:
        assert fixer.stdout
        server, *folders = fixer.stdout.readline().decode().split()
        family = _settled(int(server))
        assert all(Path(folder).exists() for folder in folders)
        fixer.kill()
    assert _gone(family)
    assert not any(Path(folder).exists() for folder in folders)


def _memory(pid: int) -> int:
    """Kilobytes of its own or shared with what it was forked from, or has forked."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


@pytest.mark.slow
def test_a_thousand_in_a_row_leave_nothing_behind(warm: Bench, record_property: Callable[[str, object], None]) -> None:
    def state() -> tuple[list[int], list[int], int]:
        family = _settled(_server(warm))
        files = [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in [os.getpid(), *family[:3]]]
        return family[:3], files, sum(map(_memory, family[:3]))

    def verify(number: int) -> None:
        warm.write(f"    return {number % 7} - 9")
        assert not warm.runner.run([ADD]).of(ADD)

    for number in range(20):
        verify(number)
    before, started = state(), time.monotonic()
    for number in range(1000):
        verify(number)
    after, seconds = state(), time.monotonic() - started
    record_property("told", f"warm: 1,000 verifications in {seconds:.0f} s, {after[2] - before[2]} kB more memory")
    assert after[:2] == before[:2]
    assert after[2] - before[2] < 4000
    assert warm.processes() <= 5, warm.told  # a busy machine may let one run into its time limit
    assert {path.name for path in _scratch(warm).iterdir()} <= {
        "records.jsonl",
        "output.txt",
        "select.json",
        "cache",
        "direct",
    }


def test_only_what_failed_by_itself_counts_as_a_failure() -> None:
    from fixer.domain.models import ErrorDetails, TestResult

    def result(reason: str, error_type: str) -> TestResult:
        return TestResult(ADD, Verdict.FAILED, reason, ErrorDetails(error_type, ""))

    assert is_failure(result("AssertionError", "AssertionError"))
    assert is_failure(result("crashed (SIGSEGV)", "Crash"))
    doubtful = [("Timeout", "Timeout"), ("MemoryError", "MemoryError"), ("crashed (SIGKILL)", "Crash")]
    assert not [pair for pair in [*doubtful, ("timed out: 9 s", "Timeout")] if is_failure(result(*pair))]
    assert not is_failure(TestResult(ADD, Verdict.NOT_RUN, "skipped"))
    assert not is_failure(TestResult(ADD, Verdict.PASSED))
