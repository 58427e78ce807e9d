"""Small projects of many kinds, as data: what a fresh pytest shows of them, every other way to run tests has to show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Project:
    """Files by path; `args` are pytest's. `requires` is a plugin's module that the interpreter must have."""

    name: str
    files: dict[str, str]
    args: tuple[str, ...] = ()
    requires: str = ""
    alone: bool = True
    """Whether it cannot share a run of pytest with others."""
    with_plugins: bool = False
    """Whether it is run with every plugin that is installed; to load them takes longer than all the rest."""

    def write(self, folder: Path) -> Path:
        """Make it below this folder."""
        top = folder / self.name.replace(" ", "_")
        for name, text in self.files.items():
            path = top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        if not any(name in self.files for name in ("pytest.ini", "pyproject.toml")):
            (top / "pytest.ini").write_text("[pytest]\n")
        return top


def _one(name: str, text: str, *, alone: bool = False) -> Project:
    return Project(name, {"test_it.py": text}, alone=alone)


_RED = "\ndef test_red():\n    assert [1, 2] == [1, 3]\n\ndef test_green():\n    pass\n"
"""What every project can be calibrated with."""

_FIXTURES = """
import pytest
made = []
@pytest.fixture(scope="{scope}")
def thing(request):
    made.append(request.scope)
    yield len(made)
def test_first(thing): assert thing == 1
def test_second(thing): assert thing == {second}
class TestIt:
    def test_a(self, thing): assert thing == {third}
    def test_b(self, thing): assert thing == {fourth}
