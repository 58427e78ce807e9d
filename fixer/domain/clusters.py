"""Which red tests have one cause, so that they are one piece of work: one is attempted, the others are run again."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from pathlib import Path

from fixer.domain.models import TestError


def cause_of(error: TestError) -> Hashable:
    """Equal for errors that most likely have one cause.

    That is the same missing name; else the same exception raised at the same line of the project. A line of the test
    itself says little: asserting is what tests do, so there only the parameters of one test share a cause.
    """
    details, place = error.error_details, error.location
    missing = _MISSING.search(details.message) if details.error_type in _NAME_ERRORS else None
    if missing:
        return (details.error_type, missing[0])
    if place is None:
        return error.id
    if _is_in_test(error, place.file):
        return (details.error_type, place.file, place.line, error.test_file, error.test_function.partition("[")[0])
    return (details.error_type, place.file, place.line)


def clusters(errors: Iterable[TestError]) -> list[list[TestError]]:
    """The errors by cause, in the order in which the causes first appear; the first of each stands for it."""
    found: dict[Hashable, list[TestError]] = {}
    for error in errors:
        found.setdefault(cause_of(error), []).append(error)
    return list(found.values())


_NAME_ERRORS = frozenset({"AttributeError", "ImportError", "ModuleNotFoundError", "NameError"})
_MISSING = re.compile(
    r"name '\w+' is not defined|cannot import name '\w+' from '[\w.]+'|No module named '[\w.]+'|"
    r"(?:module|type object) '[\w.]+' has no attribute '\w+'|'(?!NoneType')[\w.]+' object has no attribute '\w+'"
)


def _is_in_test(error: TestError, file: Path) -> bool:
    return file.as_posix().endswith(f"/{Path(error.test_file).as_posix()}") or file == error.test_file
