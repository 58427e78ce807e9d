"""What may be swapped into a living module, and what has to be imported again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any, cast

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

    class Lid:
        def hinge(self):
            inner = lambda: self.size
            return inner()


def outer(n):
    def inner():
        return n + 1

    return inner


if START:

    def guarded():
        return 1
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


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there it is displaced by nothing")
def test_a_recorder_says_when_something_took_its_place() -> None:
    recorder: Any = cast(Any, fixer_swap).Recorder()
    before = sys.getprofile()
    recorder.start()
    other = lambda *_: None  # noqa: E731
    sys.setprofile(other)
    assert recorder.stop() is None
    assert sys.getprofile() is other
    sys.setprofile(before)


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
        ("return inner()", "return inner() + 1", True),
        ("return n + 1", "return n + 2", True),
        ("return n + 1", "return by + 1", True),
        ("    return inner\n", "    n += 1\n    return inner\n", True),
        ("        return n + 1\n", "        return n + 1\n\n    def inner(n=1):\n        return n\n", True),
        ("    return n - by", "    return n - by\n\nSTART = 2", False),
        ("    return n - by", "    n -= by\n    return n", True),
        ("    def guarded():\n        return 1", "    def guarded():\n        return 2", True),
        ("def outer(n)", "def outer(n, m)", True),
        ("def outer(n)", "def outer(n, m=1)", False),
    ],
)
def test_only_what_does_not_run_at_import_is_swapped(swapper: Any, old: str, new: str, possible: bool) -> None:
    path = str(sys.modules["swapped_module"].__file__)
    swapper.prepare([path])
    assert swapper.swap({path: SOURCE.replace(old, new)}) is possible


def test_of_a_file_only_what_differs_is_compiled(swapper: Any) -> None:
    path = str(sys.modules["swapped_module"].__file__)
    source = fixer_swap.Source(path, SOURCE)  # type: ignore[no-untyped-call]
    changed = SOURCE.replace("return inner()", "more = 1\n            return inner() + more")
    old, new = source.compiled(changed)  # type: ignore[no-untyped-call]
    assert _names(new) == ["Box", "Lid", "hinge", "<lambda>"] == _names(old)
    assert "outer" in _names(source.compiled(SOURCE.replace("size = 1", "size = 2"))[1])  # type: ignore[no-untyped-call]


def test_lines_stay_where_they_are(swapper: Any) -> None:
    path = str(sys.modules["swapped_module"].__file__)
    swapper.prepare([path])
    swapper.swap({path: SOURCE.replace("return inner()", "raise KeyError(inner)")})
    with pytest.raises(KeyError, match="lambda") as caught:
        sys.modules["swapped_module"].Box.Lid().hinge()
    assert caught.tb.tb_next
    assert SOURCE.splitlines()[caught.tb.tb_next.tb_lineno - 1].strip() == "return inner()"


def _names(code: CodeType) -> list[str]:
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return [name for one in inner for name in (one.co_name, *_names(one))]


def test_a_swap_takes_effect_and_a_refused_one_has_none(swapper: Any) -> None:
    module = sys.modules["swapped_module"]
    path = str(module.__file__)
    swapper.prepare([path])
    swapper.swap({path: SOURCE.replace("n - by", "n + by").replace("size = 1", "size = 2")})
    assert module.plain(5) == 3
    swapper.swap({path: SOURCE.replace("n - by", "n + by")})
    assert module.plain(5) == 7
