"""Many candidates in one process show what each of them shows alone, whatever they leave behind or break."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from fixer.application.ports import Overlay
from fixer.infrastructure import candidate_supply
from fixer.infrastructure.candidate_checker import ForkChecker
from fixer.infrastructure.fork_server import ForkServer

MANY = 60
PLAIN = "def add(a, b):\n    return a - b\n"


@dataclass(frozen=True)
class Kind:
    """A module that is wrong, the part that candidates replace, the right one, and a test."""

    source: str
    wrong: str
    right: str
    test: str = "import app\n\ndef test_it():\n    assert app.add(1, 2) == 3\n"
    others: tuple[str, ...] = ()
    """Candidates among the wrong ones, besides the same with a number."""
    settings: str = ""
    """Those of pytest."""


KINDS = {
    "a function": Kind(PLAIN, "a - b", "a + b"),
    "a class of unittest": Kind(
        PLAIN,
        "a - b",
        "a + b",
        "import unittest, app\n\nclass TestIt(unittest.TestCase):\n    def test_it(self):\n"
        "        self.assertEqual(app.add(1, 2), 3)\n",
    ),
    "fixtures of every scope": Kind(
        PLAIN,
        "a - b",
        "a + b",
        "import app, pytest\n\n@pytest.fixture(scope='session')\ndef one():\n    return [1]\n\n"
        "@pytest.fixture\ndef two(one, tmp_path, monkeypatch):\n    one.append(0)\n    yield len(one)\n\n"
        "def test_it(one, two):\n    assert two == 2\n    assert app.add(one[0], two) == 3\n",
    ),
    "a test that asks for pytest's own output": Kind(
        PLAIN,
        "a - b",
        "a + b",
        "import app\n\ndef test_it(request):\n    config = request.config\n"
        "    reporter = config.pluginmanager.get_plugin('terminalreporter')\n"
        "    assert reporter.config is config and config.get_terminal_writer()\n"
        "    assert app.add(1, 2) == 3\n",
    ),
    "results that are kept by the library": Kind(
        "import functools\n\n@functools.lru_cache(None)\ndef add(a, b):\n    return plus(a, b)\n\n"
        "def plus(a, b):\n    return a - b\n",
        "a - b",
        "a + b",
    ),
    "results that the module keeps": Kind(
        "KEPT = {}\n\n\ndef add(a, b):\n    if (a, b) not in KEPT:\n        KEPT[a, b] = a - b\n"
        "    return KEPT[a, b]\n",
        "a - b",
        "a + b",
    ),
    "a count that goes on": Kind(
        "class Counter:\n    calls = 0\n\n\ndef add(a, b):\n    Counter.calls += 1\n    return a - b\n",
        "a - b",
        "a + b",
    ),
    "an object that keeps results": Kind(
        "class Calc:\n    def __init__(self):\n        self.kept = []\n\n    def add(self, a, b):\n"
        "        self.kept.append(a - b)\n        return self.kept[0]\n\n\nCALC = Calc()\nadd = CALC.add\n",
        "a - b",
        "a + b",
    ),
    "an object of the module that keeps a result": Kind(
        "class Calc:\n    def add(self, a, b):\n        if not hasattr(self, 'kept'):\n            self.kept = a - b\n"
        "        return self.kept\n\n\nCALC = Calc()\nadd = CALC.add\n",
        "a - b",
        "a + b",
    ),
    "objects that say nothing outside of a call": Kind(
        "class Local:\n    @property\n    def __dict__(self):\n        raise RuntimeError('nothing here')\n\n"
        "    __class__ = __dict__\n\n\nLOCAL = Local()\nHELD = {'here': LOCAL}\n\n\n" + PLAIN,
        "a - b",
        "a + b",
    ),
    "what it is given, changed in place": Kind(
        "def add(pair):\n    pair[0] += pair[1]\n    pair[1] = 7\n    return pair[0] - 1\n",
        "pair[0] - 1",
        "pair[0]",
        "import app, pytest\n\nGIVEN = [[1, 2]]\n\n@pytest.mark.parametrize('pair', [[1, 2]])\n"
        "def test_it(pair):\n    assert app.add(pair) == 3\n    assert app.add(GIVEN[0]) == 3\n",
    ),
    "a loop without end": Kind(PLAIN, "a - b", "a + b", others=("sum(iter(int, 1))", "[0 for _ in iter(int, 1)]")),
    "ways to leave": Kind(
        "import os, sys\n\n\n" + PLAIN,
        "a - b",
        "a + b",
        others=("os._exit(0)", "sys.exit(0)", "os.kill(os.getpid(), 9)", "os.abort()", "os.chdir('/')", "os.fork()"),
    ),
    "what has to be imported": Kind(
        "SIGN = -1\n\n\ndef add(a, b):\n    return a + SIGN * b\n", "SIGN = -1", "SIGN = 1"
    ),
    "what ran while the tests were collected": Kind(PLAIN + "\n\nNOTHING = add(0, 0)\n", "a - b", "a + b"),
    "what matters only at import": Kind(
        "def add(a, b):\n    return a - b\n\n\nTABLE = {(a, b): add(a, b) for a in range(9) for b in range(9)}\n\n\n"
        "def plus(a, b):\n    return TABLE[a, b]\n",
        "a - b",
        "a + b",
        test="import app\n\ndef test_it():\n    assert app.plus(1, 2) == 3\n    assert app.add(1, 2)\n",
    ),
}


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The letters of the batches that there were."""
    letters: list[str] = []

    class Counting(candidate_supply.Supply):
        def take_back(self, dealt: tuple[Overlay, ...], said: str, *, early: bool) -> list[tuple[Overlay, str]]:
            letters.append(said)
            return super().take_back(dealt, said, early=early)

    monkeypatch.setattr("fixer.infrastructure.candidate_checker.Supply", Counting)
    return letters


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_the_right_one_is_found_among_many(tmp_path: Path, name: str, counted: list[str]) -> None:
    kind = KINDS[name]
    for place in (3, MANY - 1):
        shown = _shown(tmp_path, kind, place)
        assert [text for text, passed in shown.items() if passed] == [kind.source.replace(kind.wrong, kind.right)]
        assert len(shown) == MANY + len(kind.others)
    assert counted


