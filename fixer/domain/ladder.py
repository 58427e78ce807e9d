"""The ladder: which attempts are made at one test, in which order, and when a further one would tell nothing new."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

Conversation = Literal["fresh", "continued"]
WIDEST = 4
"""The context level that sends whole files."""
EFFORTS = ("", "low", "medium", "high")


@dataclass(frozen=True)
class Rung:
    """One attempt to make.

    `context` is how much is told, from 1 (the failing test, its traceback and the functions in it) to 4 (whole files).
    `effort` is sent to models that reason and take no temperature; empty: as their provider has it.
    """

    model: str
    temperature: float = 0.4
    context: int = 1
    conversation: Conversation = "fresh"
    effort: str = ""


@dataclass(frozen=True)
class Tried:
    """A rung that came to nothing: the diff that it made, if any, and why that was no fix."""

    rung: Rung
    diff: str
    reason: str


def build_ladder(models: Sequence[str], attempts: int, temperature: float, step: float) -> tuple[Rung, ...]:
    """`attempts` rungs for each model, rising in temperature and context; the next model comes after the last of them.

    The second continues the conversation of the first, with the failure; later ones begin anew and know more. Of a
    stronger model nothing is asked that the weaker one has not been asked in vain, so it begins with a wider view.
    """
    return tuple(
        _rung(model, position, number, temperature + number * step)
        for position, model in enumerate(models)
        for number in range(attempts)
    )


def read_ladder(tables: Iterable[Mapping[str, Any]]) -> tuple[Rung, ...]:
    """The rungs that a configuration names, one table each. Raises ValueError, which says what a rung may hold."""
    return tuple(_read(table) for table in tables)


def models_of(ladder: Sequence[Rung]) -> tuple[str, ...]:
    """The models of a ladder, each once, in the order in which they are asked."""
    return tuple(dict.fromkeys(rung.model for rung in ladder))


def next_rung(ladder: Sequence[Rung], tried: Sequence[Tried]) -> Rung | None:
    """The rung to try after these; None at the top, and where nothing new could be told.

    A model that has answered the same twice (one patch, or one failure) is asked again only with a wider context.
    """
    ahead = ladder[len(tried) :]
    if not tried or not _repeats(tried):
        return ahead[0] if ahead else None
    last = tried[-1].rung
    says_more = (rung for rung in ahead if rung.model != last.model or rung.context > last.context)
    return ahead[0] if any(True for _ in says_more) else None


def already_climbed(ladder: Sequence[Rung], before: Iterable[Tried]) -> list[Tried]:
    """Of what was tried before, the lowest rungs of this ladder, one by one: those need not be climbed again."""
    climbed: list[Tried] = []
    for attempt in before:
        if len(climbed) < len(ladder) and attempt.rung == ladder[len(climbed)]:
            climbed.append(attempt)
    return climbed


def timeless(text: str) -> str:
    """The text without what differs from run to run anyway: addresses, durations, temporary folders."""
    return re.sub(r"0x[0-9a-f]+|\d+(\.\d+)? ?(s|ms|seconds)\b|pytest-\d+", "_", text)


def normalised(diff: str) -> tuple[str, ...]:
    """What a diff changes, whatever its line numbers, context and spacing."""
    changed = (line for line in diff.splitlines() if line[:1] in ("+", "-") and line[:3] not in ("+++", "---"))
    squeezed = (line[0] + "".join(line[1:].split()) for line in changed)
    return tuple(line for line in squeezed if len(line) > 1)


def _rung(model: str, position: int, number: int, temperature: float) -> Rung:
    context = min(1 + number + bool(position), WIDEST)
    conversation: Conversation = "continued" if number == 1 else "fresh"
    effort = "high" if number >= _HARDER_FROM else ""
    return Rung(model, round(temperature, 6), context, conversation, effort)


_HARDER_FROM = 2


def _repeats(tried: Sequence[Tried]) -> bool:
    last = tried[-1]
    earlier = [attempt for attempt in tried[:-1] if attempt.rung.model == last.rung.model]
    same_patch = any(normalised(attempt.diff) == normalised(last.diff) for attempt in earlier if last.diff)
    same_failure = any(timeless(attempt.reason) == timeless(last.reason) for attempt in earlier[-1:])
    return same_patch or same_failure


def _read(table: Mapping[str, Any]) -> Rung:
    known = {field.name for field in fields(Rung)}
    rung = Rung(**{"model": "", **table}) if known >= table.keys() else None
    if rung is None or not _is_sound(rung):
        raise ValueError(
            "tables such as {model = 'NAME', temperature = 0.4, context = 1 to 4, "
            "conversation = 'fresh' or 'continued', effort = 'low', 'medium' or 'high'}"
        )
    return rung


def _is_sound(rung: Rung) -> bool:
    temperature = rung.temperature
    return (
        isinstance(rung.model, str)
        and bool(re.fullmatch(r"\w[\w./:@+-]*", rung.model))
        and isinstance(temperature, int | float)
        and not isinstance(temperature, bool)
        and 0 <= temperature <= 2
        and type(rung.context) is int
        and 1 <= rung.context <= WIDEST
        and rung.conversation in ("fresh", "continued")
        and rung.effort in EFFORTS
    )
