"""Reads the prompts: text files with named gaps, fixer's own or the project's; nothing in them is ever run."""

from __future__ import annotations

import string
from importlib import resources
from pathlib import Path

from fixer.domain.errors import UsageError


class PromptLibrary:
    """The prompts that come with fixer; `override` is a folder whose files of the same name come first."""

    def __init__(self, override: Path | None = None) -> None:
        self._override = override

    def render(self, name: str, **values: str) -> str:
        """The prompt `name` with its gaps filled. Raises UsageError where a gap has no value, or nothing is left."""
        origin, text = self._read(name)
        try:
            rendered = string.Template(text).substitute(values)
        except KeyError as missing:
            known = ", ".join(f"${{{value}}}" for value in sorted(values))
            message = f"{origin} asks for ${{{missing.args[0]}}}, which is not known."
            raise UsageError(message, f"It may use {known}; a plain dollar sign is written $$.") from missing
        except ValueError as malformed:
            raise UsageError(f"{origin}: {malformed}.", "A plain dollar sign is written $$.") from malformed
        if not rendered.strip():
            raise UsageError(f"{origin} is empty.", "Write a prompt into it, or delete it.")
        return rendered

    def _read(self, name: str) -> tuple[str, str]:
        path = self._override / f"{name}.md" if self._override else None
        if path and path.is_file():
            return str(path), _read_own(path)
        return f"fixer/prompts/{name}.md", (resources.files("fixer") / "prompts" / f"{name}.md").read_text("utf-8")


def _read_own(path: Path) -> str:
    # A link out of the project would send whatever it points at to the model's provider.
    project = path.parent.parent.parent.resolve()
    if not path.resolve().is_relative_to(project):
        raise UsageError(f"{path} points out of the project.", "Put the text into the project itself.")
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise UsageError(f"{path} cannot be read: {unreadable}.", "Make it a readable UTF-8 file.") from unreadable
