"""What a project says of itself is found wherever projects say it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from environments import environment
from runners import runner

from fixer.domain.environment import Surroundings
from fixer.domain.models import ErrorDetails, TestError
from fixer.infrastructure.interpreter import Interpreter
from fixer.infrastructure.pytest_runner import PytestRunner
from fixer.infrastructure.surroundings import EnvironmentLook


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def look(project: Path, python: Path = Path("/v/bin/python"), version: str = "3.11.7") -> EnvironmentLook:
    return EnvironmentLook(project, project, Interpreter(python, "asked for", version, "8.0.0"))


def around(project: Path) -> Surroundings:
    return look(project).surroundings


def write(project: Path, *names: str) -> None:
    for name in names:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")


def test_own_modules_are_those_that_lie_in_no_package(project: Path) -> None:
    write(project, "src/shop/__init__.py", "src/shop/cart.py", "src/shop/api/v1.py", "single.py", "space/inner/a.py")
    write(project, ".venv/numpy/__init__.py", "env/pyvenv.cfg", "env/lib/pandas.py", "node_modules/x/y.py")
    own = around(project).own_modules
    assert {"shop", "single", "space", "inner", "a"} <= own
    assert not {"cart", "numpy", "pandas", "y", "lib"} & own


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", "[project]\ndependencies = ['Some_Thing>=2; python_version > \"3\"']"),
        ("pyproject.toml", "[project.optional-dependencies]\ntest = ['some.thing[extra]~=1.0']"),
        ("pyproject.toml", "[dependency-groups]\ndev = [{include-group = 'x'}, 'some-thing']"),
        ("pyproject.toml", "[tool.poetry.dependencies]\npython = '^3.9'\nsome-thing = '*'"),
        ("pyproject.toml", "[tool.poetry.group.dev.dependencies]\nsome-thing = '*'"),
        ("setup.cfg", "[options]\ninstall_requires =\n    other\n    some-thing>1"),
        ("setup.cfg", "[options.extras_require]\ntest =\n    some_thing"),
        ("requirements-dev.txt", "# tools\n-r requirements.txt\nsome_thing==1.0  # why\n"),
        ("requirements/test.txt", "some-thing\n"),
    ],
)
def test_what_the_project_needs_is_read_from_wherever_it_stands(project: Path, file: str, text: str) -> None:
    (project / "requirements").mkdir()
    (project / file).write_text(text)
    assert "some-thing" in around(project).declared


@pytest.mark.parametrize(
    ("file", "text", "demand"),
    [
        ("pyproject.toml", "[project]\nrequires-python = '>=3.9'", ">=3.9"),
        ("pyproject.toml", "[tool.poetry.dependencies]\npython = '^3.9'", ">=3.9"),
        ("setup.cfg", "[options]\npython_requires = >=3.8", ">=3.8"),
        ("pyproject.toml", "not toml", ""),
        ("setup.cfg", "not a section", ""),
        ("pyproject.toml", "project = 'a text'\n[tool]\npoetry = 3", ""),
    ],
)
def test_the_python_that_the_project_demands(project: Path, file: str, text: str, demand: str) -> None:
    (project / file).write_text(text)
    found = around(project)
    assert (found.requires_python, found.version) == (demand, (3, 11, 7))


def test_the_cure_fits_the_environment(project: Path) -> None:
    error = TestError(
        Path("t.py"), "", ErrorDetails("ModuleNotFoundError", "No module named 'nobodys'", "import nobodys")
    )
    found = look(project)(error)
    assert found is not None
    assert found.cure == "/v/bin/python -m pip install nobodys"
    (project / "v/bin").mkdir(parents=True)
    (project / "v/pyvenv.cfg").write_text("home = /usr\nuv = 0.5\n")
    found = look(project, project / "v/bin/python")(error)
    assert found is not None
    assert found.cure == f"uv pip install --python {project}/v/bin/python nobodys"


def test_a_project_without_anything_says_nothing(project: Path) -> None:
    found = around(project)
    assert (found.declared, found.requires_python, found.read_source("gone.py")) == (frozenset(), "", "")


def test_what_real_tests_report_is_recognised(project: Path) -> None:
    (project / "test_a.py").write_text(
        "import socket, subprocess, urllib.request\n\n\n"
        "def test_module():\n    import nobodys_package\n\n\n"
        "def test_typo():\n    import jsn\n\n\n"
        "def test_fixture(mocker): pass\n\n\n"
        "def test_program(): subprocess.run(['no-such-program'])\n\n\n"
        "def test_file(): open('no-such-file')\n\n\n"
        "def test_server(): urllib.request.urlopen('http://127.0.0.1:9')\n\n\n"
        "def test_async_server():\n    import asyncio\n    asyncio.run(asyncio.open_connection('127.0.0.1', 9))\n\n\n"
        "def test_name(): socket.getaddrinfo('no-such-host.invalid', 80)\n\n\n"
        "def test_bug(): assert 1 == 2\n"
    )
    (project / "test_b.py").write_text("import nobodys_package\n")
    run = runner(project, args=("-p", "no:pytest-mock")).discover()
    see = look(project, Path(sys.executable), ".".join(map(str, sys.version_info[:3])))
    found = {
        result.nodeid: see(TestError(Path("x.py"), "t", result.details)) for result in run.results if result.details
    }
    assert len(found) == 10
    assert {nodeid.partition("::test_")[2] for nodeid, fault in found.items() if not fault} == {"typo", "file", "bug"}
    assert {fault.kind for fault in found.values() if fault} == {"environment"}


@pytest.mark.slow
def test_source_for_a_newer_python_is_not_a_slip(project: Path) -> None:
    (project / "shop.py").write_text("def f(x):\n    match x:\n        case 1:\n            return 2\n")
    (project / "test_a.py").write_text("import shop\n")
    (project / "test_b.py").write_text("def f(:\n")
    python = environment("3.8", "pytest==6.2.5")
    run = PytestRunner(python, project, test_timeout=5).discover()
    see = look(project, python, "3.8.18")
    newer, slip = (run.of(f"test_{name}.py").details for name in "ab")
    assert newer is not None
    assert slip is not None
    found = see(TestError(Path("test_a.py"), "", newer))
    assert found is not None
    assert found.message == f"{project}/shop.py is written for a Python newer than 3.8"
    assert see(TestError(Path("test_b.py"), "", slip)) is None
