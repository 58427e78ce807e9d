"""A checker of candidates for tests: it runs nothing, and says of each text what its class has it say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fixer.application.ports import Overlay
from fixer.domain.models import TestRun


class PretendedChecker:
    """A CandidateChecker whose candidates are of one file each."""

    def begin(self) -> None:
        """Nothing is read here."""

    def check(
        self,
        candidates: Iterable[Overlay],
        nodeids: Sequence[str],
        *,
        vital: Sequence[str] = (),
        known: TestRun | None = None,
    ) -> Iterator[tuple[Overlay, TestRun]]:
        """One after the other, as they are asked for."""
        del known
        for overlay in self.taken(candidates):
            text = next(iter(overlay.values()), "")
            yield overlay, self.shown(text, nodeids, vital)

    def taken(self, candidates: Iterable[Overlay]) -> Iterable[Overlay]:
        """How they are taken: as they come."""
        return candidates

    def shown(self, text: str, nodeids: Sequence[str], vital: Sequence[str]) -> TestRun:
        """What these tests show with this text."""
        raise NotImplementedError
