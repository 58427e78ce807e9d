"""What the machine lacks is recognised with its cure, and what a change of the code may mend is not taken for it."""

from __future__ import annotations

import pytest

from fixer.domain.environment import Surroundings, environment_fault, meets
from fixer.domain.models import ErrorDetails

AROUND = Surroundings(
    install=".venv/bin/python -m pip install",
    version=(3, 9, 4),
    requires_python=">=3.8",
    own_modules=frozenset({"shop", "calc"}),
    declared=frozenset({"numpy", "shops-client", "anyio"}),
    read_source=lambda path: {"/p/new.py": "match x:\n    case 1: pass\n", "/p/bad.py": "def (:\n"}.get(path, ""),
)
SUBPROCESS = "/usr/lib/python3.11/subprocess.py:1950: FileNotFoundError"
IN_3_10 = 'E     File "/p/new.py", line 1\nE       match x:'


def importing(name: str) -> str:
    return f"tests/test_a.py:1: in <module>\n>   import {name}\nE   ModuleNotFoundError: No module named '{name}'"


def fixture(name: str, *available: str) -> str:
    listed = ", ".join(["cache", *available])
    return f"E       fixture '{name}' not found\n>       available fixtures: {listed}\n>       use 'pytest --fixtures'"


@pytest.mark.parametrize(
    ("error_type", "message", "trace", "told", "cure"),
    [
        (
            "ModuleNotFoundError",
            "No module named 'numpy'",
            "in a lazy import",
            "the module numpy is not installed (numpy, which the project declares)",
            ".venv/bin/python -m pip install numpy",
        ),
        (
            "ModuleNotFoundError",
            "No module named 'yaml'",
            importing("yaml"),
            "the module yaml is not installed (PyYAML, which the project declares nowhere: check the name)",
            ".venv/bin/python -m pip install PyYAML",
        ),
        (
            "ModuleNotFoundError",
            "No module named 'pandas.io'; 'pandas' is not a package",
            importing("pandas.io"),
            "the module pandas is not installed (pandas, which the project declares nowhere: check the name)",
            ".venv/bin/python -m pip install pandas",
        ),
        (
            "ModuleNotFoundError",
            "No module named 'httpx'",
            importing("httpx"),
            "the module httpx is not installed (httpx, which the project declares nowhere: check the name)",
            ".venv/bin/python -m pip install httpx",
        ),
        (
            "ImportError",
            "Missing optional dependency 'openpyxl'.  Use pip or conda to install openpyxl.",
            "",
            "the module openpyxl is not installed (openpyxl, which the project declares nowhere: check the name)",
            ".venv/bin/python -m pip install openpyxl",
        ),
        (
            "ModuleNotFoundError",
            "No module named 'tomllib'",
            importing("tomllib"),
            "the module tomllib came with Python 3.11, the tests run with 3.9",
            "fixer run --python PATH_TO_A_NEWER_PYTHON",
        ),
        (
            "FixtureLookupError",
            "('mocker', <FixtureRequest>)",
            fixture("mocker"),
            "the fixture mocker is not there; it most likely comes from pytest-mock",
            ".venv/bin/python -m pip install pytest-mock",
        ),
        (
            "FixtureLookupError",
            "('db', <FixtureRequest>)",
            fixture("db"),
            "the fixture db is not there; it most likely comes from pytest-django",
            ".venv/bin/python -m pip install pytest-django",
        ),
        (
            "Failed",
            "async def functions are not natively supported.\nYou need to install a suitable plugin",
            "",
            "the test is an async function, and no plugin is there to run it",
            ".venv/bin/python -m pip install anyio",
        ),
        (
            "FileNotFoundError",
            "[Errno 2] No such file or directory: 'pg_dump'",
            SUBPROCESS,
            "the program pg_dump is not on PATH",
            "Install pg_dump, then see: command -v pg_dump",
        ),
        (
            "ConnectionRefusedError",
            "[Errno 111] Connect call failed ('127.0.0.1', 6379)",
            "",
            "a server refused the connection (127.0.0.1', 6379)",
            "Start the server, or check the network; then run again.",
        ),
        (
            "OperationalError",
            'connection to server at "localhost" (::1), port 5432 failed: Connection refused',
            "",
            "a server refused the connection (localhost)",
            "Start the server, or check the network; then run again.",
        ),
        (
            "gaierror",
            "[Errno -3] Temporary failure in name resolution",
            "",
            "a server's name could not be resolved",
            "Start the server, or check the network; then run again.",
        ),
        (
            "OSError",
            "[Errno 101] Network is unreachable",
            "",
            "the network cannot be reached",
            "Start the server, or check the network; then run again.",
        ),
        (
            "PermissionError",
            "[Errno 13] Permission denied: '/etc/shop.conf'",
            "",
            "this account may not use /etc/shop.conf",
            "See who may: ls -ld /etc/shop.conf",
        ),
        (
            "SyntaxError",
            "invalid syntax (new.py, line 1)",
            IN_3_10,
            "/p/new.py is written for a Python newer than 3.9",
            "fixer run --python PATH_TO_A_NEWER_PYTHON",
        ),
    ],
)
def test_what_is_missing_is_named_with_its_cure(
    error_type: str, message: str, trace: str, told: str, cure: str
) -> None:
    found = environment_fault(ErrorDetails(error_type, message, trace), AROUND)
    assert found is not None
    assert (found.kind, found.message, found.cure) == ("environment", told, cure)


