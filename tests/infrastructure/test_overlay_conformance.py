"""Whatever looks at a source finds the candidate in its place, although it is not on disk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixer.infrastructure.candidate_checker import ForkChecker

pytestmark = pytest.mark.slow

OLD = "def value():\n    return 'old'\n\n\ndef fail():\n    assert value() == 'old one'\n"
NEW = OLD.replace("'old'", "'new'")
HEAD = "from pathlib import Path\nimport pack.mod as mod\nFILE = Path(mod.__file__)\n\n"
LOOKS = {
    "import": "    assert mod.value() == 'new'",
    "reload": "    import importlib\n    assert importlib.reload(mod).value() == 'new'",
    "relative import": "    from pack.user import value\n    assert value() == 'new'",
    "relative import of a parent": "    from pack.below.user import value\n    assert value() == 'new'",
    "namespace package": "    from space.inner.thing import value\n    assert value() == 'new'",
    "spec from file": (
        "    import importlib.util as u\n    spec = u.spec_from_file_location('other', FILE)\n"
        "    other = u.module_from_spec(spec); spec.loader.exec_module(other)\n    assert other.value() == 'new'"
    ),
    "inspect": "    import inspect\n    assert \"'new'\" in inspect.getsource(mod.value)",
    "inspect a module": "    import inspect\n    assert \"'new'\" in inspect.getsource(mod)",
    "linecache": "    import linecache\n    assert \"'new'\" in linecache.getline(str(FILE), 2)",
    "linecache after checkcache": (
        "    import linecache\n    linecache.checkcache()\n    assert \"'new'\" in linecache.getline(str(FILE), 2)"
    ),
    "traceback": (
        "    import traceback\n    try: mod.fail()\n"
        "    except AssertionError: assert \"assert value() == 'old one'\" in traceback.format_exc()"
    ),
    "run_module": "    import runpy\n    assert runpy.run_module('pack.mod')['value']() == 'new'",
    "run_path": "    import runpy\n    assert runpy.run_path(str(FILE))['value']() == 'new'",
    "get_data": "    import pkgutil\n    assert b\"'new'\" in pkgutil.get_data('pack', 'mod.py')",
    "resources": (
        "    from importlib import resources\n"
        "    assert \"'new'\" in resources.files('pack').joinpath('mod.py').read_text()"
    ),
    "read by path": "    assert \"'new'\" in FILE.read_text()",
    "opened": "    with open(FILE) as file: assert \"'new'\" in file.read()",
    "opened as bytes": "    with open(str(FILE), 'rb') as file: assert b\"'new'\" in file.read()",
    "exec": "    names = {}; exec(open(FILE).read(), names)\n    assert names['value']() == 'new'",
    "forked": (
        "    import multiprocessing as mp\n"
        "    with mp.get_context('fork').Pool(1) as pool: assert pool.apply(mod.value) == 'new'"
    ),
    "subprocess": (
        "    import subprocess, sys\n    code = 'import pack.mod; print(pack.mod.value())'\n"
        "    assert b'new' in subprocess.run([sys.executable, '-c', code], stdout=-1, cwd=FILE.parents[1]).stdout"
    ),
    "spawn": (
        "    import multiprocessing as mp\n"
        "    with mp.get_context('spawn').Pool(1) as pool: assert pool.apply(mod.value) == 'new'"
    ),
}


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkChecker]:
    top = tmp_path_factory.mktemp("overlay")
    files = {
        "pack/__init__.py": "",
        "pack/mod.py": OLD,
        "pack/user.py": "from .mod import value\n",
        "pack/below/__init__.py": "",
        "pack/below/user.py": "from ..mod import value\n",
        "space/inner/thing.py": "def value():\n    return 'old'\n",
        "conftest.py": "import pack\n",
        "pytest.ini": "[pytest]\npythonpath = .\n",
        "test_it.py": HEAD + "\n\n".join(f"def test_{_name(name)}():\n{body}" for name, body in LOOKS.items()) + "\n",
    }
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    with ForkChecker(python=Path(sys.executable), project=top, rootdir=lambda: top, test_timeout=20) as made:
        yield made


def _can_mount() -> bool:
    asked = (["unshare", "--mount", "true"], ["unshare", "--user", "--mount", "true"])
    try:
        return any(subprocess.run(argv, capture_output=True).returncode == 0 for argv in asked)
    except FileNotFoundError:
        return False


def _name(name: str) -> str:
    return name.replace(" ", "_")


@pytest.mark.parametrize("name", LOOKS)
def test_every_look_finds_the_candidate(checker: ForkChecker, name: str) -> None:
    if name in ("subprocess", "spawn") and not _can_mount():
        pytest.skip("this machine lets nobody mount anything")
    top, nodeid = checker._project, f"test_it.py::test_{_name(name)}"
    good = {
        top / "pack/mod.py": NEW,
        top / "space/inner/thing.py": "def value():\n    return 'new'\n",
    }
    bad = {top / "pack/mod.py": OLD.replace("'old'", "'odd'")}
    found = {len(overlay): bool(run.of(nodeid)) for overlay, run in checker.check([good, bad], [nodeid])}
    assert found[2]
    if name not in ("traceback", "namespace package"):
        assert not found[1]
    assert (top / "pack/mod.py").read_text() == OLD
