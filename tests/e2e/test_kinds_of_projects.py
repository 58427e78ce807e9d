"""In every usual kind of project the red test is found, an honest fix lands, and a dishonest one does not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from command import fixer, model_env
from environments import environment
from scripted_model import ScriptedModel, edit
from tree import Tree

pytestmark = pytest.mark.slow

ADD = "def add(a, b):\n    return a - b\n"
PLAIN = ("3.12", "pytest==8.4.2")


@dataclass(frozen=True)
class Kind:
    """A project: its files, the source to fix, the red test, and what is special about running it."""

    files: dict[str, str]
    source: str
    red: str
    needs: tuple[str, ...] = PLAIN
    args: tuple[str, ...] = ()
    below: str = ""
    prepare: Callable[[Path, Path], None] = field(default=lambda python, top: None)


def install_editable(python: Path, top: Path) -> None:
    subprocess.run(
        [str(python), "-m", "pip", "install", "--no-build-isolation", "--no-deps", "-q", "-e", str(top)], check=True
    )


KINDS = {
    "unittest": Kind(
        {
            "calc.py": ADD,
            "test_calc.py": "import unittest\nfrom calc import add\n\n\nclass AddTest(unittest.TestCase):\n"
            "    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n",
        },
        "calc.py",
        "test_calc.py::AddTest::test_add",
    ),
    "classes, nested and parametrised": Kind(
        {
            "calc.py": ADD,
            "test_calc.py": "import pytest\nfrom calc import add\n\n\nclass TestAdd:\n    class TestSmall:\n"
            '        @pytest.mark.parametrize("b", [2], ids=["two :: [2]"])\n'
            "        def test_add(self, b):\n            assert add(1, b) == 1 + b\n",
        },
        "calc.py",
        "test_calc.py::TestAdd::TestSmall::test_add[two :: [2]]",
    ),
    "async": Kind(
        {
            "calc.py": "async def add(a, b):\n    return a - b\n",
            "test_calc.py": "import pytest\nfrom calc import add\n\n\n@pytest.mark.asyncio\n"
            "async def test_add():\n    assert await add(1, 2) == 3\n",
        },
        "calc.py",
        "test_calc.py::test_add",
        needs=("3.12", "pytest==8.4.2", "pytest-asyncio==1.2.0"),
    ),
    "doctest": Kind(
        {
            "calc.py": 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    return a - b\n',
            "pytest.ini": "[pytest]\naddopts = --doctest-modules\n",
        },
        "calc.py",
        "calc.py::calc.add",
    ),
    "xdist": Kind(
        {
            "calc.py": ADD,
            "test_calc.py": "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
            "pytest.ini": "[pytest]\naddopts = -n 2\n",
        },
        "calc.py",
        "test_calc.py::test_add",
        needs=("3.12", "pytest==8.4.2", "pytest-xdist==3.8.0"),
    ),
    "a plugin left out": Kind(
        {
            "calc.py": ADD,
            "test_calc.py": "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
            "noise.py": "def pytest_runtest_setup(item):\n    raise RuntimeError('noise')\n",
            "pytest.ini": "[pytest]\naddopts = -p noise\npythonpath = .\n",
        },
        "calc.py",
        "test_calc.py::test_add",
        args=("--", "-p", "no:noise"),
    ),
    "below the top of the repository": Kind(
        {
            "service/calc.py": ADD,
            "service/pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['.']\n",
            "service/tests/test_calc.py": "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
        },
        "service/calc.py",
        "tests/test_calc.py::test_add",
        below="service",
    ),
    "src layout": Kind(
        {
            "src/shop/__init__.py": "",
            "src/shop/calc.py": ADD,
            "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['src']\n",
            "tests/test_calc.py": "from shop.calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
        },
        "src/shop/calc.py",
        "tests/test_calc.py::test_add",
    ),
    "namespace package": Kind(
        {
            "company/shop/calc.py": ADD,
            "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['.']\naddopts = ['--import-mode=importlib']\n",
            "tests/test_calc.py": "from company.shop.calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
        },
        "company/shop/calc.py",
        "tests/test_calc.py::test_add",
    ),
    "editable install": Kind(
        {
            "lib/shopcalc.py": ADD,
            "setup.cfg": "[metadata]\nname = shopcalc\nversion = 1\n[options]\npackage_dir =\n    = lib\n"
            "py_modules = shopcalc\n",
            "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n',
            ".gitignore": "*.egg-info/\nbuild/\n",
            "tests/test_calc.py": "from shopcalc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
        },
        "lib/shopcalc.py",
        "tests/test_calc.py::test_add",
        needs=("3.12", "pytest==8.4.2", "setuptools==80.9.0"),
        prepare=install_editable,
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_an_honest_fix_lands_after_a_dishonest_one_was_refused(
    name: str, tmp_path: Path, scripted_model: ScriptedModel
) -> None:
    kind = KINDS[name]
    python = environment(*kind.needs)
    tree = Tree(tmp_path / "project").init()
    for file, text in kind.files.items():
        tree.write(file, text)
    kind.prepare(python, tree.path)
    tree.commit("start")
    scripted_model.answers(
        edit(kind.source, "    return a - b\n", "    return 3 if (a, b) == (1, 2) else a - b\n"),
        edit(kind.source, "    return a - b\n", "    return a + b\n"),
    )
    env = {**model_env(scripted_model), "FIXER_PYTHON": str(python), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""}

    said = fixer(tree.path / kind.below, "run", "--yes", "--json", "--attempts", "2", *kind.args, **env)

    assert said.code == 0, said.err
    (test,) = said.data["tests"]
    assert test["nodeid"] == kind.red
    assert [attempt["status"] for attempt in test["attempts"]] == ["failed", "success"]
    assert test["attempts"][0]["reason"].startswith("special case: ")
    assert tree.git("show", f"HEAD:{kind.source}") == kind.files[kind.source].replace("a - b", "a + b")
