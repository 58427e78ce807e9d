"""What the probe has put down at each moment of a test: enough to know what a crash hit, in few visits to the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixer.infrastructure.pytest_call import PROBE_FOLDER

TESTS = """\
import pathlib, time
import pytest

SEEN = pathlib.Path("records.jsonl")


def look(name):
    pathlib.Path(name).write_bytes(SEEN.read_bytes())


@pytest.fixture
def quick():
    yield
    look("in teardown")


@pytest.fixture
def slow():
    time.sleep(1.1)


def test_first(quick):
    look("in a quick call")


def test_second(slow):
    look("in a call after a slow setup")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds what was in the file at these moments, and at the end."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "test_a.py").write_text(TESTS)
    env = {"FIXER_PROBE_OUT": "records.jsonl", "FIXER_PROBE_NONCE": "n", "PYTHONPATH": str(PROBE_FOLDER)}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "fixer_probe"]
    subprocess.run(argv, cwd=folder, env={**os.environ, **env}, check=True, capture_output=True)
    return folder


def test_a_test_is_known_to_have_started_before_its_setup_is_over(folder: Path) -> None:
    assert _seen(folder, "in a quick call")[-1] == ("start", "test_first", None)


def test_quick_phases_wait_for_the_end_of_their_test(folder: Path) -> None:
    assert _seen(folder, "in teardown") == _seen(folder, "in a quick call")


def test_a_finished_test_and_a_slow_phase_are_told_of_at_once(folder: Path) -> None:
    assert _seen(folder, "in a call after a slow setup")[1:] == [
        ("start", "test_first", None),
        *[("report", "test_first", when) for when in ("setup", "call", "teardown")],
        ("start", "test_second", None),
        ("report", "test_second", "setup"),
    ]


def test_nothing_is_missing_at_the_end(folder: Path) -> None:
    kinds = [kind for kind, _, _ in _seen(folder, "records.jsonl")]
    assert kinds == ["session", *["start", *["report"] * 3] * 2, "end"]


def _seen(folder: Path, name: str) -> list[tuple[str, str, str | None]]:
    records = map(json.loads, (folder / name).read_text().splitlines())
    return [(record["kind"], record.get("nodeid", "").rpartition(":")[2], record.get("when")) for record in records]
