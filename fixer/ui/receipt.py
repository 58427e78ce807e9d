"""What one fix rests on, as JSON and as text for people."""

from __future__ import annotations

from collections.abc import Iterator

from fixer.application.records import AttemptRecord, Receipt, RunCounts
from fixer.ui.foreign_text import harmless, one_line
from fixer.ui.paint import diff_lines
from fixer.ui.report import aligned, money


def receipt_json(receipt: Receipt) -> dict[str, object]:
    """The object that stands below `receipt`. What is unknown is null."""
    fix, attempt, before, made_with = receipt.fix, receipt.attempt, receipt.before, receipt.made_with
    return {
        "fix": fix.id,
        "nodeid": fix.nodeid,
        "state": fix.state,
        "commit": fix.commit or None,
        "note": fix.note,
        "landed_at": fix.landed_at.isoformat(),
        "files": list(fix.files),
        "diff": fix.diff,
        "before": {
            "error_type": before.error_type,
            "message": before.message,
            "stack_trace": before.stack_trace,
            "captured_output": before.captured_output,
        },
        "guards": list(receipt.guards),
        "runs": [_run_json(run) for run in receipt.runs],
        "python": {"path": made_with.get("python"), "version": made_with.get("python_version")},
        "pytest": made_with.get("pytest"),
        "fixer": made_with.get("fixer"),
        "platform": made_with.get("platform"),
        "model": attempt.model,
        "attempt": attempt.number,
        "said": attempt.reason,
        "temperature": attempt.temperature,
        "temperature_sent": attempt.temperature_sent,
        "tokens": {"sent": attempt.tokens_sent, "received": attempt.tokens_received},
        "cost_usd": attempt.cost_usd,
        "model_seconds": round(attempt.model_seconds, 3),
        "test_seconds": round(attempt.test_seconds, 3),
    }


def receipt_text(receipt: Receipt, *, color: bool = False) -> str:
    """The fix, the report of the test before it, its diff, and what verified it."""
    facts = [fact for fact in _facts(receipt) if fact[1]]
    before = ["", "Before:", *_indented(receipt.before.stack_trace or _summary(receipt))]
    diff = ["", "Changed:", *diff_lines(receipt.fix.diff, color=color)]
    return "\n".join([*aligned(facts), *before, *diff, *_verified(receipt)])


def _facts(receipt: Receipt) -> Iterator[tuple[str, str]]:
    fix, made_with = receipt.fix, receipt.made_with
    yield "fix", fix.id
    yield "test", harmless(fix.nodeid)
    yield "failed", one_line(_summary(receipt))
    yield "state", f"{fix.state}{f' ({harmless(fix.note)})' if fix.note else ''}"
    yield "commit", fix.commit
    yield "when", f"{fix.landed_at:%Y-%m-%d %H:%M}Z"
    yield "run", fix.run_id
    yield "files", ", ".join(harmless(file) for file in fix.files)
    yield "attempt", _attempt(receipt.attempt)
    yield "said", harmless(receipt.attempt.reason)
    yield "cost", _cost(receipt.attempt)
    if made_with:
        yield "python", f"{made_with['python_version']} ({harmless(made_with['python'])}), pytest {made_with['pytest']}"
        yield "on", f"{made_with['platform']}, fixer {made_with['fixer']}"


def _attempt(attempt: AttemptRecord) -> str:
    asked, sent = attempt.temperature, attempt.temperature_sent
    told = "" if sent == asked else f" (sent: {'none' if sent is None else f'{sent:g}'})"
    return f"{attempt.number} with {harmless(attempt.model)} at temperature {asked:g}{told}"


def _cost(attempt: AttemptRecord) -> str:
    price, seconds = money(attempt.cost_usd), f"{attempt.model_seconds:.1f} s"
    if not attempt.tokens_sent + attempt.tokens_received:
        return f"{price}, {seconds}"
    return f"{price}, {attempt.tokens_sent:,} tokens sent, {attempt.tokens_received:,} received, {seconds}"


def _verified(receipt: Receipt) -> list[str]:
    if not receipt.runs:
        return []
    runs = aligned([("", _counts(run), f"{run.seconds:.1f} s", harmless(run.what)) for run in receipt.runs])
    return ["", "Verified:", *runs, f"  guards passed: {', '.join(map(harmless, receipt.guards)) or 'none'}"]


def _counts(run: RunCounts) -> str:
    counts = ((run.passed, "passed"), (run.failed, "failed"), (run.not_run, "skipped"))
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing ran"


def _run_json(run: RunCounts) -> dict[str, object]:
    return {
        "what": run.what,
        "passed": run.passed,
        "failed": run.failed,
        "skipped": run.not_run,
        "seconds": round(run.seconds, 3),
    }


def _summary(receipt: Receipt) -> str:
    return f"{receipt.before.error_type}: {receipt.before.message}".strip(": ")


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in harmless(text).splitlines()]
