"""Errors with one cause are one piece of work; those that only look alike are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer.domain.clusters import clusters
from fixer.domain.models import CodeLocation, ErrorDetails, TestError

PRODUCT = CodeLocation(Path("/p/shop/cart.py"), 7)
OTHER = CodeLocation(Path("/p/shop/cart.py"), 9)
TEST = CodeLocation(Path("/p/tests/test_a.py"), 3)


def red(
    name: str,
    place: CodeLocation | None,
    error_type: str = "KeyError",
    message: str = "'k'",
    file: str = "tests/test_a.py",
) -> TestError:
    return TestError(Path(file), name, ErrorDetails(error_type, message), place)


@pytest.mark.parametrize(
    ("errors", "count"),
    [
        ([red("a", PRODUCT), red("b", PRODUCT)], 1),
        ([red("a", PRODUCT), red("b", PRODUCT, file="tests/test_b.py")], 1),
        ([red("a", PRODUCT), red("b", OTHER)], 2),
        ([red("a", PRODUCT), red("b", PRODUCT, "ValueError")], 2),
        ([red("a", TEST), red("b", TEST)], 2),
        ([red("a[1]", TEST), red("a[2]", TEST)], 1),
        ([red("a", None), red("b", None)], 2),
        ([red("", PRODUCT), red("", PRODUCT, file="tests/test_b.py")], 1),
        ([red("", None, "SyntaxError"), red("", None, "SyntaxError", file="tests/test_b.py")], 2),
    ],
)
def test_the_place_of_the_exception_makes_the_cause(errors: list[TestError], count: int) -> None:
    assert len(clusters(errors)) == count


@pytest.mark.parametrize(
    ("error_type", "message", "count"),
    [
        ("NameError", "name 'total' is not defined", 1),
        ("ImportError", "cannot import name 'total' from 'shop.cart' (/p/shop/cart.py)", 1),
        ("ModuleNotFoundError", "No module named 'shop.crat'", 1),
        ("AttributeError", "module 'shop.cart' has no attribute 'total'", 1),
        ("AttributeError", "'Cart' object has no attribute 'total'", 1),
        ("AttributeError", "'NoneType' object has no attribute 'total'", 2),
        ("AssertionError", "name 'total' is not defined", 2),
    ],
)
def test_one_missing_name_is_one_cause_wherever_it_is_missed(error_type: str, message: str, count: int) -> None:
    errors = [red("a", PRODUCT, error_type, message), red("b", OTHER, error_type, message)]
    assert len(clusters(errors)) == count


def test_causes_and_errors_keep_their_order() -> None:
    first, second, third = red("a", PRODUCT), red("b", OTHER), red("c", PRODUCT)
    assert clusters([first, second, third]) == [[first, third], [second]]
