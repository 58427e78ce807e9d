"""Each event as one plain line for people."""

from __future__ import annotations

from fixer.domain.events import (
    Diagnosed,
    DiscoveryStarted,
    DomainEvent,
    ErrorsDiscovered,
    FixAttemptCompleted,
    FixAttemptStarted,
    FixedAlong,
    FixLanded,
    FixTakenBack,
    Notice,
    PhaseEntered,
)
from fixer.domain.models import Diagnosis, TestError, Usage
from fixer.ui.foreign_text import harmless, one_line


def line_of(event: DomainEvent, *, verbose: bool = False) -> str:
    """What to say of the event; empty where it is not worth a line."""
    match event:
        case DiscoveryStarted():
            return "Running the tests"
        case ErrorsDiscovered(errors, passed, seconds):
            return f"{f'{len(errors)} red' if errors else 'Nothing is red'}, {passed} passed ({seconds:.1f} s)"
        case Diagnosed(errors, diagnosis):
            return _set_aside(errors, diagnosis)
        case FixAttemptStarted():
            return f"{harmless(event.nodeid)}: {rung_of(event)}"
        case PhaseEntered(phase=phase):
            return f"  {phase}" if verbose else ""
        case FixAttemptCompleted():
            return _completed(event)
        case Notice():
            return harmless(event.text) if verbose or not event.detail else ""
    return _end_of_a_fix(event)


def rung_of(event: FixAttemptStarted) -> str:
    """Which attempt it is, and in what it differs from the others."""
    model = f", {harmless(event.model)}" if event.model else ""
    return f"attempt {event.attempt_number}/{event.max_attempts}{model}, temperature {event.temperature:g}"


def spent(usage: Usage) -> str:
    """Tokens and money; empty where neither was used."""
    tokens = usage.tokens_sent + usage.tokens_received
    price = "price unknown" if usage.cost_usd is None else f"${usage.cost_usd:.4f}" if usage.cost_usd else ""
    return ", ".join(part for part in (f"{tokens:,} tokens" if tokens else "", price) if part)


def _set_aside(errors: tuple[TestError, ...], diagnosis: Diagnosis) -> str:
    who = harmless(errors[0].nodeid) if len(errors) == 1 else f"{len(errors)} tests"
    cure = f"\n  {harmless(diagnosis.cure)}" if diagnosis.cure else ""
    return f"{who}: {diagnosis.kind}: {harmless(diagnosis.message)}{cure}"


def _completed(event: FixAttemptCompleted) -> str:
    outcome = "verified" if event.success else f"undone: {one_line(event.reason)}"
    price = spent(event.usage)
    return f"  {outcome}{f' ({price})' if price else ''}"


def _end_of_a_fix(event: DomainEvent) -> str:
    match event:
        case FixLanded(commit=commit, note=note, files=files):
            place = commit[:9] or f"uncommitted{f': {one_line(note)}' if note else ''}"
            return f"  fixed in {', '.join(map(harmless, files))} ({place})"
        case FixedAlong(nodeid=nodeid):
            return f"  fixes {harmless(nodeid)} too"
        case FixTakenBack(nodeid=nodeid, broke=broke):
            why = f"it broke {', '.join(map(harmless, broke))}" if broke else "its test is red in the run of everything"
            return f"The fix of {harmless(nodeid)} was taken back: {why}"
    return ""
