"""The two texts that a failed assertion held against each other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from fixer.offline.place import Failure


@lru_cache(maxsize=8)
def sides(failure: Failure) -> tuple[tuple[str, str], ...]:
    """What was got and what was expected, as they stand in the message, which may have them the other way round."""
    message = failure.message[:_MOST_READ]
    found = [value for match in _AGAINST.finditer(message) for value in _values(match[1], match[2])]
    return tuple(dict.fromkeys(found))[:_MOST_PAIRS]


_MOST_READ = 20_000
_MOST_PAIRS = 3
_LONGEST = 2_000
_QUOTED = r"""('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")"""
_AGAINST = re.compile(rf"(?:(?<!\w)|(?<=element \d:\n)){_QUOTED}(?:\s*[!=]=\s*|\n){_QUOTED}(?!\w)")


def _values(one: str, other: str) -> Iterator[tuple[str, str]]:
    try:
        pair = ast.literal_eval(one), ast.literal_eval(other)
    except (SyntaxError, ValueError):
        return
    if pair[0] != pair[1] and max(map(len, pair)) <= _LONGEST:
        yield pair
