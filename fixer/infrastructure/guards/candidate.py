"""What a guard on the diff is given to judge: the files before and after, the failing test, and the project around."""

from __future__ import annotations

import io
import tokenize
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from fixer.domain.models import Proposal, TestError, TestRun
from fixer.domain.services import is_test_path
from fixer.infrastructure.excerpt import excerpt_of_test
from fixer.infrastructure.guards.change import SourceChange
from fixer.infrastructure.guards.survey import Survey
from fixer.infrastructure.suspects import find_test_file
from fixer.infrastructure.user_branch import FileChange


@dataclass(frozen=True)
class Candidate:
    """A fix to be judged."""

    changes: tuple[SourceChange, ...]
    error: TestError
    test_source: str = ""
    """The failing test with what it uses from its own file; empty where it could not be found."""
    survey: Survey = field(default_factory=Survey)

    @cached_property
    def product(self) -> tuple[SourceChange, ...]:
        """The changed Python files that are no tests."""
        return tuple(change for change in self.changes if change.is_python and not is_test_path(_path(change)))

    @property
    def comparable(self) -> Iterator[SourceChange]:
        """Those of which both sides can be read."""
        return (change for change in self.product if change.comparable)


Look = Callable[[TestError, Proposal], Candidate]


class DiffGuard:
    """A guard on what a fix changed; it runs nothing. `about` says to people what it refuses."""

    name: str
    about: str
    after_test = False

    def __init__(self, look: Look) -> None:
        self._look = look

    def refuse(self, error: TestError, proposal: Proposal) -> str:
        """The first thing that is wrong with the fix."""
        return next(iter(self.objections(self._look(error, proposal))), "")

    @abstractmethod
    def objections(self, candidate: Candidate) -> Iterable[str]:
        """What is wrong, where, and what to do instead, each in a sentence that the next prompt can quote."""


class Eye:
    """Looks at an attempt's files once for all guards. `changes` are those of the open attempt."""

    def __init__(self, top: Path, directory: Path, changes: Callable[[], Iterable[FileChange]], survey: Survey) -> None:
        self._top = top
        self._directory = directory
        self._changes = changes
        self._survey = survey
        self._seen: tuple[Proposal, Candidate] | None = None

    def __call__(self, error: TestError, proposal: Proposal) -> Candidate:
        """The attempt as guards see it."""
        if self._seen is None or self._seen[0] is not proposal:
            changes = tuple(source_change(change) for change in self._changes() if change.before != change.after)
            self._seen = proposal, Candidate(changes, error, self._test_source(error), self._survey)
        return self._seen[1]

    def _test_source(self, error: TestError) -> str:
        file = find_test_file(error, TestRun(()), self._top) or self._directory / error.test_file
        try:
            text = decoded(file.read_bytes())
        except OSError:
            return ""
        return excerpt_of_test(text, error.test_function, _WHOLE) if error.test_function else text


def source_change(change: FileChange) -> SourceChange:
    """The same change as text."""
    before, after = (None if state is None else decoded(state.content) for state in (change.before, change.after))
    return SourceChange(change.path, before, after)


def decoded(content: bytes) -> str:
    """The text, in the encoding that the file declares; what cannot be decoded is replaced."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except (SyntaxError, LookupError):
        encoding = "utf-8"
    return content.decode(encoding, errors="replace").replace("\r\n", "\n")


_WHOLE = 10**9


def _path(change: SourceChange) -> PurePosixPath:
    return PurePosixPath(change.path)
