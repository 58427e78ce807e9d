"""The checker with real pytest processes: what a candidate can do, and what it must not be able to do."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixer.domain.models import ErrorDetails, TestResult, TestRun, Verdict
from fixer.infrastructure.candidate_checker import ForkChecker

PYTHON = Path(sys.executable)
ADD = "tests/test_calc.py::test_add"
TESTS = """\
import calc


def test_add():
    assert calc.add(1, 2) == 3


def test_name():
    assert calc.NAME == "calc"
"""
SOURCE = "NAME = 'calc'\n\n\ndef add(a, b):\n    return a - b\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_calc.py").write_text(TESTS)
    (folder / "calc.py").write_text(SOURCE)
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return folder


@pytest.fixture(scope="module")
def checker(project: Path) -> Iterator[ForkChecker]:
    with ForkChecker(python=PYTHON, project=project, rootdir=lambda: project, test_timeout=5) as made:
        yield made


Runs = Callable[..., list[TestRun]]


@pytest.fixture(params=["warm", "cold"])
def runs(project: Path, checker: ForkChecker, request: pytest.FixtureRequest) -> Runs:
    """Checks functions with these bodies; warm where it is not known that there are few."""

    def run(*bodies: str, nodeids: tuple[str, ...] = (ADD,)) -> list[TestRun]:
        head = SOURCE.partition("    return")[0]
        overlays = [{project / "calc.py": head + body + "\n"} for body in bodies]
        candidates = iter(overlays) if request.param == "warm" else overlays
        results = {overlay[project / "calc.py"]: found for overlay, found in checker.check(candidates, nodeids)}
        return [results[overlay[project / "calc.py"]] for overlay in overlays]

    return run


def test_a_right_candidate_passes_and_a_wrong_one_does_not(runs: Runs, project: Path) -> None:
    right, wrong, invalid = runs("    return a + b", "    return a * b", "    return (")
    assert right.of(ADD)
    assert wrong.of(ADD).verdict is Verdict.FAILED
    assert not invalid.of(ADD)
    assert (project / "calc.py").read_text() == SOURCE


def test_nothing_is_written_into_the_project(runs: Runs, project: Path) -> None:
    runs("    return a + b", nodeids=(ADD, "tests/test_calc.py::test_name"))
    assert {path.name for path in project.rglob("*")} == {"tests", "test_calc.py", "calc.py", "pytest.ini"}


@pytest.mark.parametrize(
    "body",
    [
        "    import os; os._exit(0)",
        "    import sys; sys.exit(0)",
        "    import pytest; pytest.exit('enough', returncode=0)",
        "    import pytest; pytest.skip('no')",
        "    import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "    raise KeyboardInterrupt",
        "    return bytearray(20 << 30)",
        "    import os; os.closerange(0, 100)",
    ],
)
def test_no_way_to_leave_is_a_pass(runs: Runs, body: str) -> None:
    left, right = runs(body, "    return a + b")
    assert not left.of(ADD)
    assert right.of(ADD)


def test_records_that_a_candidate_forges_do_not_count(runs: Runs) -> None:
    body = (
        "    import glob, json, tempfile\n"
        "    for path in glob.glob(tempfile.gettempdir() + '/fixer-candidates-*/*/*.jsonl'):\n"
        "        for kind in ('start', 'report'):\n"
        "            line = {'kind': kind, 'nonce': '', 'nodeid': 'tests/test_calc.py::test_add', 'when': 'call',\n"
        "                    'outcome': 'passed', 'seconds': 0}\n"
        "            open(path, 'a').write(json.dumps(line) + '\\n')\n"
        "    import os; os._exit(0)"
    )
    assert not runs(body)[0].of(ADD)


LOOPS = [
    "    while True: pass",
    "    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
    "    import signal\n    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n    while True: pass",
    "    import time; time.sleep(60)",
]


@pytest.mark.parametrize("body", LOOPS)
def test_endless_candidates_are_stopped(runs: Runs, body: str) -> None:
    started = time.monotonic()
    endless, right = runs(body, "    return a + b")
    assert not endless.of(ADD)
    assert right.of(ADD)
    assert time.monotonic() - started < 15


def test_no_process_of_a_candidate_stays(runs: Runs, tmp_path: Path) -> None:
    note = tmp_path.parent / f"{tmp_path.name}-pids"
    body = (
        "    import os, subprocess, time\n"
        f"    note = {str(note)!r}\n"
        "    global child\n"
        "    for setsid in (False, True):\n"
        "        child = subprocess.Popen(['sleep', '300'], start_new_session=setsid); child.returncode = 0\n"
        "        os.system(f'echo {child.pid} >> {note}')\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        os.system(f'echo {os.getpid()} >> {note}')\n"
        "        time.sleep(300)\n"
        "    return a + b"
    )
    assert runs(body)[0].of(ADD)
    assert not [pid for pid in note.read_text().split() if Path(f"/proc/{pid}").exists()]


def test_a_candidate_that_fills_the_disk_is_stopped_and_nothing_is_left_of_it(
    runs: Runs, project: Path, tmp_path: Path
) -> None:
    note = tmp_path / "where"
    body = (
        "    import tempfile\n"
        f"    name = tempfile.mkdtemp(); open({str(note)!r}, 'w').write(name)\n"
        "    with open(name + '/much', 'wb') as file:\n"
        "        while True: file.write(bytes(1 << 20)); file.flush()"
    )
    started = time.monotonic()
    filling, right = runs(body, "    return a + b")
    assert not filling.of(ADD)
    assert right.of(ADD)
    assert time.monotonic() - started < 15
    assert not Path(note.read_text()).exists()


def test_the_rest_is_stopped_when_the_caller_stops(project: Path, checker: ForkChecker) -> None:
    slow = SOURCE.replace("return a - b", "import time; time.sleep(60)")
    right = SOURCE.replace("a - b", "a + b")
    started = time.monotonic()
    for overlay, run in checker.check(({project / "calc.py": text} for text in [slow, right] * 50), [ADD]):
        if run.of(ADD):
            assert overlay == {project / "calc.py": right}
            break
    assert time.monotonic() - started < 5
    assert [bool(run.of(ADD)) for _, run in checker.check([{project / "calc.py": right}], [ADD])] == [True]


@pytest.mark.slow
def test_closing_ends_all_processes_and_removes_all_files(project: Path) -> None:
    checker = ForkChecker(python=PYTHON, project=project, rootdir=lambda: project)
    list(checker.check([{}], [ADD]))
    servers = [server.pid for server in checker._idle]
    checker.close()
    assert servers
    assert not [pid for pid in servers if Path(f"/proc/{pid}").exists()]
    assert not checker._scratch.exists()


@pytest.mark.slow
def test_fresh_processes_do_the_same_where_there_is_no_fork(project: Path) -> None:
    right, wrong = {project / "calc.py": SOURCE.replace("a - b", "a + b")}, {project / "calc.py": SOURCE + "\n"}
    with ForkChecker(python=PYTHON, project=project, rootdir=lambda: project) as checker:
        checker._spawn = True
        found = [(overlay, bool(run.of(ADD))) for overlay, run in checker.check([right, wrong], [ADD])]
    assert sorted(passed for _, passed in found) == [False, True]
    assert (right, True) in found


@pytest.mark.slow
def test_a_file_in_another_encoding_and_a_package_are_replaced_too(tmp_path: Path) -> None:
    project, nodeid = tmp_path, "tests/test_pack.py::test_name"
    (project / "tests").mkdir()
    package = project / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("from .inner import name\n")
    (package / "inner.py").write_bytes("# coding: latin-1\nname = 'a'\n".encode("latin-1"))
    (project / "tests" / "test_pack.py").write_text(
        "import pack\n\n\ndef test_name():\n    assert pack.name == '\\xe9'\n"
    )
    overlay = {package / "inner.py": "# coding: latin-1\nname = 'é'\n"}
    with ForkChecker(python=PYTHON, project=project, rootdir=lambda: project) as checker:
        assert [bool(run.of(nodeid)) for _, run in checker.check([overlay], [nodeid])] == [True]


CHANGES = {
    "a function": ("return a - b", "return a + b"),
    "a method": ("return self.n - n", "return self.n + n"),
    "a decorated function": ("return n - 1", "return n + 1"),
    "an inner function": ("return m - k", "return m + k"),
    "a default": ("start=1", "start=0"),
    "a constant": ("LIMIT = 9", "LIMIT = 10"),
    "a class attribute": ("size = 4", "size = 5"),
    "what ran at import": ("return 6", "return 7"),
    "an import": ("from math import ceil", "from math import floor as ceil"),
    "a generated test": ("COUNT = 1", "COUNT = 2"),
}
KINDS = """\
import functools
from math import ceil
LIMIT = 9
COUNT = 1


