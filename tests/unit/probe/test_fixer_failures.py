"""pytest shows failures word for word as it does, and parses each file that they lead through once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import fixer

TESTS = """
import ast, atexit

def helper(value):
    # a comment
    assert (
        value
        == 1
    )

@(lambda f: f)
def test_one():
    helper(2)

class TestMore:
    def test_two(self):
        try:
            helper(3)
        finally:
            pass

    def test_three(self):
        for x in (1,):
            pass
        else:
            helper(4)
"""

COUNTING = """
import ast

parsed = []
plain = ast.parse

def counting(content, *args, **options):
    parsed.append(content)
    return plain(content, *args, **options)

ast.parse = counting

def pytest_runtest_logreport(report):
    if report.failed:
        print("failure", report.longreprtext, "end of failure")

def pytest_unconfigure():
    print("parsed", len(parsed))
"""


def test_failures_look_the_same_and_each_file_is_parsed_once(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "test_it.py").write_text(TESTS)
    (folder / "conftest.py").write_text(COUNTING)
    plain, with_probe = _run(folder), _run(folder, "-p", "fixer_probe")
    assert _failures(with_probe) == _failures(plain)
    assert _failures(plain).count("assert ") >= 3
    assert _parsed(with_probe) < _parsed(plain)


def _run(folder: Path, *plugins: str) -> str:
    probe = str(Path(fixer.__file__).parent / "probe")
    env = {"PYTHONPATH": probe, "FIXER_PROBE_OUT": str(folder.parent / "out")}
    argv = [sys.executable, "-m", "pytest", "-vv", "-s", "-p", "no:xdist", *plugins]
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False).stdout


def _failures(output: str) -> str:
    """What the reports hold; under the probe nothing of it is printed by pytest."""
    failures = re.findall(r"failure (.*?) end of failure", output, re.DOTALL)
    return re.sub(r" at 0x[0-9a-f]+", "", "\n".join(failures))


def _parsed(output: str) -> int:
    return int(output.partition("parsed ")[2].split()[0])
