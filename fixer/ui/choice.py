"""Shows what is red, grouped by cause, and asks which of it to work on."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from os import terminal_size
from typing import TextIO

from fixer.domain.clusters import clusters
from fixer.domain.models import TestError
from fixer.ui.foreign_text import harmless, one_line
from fixer.ui.keyboard import ReadLine

QUESTION = "Fix which? [Enter] all, [n]one, 1 3-5, or part of a name: "
MORE = "[m]ore shows the next ones."


class TerminalChooser:
    """Asks by a line: nothing for all, numbers, ranges, words of a test's name or failure. One cause is no choice."""

    def __init__(
        self,
        stream: TextIO,
        read_line: ReadLine,
        pause: Callable[[], AbstractContextManager[None]],
        size: Callable[[], terminal_size],
    ) -> None:
        self._stream = stream
        self._read_line = read_line
        self._pause = pause
        self._size = size

    def choose(self, errors: Sequence[TestError]) -> Sequence[TestError]:
        """The errors to work on."""
        causes = clusters(errors)
        if len(causes) < 2:
            return errors
        with self._pause():
            self._write("", f"{len(errors)} red tests, {len(causes)} causes:")
            return self._ask(causes, self._show(causes, 0))

    def _ask(self, causes: Sequence[Sequence[TestError]], shown: int) -> Sequence[TestError]:
        while True:
            self._stream.write(QUESTION)
            self._stream.flush()
            line = self._read_line()
            words = line.strip()
            if words in ("m", "more"):
                shown = self._show(causes, shown if shown < len(causes) else 0)
                continue
            if not line or words in ("n", "none", "q", "quit"):
                return ()
            chosen = chosen_by(words, causes)
            if chosen:
                return chosen
            self._write(f"Nothing here is called {harmless(words)}.")

    def _show(self, causes: Sequence[Sequence[TestError]], start: int) -> int:
        """Write the next page; how many causes have been shown then."""
        size = self._size()
        end = min(start + max((size.lines - 6) // 2, 5), len(causes))
        digits = len(str(end))
        for number in range(start, end):
            self._write(*_block(f"{number + 1:>{digits}}", causes[number], size.columns))
        if end < len(causes):
            self._write(f"… and {len(causes) - end} more. {MORE}")
        return end

    def _write(self, *lines: str) -> None:
        self._stream.write("".join(f"{line}\n" for line in lines))


def chosen_by(words: str, causes: Sequence[Sequence[TestError]]) -> list[TestError]:
    """What numbers and ranges of causes, or else words that all stand in the name or the failure, mean; none: all."""
    if re.fullmatch(r"(\d+(-\d+)?[\s,]*)+", words):
        numbers = {number for part in re.split(r"[\s,]+", words) if part for number in _range(part, len(causes))}
        return [error for number, cause in enumerate(causes, 1) if number in numbers for error in cause]
    wanted = words.lower().split()
    return [error for cause in causes for error in cause if all(word in _text(error) for word in wanted)]


def _range(part: str, most: int) -> range:
    low, _, high = part.partition("-")
    return range(int(low), min(int(high or low), most) + 1)


def _text(error: TestError) -> str:
    details = error.error_details
    return f"{error.nodeid} {details.error_type} {details.message}".lower()


def _block(number: str, cause: Sequence[TestError], columns: int) -> list[str]:
    """The tests of a cause and why they are red, each in a line that fits."""
    details = cause[0].error_details
    indent = " " * (len(number) + 2)
    room = max(columns - len(indent) - 1, 20)
    more = f" and {len(cause) - 1} more" if len(cause) > 1 else ""
    name = f"{_cut_in_front(harmless(cause[0].nodeid), room - len(more))}{more}"
    return [f"{number}  {name}", f"{indent}{one_line(f'{details.error_type}: {details.message}'.strip(': '), room)}"]


def _cut_in_front(name: str, room: int) -> str:
    """The end of a node id tells more than its folders."""
    return name if len(name) <= room else f"…{name[-(room - 1) :]}"