def add(a, b):
    return a - b


class Box:
    size = 4

    def __init__(self, n):
        self.n = n

    def more(self, n):
        return self.n - n


@functools.lru_cache
def next_of(n):
    return n - 1


def outer(k):
    def inner(m):
        return m - k
    return inner


def count_from(start=1):
    return start


def seven():
    return 6


SEVEN = seven()


def rounded(x):
    return ceil(x)
"""
KIND_TESTS = """\
import kinds
import pytest


def test_a_function(): assert kinds.add(1, 2) == 3
def test_a_method(): assert kinds.Box(1).more(2) == 3
def test_a_decorated_function(): assert kinds.next_of(1) == 2
def test_an_inner_function(): assert kinds.outer(1)(2) == 3
def test_a_default(): assert kinds.count_from() == 0
def test_a_constant(): assert kinds.LIMIT == 10
def test_a_class_attribute(): assert kinds.Box.size == 5
def test_what_ran_at_import(): assert kinds.SEVEN == 7
def test_an_import(): assert kinds.rounded(1.5) == 1
@pytest.mark.parametrize("n", range(kinds.COUNT))
def test_a_generated_test(n): assert kinds.COUNT == 2
"""


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkChecker]:
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "kinds.py").write_text(KINDS)
    (folder / "test_kinds.py").write_text(KIND_TESTS)
    with ForkChecker(python=PYTHON, project=folder, rootdir=lambda: folder, test_timeout=5) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_every_kind_of_change_takes_effect_from_a_warm_process(kinds: ForkChecker, name: str) -> None:
    old, new = CHANGES[name]
    suffix = "[0]" if "generated" in name else ""
    nodeid = f"test_kinds.py::test_{name.replace(' ', '_')}{suffix}"
    assert KINDS.count(old) == 1
    path = kinds._project / "kinds.py"
    texts = [KINDS, KINDS.replace(old, new), "# a line more\n" + KINDS.replace(old, new), KINDS + "\n"]
    found = {overlay[path]: bool(run.of(nodeid)) for overlay, run in kinds.check(({path: t} for t in texts), [nodeid])}
    assert [found[text] for text in texts] == [False, True, True, False]


@pytest.mark.parametrize(("verdict", "runs"), [(Verdict.FAILED, 1), (Verdict.PASSED, 3)])
def test_what_a_fresh_run_has_shown_is_not_run_again_to_be_known(tmp_path: Path, verdict: Verdict, runs: int) -> None:
    note, file, nodeid = tmp_path / "note", tmp_path / "calc.py", "test_noted.py::test_noted"
    file.write_text(SOURCE)
    noting = f"    with open({str(note)!r}, 'a') as file:\n        file.write('x')\n"
    test = f"import calc\n\n\ndef test_noted():\n{noting}    assert calc.add(1, 2) == 3\n"
    (tmp_path / "test_noted.py").write_text(test)
    details = ErrorDetails("AssertionError", "assert -1 == 3") if verdict is Verdict.FAILED else None
    known = TestRun((TestResult(nodeid, verdict, details=details),))
    seen: list[int] = []

    def candidates() -> Iterator[dict[Path, str]]:
        seen.append(len(note.read_text()))
        yield {file: SOURCE.replace("a - b", "a + b")}

    with ForkChecker(python=PYTHON, project=tmp_path, rootdir=lambda: tmp_path, test_timeout=5) as checker:
        ((_, run),) = checker.check(candidates(), [nodeid], known=known)
    assert run.of(nodeid)
    assert seen == [runs]


NOTING = """\
import calc


