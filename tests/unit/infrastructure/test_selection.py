"""A test counts as named only by its exact id, however the path in it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer.infrastructure.selection import Named


@pytest.mark.parametrize(
    ("typed", "is_named"),
    [
        ("tests/test_a.py::test_x", True),
        ("./tests/../tests/test_a.py::test_x", True),
        ("/p/sub/tests/test_a.py::test_x", True),
        ("tests/test_a.py::test_x[1]", False),
        ("tests/test_a.py::test", False),
        ("tests/test_a.py", False),
        ("tests", False),
        ("test_a.py::test_x", False),
    ],
)
def test_a_path_is_relative_to_the_folder_and_an_id_to_the_rootdir(typed: str, is_named: bool) -> None:
    assert Named([typed], Path("/p/sub"), lambda: Path("/p"))("sub/tests/test_a.py::test_x") is is_named


def test_without_its_parameters_a_test_is_named_with_all_of_them() -> None:
    named = Named(["test_a.py::TestX::test_y"], Path("/p"), lambda: Path("/p"))
    assert named("test_a.py::TestX::test_y[1 + 1]")
    assert not named("test_a.py::TestX::test_yy")
    assert not named("test_a.py")
