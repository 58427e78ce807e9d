"""Where failing tests are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from fixer.domain.models import TestError


class TestErrorRepository(Protocol):
    """Keeps failing tests and their attempts."""

    def get_by_id(self, error_id: UUID) -> TestError | None:
        """The error with this id, or None."""
        ...

    def save(self, error: TestError) -> None:
        """Store the error and its attempts, new or changed."""
        ...

    def get_unfixed_errors(self) -> Sequence[TestError]:
        """The errors still unfixed, in the order in which they were first saved."""
        ...


TestErrorRepository.__test__ = False  # type: ignore[attr-defined]  # not a test; outside, so that no adapter has to repeat it
