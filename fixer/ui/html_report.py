"""A run as one HTML page that needs nothing else: what was red, each attempt, where time and money went."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fixer.application.records import AttemptRecord, ErrorRecord, Receipt, RunRecord
from fixer.ui.foreign_text import harmless, one_line
from fixer.ui.report import money, run_sentence
from fixer.ui.side_by_side import file_diffs


def html_report(run: RunRecord, receipts: Mapping[str, Receipt]) -> str:
    """The page. `receipts` by the id of the fix; every number in it is the ledger's."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).with_name("templates")
    templates = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("report.html").render(_page(run, receipts))


def _page(run: RunRecord, receipts: Mapping[str, Receipt]) -> dict[str, Any]:
    tests = [_test(number, test, run, receipts) for number, test in enumerate(run.tests, 1)]
    return {
        "run": run.id,
        "started": f"{run.started_at:%Y-%m-%d %H:%M} UTC",
        "model": harmless(run.model),
        "sentence": run_sentence(run),
        "exit_code": "none: the run is not over, or was killed" if run.exit_code is None else run.exit_code,
        "cost": money(run.cost_usd),
        "tokens": _tokens(run.attempts),
        "seconds": f"{run.seconds:.1f} s",
        "attempts": len(run.attempts),
        "fixed": sum(test.status == "fixed" for test in run.tests),
        "shares": _shares(run),
        "spending": _spending(run),
        "tests": tests,
        "timeline": sorted((attempt for test in tests for attempt in test["attempts"]), key=_start),
        "broken": [harmless(nodeid) for nodeid in run.newly_broken],
    }


def _start(attempt: Mapping[str, Any]) -> float:
    return float(attempt["from"])


def _shares(run: RunRecord) -> list[dict[str, Any]]:
    """Where the time went; none where that is unknown."""
    model = sum(attempt.model_seconds for attempt in run.attempts)
    tests = sum(attempt.test_seconds for attempt in run.attempts)
    parts = (
        ("the model", "model", model),
        ("tests and guards", "tests", tests),
        ("all else: the first and last run, git, waiting for answers", "rest", max(run.seconds - model - tests, 0.0)),
    )
    whole = sum(seconds for _, _, seconds in parts)
    return [
        {"name": name, "kind": kind, "seconds": f"{seconds:.1f} s", "percent": round(100 * seconds / whole, 2)}
        for name, kind, seconds in parts
        if whole
    ]


def _spending(run: RunRecord) -> dict[str, Any]:
    """Where the money went, or the tokens where these cost nothing or nobody knows what; the dearest tests first."""
    costs = {at: sum(attempt.cost_usd or 0.0 for attempt in test.attempts) for at, test in enumerate(run.tests, 1)}
    paid = sum(costs.values()) > 0
    tokens = {
        at: sum(attempt.tokens_sent + attempt.tokens_received for attempt in test.attempts)
        for at, test in enumerate(run.tests, 1)
    }
    spent: Mapping[int, float] = costs if paid else tokens
    dearest = [at for at in sorted(spent, key=lambda at: -spent[at]) if spent[at]]
    most = spent[dearest[0]] if dearest else 1
    rows = [
        {
            "test": at,
            "nodeid": harmless(run.tests[at - 1].nodeid),
            "spent": money(costs[at]) if paid else f"{tokens[at]:,} tokens",
            "percent": round(100 * spent[at] / most, 2),
            "status": run.tests[at - 1].status,
        }
        for at in dearest[:_MOST_SPENDING]
    ]
    return {"what": "money" if paid else "tokens", "rows": rows, "left_out": max(len(dearest) - _MOST_SPENDING, 0)}


_MOST_SPENDING = 12


def _test(number: int, test: ErrorRecord, run: RunRecord, receipts: Mapping[str, Receipt]) -> dict[str, Any]:
    receipt = receipts.get(test.fix.id) if test.fix else None
    before = receipt.before.stack_trace if receipt else ""
    return {
        "number": number,
        "nodeid": harmless(test.nodeid),
        "status": test.status,
        "failure": one_line(f"{test.error_type}: {test.message}".strip(": "), 200),
        "before": harmless(before or test.message),
        "why_left": harmless(str(test.diagnosis)) if test.diagnosis and test.status != "fixed" else "",
        "fixed_by": harmless(test.fixed_by),
        "fix": test.fix.id if test.fix and test.status == "fixed" else "",
        "commit": test.fix.commit if test.fix and test.status == "fixed" else "",
        "attempts": [_attempt(number, test, attempt, run) for attempt in test.attempts],
        "runs": [_run(receipt, at) for at in range(len(receipt.runs))] if receipt else [],
        "guards": [harmless(name) for name in receipt.guards] if receipt else [],
    }


def _attempt(test_number: int, test: ErrorRecord, attempt: AttemptRecord, run: RunRecord) -> dict[str, Any]:
    whole = run.seconds or 1.0
    offset = max((attempt.started_at - run.started_at).total_seconds(), 0.0)
    return {
        "test": test_number,
        "nodeid": harmless(test.nodeid),
        "number": attempt.number,
        "status": attempt.status,
        "model": harmless(attempt.model),
        "temperature": _temperature(attempt),
        "reason": harmless(attempt.reason),
        "short_reason": one_line(attempt.reason, 120),
        "seconds": f"{attempt.seconds:.1f} s",
        "tokens": _tokens((attempt,)),
        "cost": money(attempt.cost_usd),
        "from": round(min(100 * offset / whole, 99.5), 2),
        "length": round(max(min(100 * attempt.seconds / whole, 100 - 100 * offset / whole), 0.5), 2),
        "at": f"{offset:.1f} s",
        "files": file_diffs(attempt.diff),
    }


def _temperature(attempt: AttemptRecord) -> str:
    asked, sent = attempt.temperature, attempt.temperature_sent
    return f"{asked:g}" if sent == asked else f"{asked:g} (sent: {'none' if sent is None else f'{sent:g}'})"


def _tokens(attempts: tuple[AttemptRecord, ...]) -> str:
    sent = sum(attempt.tokens_sent for attempt in attempts)
    received = sum(attempt.tokens_received for attempt in attempts)
    return f"{sent:,} sent, {received:,} received" if sent + received else "none"


def _run(receipt: Receipt, at: int) -> dict[str, Any]:
    run = receipt.runs[at]
    counts = ((run.passed, "passed"), (run.failed, "failed"), (run.not_run, "skipped"))
    return {
        "what": harmless(run.what),
        "counts": ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing ran",
        "seconds": f"{run.seconds:.1f} s",
    }
