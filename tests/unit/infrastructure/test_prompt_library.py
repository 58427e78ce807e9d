"""Prompts are filled in, may come from the project, and say what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer.domain.errors import UsageError
from fixer.infrastructure.prompt_library import PromptLibrary

VALUES = {
    name: f"<{name}>"
    for name in (
        "nodeid",
        "test_source",
        "error_type",
        "message",
        "traceback",
        "captured_output",
        "editable",
        "test_rule",
        "context",
    )
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / ".fixer" / "prompts"
    folder.mkdir(parents=True)
    return folder


def test_the_first_prompt_uses_everything_it_is_given() -> None:
    text = PromptLibrary().render("first_attempt", **VALUES)
    assert all(value in text for value in VALUES.values())
    assert "$" not in text


def test_the_retry_prompt_adds_what_was_tried() -> None:
    text = PromptLibrary().render("retry", **VALUES, attempts="<attempts>")
    assert "<attempts>" in text
    assert "<context>" in text


def test_the_project_may_bring_its_own(folder: Path) -> None:
    (folder / "first_attempt.md").write_text("Mend ${nodeid}, it costs $$5.")
    assert PromptLibrary(folder).render("first_attempt", **VALUES) == "Mend <nodeid>, it costs $5."


def test_what_the_project_does_not_bring_is_ours(folder: Path) -> None:
    assert PromptLibrary(folder).render("first_attempt", **VALUES) == PromptLibrary().render("first_attempt", **VALUES)


def test_values_are_not_expanded_again(folder: Path) -> None:
    (folder / "first_attempt.md").write_text("${nodeid}")
    assert PromptLibrary(folder).render("first_attempt", nodeid="${message} {0} %s") == "${message} {0} %s"


@pytest.mark.parametrize(
    ("text", "named"),
    [("Mend ${wrong}.", "wrong"), ("It costs $5.", "Invalid placeholder"), (" \n", "is empty")],
    ids=["unknown", "stray dollar", "empty"],
)
def test_a_prompt_that_cannot_be_filled_in_is_a_usage_error(folder: Path, text: str, named: str) -> None:
    (folder / "retry.md").write_text(text)
    with pytest.raises(UsageError) as raised:
        PromptLibrary(folder).render("retry", **VALUES)
    assert str(folder / "retry.md") in raised.value.message
    assert named in raised.value.message


def test_a_value_that_is_missing_is_named() -> None:
    with pytest.raises(UsageError, match=r"retry\.md asks for \$\{attempts\}"):
        PromptLibrary().render("retry", **VALUES)


def test_a_link_out_of_the_project_is_not_sent_to_anyone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the key")
    (folder / "retry.md").symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match="points out of the project"):
        PromptLibrary(folder).render("retry", **VALUES)


def test_a_prompt_that_is_no_text_is_a_usage_error(folder: Path) -> None:
    (folder / "retry.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        PromptLibrary(folder).render("retry", **VALUES)
