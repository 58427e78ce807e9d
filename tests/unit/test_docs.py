"""The documentation speaks of what there is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from fixer.cli import app
from fixer.domain import errors

SOURCE = Path(__file__).parents[2]
EXIT_CODES = (SOURCE / "docs" / "exit_codes.md").read_text()


def texts() -> Iterator[str]:
    """Every text in the source, as far as it is written out: the parts of an f-string are joined by a gap."""
    for file in (SOURCE / "fixer").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


def test_every_message_that_is_explained_is_one_of_the_programs_own() -> None:
    said = " ".join(texts())
    quoted = re.findall(r'"([^"]+)"', EXIT_CODES)
    assert len(quoted) > 20
    assert [message for message in quoted if " ".join(message.split()) not in said] == []


def test_every_exit_code_has_its_place() -> None:
    told = {int(code) for code in re.findall(r"^## (\d+):", EXIT_CODES, re.MULTILINE)}
    known = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}
    assert told == known | {0, 1, 130, 141}


def test_every_command_of_the_guide_exists() -> None:
    commands = {
        command.name or str(command.callback and command.callback.__name__) for command in app.registered_commands
    }
    pages = [SOURCE / "README.md", *(SOURCE / "docs").glob("*.md")]
    used = {word for page in pages for word in re.findall(r"^\$ fixer ([a-z-]+)", page.read_text(), re.MULTILINE)}
    assert used - commands == set()
