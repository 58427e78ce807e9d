"""What the replay of a fix showed, as JSON and as text for people."""

from __future__ import annotations

from dataclasses import dataclass

from fixer.application.replay import Replay
from fixer.domain.models import TestResult
from fixer.ui.foreign_text import harmless, one_line
from fixer.ui.report import aligned

SCHEMA = 1


@dataclass(frozen=True)
class Replayed:
    """A replay, and what of."""

    fix_id: str
    nodeid: str
    parent: str
    commit: str
    submodules: tuple[str, ...]
    replay: Replay


def replay_json(done: Replayed) -> dict[str, object]:
    """The object that `fixer verify --json` prints."""
    return {
        "schema": SCHEMA,
        "fix": done.fix_id,
        "nodeid": done.nodeid,
        "verified": done.replay.verified,
        "reason": done.replay.reason,
        "parent": done.parent,
        "commit": done.commit,
        "before": _result_json(done.replay.before),
        "after": [_result_json(result) for result in done.replay.after],
        "submodules_left_out": list(done.submodules),
    }


def replay_text(done: Replayed) -> str:
    """One line per run, and the verdict."""
    rows = [("without it", done.parent[:9], *_told(done.replay.before))]
    rows += [("with it", done.commit[:9], *_told(result)) for result in done.replay.after]
    left_out = f"Left out: the submodules {', '.join(map(harmless, done.submodules))}" if done.submodules else ""
    verdict = "Verified" if done.replay.verified else f"Not verified: {one_line(done.replay.reason)}"
    head = f"Fix {done.fix_id} of {harmless(done.nodeid)}"
    return "\n".join(line for line in (head, *aligned(rows), left_out, f"{verdict}.") if line)


def _told(result: TestResult) -> tuple[str, str]:
    details = result.details
    why = f"{details.error_type}: {details.message}".strip(": ") if details else result.reason
    return result.verdict.value, one_line(why) if why else ""


def _result_json(result: TestResult) -> dict[str, object]:
    return {
        "verdict": result.verdict.value,
        "reason": result.reason,
        "error_type": result.details.error_type if result.details else None,
        "message": result.details.message if result.details else None,
        "seconds": round(result.seconds, 3),
    }