def test_most_are_answered_in_company(tmp_path: Path, counted: list[str]) -> None:
    _shown(tmp_path, KINDS["a function"], 30)
    assert sum(len(letters) - 2 for letters in counted) >= MANY
    assert "".join(counted).count("l") == 1


@pytest.mark.parametrize(
    "line",
    [
        "assert app.add(1, 2) == 3, time.time_ns()",
        "time.sleep(0.1); assert app.add(1, 2) == 3",
    ],
)
def test_a_message_that_is_another_each_time_and_a_slow_test_are_no_hindrance(
    tmp_path: Path, counted: list[str], line: str
) -> None:
    kind = Kind(PLAIN, "a - b", "a + b", f"import app, time\n\ndef test_it():\n    {line}\n")
    _shown(tmp_path, kind, 3)
    assert sum(len(letters) - 2 for letters in counted) >= MANY


def test_a_plugin_that_writes_down_why_a_test_fails_ends_no_batch(tmp_path: Path, counted: list[str]) -> None:
    skips = KINDS["a function"].test + "\ndef test_none():\n    import pytest\n    pytest.skip('no')\n"
    kind = Kind(PLAIN, "a - b", "a + b", skips, settings="addopts = --junitxml=told.xml\n")
    _checked(
        tmp_path, kind, [PLAIN.replace("a - b", f"a - b - {number}") for number in range(9)], "test_app.py::test_none"
    )
    assert [set(letters) for letters in counted] == [{"f"}]


