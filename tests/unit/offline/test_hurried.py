"""Until when a checker is listened to, and that it is given what it would have been given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pretended import PretendedChecker

from fixer.application.ports import Overlay
from fixer.domain.models import TestRun
from fixer.offline.hurried import Hurried

FILE = Path("/project/app.py")
THREE = [{FILE: text} for text in "abc"]


class Noting(PretendedChecker):
    """Notes what it is given, and what it has looked at."""

    def __init__(self) -> None:
        self.given: list[Iterable[Overlay]] = []
        self.texts: list[str] = []

    def taken(self, candidates: Iterable[Overlay]) -> Iterable[Overlay]:
        self.given.append(candidates)
        return candidates

    def shown(self, text: str, nodeids: Sequence[str], vital: Sequence[str]) -> TestRun:
        self.texts.append(text)
        return TestRun(())


def test_in_time_everything_is_said_and_how_many_there_are_can_be_seen() -> None:
    checker = Noting()
    hurried = Hurried(checker, lambda: False)
    assert [overlay for overlay, _ in hurried.check(THREE, ["test"])] == THREE
    assert checker.given[0] is THREE
    assert not hurried.left_out


def test_when_the_time_is_up_nothing_more_is_asked() -> None:
    checker = Noting()
    hurried = Hurried(checker, lambda: len(checker.texts) > 1)
    assert [overlay for overlay, _ in hurried.check(THREE, ["test"])] == THREE[:2]
    assert list(hurried.check(THREE, ["test"])) == []
    assert checker.texts == ["a", "b"]
    assert hurried.left_out
