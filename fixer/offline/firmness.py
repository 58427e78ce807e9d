"""How firmly the tests hold a repaired program: how many other small mistakes at the same place they notice."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from random import Random

from fixer.application.ports import CandidateChecker
from fixer.domain.models import TestRun
from fixer.offline.localise import Suspect
from fixer.offline.place import Failure
from fixer.offline.rank import Candidate, ranked
from fixer.offline.source import Edit, Function, Source, Span, header_lines, own_expressions, own_statements
from fixer.offline.templates import conditions, names, numbers, operators, statements, strings
from fixer.offline.templates.base import Template


@dataclass(frozen=True)
class Firmness:
    """Of `asked` small mistakes the tests notice `noticed`."""

    noticed: int
    asked: int

    @property
    def share(self) -> float:
        """A guess that starts at a half, so that a few mistakes do not say much."""
        return (self.noticed + 1) / (self.asked + 2)


def firmness(
    candidate: Candidate, checker: CandidateChecker, nodeids: Sequence[str], known: TestRun | None = None
) -> Firmness:
    """Make the mistakes in the program as the edit leaves it, and ask the tests that it passes.

    Where they let most of them through, they would also have let through most edits that are as wrong, and this one is
    only the first that came up. Mutation analysis (DeMillo, Lipton and Sayward, "Hints on Test Data Selection", 1978),
    of the repaired function alone. `known` is what the tests showed before the edit.
    """
    overlays = [{mistake.source.path: mistake.text} for mistake in _mistakes(candidate)]
    noticed = [
        not run.passed >= set(nodeids) for _, run in checker.check(overlays, nodeids, vital=nodeids, known=known)
    ]
    return Firmness(sum(noticed), len(noticed))


def dispensable(
    candidate: Candidate, checker: CandidateChecker, nodeids: Sequence[str], known: TestRun | None = None
) -> bool:
    """Whether the tests pass as well where an edited statement does nothing, or its condition decides nothing.

    Then the edit may help for no other reason than that it keeps something from happening (Kali: Qi et al., "An
    Analysis of Patch Plausibility and Correctness for Generate-And-Validate Patch Generation Systems", ISSTA 2015).
    """
    source = _edited(candidate)
    if source is None:
        return False
    edited = candidate.edit.start, candidate.edit.start + len(candidate.edit.text)
    emptied = [edit for node in _here(candidate, source) for edit in _emptied(source, node, edited)][:_MOST_HERE]
    overlays = [{source.path: text} for text in (edit.apply(source.text) for edit in emptied) if text != source.text]
    runs = checker.check(overlays, nodeids, vital=nodeids, known=known)
    return any(run.passed >= set(nodeids) for _, run in runs)


_MOST_HERE, _MOST_AROUND, _MOST_OUTSIDE = 10, 14, 6
"""Mistakes at the edited statement, elsewhere in the function, and where each means importing anew."""
_EACH = 2
_MISTAKES: tuple[Template, ...] = (
    operators.Comparison(),
    operators.Arithmetic(),
    operators.Augmented(),
    operators.Logic(),
    operators.DropOperand(),
    numbers.Constant(),
    numbers.OffByOne(),
    numbers.Slice(),
    names.Variable(),
    names.Attribute(),
    conditions.Negation(),
    conditions.Unconditional(),
    strings.Text(),
    statements.Superfluous(),
)
"""Operators of mutation; no guards, no wraps, nothing that often changes nothing."""


def _mistakes(candidate: Candidate) -> Iterator[Candidate]:
    source = _edited(candidate)
    if source is None:
        return
    here, inside = _here(candidate, source), _inside(candidate, source)
    if len(inside) == len(source.statements):
        yield from islice(_made(source, here), _MOST_OUTSIDE)
        return
    around = [node for node in inside if node not in here]
    Random(0).shuffle(around)  # noqa: S311 - some from all over the function, always the same
    yield from islice(_made(source, here), _MOST_HERE)
    yield from islice(chain.from_iterable(islice(_made(source, [node]), _EACH) for node in around), _MOST_AROUND)


def _edited(candidate: Candidate) -> Source | None:
    """The program as the edit leaves it."""
    try:
        return Source(candidate.source.path, candidate.text)
    except (SyntaxError, ValueError):
        return None


def _made(source: Source, nodes: Iterable[ast.stmt]) -> Iterator[Candidate]:
    return ranked([Suspect(source, node, 1.0) for node in nodes], _MISTAKES, Failure())


def _inside(candidate: Candidate, source: Source) -> list[ast.stmt]:
    """The statements of the edited function, or of the whole file where it is not in one."""
    start, end = candidate.source.unit(candidate.edit)
    end += len(source.text) - len(candidate.source.text)
    return [node for node in source.statements if start <= source.span(node)[0] < end]


def _here(candidate: Candidate, source: Source) -> list[ast.stmt]:
    """Those whose own lines the edit touches."""
    edit = candidate.edit
    last = edit.start + max(0, len(edit.text) - 1)
    lines = set(range(source.line_of(edit.start), source.line_of(last) + 1))
    inside = _inside(candidate, source)
    return [node for node in inside if lines & set(header_lines(node)) and not isinstance(node, Function)]


def _emptied(source: Source, node: ast.stmt, edited: Span) -> Iterator[Edit]:
    """The statement doing nothing, or a condition that is edited deciding nothing."""
    for test in _conditions(node):
        start, end = source.span(test)
        if start < edited[1] and edited[0] < end:
            yield from (Edit(start, end, text) for text in ("(True)", "(False)"))
    if isinstance(node, ast.If | ast.While):
        yield from (Edit(*source.span(node.test), text) for text in ("(True)", "(False)"))
    elif isinstance(node, ast.For | ast.AsyncFor):
        yield Edit(*source.span(node.iter), "()")
    elif not any(True for _ in own_statements(node)) and not isinstance(node, ast.Pass):
        yield Edit(*source.span(node), "pass")


def _conditions(node: ast.stmt) -> Iterator[ast.expr]:
    """Those inside its expressions."""
    for part in own_expressions(node):
        if isinstance(part, ast.IfExp):
            yield part.test
        elif isinstance(part, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            yield from (test for comprehension in part.generators for test in comprehension.ifs)
