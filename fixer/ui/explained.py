"""Suspicious places, as JSON and as text for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from fixer.ui.foreign_text import harmless, one_line
from fixer.ui.report import aligned


@dataclass(frozen=True)
class PlaceTold:
    """A statement that may be at fault; `suspicion` is above 0, and says something beside the others' only."""

    file: str
    line: int
    function: str
    text: str
    suspicion: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Explained:
    """A test, how it fails, and where that may come from, most suspicious first."""

    nodeid: str
    failure: str
    places: tuple[PlaceTold, ...]


def explained_json(told: Explained) -> dict[str, object]:
    """One object."""
    return {"schema": 1, **asdict(told)}


def explained_text(told: Explained) -> str:
    """The test, then two lines for each place."""
    lines = [f"{harmless(told.nodeid)}: {one_line(told.failure)}", ""]
    if not told.places:
        return lines[0] if told.failure == "passes" else "\n".join([*lines, "No place in your sources is suspicious."])
    heads = aligned(
        [(f"{place.suspicion:.2f}", f"{harmless(place.file)}:{place.line}", _inside(place)) for place in told.places]
    )
    for head, place in zip(heads, told.places, strict=True):
        lines += [head, f"      {harmless(place.text)}", f"      {'; '.join(place.reasons)}"]
    return "\n".join(lines)


def _inside(place: PlaceTold) -> str:
    return f"in {harmless(place.function)}" if place.function else "at the top of the file"
