"""Puts candidate edits in the order in which they are worth trying."""

from __future__ import annotations

import ast
import marshal
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from heapq import heappop, heappush, nlargest, nsmallest
from itertools import islice
from math import exp, log
from random import Random
from types import CodeType

from fixer.offline.localise import Suspect
from fixer.offline.place import Failure, Place, Scope
from fixer.offline.source import Edit, Function, Source
from fixer.offline.templates.base import Template


@dataclass(frozen=True)
class Candidate:
    """One edit of one file; `score` says how likely it is, before any chance is added."""

    source: Source
    edit: Edit
    template: str
    line: int
    score: float
    steps: int = 1
    """How many edits of templates it is made of."""
    ties: bool = False
    """Whether it ties up a loose end."""

    @property
    def text(self) -> str:
        """The whole file with the edit made."""
        return self.edit.apply(self.source.text)

    @property
    def lines(self) -> range:
        """Those of the source that the edit touches."""
        last = max(self.edit.start, self.edit.end - 1)
        return range(self.source.line_of(self.edit.start), self.source.line_of(last) + 1)

    @property
    def before(self) -> str:
        """The function around the edit as it is."""
        start, end = self.source.unit(self.edit)
        return self.source.text[start:end]

    @property
    def after(self) -> str:
        """The function around the edit as it would be."""
        return self._edited(*self.source.unit(self.edit))

    @cached_property
    def key(self) -> str:
        """The same for candidates that mean the same; empty for one that is invalid or changes nothing."""
        start, end = self.source.smallest_unit(self.edit)
        before, after = _meaning(self.source.text[start:end]), _meaning(self._edited(start, end))
        if not after or after == before:
            return ""
        return f"{self.source.path}:{hash(self.source.text)}:{start}:{hash(after)}"

    def _edited(self, start: int, end: int) -> str:
        return Edit(self.edit.start - start, self.edit.end - start, self.edit.text).apply(self.source.text[start:end])


def composed(first: Candidate, then: Candidate) -> Candidate:
    """An edit, and another one of the text that it leaves, as one edit of the original."""
    grown, grows = (len(one.edit.text) - (one.edit.end - one.edit.start) for one in (first, then))
    start = min(first.edit.start, then.edit.start)
    end = max(first.edit.end + grown, then.edit.end)
    edit = Edit(start, end - grown, then.text[start : end + grows])
    kinds = f"{first.template} and {then.template}"
    return Candidate(first.source, edit, kinds, first.line, first.score + then.score, first.steps + then.steps)


def ranked(
    suspects: Sequence[Suspect],
    templates: Sequence[Template],
    failure: Failure,
    *,
    scale: float = 0.0,
    seed: int = 0,
    per_group: int = 60,
    most: int = 30_000,
) -> Iterator[Candidate]:
    """Candidates, best first; invalid ones and doubles are dropped as they come up.

    `per_group` bounds how many edits one template may make of one statement. `scale` is the size of the Gumbel noise
    put on the scores: sorting by noisy scores draws without replacement with the chances of a softmax (Kool, van Hoof
    and Welling 2019). 0 adds none.
    """
    chance = Random(seed)  # noqa: S311 - nothing secret: the same seed has to give the same order
    seen: set[str] = set()
    groups = _groups(suspects, templates, failure)
    for candidate in islice(_in_order(groups, per_group, scale, chance, most), most):
        if candidate.key and candidate.key not in seen:
            seen.add(candidate.key)
            yield candidate


def naturalness(candidate: Candidate) -> float:
    """A candidate's score, less what makes an edit suspect of passing the tests without being right.

    What the file says elsewhere in the same words is likelier meant: most of what fixes are made of stands near them
    already (Barr et al., "The Plastic Surgery Hypothesis", FSE 2014).
    """
    before, after = parsed(candidate.before), parsed(candidate.after)
    words, left = _words(before), _words(after)
    forgotten = sum(1 for word in words if word not in left)
    dropped = max(0, _calls(before) - _calls(after))
    new = _phrases(after) - _phrases(before)
    known = _KNOWN if new and new & _phrases(candidate.source.tree) else 0.0
    return (
        candidate.score + known - 1.0 * forgotten - 0.5 * dropped - 3.0 * (_tautologies(after) - _tautologies(before))
    )


def parsed(text: str) -> ast.Module:
    """The tree of a function that may stand indented."""
    return ast.parse("if True:\n" + text if text[:1] in (" ", "\t") else text)


_REACH = 0.5
"""How far above its template's chance at its place an edit scores at the most: 0.2 is what was seen."""
_MOST_CHANCE = 12.0
"""Of Gumbel noise, which is above that once in 160,000 times."""
_PER_CHARACTER = 0.02
_BRANCHING = 0.6
_KNOWN = 1.0
_LOOSE_END = 1.5
"""For what ties one up."""
_MOST_PROPOSED = 3_000
"""By one template for one statement: a table of a thousand texts has a million exchanges, which take minutes."""
_LEAST_PHRASE = 8
"""Nodes of an expression: `self._stock.get(item, 0)` has ten, `a + b` six."""


