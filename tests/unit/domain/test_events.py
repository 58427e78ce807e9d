"""Events are values: whoever hears one cannot change what the next one hears."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from uuid import uuid4

import pytest

from fixer.domain.events import DomainEvent, FixAttemptStarted, Notice


@pytest.mark.parametrize("kind", DomainEvent.__subclasses__(), ids=lambda kind: str(kind.__name__))
def test_no_listener_can_change_an_event(kind: type[DomainEvent]) -> None:
    with pytest.raises(FrozenInstanceError):
        object.__new__(kind).__setattr__("nodeid", "another")


def test_equal_events_are_equal() -> None:
    error_id, attempt_id = uuid4(), uuid4()
    started = FixAttemptStarted(error_id, attempt_id, "a::b", 1, 3, 0.4)
    assert started == FixAttemptStarted(error_id, attempt_id, "a::b", 1, 3, 0.4)
    assert Notice("text") != Notice("text", detail=True)
