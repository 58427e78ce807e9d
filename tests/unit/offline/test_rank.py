"""The order of candidates: what a template that proposes without end may cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fixer.offline.localise import Suspect
from fixer.offline.place import Failure, Place
from fixer.offline.rank import ranked
from fixer.offline.source import Edit, Source
from fixer.offline.templates.base import Example


class Wasteful:
    """Proposes every number there is, nearly."""

    name = "number"
    source = "this test"
    prior = 1.0
    examples: tuple[Example, ...] = ()

    def __init__(self) -> None:
        self.proposed = 0

    def propose(self, place: Place) -> Iterator[Edit]:
        """As the protocol says."""
        start, end = place.source.span(place.statement)
        for number in range(1_000_000):
            self.proposed += 1
            yield Edit(start, end, f"x = {number}")


def test_of_a_template_that_proposes_too_much_only_the_first_are_looked_at() -> None:
    source = Source(Path("/app.py"), "x = -1\n")
    template = Wasteful()
    found = list(ranked([Suspect(source, source.tree.body[0], 1.0)], [template], Failure(), per_group=5))
    assert len(found) == 5
    assert template.proposed <= 10_000
