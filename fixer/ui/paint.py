"""The few colours of what is shown without rich."""

from __future__ import annotations

from typing import Literal

from fixer.ui.foreign_text import harmless

Color = Literal["red", "green", "yellow", "cyan"]


def paint(text: str, color: Color) -> str:
    """The text in that colour of the terminal's own palette."""
    return f"\x1b[{_CODES[color]}m{text}\x1b[0m"


def diff_lines(diff: str, *, color: bool) -> list[str]:
    """A unified diff, made harmless, line by line."""
    return [_diff_line(line) if color else line for line in harmless(diff).splitlines()]


_CODES: dict[Color, int] = {"red": 31, "green": 32, "yellow": 33, "cyan": 36}
_DIFF_COLORS: dict[str, Color] = {"+": "green", "-": "red", "@": "cyan"}


def _diff_line(line: str) -> str:
    color = _DIFF_COLORS.get(line[:1])
    return paint(line, color) if color else line