def note(what):
    with open({note!r}, "a") as file:
        file.write(what + " ")


note("collected")


def test_add():
    note("add")
    assert calc.add(1, 2) == 3


def test_sign():
    note("sign")
    assert calc.add(0, 2) == -2


def test_name():
    note("name")
    assert calc.NAME == "calc"
"""
NOTED = tuple(f"test_noted.py::test_{name}" for name in ("add", "sign", "name"))


class Noting:
    """A project whose tests note that they are collected, and that they run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file, self._note = folder, folder / "calc.py", folder / "note"
        self.file.write_text(SOURCE)
        (folder / "test_noted.py").write_text(NOTING.format(note=str(self._note)))

    def checker(self) -> ForkChecker:
        return ForkChecker(python=PYTHON, project=self.folder, rootdir=lambda: self.folder, test_timeout=5)

    def overlay(self, body: str) -> dict[Path, str]:
        return {self.file: SOURCE.replace("a - b", body)}

    def noted(self) -> list[str]:
        """Since this was last asked."""
        words = self._note.read_text().split()
        self._note.write_text("")
        return words


@pytest.fixture
def noting(tmp_path: Path) -> Noting:
    return Noting(tmp_path)


def test_tests_are_collected_once_for_all_that_is_asked_of_them(noting: Noting) -> None:
    failed = ErrorDetails("AssertionError", "")
    known = TestRun(
        (TestResult(NOTED[0], Verdict.FAILED, details=failed), *(TestResult(one, Verdict.PASSED) for one in NOTED[1:]))
    )
    with noting.checker() as checker:
        overlays = iter([noting.overlay(body) for body in ("a * b", "a + b")])
        assert [bool(run.of(NOTED[0])) for _, run in checker.check(overlays, NOTED[:1], known=known)] == [False, True]
        assert noting.noted().count("collected") == 1
        ((_, run),) = checker.check([noting.overlay("a + b")], NOTED[1:], known=known)
        assert run.passed == {NOTED[2]}
        assert noting.noted() == ["sign", "name", "sign", "name"]