@pytest.mark.parametrize("loaded", ["colorsys", "part.other"])
def test_a_module_that_is_loaded_in_between_ends_no_batch(tmp_path: Path, counted: list[str], loaded: str) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part/__init__.py").touch()
    (tmp_path / "part/other.py").write_text("import app\n\nSUM = app.add(1, 2)\n")
    test = (
        "import app, importlib, itertools, part\n\nN = itertools.count()\n\ndef test_it():\n"
        f"    if next(N) % 3:\n        importlib.import_module('{loaded}')\n"
        "    assert getattr(getattr(part, 'other', 0), 'SUM', app.add(1, 2)) == app.add(1, 2) == 3\n"
    )
    kind = Kind(PLAIN, "a - b", "a + b", test)
    shown = _shown(tmp_path, kind, 30)
    assert [text for text, passed in shown.items() if passed] == [PLAIN.replace("a - b", "a + b")]
    assert len(counted) == 2


def test_a_test_may_take_a_multiple_of_what_it_took_and_the_failing_one_as_long_as_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[dict[str, float]] = []

    class Noting(ForkServer):
        def start(self, request: Mapping[str, object]) -> None:
            limits.append(cast(dict[str, float], request.get("candidate_seconds", {})))
            super().start(request)

    monkeypatch.setattr("fixer.infrastructure.candidate_checker.ForkServer", Noting)
    others = "def test_quick():\n    pass\n\ndef test_slow():\n    time.sleep(0.2)\n"
    test = "import app, time\n\ndef test_it():\n    assert app.add(1, 2) == 3\n\n" + others
    _shown(tmp_path, Kind(PLAIN, "a - b", "a + b", test), 3, "test_app.py::test_quick", "test_app.py::test_slow")
    failing, quick, slow = next(filter(None, limits)).values()
    assert quick < failing < slow
    assert failing >= 0.4


@pytest.mark.parametrize(
    ("test", "candidate", "further"),
    [
        ("    assert app.add(1, 2) == 3\n    assert app.add(2, 1) == 3\n", "a + b if a < b else 0", 5),
        ("    assert app.add(None, 2) == 4\n", "(a or 1) + b", 4),
    ],
)
def test_where_the_test_gets_further_it_is_told_how_far(
    tmp_path: Path, counted: list[str], test: str, candidate: str, further: int
) -> None:
    (tmp_path / "app.py").write_text(PLAIN)
    (tmp_path / "test_app.py").write_text("import app, pytest\n\ndef test_it():\n" + test)
    overlays = [{tmp_path / "app.py": PLAIN.replace("a - b", other)} for other in ("b - a", "-a", candidate, "a * b")]
    with ForkChecker(python=Path(sys.executable), project=tmp_path, rootdir=lambda: tmp_path) as checker:
        runs = [(overlay, run) for overlay, run in checker.check(overlays, ["test_app.py::test_it"])]
    assert not any(run.passed for _, run in runs)
    assert "".join(counted).count("g") == 1
    assert [run.results[0].frames[0].line for _, run in runs if run.results[0].frames] == [further]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "a class of unittest",
        "results that the module keeps",
        "a count that goes on",
        "an object that keeps results",
        "an object of the module that keeps a result",
        "objects that say nothing outside of a call",
    ],
)
def test_what_can_be_put_back_does_not_end_a_batch(tmp_path: Path, counted: list[str], name: str) -> None:
    _shown(tmp_path, KINDS[name], MANY - 1)
    assert sum(len(letters) - 2 for letters in counted) >= MANY - 1


