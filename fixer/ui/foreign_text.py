"""Makes text that a model or a test wrote harmless to a terminal and to XML."""

from __future__ import annotations

import re

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?", re.DOTALL)
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # these turn the direction of text, and so can hide code
)


def harmless(text: str) -> str:
    """The text without control characters, escape sequences and half characters; line breaks and tabs stay."""
    visible = _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))
    return visible.encode("utf-8", "replace").decode()


def one_line(text: str, width: int = 100) -> str:
    """The first line with anything in it, made harmless, cut to the width."""
    lines = (line.strip() for line in harmless(text).splitlines())
    first = next((line for line in lines if line), "").replace("\t", " ")
    return first if len(first) <= width else f"{first[: width - 1]}…"