def test_what_is_on_disk_is_read_again_when_that_is_said(noting: Noting) -> None:
    with noting.checker() as checker:
        list(checker.check(iter([noting.overlay("a * b")] * 3), NOTED[:1]))
        noting.file.write_text(SOURCE.replace("'calc'", "'other'"))
        (noting.folder / "test_noted.py").write_text(NOTING.format(note="/dev/null").replace('"calc"', '"other"'))
        checker.begin()
        right = {noting.file: noting.file.read_text().replace("a - b", "a + b")}
        overlays = iter([noting.overlay("a + b"), right, noting.overlay("a * b")])
        runs = [run for _, run in checker.check(overlays, (NOTED[0], NOTED[2]))]
    assert sum(run.passed == {NOTED[0], NOTED[2]} for run in runs) == 1


@pytest.mark.parametrize("few", [True, False], ids=["cold", "warm"])
def test_where_a_test_fails_that_is_needed_those_behind_it_are_not_run(noting: Noting, few: bool) -> None:
    overlays = [noting.overlay("a * b")]
    with noting.checker() as checker:
        list(checker.check(overlays if few else iter(overlays), NOTED, vital=NOTED))
        before = noting.noted()
        ((_, run),) = checker.check(overlays if few else iter(overlays), NOTED, vital=NOTED)
    assert not run.passed
    assert before[-2:] == noting.noted()[-2:] == ["add", "sign"]