@pytest.mark.parametrize(
    ("error_type", "message", "trace"),
    [
        ("ModuleNotFoundError", "No module named 'shop.labls'", importing("shop.labls")),
        ("ModuleNotFoundError", "No module named 'clac'", importing("clac")),
        ("ModuleNotFoundError", "No module named 'jsn'", importing("jsn")),
        ("ModuleNotFoundError", "No module named 'distutils'", importing("distutils")),
        ("ModuleNotFoundError", "No module named 'plugin_x'", ">   importlib.import_module(name)"),
        ("ImportError", "cannot import name 'totals' from 'shop'", ""),
        ("AssertionError", "assert 'Connection refused' == 'ok'", ""),
        ("ValueError", "Connection refused", ""),
        ("ConnectionError", "the session is closed", ""),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'labels'", "open(name)"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'data/in.csv'", SUBPROCESS),
        ("PermissionError", "[Errno 13] Permission denied: '/home/me/project/out.txt'", ""),
        ("PermissionError", "[Errno 13] Permission denied: '/var/tmp/out.txt'", ""),
        ("SyntaxError", "invalid syntax (bad.py, line 1)", 'E     File "/p/bad.py", line 1'),
        ("SyntaxError", "invalid syntax (gone.py, line 1)", 'E     File "/p/gone.py", line 1'),
        ("NameError", "name 'numpy' is not defined", "import numpy"),
    ],
)
def test_what_the_code_may_be_to_blame_for_is_not_the_machines_fault(error_type: str, message: str, trace: str) -> None:
    assert environment_fault(ErrorDetails(error_type, message, trace), AROUND) is None


@pytest.mark.parametrize(
    ("name", "available", "told"),
    [
        ("clinet", ["client"], "the test asks for a fixture clinet that nothing defines; did it mean client?"),
        ("mockr", ["mocker"], "the test asks for a fixture mockr that nothing defines; did it mean mocker?"),
        ("whatever", [], "the test asks for a fixture whatever that nothing defines"),
    ],
)
def test_a_fixture_that_nobody_offers_is_the_tests_fault(name: str, available: list[str], told: str) -> None:
    found = environment_fault(ErrorDetails("FixtureLookupError", "", fixture(name, *available)), AROUND)
    assert found is not None
    assert (found.kind, found.message) == ("test at fault", told)


@pytest.mark.parametrize("error_type", ["SyntaxError", "AttributeError", "TypeError", "ImportError"])
def test_a_python_that_the_project_does_not_support_is_to_blame(error_type: str) -> None:
    around = Surroundings(version=(3, 8, 0), requires_python=">=3.10,<4")
    found = environment_fault(ErrorDetails(error_type, "whatever"), around)
    assert found is not None
    assert found.message == "the project needs Python >=3.10,<4, its tests run with 3.8"
    assert environment_fault(ErrorDetails("AssertionError", "assert 1 == 2"), around) is None


@pytest.mark.parametrize(
    ("demand", "is_met"),
    [
        ("", True),
        (">=3.8", True),
        (">=3.10", False),
        (">=3.10,<4", False),
        ("<3.9", False),
        (">3.9", False),
        ("<=3.9", True),
        ("~=3.8", True),
        ("~=3.10", False),
        ("==3.9.*", True),
        ("==3.8.*", False),
        ("!=3.9.*", False),
        (">= 3.9.1", True),
        ("<3.9.5", True),
        ("nonsense", True),
    ],
)
def test_requires_python(demand: str, is_met: bool) -> None:
    assert meets((3, 9, 4), demand) is is_met
