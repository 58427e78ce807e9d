"""What may be swapped into a living module, and what has to be imported again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixer.probe import fixer_swap

SOURCE = """\
START = 1


def plain(n, by=2):
    return n - by


def ran():
    return 1


RAN = ran()


class Box:
    size = 1

    def area(self):
        return [self.size for _ in range(2)]
"""


@pytest.fixture
def swapper(tmp_path: Path) -> Iterator[Any]:
    untyped: Any = fixer_swap
    recorder = untyped.Recorder()
    before = sys.getprofile()
    recorder.start()
    (tmp_path / "swapped_module.py").write_text(SOURCE)
    sys.path.insert(0, str(tmp_path))
    importlib.import_module("swapped_module")
    ran = recorder.stop()
    sys.setprofile(before)
    sys.path.remove(str(tmp_path))
    yield untyped.Swapper(ran)
    del sys.modules["swapped_module"]


@pytest.mark.parametrize(
    ("old", "new", "possible"),
    [
        ("n - by", "n + by", True),
        ("range(2)", "range(3)", True),
        ("START = 1\n", "# longer\nSTART = 1\n", True),
        ("START = 1", "START = 2", False),
        ("START = 1", "START = True", False),
        ("by=2", "by=3", False),
        ("size = 1", "size = 2", False),
        ("    return 1", "    return 2", False),
        ("def plain", "def other", False),
        ("n - by", "n - ", False),
    ],
)
def test_only_what_does_not_run_at_import_is_swapped(swapper: Any, old: str, new: str, possible: bool) -> None:
    path = str(sys.modules["swapped_module"].__file__)
    swapper.prepare([path])
    assert swapper.swap({path: SOURCE.replace(old, new)}) is possible


def test_a_swap_takes_effect_and_a_refused_one_has_none(swapper: Any) -> None:
    module = sys.modules["swapped_module"]
    path = str(module.__file__)
    swapper.prepare([path])
    swapper.swap({path: SOURCE.replace("n - by", "n + by").replace("size = 1", "size = 2")})
    assert module.plain(5) == 3
    swapper.swap({path: SOURCE.replace("n - by", "n + by")})
    assert module.plain(5) == 7
