"""What a repair template is: a kind of small change, with where it is known from and examples that are its tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from fixer.offline.place import Place
from fixer.offline.source import Edit


@dataclass(frozen=True)
class Example:
    """Code before and after; `error` is `Type: message` for templates that answer an exception."""

    before: str
    after: str
    error: str = ""


class Template(Protocol):
    """A kind of change.

    `source` says where it is described; `prior` how often it is the right one, relative to the others;
    `examples` are its tests.
    """

    @property
    def name(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def prior(self) -> float: ...

    @property
    def examples(self) -> tuple[Example, ...]: ...

    def propose(self, place: Place) -> Iterator[Edit]:
        """Every edit of this kind at this place; text that does not parse is dropped by the caller."""
        ...


MUTATION = "mutation operators, reversed (Debroy and Wong 2010; PyMutRepair)"
TBAR = "TBar (Liu et al. 2019)"
PAR = "PAR (Kim et al. 2013)"
GENPROG = "GenProg (Le Goues et al. 2012)"
PYTER = "Python type errors (Oh and Oh 2022)"
SSTUBS = "simple one-statement bugs (Karampatsis and Sutton 2020; Richter and Wehrheim 2022)"

ELEMENTS = (
    *(ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp, ast.Lambda),
    *(ast.List, ast.Tuple, ast.Set, ast.Dict, ast.IfExp, ast.keyword),
)
"""What holds a value that is worked out, passed on or collected."""