RENEWED = {
    "a number of the module": KINDS["what has to be imported"],
    "what the test has imported by its name": Kind(
        "import re\n\nWORD = re.compile('[a-c]+')\n",
        "[a-c]",
        "[a-z]",
        "from app import WORD\n\ndef test_it():\n    assert WORD.fullmatch('cadz')\n",
    ),
    "what follows from it": Kind(
        "STEP = 2\nTABLE = {}\nfor number in range(3):\n    TABLE[number] = number * STEP\n",
        "STEP = 2",
        "STEP = 3",
        "import app\n\ndef test_it():\n    assert app.TABLE[2] == 6\n",
    ),
    "an attribute of a class": Kind(
        "class Base:\n    def add(self, a):\n        return a\n\n\nclass App(Base):\n    step = 1\n\n"
        "    def add(self, a):\n        return super().add(a) + self.step\n\n\nAPP = App()\n",
        "step = 1",
        "step = 2",
        "from app import APP, App\n\ndef test_it():\n    assert APP.add(1) == App().add(1) == 3\n",
    ),
    "a default, and a method that knows its class": Kind(
        "class App(int):\n    def __add__(self, b=1, c=1):\n        return super().__add__(b) + c\n",
        "c=1",
        "c=2",
        "from app import App\n\ndef test_it():\n    assert App(1) + 1 == 4\n",
    ),
    "a field of a dataclass": Kind(
        "from dataclasses import dataclass\n\n\n@dataclass\nclass App:\n    a: int = 1\n    b: int = 2\n",
        "a: int = 1",
        "a: int = 3",
        "from app import App\n\ndef test_it():\n    assert App().a == 3\n",
    ),
    "a decorator": Kind(
        "import functools\n\nCALLS = []\n\n\n@functools.lru_cache(None)\ndef app(a):\n"
        "    CALLS.append(a)\n    return len(CALLS)\n",
        "lru_cache(None)",
        "lru_cache(0)",
        "from app import app\n\ndef test_it():\n    assert app(1) + 1 == app(1)\n",
    ),
    "a forgotten import": Kind(
        "import re\n\n\ndef app(text):\n    return os.path.basename(text)\n",
        "import re",
        "import os",
        "from app import app\n\ndef test_it():\n    assert app('a/b') == 'b'\n",
    ),
    "what is computed of a function": KINDS["what matters only at import"],
    "a module that the test imports when it runs": Kind(
        PLAIN, "a - b", "a + b", "def test_it():\n    import app\n    assert app.add(1, 2) == 3\n"
    ),
}


@pytest.mark.parametrize("name", RENEWED)
def test_what_would_have_to_be_imported_is_tried_in_company_before_it_is(
    tmp_path: Path, counted: list[str], name: str
) -> None:
    kind = RENEWED[name]
    right = kind.source.replace(kind.wrong, kind.right)
    shown = _checked(tmp_path, kind, [*(f"{kind.source}\n\nNUMBER = {number}\n" for number in range(9)), right])
    assert [text for text, passed in shown.items() if passed] == [right]
    assert "".join(counted).count("l") == 1


def test_a_module_that_is_loaded_later_takes_nothing_from_those_that_were_there(
    tmp_path: Path, counted: list[str]
) -> None:
    late, early = tmp_path / "late.py", tmp_path / "app.py"
    for path in (late, early):
        path.write_text(PLAIN)
    test = "import app\n\ndef test_it():\n    import late\n    assert app.add(1, 2) + late.add(1, 2) == 2\n"
    (tmp_path / "test_app.py").write_text(test)
    texts = [PLAIN.replace("a - b", f"a - b - {number}") for number in range(5)]
    overlays = [{path: text} for text in [*texts, PLAIN.replace("a - b", "a + b")] for path in (late, early)]
    with ForkChecker(python=Path(sys.executable), project=tmp_path, rootdir=lambda: tmp_path) as checker:
        passed = [overlay for overlay, run in checker.check(overlays, ["test_app.py::test_it"]) if run.passed]
    assert sorted(path.name for overlay in passed for path in overlay) == ["app.py", "late.py"]
    assert set("".join(counted)) == {"f", "l"}


