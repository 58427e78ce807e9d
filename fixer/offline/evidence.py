"""What speaks against an edit that passes even where no other edit does: places, tries, a copy left as it was."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from fixer.domain.models import TestRun
from fixer.offline.firmness import Firmness
from fixer.offline.rank import Candidate, parsed
from fixer.offline.search import Found, running
from fixer.offline.source import Source, own_statements, word_of
from fixer.offline.templates import AIMED, SLIPS


@dataclass(frozen=True)
class Doubt:
    """How much of the confidence it leaves, 0 to 1, and why, in words."""

    left: float
    why: str


@dataclass(frozen=True)
class Held:
    """The passing tests that run the edited function, and those of them that run the edited lines."""

    tests: frozenset[str]
    lines: frozenset[str]


def holding(evidence: TestRun, candidate: Candidate) -> Held:
    """By what was traced; where nothing was, every passing test counts.

    A value that is set when the file is imported is held by the tests that run a line which uses it.
    """
    passed = frozenset(evidence.passed)
    if not evidence.executed:
        return Held(passed, passed)
    source = candidate.source
    tests = passed & running(evidence, candidate)
    outside = source.unit(candidate.edit) == (0, len(source.text))
    lines: Collection[int] = _users(source, candidate.line) if outside else candidate.lines
    return Held(tests, passed & running(evidence, candidate, lines) if lines else tests)


def against(found: Found, firm: Firmness, held: Held, *, places: float, dispensable: bool) -> tuple[Doubt, ...]:
    """The doubts about an edit.

    `places` is how many statements as suspicious as the edited one would make up all suspicion; `dispensable` whether
    its tests pass as well where the edited statement does nothing.
    """
    return (_chance(found, firm, held, places, dispensable=dispensable), *_twin(found.candidate))


_PLACES = 10.0
"""As suspicious as the edited statement, that leave half of the confidence to an edit that one test shows alone. Chosen
with some seventy edits that passed, of real bugs and of small programs, as are the numbers below."""
_LUCKY = 100.0
"""Edits tried before it that count as much, where their tests notice nothing."""
_UNNOTICED = 0.25
"""What tests let through that notice every mistake made for a trial; those are of a few kinds, edits of many."""
_TO_DROP = 1.5
"""How many times as much it counts that an edit only takes away."""
_SLIP = 2.0
"""How many times as much the places count for an edit that only puts one sign or name in place of another, and does not
read what nothing reads otherwise."""
_AIM = 0.3
"""How much all of that counts for an edit that answers what the error says."""
_SLIPPED = "it only exchanges a sign or a name, "
_TWIN = 0.5
_LONG_TEXT = 4
_LONG_STATEMENT = 20
"""Characters: shorter ones are alike by chance."""


def _chance(found: Found, firm: Firmness, held: Held, places: float, *, dispensable: bool) -> Doubt:
    """How likely an edit that passes is right, and not one of the wrong ones that pass, too.

    The mistake may be at any place that the failing test runs, and at each of them an edit may hide it from that test.
    Each edit tried before was a chance for such a one: the share of wrong edits among those that pass grows with the
    number tried (Long and Rinard, "An Analysis of the Search Spaces for Generate and Validate Patch Generation
    Systems", ICSE 2016), and is large among those that do less (Qi et al., ISSTA 2015). Each test that shows what the
    edited lines do divides it: those that passed and run them, and the red ones that the edit mends besides; none where
    the edited statement may as well do nothing, for then they do not look at it.

    At any of the places a sign or a name can be exchanged, but few mistakes of real projects are such slips (Gopinath,
    Jensen and Groce, "Mutations: How Close are they to Real Faults?", ISSRE 2014). An edit that is only proposed for
    what the error says is not there by chance.
    """
    drops = _only_takes_away(found.candidate)
    kind = found.candidate.template
    slip = kind in SLIPS and not found.candidate.ties
    shown = 1 if dispensable else 1 + len(held.lines) + found.also_fixed
    tried = found.tries * (_UNNOTICED + 1.0 - firm.share) / _LUCKY
    elsewhere = places / _PLACES * (_SLIP if slip else 1.0)
    wrong = (elsewhere + tried + drops * _TO_DROP) / shown * (_AIM if kind in AIMED else 1.0)
    why = (
        f"{'it only takes away, ' * drops}{_SLIPPED * slip}the mistake may be at "
        f"{_counted(places, 'place')} as suspicious, it came up as edit {found.tries}, its tests miss "
        f"{firm.asked - firm.noticed} of {firm.asked} mistakes made there, and "
    )
    others = f"{_counted(shown - 1, 'other test')} {'shows' if shown == 2 else 'show'} what it does"
    return Doubt(1.0 / (1.0 + wrong), why + ("pass as well where it does nothing" if dispensable else others))


def _users(source: Source, line: int) -> frozenset[int]:
    """The lines of functions that use a value which the statement of a line sets; none where it sets none."""
    sets = [node for node in source.statements if node.lineno == line and isinstance(node, ast.Assign | ast.AnnAssign)]
    stored = (node for one in sets for node in ast.walk(one) if isinstance(getattr(node, "ctx", None), ast.Store))
    names = {word for node in stored if (word := word_of(node))}
    used = (node for node in ast.walk(source.tree) if word_of(node) in names and source.function_of(node))
    return frozenset(node.lineno for node in used if isinstance(node, ast.expr))


def _counted(number: float, what: str) -> str:
    return f"{number:.0f} {what}{'' if round(number) == 1 else 's'}"


def _only_takes_away(candidate: Candidate) -> bool:
    before, after = Counter(_parts(candidate.before)), Counter(_parts(candidate.after))
    return bool(before - after) and not after - before


def _twin(candidate: Candidate) -> Iterator[Doubt]:
    """A copy that stays as it was has the same mistake (CP-Miner: Li et al., OSDI 2004), or is the one to change."""
    before, after = Counter(_texts(candidate.before)), Counter(_texts(candidate.after))
    texts = [text for text in before - after if len(text) >= _LONG_TEXT and after[text]]
    yield from (Doubt(_TWIN, f"{text!r} stands in the function once more, unchanged") for text in texts)
    # A copy of the statement holds the same text: that is one reason, not two.
    lines = [] if texts else _copies(candidate)
    yield from (Doubt(_TWIN, f"the same stands at line {line}, unchanged") for line in lines[:1])


def _copies(candidate: Candidate) -> list[int]:
    """The lines on which other statements begin as the edited one did, and say something of their own."""
    source, edit = candidate.source, candidate.edit
    begun = {node: _beginning(source, node) for node in source.statements}
    own = next((text for node, text in begun.items() if node.lineno == candidate.line), "")
    inside = edit.text.strip() and edit.end > edit.start and edit.end - edit.start <= len(own)
    if not inside or len(own) < _LONG_STATEMENT:
        return []
    return [node.lineno for node, text in begun.items() if text == own and node.lineno != candidate.line]


def _beginning(source: Source, node: ast.stmt) -> str:
    """A statement up to those inside it."""
    start, end = source.span(node)
    inside = min((source.span(child)[0] for child in own_statements(node)), default=end)
    return source.text[start:inside].rstrip()


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