"""

_BODIES: dict[str, str] = {
    "parametrisation": (
        "import pytest\n@pytest.mark.parametrize('a', [1, 2])\n@pytest.mark.parametrize('b', [1, 3])\n"
        "def test_p(a, b): assert a == b\n"
    ),
    "strange ids": (
        "import pytest\nODD = ['a::b', '[x]', 'a/b', '', ' ', 'new\\nline', '\\xfcn\\xef', '-k', '$HOME', 'x' * 200]\n"
        "@pytest.mark.parametrize('v', ODD, ids=ODD)\ndef test_odd(v): assert len(v) != 1\n"
    ),
    "classes": "class TestA:\n    n = 0\n    def setup_method(self): self.n += 1\n    def test_n(self): assert self.n == 1\n"
    "    def test_again(self): assert self.n == 2\n",
    "nested classes": "class TestA:\n    class TestB:\n        def test_in(self): assert False\n        def test_ok(self): pass\n",
    "unittest": (
        "import unittest\nclass TestU(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls): cls.n = 1\n"
        "    def setUp(self): self.m = 2\n    def test_a(self): self.assertEqual(self.n, self.m)\n"
        "    def test_b(self): self.assertEqual(self.m, 2)\n    @unittest.skip('no')\n    def test_c(self): pass\n"
        "    @unittest.expectedFailure\n    def test_d(self): self.fail()\n"
        "    def test_sub(self):\n        for i in range(3):\n            with self.subTest(i=i): self.assertLess(i, 2)\n"
    ),
    "setUpModule": "import unittest\nstate = []\ndef setUpModule(): state.append(1)\n"
    "class TestU(unittest.TestCase):\n    def test_a(self): self.assertEqual(state, [1])\n    def test_b(self): assert not state\n",
    "setUpModule fails": "import unittest\ndef setUpModule(): raise OSError('no')\n"
    "class TestU(unittest.TestCase):\n    def test_a(self): pass\n",
    "async": "import asyncio\nasync def f(): await asyncio.sleep(0.001); return 1\n"
    "def test_a(): assert asyncio.run(f()) == 1\ndef test_b(): assert asyncio.run(f()) == 2\n"
    "def test_task():\n    async def main():\n        return await asyncio.gather(f(), f())\n    assert asyncio.run(main()) == [1, 1]\n",
    "tmp_path": "def test_a(tmp_path): (tmp_path / 'x').write_text('1'); assert (tmp_path / 'x').read_text() == '1'\n"
    "def test_b(tmp_path): assert list(tmp_path.iterdir())\n"
    "def test_c(tmp_path_factory): assert tmp_path_factory.mktemp('a') != tmp_path_factory.mktemp('a')\n",
    "monkeypatch": "import os\ndef test_a(monkeypatch): monkeypatch.setenv('ZZ', '1'); assert os.environ['ZZ'] == '1'\n"
    "def test_b(): assert 'ZZ' in os.environ\ndef test_c(monkeypatch, tmp_path): monkeypatch.chdir(tmp_path)\n",
    "caplog": "import logging\ndef test_a(caplog): logging.warning('hi'); assert caplog.messages == ['hi']\n"
    "def test_b(caplog): logging.warning('hi'); assert caplog.messages == ['ho']\n",
    "capsys": "def test_a(capsys): print('x'); assert capsys.readouterr().out == 'x\\n'\n"
    "def test_b(capsys): print('x'); assert capsys.readouterr().out == 'y\\n'\n",
    "capfd": "import os\ndef test_a(capfd): os.write(1, b'x'); assert capfd.readouterr().out == 'x'\n"
    "def test_b(capfd): os.system('echo hi'); assert capfd.readouterr().out == ''\n",
    "output": "import sys\ndef test_a(): print('out'); print('err', file=sys.stderr); assert 0\n"
    "def test_isatty(): assert not sys.stdout.isatty() and not sys.stdin.isatty()\n",
    "subprocesses": (
        "import subprocess, sys\n"
        "def test_a(): assert subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True).stdout == b'1\\n'\n"
        "def test_b(): subprocess.run(['false'], check=True)\n"
        "def test_import(): subprocess.run([sys.executable, '-c', 'import fixer_probe'], check=True)\n"
    ),
    "threads": "import threading\ndef test_a():\n    got = []\n    t = threading.Thread(target=got.append, args=(1,)); t.start(); t.join()\n"
    "    assert got == [1]\ndef test_b(): assert threading.active_count() == 2\n"
    "def test_c():\n    threading.Thread(target=threading.Event().wait, daemon=True).start()\n",
    "thread pools": "from concurrent.futures import ThreadPoolExecutor\n"
    "def test_a():\n    with ThreadPoolExecutor(3) as pool: assert list(pool.map(abs, [-1, 2])) == [1, 2]\n"
    "def test_b():\n    with ThreadPoolExecutor(3) as pool: list(pool.map(int, ['x']))\n",
    "process pools": "import multiprocessing as mp\n"
    "def test_fork():\n    with mp.get_context('fork').Pool(1) as pool: assert pool.map(abs, [-1]) == [1]\n"
    "def test_spawn():\n    with mp.get_context('spawn').Pool(1) as pool: assert pool.map(abs, [-1]) == [2]\n",
    "signals": "import os, signal\ndef test_a():\n    got = []\n    signal.signal(signal.SIGUSR1, lambda *_: got.append(1))\n"
    "    os.kill(os.getpid(), signal.SIGUSR1); assert got == [1]\n"
    "def test_default(): assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
    "def test_int(): assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    "def test_alarm():\n    signal.signal(signal.SIGALRM, lambda *_: 1 / 0); signal.setitimer(signal.ITIMER_REAL, 0.01)\n"
    "    import time; time.sleep(1)\n",
    "os._exit": "import os\ndef test_exit(): os._exit(0)\ndef test_after(): pass\n",
    "killed": "import os, signal\ndef test_abort(): os.abort()\ndef test_term(): os.kill(os.getpid(), signal.SIGTERM)\ndef test_after(): assert 0\n",
    "segfault": "import ctypes\ndef test_segv(): ctypes.string_at(0)\ndef test_after(): pass\n",
    "much memory": "def test_two_gigabytes():\n    b = bytes(2 << 30); assert len(b) == 1\n",
    "module state": "seen = []\ndef test_a(): seen.append(1); assert seen == [1]\ndef test_b(): seen.append(1); assert seen == [1]\n",
    "skips and xfails": (
        "import pytest\n@pytest.mark.skip(reason='no')\ndef test_skip(): pass\n"
        "@pytest.mark.skipif(True, reason='yes')\ndef test_skipif(): pass\n@pytest.mark.xfail\ndef test_xfail(): assert 0\n"
        "@pytest.mark.xfail\ndef test_xpass(): pass\n@pytest.mark.xfail(strict=True)\ndef test_strict(): pass\n"
        "@pytest.mark.xfail(raises=KeyError)\ndef test_other(): raise ValueError\n"
        "@pytest.mark.xfail(run=False)\ndef test_not_run(): assert 0\n"
        "def test_inside(): pytest.skip('now')\ndef test_importorskip(): pytest.importorskip('no_such_thing')\n"
        "def test_fail(): pytest.fail('on purpose')\n"
    ),
    "setup and teardown errors": (
        "import pytest\n@pytest.fixture\ndef before(): raise KeyError('b')\n@pytest.fixture\ndef after():\n    yield\n    raise OSError('a')\n"
        "@pytest.fixture\ndef both(after): raise ValueError\n@pytest.fixture\ndef twice():\n    yield 1\n    yield 2\n"
        "def test_a(before): pass\ndef test_b(after): pass\ndef test_c(after): assert 0\ndef test_d(both): pass\ndef test_e(twice): pass\n"
        "def test_unknown(no_such_fixture): pass\n"
    ),
    "xunit setup": "import pytest\nlog = []\ndef setup_module(): log.append('m')\ndef setup_function(): log.append('f')\n"
    "def teardown_function(): log.pop()\ndef test_a(): assert log == ['m', 'f']\ndef test_b(): assert log == []\n",
    "usefixtures and autouse": (
        "import pytest\nlog = []\n@pytest.fixture(autouse=True)\ndef auto(): log.append(1); yield; log.pop()\n"
        "@pytest.fixture\ndef used(): log.append(2); yield; log.pop()\n"
        "def test_a(): assert log == [1]\n@pytest.mark.usefixtures('used')\ndef test_b(): assert log == [1]\n"
    ),
    "getfixturevalue": "import pytest\n@pytest.fixture\ndef one(): return 1\n"
    "def test_a(request): assert request.getfixturevalue('one') == 1\ndef test_b(request): request.getfixturevalue('two')\n",
    "fixture overrides": "import pytest\n@pytest.fixture\ndef n(): return 1\n"
    "class TestA:\n    @pytest.fixture\n    def n(self, n): return n + 1\n    def test_n(self, n): assert n == 2\ndef test_n(n): assert n == 2\n",
    "parametrised fixtures": "import pytest\n@pytest.fixture(params=['a', 'b'], scope='module')\ndef p(request): return request.param\n"
    "def test_a(p): assert p == 'a'\n@pytest.mark.parametrize('p', [3], indirect=True)\ndef test_i(p): assert p == 4\n",
    "warnings": "import warnings, pytest\ndef test_a(): warnings.warn('x')\n@pytest.mark.filterwarnings('error')\ndef test_b(): warnings.warn('x')\n"
    "def test_c():\n    with pytest.warns(DeprecationWarning): warnings.warn('x')\n",
    "raises": "import pytest\ndef test_a():\n    with pytest.raises(ValueError, match='x'): int('x')\ndef test_b():\n    with pytest.raises(KeyError): pass\n"
    "def test_c():\n    with pytest.raises(KeyError): int('x')\n",
    "chained and odd exceptions": (
        "class Odd(Exception):\n    def __str__(self): raise RuntimeError\ndef test_a():\n    try: 1 / 0\n    except ZeroDivisionError as e: raise ValueError from e\n"
        "def test_b(): raise Odd\nclass Base(BaseException): pass\ndef test_c(): raise Base\n"
    ),
    "a test that exits": "import sys\ndef test_a(): sys.exit(0)\ndef test_b(): sys.exit('text')\ndef test_c(): raise SystemExit\n",
    "interrupted": "def test_a(): pass\ndef test_b(): raise KeyboardInterrupt\ndef test_c(): pass\n",
    "pytest.exit": "import pytest\ndef test_a(): pytest.exit('enough')\ndef test_b(): pass\n",
    "deep recursion": "def f(n): return f(n + 1)\ndef test_a(): f(0)\n",
    "forks and returns": "import os\ndef test_a():\n    if os.fork() == 0: return\n    os.wait()\ndef test_b(): assert 0\n",
    "leaves processes": "import subprocess\ndef test_a(): subprocess.Popen(['sleep', '60'])\n"
    "def test_b(): subprocess.Popen(['sleep', '60'], start_new_session=True); assert 0\n",
    "closes descriptors": "import os\ndef test_a(): os.close(1)\ndef test_b(): os.closerange(3, 200)\ndef test_c(): assert 0\n",
    "argv and main": "import sys, os\ndef test_argv(): assert 'pytest' in sys.argv[0]\n"
    "def test_main(): assert sys.modules['__main__'].__spec__.name == 'pytest.__main__'\n"
    "def test_path(): assert sys.path[0] == os.getcwd()\ndef test_env(): assert not [n for n in os.environ if 'FIXER' in n or 'THREADS' in n]\n"
    "def test_flags(): assert sys.flags.dont_write_bytecode == 0 and not sys.dont_write_bytecode\n",
    "inspection": "import inspect, linecache, traceback\ndef f(): return 41\n"
    "def test_source(): assert '41' in inspect.getsource(f)\ndef test_line(): assert 'import inspect' in linecache.getline(__file__, 1)\n"
    "def test_trace():\n    try: 1 / 0\n    except ZeroDivisionError: assert '1 / 0' in traceback.format_exc()\n",
    "random": "import random, uuid, os\ndef test_a(): assert random.random() < 0\ndef test_b(): assert len({uuid.uuid4() for _ in range(9)}) == 9\n",
    "time and locale": "import time, locale\ndef test_a(): assert time.tzname\ndef test_b(): assert locale.getlocale()[0] == 'xx'\n",
    "weak references": "import gc, weakref\nclass A: pass\ndef test_a():\n    a = A(); a.a = a; r = weakref.ref(a); del a; gc.collect(); assert r() is None\n",
    "sockets": "import socket\ndef test_a():\n    a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'\n"
    "def test_b(): socket.create_connection(('127.0.0.1', 1), 0.1)\n",
    "databases": "import sqlite3\ndb = sqlite3.connect(':memory:')\ndef test_a(): db.execute('create table t (a)')\ndef test_b(): db.execute('select * from nowhere')\n",
    "atexit": "import atexit, tempfile, shutil\nd = tempfile.mkdtemp()\natexit.register(shutil.rmtree, d)\ndef test_a(): assert d == 1\n",
    "a syntax error": "def test_a(:\n",
    "an import error": "import no_such_module\ndef test_a(): pass\n",
    "raises at import": "raise KeyError('x')\n",
    "exits at import": "import sys\nsys.exit(3)\n",
    "skips at import": "import pytest\npytest.skip('all', allow_module_level=True)\n",
    "dataclasses and enums": "from dataclasses import dataclass\nfrom enum import Enum\nclass C(Enum): R = 1\n"
    "@dataclass\nclass D:\n    a: int\ndef test_a(): assert D(1) == D(2)\ndef test_b(): assert C.R.value == 1\n",
    "metaclass and generics": "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass M(type): pass\nclass A(Generic[T], metaclass=M): pass\n"
    "def test_a(): assert type(A) is M\ndef test_b(): assert A[int] == A[str]\n",
    "record_property": "def test_a(record_property): record_property('a', 1); assert 0\ndef test_b(cache): cache.set('a/b', 1); assert cache.get('a/b', 0) == 1\n"
    "def test_c(cache): assert cache.get('a/c', None) == 1\ndef test_d(pytestconfig): assert pytestconfig.rootpath\n",
    "binary output": "import sys, os\ndef test_a(): os.write(1, bytes(range(256))); assert 0\ndef test_b(): print('\\udcff'.encode('utf-8', 'surrogateescape')); assert '\\ud800'\n",
    "replaces hooks": "import sys, builtins\ndef test_a(): sys.excepthook = sys.displayhook = None; assert 0\n"
    "def test_b(): builtins.open = None\ndef test_c(): sys.stdout = None\ndef test_d(): assert 0\n",
    "changes directory": "import os\ndef test_a(): os.chdir('/')\ndef test_b(): assert os.getcwd() == '/'\ndef test_c(): assert 0\n",
    "property tests of recursion": "import sys\ndef test_a(): sys.setrecursionlimit(500); assert 0\ndef test_b(): assert sys.getrecursionlimit() == 500\n",
}

_CONFTESTS: dict[str, str] = {
    "exits": "import sys\nsys.exit(4)\n",
    "leaves at once": "import os\nos._exit(0)\n",
    "raises": "1 / 0\n",
    "is no Python": "def (\n",
    "prints binary": "import os, sys\nos.write(1, bytes(range(256)))\nsys.stdout.buffer.write(b'\\xff')\n",
    "changes directory": "import os, tempfile\nos.chdir(tempfile.gettempdir())\n",
    "closes stdout": "import sys\nsys.stdout.close()\n",
    "closes the descriptors": "import os\nos.closerange(0, 3)\n",
    "replaces excepthook": "import sys\nsys.excepthook = lambda *_: None\n",
    "installs signal handlers": "import signal\nfor n in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGUSR1):\n    signal.signal(n, signal.SIG_IGN)\n",
    "starts a thread": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n",
    "starts a process": "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\ndef pytest_unconfigure(): child.kill()\n",
    "holds a connection": "import socket\na, b = socket.socketpair()\n",
    "imports the project": "import calc\nSTATE = calc.add(1, 1)\n",
    "adds a path": "import sys, os\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))\n",
    "has hooks": "def pytest_collection_modifyitems(items): items.reverse()\ndef pytest_runtest_setup(item): item.extra = 1\n"
    "def pytest_generate_tests(metafunc):\n    if 'n' in metafunc.fixturenames: metafunc.parametrize('n', [1, 2])\n",
    "sets the environment": "import os\nos.environ['ZZ'] = '1'\ndel os.environ['PATH']\n",
    "seeds and logs": "import logging, random\nlogging.basicConfig(level=10)\nrandom.seed(1)\n",
    "reads a file": "import pathlib\nDATA = (pathlib.Path(__file__).parent / 'data.txt').read_text()\n",
    "ignores files": "collect_ignore = ['test_no.py']\n",
    "forks": "import os\npid = os.fork()\nif not pid: os._exit(0)\nos.waitpid(pid, 0)\n",
    "sets a trace": "import sys\nsys.setprofile(lambda *a: None)\n",
    "has a session fixture": "import pytest\n@pytest.fixture(scope='session', autouse=True)\ndef s(tmp_path_factory): yield tmp_path_factory.mktemp('s')\n",
    "forbids threads to be left": "def pytest_sessionfinish(session): session.exitstatus = 0\ndef pytest_sessionstart(session): session.mine = 1\n",
}
_CALC = "def add(a, b):\n    return a - b\n"
_TEST_CALC = "import calc\n\ndef test_add():\n    assert calc.add(1, 2) == 3\n\ndef test_zero():\n    assert calc.add(1, 0) == 1\n"


def _conftest(name: str, text: str) -> Project:
    more = {"data.txt": "x", "test_no.py": "assert 0\n"}
    return Project(f"conftest {name}", {"conftest.py": text, "calc.py": _CALC, "test_calc.py": _TEST_CALC, **more})


_LAYOUTS = [
    Project(
        "src layout",
        {
            "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['src']\n",
            "src/pack/__init__.py": "from .calc import add\n",
            "src/pack/calc.py": _CALC,
            "tests/test_calc.py": _TEST_CALC.replace("import calc", "import pack as calc"),
        },
    ),
    Project(
        "namespace package",
        {
            "pytest.ini": "[pytest]\npythonpath = .\n",
            "space/one/calc.py": _CALC,
            "tests/test_calc.py": _TEST_CALC.replace("import calc", "from space.one import calc"),
        },
    ),
    Project(
        "importlib mode",
        {
            "pytest.ini": "[pytest]\naddopts = --import-mode=importlib\n",
            "a/test_same.py": _RED,
            "b/test_same.py": _RED.replace("3]", "2]"),
        },
    ),
    Project("same names", {"a/test_same.py": _RED, "b/test_same.py": _RED}),
    Project("packages of tests", {"a/__init__.py": "", "a/test_same.py": _RED, "b/__init__.py": "", "b/test_same.py": _RED}),
    Project(
        "conftests at several levels",
        {
            "conftest.py": "import pytest\n@pytest.fixture\ndef n(): return 1\n",
            "a/conftest.py": "import pytest\n@pytest.fixture\ndef n(n): return n + 1\n",
            "a/b/conftest.py": "import pytest\n@pytest.fixture\ndef n(n): return n * 10\n",
            "test_n.py": "def test_n(n): assert n == 2\n",
            "a/test_na.py": "def test_n(n): assert n == 2\n",
            "a/b/test_nb.py": "def test_n(n): assert n == 2\n",
        },
    ),
    Project(
        "a conftest below that fails",
        {"a/conftest.py": "1 / 0\n", "a/test_a.py": _RED, "test_b.py": _RED},
    ),
    Project(
        "a plugin of its own",
        {
            "pytest.ini": "[pytest]\naddopts = -p plug\npythonpath = .\n",
            "plug.py": "import pytest\n@pytest.fixture\ndef plugged(): return 5\n",
            "test_it.py": "def test_p(plugged): assert plugged == 6\ndef test_q(plugged): assert plugged == 5\n",
        },
        ("-p", "plug"),
    ),
    Project(
        "pytest_plugins",
        {
            "conftest.py": "pytest_plugins = ['plug']\n",
            "plug.py": "import pytest\n@pytest.fixture\ndef plugged():\n    assert 5 == 6\n",
            "test_it.py": "def test_p(plugged): pass\n" + _RED,
        },
    ),
    Project(
        "an entry point",
        {
            "plug-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: plug\nVersion: 1\n",
            "plug-1.dist-info/entry_points.txt": "[pytest11]\nplug = plug\n",
            "plug.py": "import pytest\n@pytest.fixture\ndef plugged(): return 5\n",
            "test_it.py": "def test_p(plugged): assert plugged == 6\n" + _RED,
        },
        with_plugins=True,
    ),
    Project(
        "doctests",
        {
            "pytest.ini": "[pytest]\naddopts = --doctest-modules\n",
            "calc.py": 'def add(a, b):\n    """\n    >>> add(1, 2)\n    3\n    """\n    return a - b\n',
            "test_it.py": _RED,
        },
    ),
    Project("warnings as errors", {"pytest.ini": "[pytest]\nfilterwarnings = error\n", "test_it.py": "import warnings\ndef test_w(): warnings.warn('x')\n" + _RED}),
    Project("strict", {"pytest.ini": "[pytest]\naddopts = --strict-markers --strict-config\nmarkers = one\n", "test_it.py": "import pytest\n@pytest.mark.one\ndef test_m(): assert 0\n"}),
    Project("an unknown marker", {"pytest.ini": "[pytest]\naddopts = --strict-markers\n", "test_it.py": "import pytest\n@pytest.mark.one\ndef test_m(): assert 0\n", "test_b.py": _RED}),
    Project("xdist", {"pytest.ini": "[pytest]\naddopts = -n 2\n", "test_it.py": _RED}, requires="xdist", with_plugins=True),
    Project("no capture", {"test_it.py": "def test_p(): print('x'); assert 0\n" + _RED}, ("-s",)),
    Project("plain assertions", {"test_it.py": _RED}, ("--assert=plain",)),
    Project("stop at the first", {"pytest.ini": "[pytest]\naddopts = -x --lf --maxfail=1\n", "test_it.py": _RED + "def test_c(): assert 0\n"}),
    Project("log level and file", {"pytest.ini": "[pytest]\nlog_level = INFO\nlog_file = log.txt\nlog_cli = true\n", "test_it.py": "import logging\ndef test_l(caplog): logging.info('x'); assert not caplog.messages\n"}),
    Project("a data file", {"data.txt": "1", "calc.py": "import pathlib\nN = int((pathlib.Path(__file__).parent / 'data.txt').read_text())\n", "test_it.py": "import calc\ndef test_n(): assert calc.N == 2\n"}),
    Project("resources", {"pack/__init__.py": "", "pack/data.txt": "1", "test_it.py": "import pkgutil\ndef test_r(): assert pkgutil.get_data('pack', 'data.txt') == b'2'\n"}),
    Project("singletons", {"calc.py": "class One:\n    it = None\n    def __new__(cls):\n        cls.it = cls.it or object.__new__(cls)\n        return cls.it\n", "test_it.py": "from calc import One\ndef test_same(): assert One() is One()\ndef test_other(): assert One() is not One()\n"}),
    Project("a broken candidate", {"calc.py": "def add(a, b:\n", "test_calc.py": _TEST_CALC, "test_it.py": _RED}),
    Project("a candidate that exits", {"calc.py": "import sys\nsys.exit(1)\n", "test_calc.py": _TEST_CALC, "test_it.py": _RED}),
    Project("a candidate that interrupts", {"calc.py": "def add(a, b):\n    raise KeyboardInterrupt\n", "test_calc.py": _TEST_CALC, "test_it.py": _RED}),
    Project("a candidate that recurses", {"calc.py": "def add(a, b):\n    return add(a, b)\n", "test_calc.py": _TEST_CALC, "test_it.py": _RED}),
    Project("an endless loop", {"test_it.py": "def test_loop():\n    while True: pass\n" + _RED}),
    Project("a loop that swallows", {"test_it.py": "def test_loop():\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass\n" + _RED}),
    Project("reprs that fail", {"test_it.py": "class A:\n    def __repr__(self): raise ValueError\n    def __eq__(self, o): raise KeyError\ndef test_r(): assert A() is None\ndef test_e(): assert A() == 1\n"}),
]  # fmt: skip
_SCOPES = {"function": (2, 3, 4), "class": (2, 3, 3), "module": (1, 1, 1), "package": (1, 1, 1), "session": (1, 1, 1)}

_DISTURBING = frozenset(
    {
        *(
            "os._exit",
            "killed",
            "segfault",
            "interrupted",
            "pytest.exit",
            "exits at import",
            "replaces hooks",
            "signals",
        ),
        *("changes directory", "closes descriptors", "forks and returns", "property tests of recursion", "threads"),
    }
)
"""What has to have a pytest of its own."""

PROJECTS: tuple[Project, ...] = (
    *(
        _one(f"{scope} fixtures", _FIXTURES.format(scope=scope, second=second, third=third, fourth=fourth) + _RED)
        for scope, (second, third, fourth) in _SCOPES.items()
    ),
    *(_one(name, text, alone=name in _DISTURBING) for name, text in _BODIES.items()),
    *(_conftest(name, text) for name, text in _CONFTESTS.items()),
    *_LAYOUTS,
)
"""Every one is red somewhere; what is said of its tests must not depend on how they are run."""


def together(projects: Iterable[Project]) -> list[Project]:
    """The same with as few runs of pytest: what does not disturb each other is made one project."""
    alone: list[Project] = []
    files: dict[str, str] = {}
    for project in projects:
        if project.alone:
            alone.append(project)
        else:
            files[f"test_{len(files):02}_{''.join(filter(str.isalnum, project.name))}.py"] = project.files["test_it.py"]
    return [Project("many", files, with_plugins=True), *alone] if files else alone
