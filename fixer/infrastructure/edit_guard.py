"""Decides, before anything is written, whether the engine may write to a path that a model named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from fixer.domain.services import NOTHING_PERMITTED, Permitted, protected_reason


class EditGuard:
    """Lets through the files that were offered for editing, and new modules next to existing ones; nothing else.

    `about_to_edit` is told of every path that is let through and has the last word; `ignored` says what git ignores.
    Afterwards `refused` holds sentences about what was not let through, `created` the new files.
    """

    def __init__(
        self,
        top: Path,
        editable: Iterable[Path],
        about_to_edit: Callable[[Path], bool],
        ignored: Callable[[Path], bool] = lambda path: False,
        permitted: Permitted = NOTHING_PERMITTED,
    ) -> None:
        self._top = top.resolve()
        self._editable = frozenset(editable)
        self._about_to_edit = about_to_edit
        self._ignored = ignored
        self._permitted = permitted
        self.refused: list[str] = []
        self.created: list[Path] = []

    def __call__(self, named: str) -> bool:
        """Whether the file may be written; a new one exists, empty, afterwards."""
        try:
            path = Path(os.path.realpath(self._top / named))
            reason = self._reason(path)
        except (OSError, ValueError) as unusable:
            path, reason = self._top, f"is no usable path ({unusable})"
        if reason:
            self.refused.append(f"{named} {reason}")
            return False
        if not path.exists():
            path.touch()
            self.created.append(path)
        return True

    def _reason(self, path: Path) -> str:
        if not path.is_relative_to(self._top):
            return "lies outside the project"
        reason = protected_reason(path.relative_to(self._top), self._permitted) or self._reason_for_kind(path)
        if not reason and not self._about_to_edit(path):
            reason = "may not be edited now"
        return reason

    def _reason_for_kind(self, path: Path) -> str:
        if path.is_file() and (path in self._editable or path in self.created):
            return ""
        if path.exists():
            return "was not offered for editing"
        if path.suffix != ".py":
            return "is new and not a Python module"
        if not path.parent.is_dir():
            return "is new and in a folder that does not exist"
        return "is new and ignored by git" if self._ignored(path) else ""