@dataclass(frozen=True)
class _Group:
    """What one template may do to one statement; `base` is a score that its edits are measured from."""

    place: Place
    template: Template
    base: float

    @property
    def best(self) -> float:
        """What no edit of it scores above, as a rule: one that does only comes a little late."""
        return self.base + _REACH + (_LOOSE_END if self.place.scope.loose_ends else 0.0)


def _groups(suspects: Iterable[Suspect], templates: Sequence[Template], failure: Failure) -> list[_Group]:
    scopes: dict[tuple[Source, Function | None], Scope] = {}
    groups: list[_Group] = []
    for suspect in (found for found in suspects if not _says_nothing(found.statement)):
        function = suspect.source.function_of(suspect.statement)
        scope = scopes.setdefault((suspect.source, function), Scope(suspect.source, function))
        place = Place(suspect.source, suspect.statement, failure, scope)
        where = 1.5 * log(suspect.suspicion + 0.02)
        groups += [_Group(place, template, where + log(template.prior)) for template in templates]
    return groups


def _in_order(groups: Sequence[_Group], per_group: int, scale: float, chance: Random, most: int) -> Iterator[Candidate]:
    """The `most` best edits of all groups, in their order; a group is looked at when one of its edits may be the next.

    Most searches end long before all edits there are have been thought of, which takes seconds in large files. (Fagin,
    Lotem and Naor, "Optimal Aggregation Algorithms for Middleware", PODS 2001, stop in the same way.)
    """
    waiting: list[tuple[float, int, int, Candidate]] = []
    for number in sorted(range(len(groups)), key=lambda number: -groups[number].best):
        best = groups[number].best + _MOST_CHANCE * scale
        while waiting and -waiting[0][0] > best:
            yield heappop(waiting)[-1]
        for order, candidate in enumerate(_edits(groups[number], per_group)):
            heappush(waiting, (-candidate.score - scale * _gumbel(chance), number, order, candidate))
        if len(waiting) > 2 * most:  # no more of them will be asked for
            waiting = nsmallest(most, waiting)  # in order, and so a heap
    while waiting:
        yield heappop(waiting)[-1]


def _says_nothing(statement: ast.stmt) -> bool:
    documentation = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return documentation or isinstance(statement, ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal)


def _edits(group: _Group, most: int) -> Iterator[Candidate]:
    place, template = group.place, group.template
    proposed = islice(template.propose(place), _MOST_PROPOSED)
    edits = nlargest(most, proposed, key=lambda edit: edit.weight)
    # A template with many instances must not crowd out one with few: all share one mass.
    base = group.base - _BRANCHING * log(1 + sum(exp(edit.weight) for edit in edits))
    for edit in edits:
        score = base + edit.weight - _PER_CHARACTER * _changed(place.source, edit)
        ties = place.scope.loose_ends.ties(place.source.text[edit.start : edit.end], edit.text)
        score += ties * _LOOSE_END
        yield Candidate(place.source, edit, template.name, place.statement.lineno, score, ties=ties)


def _changed(source: Source, edit: Edit) -> int:
    old, new = source.text[edit.start : edit.end], edit.text
    shorter = min(len(old), len(new))
    head = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    tail = next((at for at in range(shorter - head) if old[-1 - at] != new[-1 - at]), shorter - head)
    return max(len(old), len(new)) - head - tail


def _gumbel(chance: Random) -> float:
    return -log(chance.expovariate(1.0) or 1e-12)


@lru_cache(maxsize=500)
def _meaning(text: str) -> bytes:
    """What a function says, whatever its layout; empty where it is not valid.

    Told by what it compiles to: to write a tree down takes Python several times as long.
    """
    text = "if True:\n" + text if text[:1] in (" ", "\t") else text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(text, "", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return b""
    return marshal.dumps(_unplaced(code), 2)  # later versions tell of what else refers to a constant


def _unplaced(code: CodeType) -> CodeType:
    """The code without its lines and columns."""
    constants = tuple(_unplaced(one) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.replace(co_consts=constants, co_firstlineno=1, co_linetable=b"")


def _words(tree: ast.AST) -> Counter[str]:
    return Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))


def _calls(tree: ast.AST) -> int:
    return sum(isinstance(node, ast.Call) for node in ast.walk(tree))


def _phrases(tree: ast.AST) -> set[str]:
    """The expressions that say so much that finding them twice is hardly chance."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.BinOp | ast.Compare | ast.Subscript))
    return {ast.dump(node) for node in found if sum(1 for _ in ast.walk(node)) >= _LEAST_PHRASE}


def _tautologies(tree: ast.AST) -> int:
    compared = (node for node in ast.walk(tree) if isinstance(node, ast.Compare))
    return sum(ast.dump(node.left) == ast.dump(node.comparators[0]) for node in compared)
