"""What a fix may not do besides failing its test."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer.domain.models import CodeChanges, ErrorDetails, Proposal, TestError
from fixer.infrastructure.guards import PathGuard

ERROR = TestError(Path("tests/test_a.py"), "test_a", ErrorDetails("AssertionError", ""))
TOP = Path("/project")


def refusal(file: str, *sources: str) -> str:
    proposal = Proposal(CodeChanges("a", "b"), files=("src/fine.py", file))
    return PathGuard(TOP, [TOP / source for source in sources]).refuse(ERROR, proposal)


@pytest.mark.parametrize("file", ["tests/test_a.py", "conftest.py", "pyproject.toml", ".git/hooks/pre-commit"])
def test_protected_files_are_refused_by_name(file: str) -> None:
    assert refusal(file).startswith(f"{file} must not be edited: ")


def test_source_files_pass() -> None:
    assert refusal("src/pkg/other.py") == ""


def test_only_the_given_sources_may_be_edited() -> None:
    assert refusal("src/other.py", "src") == ""
    assert refusal("lib/other.py", "src") == "lib/other.py must not be edited: lies outside the given sources"
