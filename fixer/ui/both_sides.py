"""Shows a file as its owner left it beside the text from before an interrupted attempt, and asks which one stays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from difflib import unified_diff
from typing import TextIO

from fixer.domain.errors import TreeNeedsPerson
from fixer.ui.foreign_text import harmless
from fixer.ui.keyboard import ReadKey
from fixer.ui.paint import diff_lines

QUESTION = "Keep [m]y text, put back the text from [b]efore, decide [l]ater? "


class TerminalArbiter:
    """An Arbiter that asks by one key."""

    def __init__(
        self,
        stream: TextIO,
        read_key: ReadKey,
        pause: Callable[[], AbstractContextManager[None]] = nullcontext,
        *,
        color: bool = False,
    ) -> None:
        self._stream = stream
        self._read_key = read_key
        self._pause = pause
        self._color = color

    def keeps_mine(self, path: str, mine: bytes, before: bytes) -> bool:
        """Show both and ask. Raises TreeNeedsPerson where the answer is later."""
        with self._pause():
            self._show(path, mine, before)
            return self._ask(path)

    def _show(self, path: str, mine: bytes, before: bytes) -> None:
        old, new = (text.decode(errors="replace").splitlines() for text in (before, mine))
        diff = "\n".join(unified_diff(old, new, f"{path} before", f"{path} as you left it", lineterm=""))
        head = f"fixer was interrupted while it worked on {harmless(path)}, and you have edited the same lines since:"
        lines = ["", head, "", *diff_lines(diff, color=self._color), ""]
        self._stream.write("".join(f"{line}\n" for line in lines))

    def _ask(self, path: str) -> bool:
        while True:
            self._stream.write(QUESTION)
            self._stream.flush()
            key = self._read_key().lower()
            self._stream.write(f"{key.strip()}\n")
            if key in ("m", "b"):
                return key == "m"
            if key in ("l", ""):
                raise TreeNeedsPerson(
                    f"{path} still waits for your decision. Nothing was touched.", "Decide: fixer recover"
                )
