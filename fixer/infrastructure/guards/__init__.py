"""The guards: checks that a candidate fix must pass besides its own test. A new one is a class and a line here."""

from __future__ import annotations

from fixer.infrastructure.guards.affected import AffectedGuard
from fixer.infrastructure.guards.agreement import AgreementGuard
from fixer.infrastructure.guards.awareness import DetectionGuard, SkipGuard
from fixer.infrastructure.guards.candidate import Candidate, DiffGuard, Eye
from fixer.infrastructure.guards.change import SourceChange
from fixer.infrastructure.guards.checks import ChecksGuard
from fixer.infrastructure.guards.dependencies import DependencyGuard
from fixer.infrastructure.guards.form import SizeGuard, SyntaxGuard
from fixer.infrastructure.guards.hidden_error import HiddenErrorGuard
from fixer.infrastructure.guards.module import ModuleGuard
from fixer.infrastructure.guards.paths import PathGuard, SourcesGuard
from fixer.infrastructure.guards.public_names import PublicNamesGuard
from fixer.infrastructure.guards.special_case import SpecialCaseGuard
from fixer.infrastructure.guards.survey import Survey
from fixer.infrastructure.guards.tampering import CodeFromTextGuard, PatchGuard, ProcessGuard, WarningsGuard

ON_THE_DIFF: tuple[type[DiffGuard], ...] = (
    SkipGuard,
    DetectionGuard,
    AgreementGuard,
    SpecialCaseGuard,
    HiddenErrorGuard,
    PublicNamesGuard,
    ChecksGuard,
    ProcessGuard,
    PatchGuard,
    CodeFromTextGuard,
    WarningsGuard,
    DependencyGuard,
)
"""Those that need nothing but the diff, in the order in which they are asked."""

_ALL: tuple[type[DiffGuard], ...] = (SourcesGuard, SyntaxGuard, SizeGuard, *ON_THE_DIFF)
CATALOGUE = ((PathGuard.name, PathGuard.about), *((guard.name, guard.about) for guard in _ALL))
"""The name of each guard on the diff, and what it refuses, in words for people."""

__all__ = [
    "CATALOGUE",
    "ON_THE_DIFF",
    "AffectedGuard",
    "Candidate",
    "DiffGuard",
    "Eye",
    "ModuleGuard",
    "PathGuard",
    "SizeGuard",
    "SourceChange",
    "SourcesGuard",
    "Survey",
    "SyntaxGuard",
]
