"""Doubts the edits that pass: what they give for the inputs of the tests, and for others, tells right from lucky.

Tests that pass say little about an edit that was found by trying (Qi et al., "An Analysis of Patch Plausibility and
Correctness for Generate-And-Validate Patch Generation Systems", ISSTA 2015). The edits are held against each other and
against the program as it was.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, prod
from pathlib import Path
from tempfile import TemporaryDirectory

from fixer.application.ports import CandidateChecker
from fixer.domain.models import TestRun
from fixer.offline.evidence import against, holding
from fixer.offline.firmness import dispensable, firmness
from fixer.offline.localise import Suspect
from fixer.offline.purity import only_computes
from fixer.offline.rank import Candidate, naturalness
from fixer.offline.search import Found
from fixer.offline.source import Function, Source

Outcomes = Mapping[str, str]
"""What a call gave, by its input, both as text; an input that no test chose begins with a question mark."""


@dataclass(frozen=True)
class Choice:
    """The edit that is answered, the others that pass too, best first, and how sure that is, 0 to 1, and why."""

    best: Found
    others: tuple[Found, ...]
    confidence: float
    reasons: tuple[str, ...]

    def in_haste(self) -> Choice:
        """The same where there was no time for all of the doubts."""
        why = (*self.reasons, "there was no time left to doubt it as it should be")
        return replace(self, confidence=round(self.confidence * _IN_HASTE, 2), reasons=why)


def choose(
    found: Sequence[Found],
    checker: CandidateChecker,
    nodeids: Sequence[str],
    evidence: TestRun,
    places: Sequence[Suspect] = (),
) -> Choice:
    """The best of what was found.

    `nodeids` are the tests whose calls are looked at, the mended one first; `evidence` is how they ran before; `places`
    are the statements that the mistake may be in.
    """
    shortlist = sorted(found, key=_first_sight, reverse=True)[:_MOST_DOUBTED]
    witnessed = _witnessed([one.candidate for one in shortlist], checker, nodeids, evidence)
    doubted = [_Doubted(one, *outcomes) for one, outcomes in zip(shortlist, witnessed, strict=True)]
    ranked = sorted(doubted, key=_Doubted.quality, reverse=True)
    best = ranked[0]
    others = tuple(one.found for one in ranked[1:])
    rivals = [one for one in ranked[1:] if one.found.complete == best.found.complete and _likely_other(best, one)]
    share = _share(best, rivals)
    held = holding(evidence, best.found.candidate)
    asked = [*nodeids[:1], *(other for other in nodeids[1:] if other in held.tests)]
    firm = firmness(best.found.candidate, checker, asked, evidence)
    idle = dispensable(best.found.candidate, checker, asked, evidence)
    doubts = against(best.found, firm, held, places=_as_suspicious(best.found.candidate, places), dispensable=idle)
    reasons = [*_told(best, rivals), *(doubt.why for doubt in doubts if doubt.left < _WORTH_TELLING)]
    several = _PER_EDIT ** (best.found.candidate.steps - 1)
    left = several * _wholeness(best.found) * prod(doubt.left for doubt in doubts)
    confidence = share * left * (1.0 - best.crashes)
    return Choice(best.found, others, round(confidence, 2), tuple(reasons))


_MOST_DOUBTED = 8
_FEW = 2
"""Programs to be watched at a time: for more, a checker would prepare what only small changes have use for."""
_CRASHES = 4.0
_SOFTNESS = 1.0
_ENOUGH_INPUTS = 10
"""For which two edits have to agree to count as one."""
_BY_CHOICE = 0.5
"""What an input that a test chose tells, relative to one that nobody chose, of edits of two kinds or places."""
_PART, _PART_OF_ONE = 0.7, 0.45
"""Of the confidence that is left where other red tests stay red: some that run more, or some that run nothing else."""
_PER_EDIT = 0.45
"""Of the confidence that is left for each edit more than one: the more are free, the likelier they fit by chance."""
_WORTH_TELLING = 0.95
_IN_HASTE = 0.5
"""Of the confidence that is left where not all doubts were asked: what they would have said is not known."""


@dataclass(frozen=True)
class _Doubted:
    found: Found
    before: Outcomes
    after: Outcomes

    @property
    def crashes(self) -> float:
        """The share of inputs nobody chose that it dies of, and the program as it was does not."""
        asked = [given for given, outcome in self.before.items() if given[:1] == "?" and not _died(outcome)]
        died = [given for given in asked if _died(self.after.get(given, ""))]
        return len(died) / len(asked) if asked else 0.0

    def quality(self) -> tuple[bool, float]:
        """What it is sorted by."""
        complete, natural = _first_sight(self.found)
        return complete, natural - _CRASHES * self.crashes


def _first_sight(found: Found) -> tuple[bool, float]:
    return found.complete, naturalness(found.candidate) + 2.0 * found.also_fixed


def _witnessed(
    candidates: Sequence[Candidate], checker: CandidateChecker, nodeids: Sequence[str], known: TestRun
) -> list[tuple[Outcomes, Outcomes]]:
    """For each, what the outermost function around its edit gives without it and with it; nothing where none is."""
    asked = [_questions(candidate) for candidate in candidates]
    with TemporaryDirectory(prefix="fixer-witness-") as folder:
        answers = {
            question: Path(folder, str(number))
            for number, question in enumerate(dict.fromkeys(question for pair in asked for question in pair))
        }
        watched = [{question.path: _watching(question, out)} for question, out in answers.items()]
        for start in range(0, len(watched), _FEW):
            for _ in checker.check(watched[start : start + _FEW], nodeids, known=known):
                pass
        outcomes = {question: _read(out) for question, out in answers.items()}
    return [(outcomes[pair[0]], outcomes[pair[1]]) if pair else ({}, {}) for pair in asked]


@dataclass(frozen=True)
class _Question:
    """What a function gives in a text of its file, with or without trials on inputs nobody chose."""

    text: str
    path: Path
    name: str
    trials: bool


def _questions(candidate: Candidate) -> tuple[_Question, ...]:
    """The same without the edit and with it."""
    function = _outermost(candidate.source, candidate)
    if function is None:
        return ()
    name = ".".join([up.name for up in reversed(_classes(candidate.source, function))] + [function.name])
    trials = only_computes(candidate.source, function)
    texts = (candidate.source.text, candidate.text)
    return tuple(_Question(text, candidate.source.path, name, trials) for text in texts)


def _outermost(source: Source, candidate: Candidate) -> Function | None:
    """The function around the edit that can be reached from outside."""
    start, end = source.unit(candidate.edit)
    if (start, end) == (0, len(source.text)):
        return None
    inside = [node for node in source.statements if isinstance(node, Function) and start <= source.span(node)[0] <= end]
    return inside[0] if inside else None


def _classes(source: Source, function: Function) -> list[ast.ClassDef]:
    return [up for up in source.above(function) if isinstance(up, ast.ClassDef)]


def _read(out: Path) -> Outcomes:
    lines = out.read_text("utf-8").splitlines() if out.exists() else []
    outcomes: dict[str, str] = {}
    for line in lines:
        given, outcome = json.loads(line)
        outcomes[given] = outcome if outcomes.get(given, outcome) == outcome else _VARIES
    return {given: outcome for given, outcome in outcomes.items() if outcome != _VARIES}


_VARIES = "varies"
_WITNESS = Path(__file__).with_name("witness.py")


def _watching(question: _Question, out: Path) -> str:
    """The program with one line behind it, so that no line of its own moves."""
    code = f"_fixer = {{}}; exec({_WITNESS.read_text('utf-8')!r}, _fixer)"
    call = f"_fixer['watch'](globals(), {question.name!r}, {str(out)!r}, {question.trials!r})"
    newline = "" if question.text.endswith("\n") or not question.text else "\n"
    return f"{question.text}{newline}{code}; {call}\n"


def _died(outcome: str) -> bool:
    return outcome.startswith("raised ")


def _likely_other(one: _Doubted, other: _Doubted) -> float:
    """How likely two edits do not do the same, 0 to 1: each input for which they agree speaks against that.

    What passes gives what the tests ask for, and so edits of two kinds agree on what they call it with whether or not
    they do the same; only inputs nobody chose show that they do.
    """
    if _where(one, other) is not None:
        return 1.0
    agreed = one.after.keys() & other.after.keys()
    free = sum(given[:1] == "?" for given in agreed) / _ENOUGH_INPUTS
    return max(0.0, 1.0 - max(free, min(1.0, len(agreed) / _ENOUGH_INPUTS) * _telling(one.found, other.found)))


def _telling(one: Found, other: Found) -> float:
    """How much it tells of two edits that they agree on inputs which they had to agree on to pass."""
    alike = one.candidate.template == other.candidate.template and one.candidate.line == other.candidate.line
    return 1.0 if alike else _BY_CHOICE


def _where(one: _Doubted, other: _Doubted) -> str | None:
    """An input that tells two edits apart, one that a test passes if there is one; empty where nothing is known."""
    if not one.after or not other.after:
        return ""
    apart = [given for given, outcome in one.after.items() if other.after.get(given, outcome) != outcome]
    return min(apart, key=lambda given: (given[:1] == "?", len(given)), default=None)


def _share(best: _Doubted, rivals: Sequence[_Doubted]) -> float:
    top = best.quality()[1]
    return 1.0 / (1.0 + sum(_likely_other(best, one) * exp((one.quality()[1] - top) / _SOFTNESS) for one in rivals))


def _as_suspicious(candidate: Candidate, places: Sequence[Suspect]) -> float:
    """How many statements as suspicious as the edited one would make up all suspicion; 1 where no other is."""
    path, line = candidate.source.path, candidate.line
    own = [one.suspicion for one in places if (one.source.path, one.statement.lineno) == (path, line)]
    least = min((one.suspicion for one in places), default=1.0)
    return max(1.0, sum(one.suspicion for one in places) / max(own, default=least))


def _wholeness(found: Found) -> float:
    if found.complete:
        return 1.0
    return _PART_OF_ONE if found.misses_alike else _PART


def _told(best: _Doubted, rivals: Sequence[_Doubted]) -> list[str]:
    left = (
        "that run it and run nothing else" if best.found.misses_alike else "that run it, or are cases of the same one,"
    )
    said = [] if best.found.complete else [f"other red tests {left} stay red"]
    if best.crashes:
        said.append(f"it dies of {best.crashes:.0%} of the inputs made from those of the tests")
    for rival in rivals[:1]:
        given = _where(best, rival)
        if given:
            ours, theirs = best.after[given], rival.after[given]
            said.append(f"for ({given.removeprefix('?')}) it gives {ours}, another edit that passes {theirs}")
        else:
            said.append("another edit that passes could not be told apart from it")
    return said
