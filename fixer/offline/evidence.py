"""What speaks against an edit that passes even where no other edit does: luck, few calls, nothing but taking away."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from fixer.domain.models import TestRun
from fixer.offline.firmness import Firmness
from fixer.offline.rank import Candidate, parsed
from fixer.offline.search import Found, running


@dataclass(frozen=True)
class Doubt:
    """How much of the confidence it leaves, 0 to 1, and why, in words."""

    left: float
    why: str


@dataclass(frozen=True)
class Held:
    """The passing tests that run the edited function, those of them that run the edited lines, and any that pass."""

    tests: frozenset[str]
    lines: frozenset[str]
    passing: frozenset[str]


def holding(evidence: TestRun, candidate: Candidate) -> Held:
    """By what was traced; where nothing was, every passing test counts."""
    passed = frozenset(evidence.passed)
    if not evidence.executed:
        return Held(passed, passed, passed)
    source, edit = candidate.source, candidate.edit
    tests = passed & running(evidence, candidate)
    if source.unit(edit) == (0, len(source.text)):  # it runs when the file is imported, for all who use any of it
        return Held(tests, tests, passed)
    lines = range(source.line_of(edit.start), source.line_of(max(edit.start, edit.end - 1)) + 1)
    return Held(tests, passed & running(evidence, candidate, lines), passed)


def against(found: Found, firm: Firmness, held: Held, *, calls: int, dispensable: bool) -> tuple[Doubt, ...]:
    """The doubts about an edit.

    `calls` is how many different calls of its function the tests make; `dispensable` whether they pass as well where
    the edited statement does nothing.
    """
    idle = (Doubt(_IDLE, "its tests pass as well where the edited statement does nothing"),) if dispensable else ()
    by_itself = (*_twin(found.candidate), *_constant(found.candidate))
    loose = () if found.also_fixed else _loose(held)  # another red test that it mends holds it as well
    # Both say that little of the function is seen, and count once.
    unseen = min((_few_calls(found.candidate, calls), *loose), key=lambda doubt: doubt.left)
    return (_luck(found, firm), unseen, *by_itself, *idle)


_UNNOTICED = 0.25
"""What tests let through that notice every mistake made for a trial; those are of a few kinds, edits of many."""
_LUCKY = 400.0
"""In how many tries, with tests that notice nothing, one wrong edit is to be expected for each right one. Chosen with
twenty edits that passed on bugs of real projects that had been looked at, as are the numbers below."""
_CALLS, _CALLS_TO_DROP = 0.35, 2.0
"""The calls that leave half of the confidence, for any edit and for one that only takes away."""
_IDLE, _TWIN, _CONSTANT = 0.4, 0.5, 0.3
_LONG_TEXT = 4
_ALONE, _LINES, _FUNCTION = 0.9, 0.75, 0.6
"""What is left where no test passed before that could hold it, and where some did but do not run the edited lines, or
not even the function."""


def _luck(found: Found, firm: Firmness) -> Doubt:
    """A right edit comes early in a good order; each one tried before it was a chance for one that is wrong.

    The share of wrong edits among those that pass grows with the number tried: Long and Rinard, "An Analysis of the
    Search Spaces for Generate and Validate Patch Generation Systems", ICSE 2016.
    """
    wrong = found.tries * (_UNNOTICED + 1.0 - firm.share) / _LUCKY
    missed = firm.asked - firm.noticed
    why = f"it came up as edit {found.tries}, and its tests miss {missed} of {firm.asked} mistakes made there"
    return Doubt(1.0 / (1.0 + wrong), why)


def _few_calls(candidate: Candidate, calls: int) -> Doubt:
    """Tests that do not look are passed by doing less (Qi et al., ISSTA 2015), so that needs more of them."""
    few = f"the tests show what it does for {calls} {'call' if calls == 1 else 'calls'} only"
    before, after = Counter(_parts(candidate.before)), Counter(_parts(candidate.after))
    if after - before or not before - after:
        return Doubt(calls / (calls + _CALLS), few)
    return Doubt(calls / (calls + _CALLS_TO_DROP), f"it only takes away, and {few}")


def _loose(held: Held) -> Iterator[Doubt]:
    """An edit of what only the red test runs can do anything there without being noticed."""
    if held.lines:
        return
    if not held.passing:
        yield Doubt(_ALONE, "no test passed before")
    elif held.tests:
        yield Doubt(_LINES, "no test that passed before is known to run the edited lines")
    else:
        yield Doubt(_FUNCTION, "no test that passed before is known to run the edited function")


def _twin(candidate: Candidate) -> Iterator[Doubt]:
    """A copy that stays as it was has the same mistake (CP-Miner: Li et al., OSDI 2004), or is the one to change."""
    before, after = Counter(_texts(candidate.before)), Counter(_texts(candidate.after))
    for text in before - after:
        if len(text) >= _LONG_TEXT and after[text]:
            yield Doubt(_TWIN, f"{text!r} stands in the function once more, unchanged")


def _constant(candidate: Candidate) -> Iterator[Doubt]:
    """Where every return gives the same, nothing is decided any more."""
    if len(_returned(candidate.after)) == 1 < len(_returned(candidate.before)):
        yield Doubt(_CONSTANT, "its function gives the same everywhere then")


def _returned(text: str) -> set[str]:
    """What the returns of a program give, where all of them give constants."""
    values = [node.value for node in ast.walk(parsed(text)) if isinstance(node, ast.Return)]
    constants = {ast.dump(value) for value in values if isinstance(value, ast.Constant)}
    return constants if all(isinstance(value, ast.Constant) for value in values) else set()


def _texts(text: str) -> Iterator[str]:
    constants = (node.value for node in ast.walk(parsed(text)) if isinstance(node, ast.Constant))
    return (value for value in constants if isinstance(value, str))


def _parts(text: str) -> Iterator[str]:
    """The names, values and calls of a program."""
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield "." + node.attr
        elif isinstance(node, ast.Constant):
            yield repr(node.value)
        elif isinstance(node, ast.operator | ast.cmpop | ast.boolop | ast.unaryop | ast.Call | ast.Return | ast.Raise):
            yield type(node).__name__
