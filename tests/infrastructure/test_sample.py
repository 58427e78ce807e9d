"""The bundled sample project is red exactly where it should be, and green once its bugs are gone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
SAMPLE = HERE / "fixer" / "sample"
FIXED = HERE / "tests" / "assets" / "sample_fixed"

RED = {
    "tests/test_inventory.py::test_count_of_what_was_never_stocked": "KeyError",
    "tests/test_inventory.py::test_taking_tells_what_is_left": "AssertionError",
    "tests/test_inventory.py::test_moved_items_arrive": "AssertionError",
    "tests/test_invoice.py::test_discount_on_the_steps": "assert 0 == 2",
    "tests/test_invoice.py::test_credit_reduces_what_is_due": "assert 700 == 500",
    "tests/test_labels.py::test_long_texts_are_cut_to_the_width": "AssertionError",
    "tests/test_labels.py::test_display_name_of_a_stranger": "AttributeError",
    "tests/test_schedule.py::test_opening_hours": "assert False",
    "tests/test_schedule.py::test_due_dates_avoid_the_weekend": "NameError",
    "tests/test_schedule.py::test_tasks_wait_for_what_they_need": "AssertionError",
}


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "sample", ignore=shutil.ignore_patterns("__pycache__")))


def red_tests(folder: Path) -> dict[str, str]:
    """Node id to the beginning of the message in the short summary."""
    command = [sys.executable, "-B", "-m", "pytest", "-rf", "-q", "--tb=no", "-p", "no:cacheprovider"]
    out = subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout
    failed = [line.removeprefix("FAILED ") for line in out.splitlines() if line.startswith("FAILED ")]
    assert " passed" in out
    return {nodeid: message for nodeid, _, message in (line.partition(" - ") for line in failed)}


def test_exactly_the_known_tests_are_red(sample: Path) -> None:
    red = red_tests(sample)
    assert red.keys() == RED.keys()
    assert {nodeid for nodeid, kind in RED.items() if red[nodeid][:6] != kind[:6]} == set()


def test_without_its_bugs_the_sample_is_green(sample: Path) -> None:
    shutil.copytree(FIXED, sample, dirs_exist_ok=True)
    assert red_tests(sample) == {}
