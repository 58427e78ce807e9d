"""Runs from where the tests are collected show what fresh processes show, after every kind of edit on disk."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from runners import runner

from fixer.domain.models import TestResult
from fixer.infrastructure.pytest_runner import PytestRunner
from fixer.infrastructure.warm_runner import Depth, Forks

SHOP = '''\
"""A module."""

import functools

RATE = 2


def twice(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(function(*args))

    return wrapper


def total(prices, start=0):
    return start - sum(prices)


class Cart:
    size = 3

    def __init__(self):
        self.items = []

    def add(self, item):
        self.items.append(item)
        return self

    class Line:
        def price(self):
            return [RATE for _ in range(2)]


@twice
def more(n):
    return n + 1


@functools.lru_cache(None)
def kept(n):
    return n - 1
'''
TESTS = """\
import shop
import pytest


def test_total():
    assert shop.total([1, 2]) == 3


def test_cart():
    assert shop.Cart().add(1).add(2).items == [1, 2, 3]


@pytest.mark.parametrize("n", [1, 2])
def test_more(n):
    assert shop.more(n) == n


def test_line():
    assert shop.Cart.Line().price() == [1]


def test_kept(capsys):
    print(shop.kept(1))
    assert capsys.readouterr().out == "1\\\\n"


def test_raises():
    shop.Cart().add()


def test_with_the_reporter(request):
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    assert request.config.get_terminal_writer() is reporter._tw
"""
EDITS = {
    "nothing": ("", ""),
    "a body": ("start - sum", "start + sum"),
    "a body that grows": ("    return start - sum(prices)", "    found = sum(prices)\n    return start + found"),
    "a line above everything": ("RATE = 2\n", "# a remark\nRATE = 2\n"),
    "a constant": ("RATE = 2", "RATE = 1"),
    "a default": ("start=0", "start=6"),
    "a class attribute": ("size = 3", "size = 4"),
    "a method": ("self.items.append(item)", "self.items += [item, 3][item - 1 :]"),
    "an inner function": ("function(function(*args))", "function(*args)"),
    "a decorated function": ("return n + 1", "return n"),
    "a decorator": ("@twice", "@functools.cache"),
    "a function with kept results": ("return n - 1", "return n"),
    "a new function": ("class Cart:", "def fresh():\n    return 1\n\n\nclass Cart:"),
    "a function less": ("def kept(n):\n    return n - 1\n", "def kept_not(n):\n    return n\n"),
    "an import": ("import functools\n", "import functools\nimport math\n"),
    "no program any more": ("def total(", "def total(("),
}


class Bench:
    """The same project, run in both ways."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "shop.py").write_text(SHOP)
        (folder / "test_shop.py").write_text(TESTS)
        self.fresh: PytestRunner = runner(folder)
        self.asked = [result.nodeid for result in self.fresh.discover().results]
        self.warm = copy.copy(self.fresh)
        self.forks = Forks(self.fresh)
        self.forks.use(Depth.CONFIGURED)
        self.warm.call = self.forks.call
        self.warm.run(self.asked)
        self.warm.run(self.asked)

    def processes(self) -> set[str]:
        """Those that runs are forked from: the configured one, and the one that has collected the tests."""
        server = self.forks._server().process.pid
        return set(_below(server, generations=2))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("project"))
    yield made
    made.forks.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", EDITS)
def test_after_an_edit_all_is_shown_as_by_a_fresh_process(bench: Bench, name: str) -> None:
    (bench.folder / "shop.py").write_text(SHOP.replace(*EDITS[name]))
    assert _told(bench.warm.run(bench.asked).results) == _told(bench.fresh.run(bench.asked).results)
    (bench.folder / "shop.py").write_text(SHOP)
    assert _told(bench.warm.run(bench.asked).results) == _told(bench.fresh.run(bench.asked).results)


@pytest.mark.slow
def test_what_can_be_swapped_needs_no_collecting_and_what_cannot_does(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    try:
        before = bench.processes()
        (tmp_path / "shop.py").write_text(SHOP.replace("start - sum", "start + sum"))
        assert bench.warm.run(bench.asked).passed
        assert bench.processes() == before
        (tmp_path / "shop.py").write_text(SHOP.replace("RATE = 2", "RATE = 1"))
        assert not bench.warm.run([nodeid for nodeid in bench.asked if "line" in nodeid]).passed
        assert bench.processes() != before
    finally:
        bench.forks.close()


@pytest.mark.slow
def test_a_test_that_changes_is_collected_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    try:
        (tmp_path / "test_shop.py").write_text(TESTS.replace("== 3\n", "== -3\n"))
        assert bench.warm.run(bench.asked).passed == {
            "test_shop.py::test_total",
            "test_shop.py::test_with_the_reporter",
        }
        (tmp_path / "conftest.py").write_text("import shop\nshop.total = lambda prices: 3\n")
        (tmp_path / "test_shop.py").write_text(TESTS)
        assert bench.warm.run(bench.asked).passed == {
            "test_shop.py::test_total",
            "test_shop.py::test_with_the_reporter",
        }
    finally:
        bench.forks.close()


def _told(results: Sequence[TestResult]) -> list[object]:
    """Everything but the time and addresses."""
    return [re.sub(r"0x[0-9a-f]+|seconds=[0-9.e-]+", "", repr(result)) for result in results]


def _below(pid: int, generations: int) -> Iterator[str]:
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if generations else ():
        yield child
        yield from _below(int(child), generations - 1)