@pytest.mark.slow
def test_another_test_that_starts_processes_is_only_run_for_what_passes_the_failing_one(
    tmp_path: Path, counted: list[str]
) -> None:
    starts = "import subprocess, sys\n\ndef test_other():\n    code = 'import app; assert app.add(2, 2) != 9'\n"
    starts += "    subprocess.run([sys.executable, '-c', code], check=True)\n"
    kind = Kind(PLAIN, "a - b", "a + b", KINDS["a function"].test + starts, ("3 if a == 1 else 9",))
    shown = _shown(tmp_path, kind, MANY - 1, "test_app.py::test_other")
    assert [text for text, passed in shown.items() if passed] == [kind.source.replace(kind.wrong, kind.right)]
    assert sum(len(letters) - 2 for letters in counted) >= MANY - 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "asks",
    [
        "import ctypes.util\nctypes.util.find_library('c')\n",
        "import subprocess\nsubprocess.run(['git', '--version'], check=True)\n",
    ],
)
def test_what_is_asked_of_the_system_is_no_process_that_could_see_a_candidate(
    tmp_path: Path, counted: list[str], asks: str
) -> None:
    test = asks + KINDS["a function"].test
    _shown(tmp_path, Kind(PLAIN, "a - b", "a + b", test), MANY - 1)
    assert sum(len(letters) - 2 for letters in counted) >= MANY - 1


@pytest.mark.slow
def test_where_something_is_left_that_cannot_be_put_back_batches_are_given_up(
    tmp_path: Path, counted: list[str]
) -> None:
    started = "import threading\n\n\ndef add(a, b):\n    threading.Timer(60, print).start()\n    return a - b\n"
    _shown(tmp_path, Kind(started, "a - b", "a + b"), MANY - 1)
    assert len(counted) < 10


def _shown(project: Path, kind: Kind, place: int, *others: str) -> dict[str, bool]:
    texts = [kind.source.replace(kind.wrong, f"{kind.wrong} - {number}") for number in range(MANY - 1)]
    texts[place:place] = [kind.source.replace(kind.wrong, part) for part in (*kind.others, kind.right)]
    return _checked(project, kind, texts, *others)


def _checked(project: Path, kind: Kind, texts: list[str], *others: str) -> dict[str, bool]:
    (project / "app.py").write_text(kind.source)
    (project / "test_app.py").write_text(kind.test)
    (project / "pytest.ini").write_text(f"[pytest]\n{kind.settings}")
    nodeid = "test_app.py::TestIt::test_it" if "TestIt" in kind.test else "test_app.py::test_it"
    nodeid += "[pair0]" if "parametrize" in kind.test else ""
    path = project / "app.py"
    with ForkChecker(python=Path(sys.executable), project=project, rootdir=lambda: project, test_timeout=5) as checker:
        overlays = iter([{path: text} for text in texts])
        checked = list(checker.check(overlays, [nodeid, *others], vital=[nodeid, *others]))
    assert len(checked) == len(texts)
    return {overlay[path]: run.passed >= {nodeid, *others} for overlay, run in checked}


@pytest.mark.slow
def test_twenty_thousand_take_no_more_memory_than_a_thousand(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    kind = KINDS["a function"]
    (tmp_path / "app.py").write_text(kind.source)
    (tmp_path / "test_app.py").write_text(kind.test)
    texts = (kind.source.replace(kind.wrong, f"{kind.wrong} - {number}") for number in range(20_000))
    overlays = ({tmp_path / "app.py": text} for text in texts)
    with ForkChecker(python=Path(sys.executable), project=tmp_path, rootdir=lambda: tmp_path) as checker:
        tracemalloc.start()
        for number, (_, run) in enumerate(checker.check(overlays, ["test_app.py::test_it"])):
            assert not run.passed
            if number == 1_000:
                before = tracemalloc.get_traced_memory()[0], _memory(checker)
        after = tracemalloc.get_traced_memory()[0], _memory(checker)
        tracemalloc.stop()
    record_property(
        "told", f"20,000 candidates: {(after[0] - before[0]) // 1000} kB more here, {after[1] - before[1]} there"
    )
    assert number == 19_999
    assert after[0] - before[0] < 2_000_000
    assert after[1] - before[1] < 8_000


def _memory(checker: ForkChecker) -> int:
    """Kilobytes of the largest of the processes that candidates are forked from; some may be at work."""
    pids = [server.pid for server in checker._idle]
    pids += [int(child) for pid in pids for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return max(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