@pytest.mark.parametrize("few", [True, False], ids=["cold", "warm"])
def test_nor_are_they_where_the_first_hangs(noting: Noting, few: bool) -> None:
    overlays = [noting.overlay("[a for _ in iter(int, 1)]")]
    with noting.checker() as checker:
        list(checker.check(overlays if few else iter(overlays), NOTED, vital=NOTED))
    assert noting.noted()[-1:] == ["add"]


def test_what_is_known_to_hang_is_not_waited_for_as_long_as_what_is_not_known(noting: Noting) -> None:
    slow = 'def test_slow():\n    import time\n    time.sleep(1)\n    note("waited")\n'
    test_file = noting.folder / "test_noted.py"
    test_file.write_text(test_file.read_text() + "\n\n" + slow)
    nodeid = "test_noted.py::test_slow"
    known = TestRun((TestResult(nodeid, Verdict.FAILED, details=ErrorDetails("Timeout", "")),))
    for told, waited in ((known, False), (None, True)):
        with noting.checker() as checker:
            list(checker.check(iter([noting.overlay("a + b")]), [nodeid], known=told))
        assert ("waited" in noting.noted()) is waited


@pytest.mark.parametrize("neighbour", [0.0, 0.6])
def test_a_test_that_hung_may_take_twice_as_long_as_the_slowest_of_its_neighbours(
    noting: Noting, neighbour: float
) -> None:
    waits = "def test_waits():\n    import time\n    time.sleep(9 if calc.add(2, 1) == 1 else 0.7)\n"
    test_file = noting.folder / "test_noted.py"
    test_file.write_text(test_file.read_text() + "\n\n" + waits)
    nodeid, other = "test_noted.py::test_waits", NOTED[1]
    hung = TestResult(nodeid, Verdict.FAILED, details=ErrorDetails("Timeout", ""), seconds=9.0)
    known = TestRun((hung, TestResult(other, Verdict.PASSED, seconds=neighbour)))
    with noting.checker() as checker:
        ((_, run),) = checker.check(iter([noting.overlay("a + b")]), [nodeid], vital=[nodeid], known=known)
    assert (run.passed == {nodeid}) is bool(neighbour)


def test_of_the_unchanged_sources_it_is_told_what_their_tests_show_and_each_is_run_once(noting: Noting) -> None:
    with noting.checker() as checker:
        for _ in range(2):
            ((_, run),) = checker.check([{}], NOTED)
            assert run.passed == set(NOTED[1:])
    assert noting.noted() == ["collected", "add", "sign", "name"]


@pytest.mark.slow
def test_when_fixer_is_killed_no_file_and_no_process_is_left(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text("def wait():\n    pass\n")
    (project / "test_app.py").write_text("import app\n\ndef test_it():\n    app.wait()\n    assert 0\n")
    script = (
        "import sys; from pathlib import Path\n"
        "from fixer.infrastructure.candidate_checker import ForkChecker\n"
        f"project = Path({str(project)!r})\n"
        "checker = ForkChecker(python=Path(sys.executable), project=project, rootdir=lambda: project)\n"
        "forever = 'def wait():\\n    while True: pass\\n'\n"
        "for overlay in ({}, {project / 'app.py': forever}):\n"
        "    list(checker.check([overlay], ['test_app.py::test_it']))\n"
        "    print(checker._idle[0].pid, checker._scratch, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as fixer:
        assert fixer.stdout
        server, scratch = fixer.stdout.readline().decode().split()
        assert Path(scratch).exists()
        fixer.kill()
    until = time.monotonic() + 10
    while (Path(scratch).exists() or _runs(server)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(scratch).exists()
    assert not _runs(server)


def _runs(pid: str) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())  # empty for one that nobody has waited for
    except OSError:
        return False
