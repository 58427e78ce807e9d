"""The receipt of a fix, as whole texts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone

from fixer.application.records import AttemptRecord, FixRecord, Receipt, RunCounts
from fixer.domain.models import ErrorDetails
from fixer.ui.receipt import receipt_json, receipt_text

WHEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
DIFF = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = [1]\n+x = [2]\n"
FIX = FixRecord("f1", "r1", "t.py::test_a", "landed", "0123456789abcdef", "", ("a.py",), DIFF, WHEN)
ATTEMPT = AttemptRecord(2, "a-model", 0.5, None, "success", "because", 2.25, 1.5, 0.5, 1000, 234, 0.0125, DIFF, WHEN)
RECEIPT = Receipt(
    FIX,
    ErrorDetails("AssertionError", "assert 1 == 2\nmore", "t.py:3: in test_a\n    assert 1 == 2", "noise"),
    ATTEMPT,
    ("protected file", "module tests"),
    (RunCounts("t.py::test_a", 1, 0, 0, 0.31), RunCounts("12 tests of t.py", 11, 0, 1, 1.0)),
    {
        "python": "/p/.venv/bin/python",
        "python_version": "3.11.7",
        "pytest": "8.3.1",
        "fixer": "0.1.0",
        "platform": "Linux",
        "directory": ".",
        "rootdir": ".",
    },
)


def test_the_text_says_what_failed_what_changed_and_what_verified_it() -> None:
    assert receipt_text(RECEIPT) == (
        "fix      f1\n"
        "test     t.py::test_a\n"
        "failed   AssertionError: assert 1 == 2\n"
        "state    landed\n"
        "commit   0123456789abcdef\n"
        "when     2024-05-06 07:08Z\n"
        "run      r1\n"
        "files    a.py\n"
        "attempt  2 with a-model at temperature 0.5 (sent: none)\n"
        "said     because\n"
        "cost     $0.0125, 1,000 tokens sent, 234 received, 1.5 s\n"
        "python   3.11.7 (/p/.venv/bin/python), pytest 8.3.1\n"
        "on       Linux, fixer 0.1.0\n"
        "\n"
        "Before:\n"
        "  t.py:3: in test_a\n"
        "      assert 1 == 2\n"
        "\n"
        "Changed:\n"
        "--- a/a.py\n"
        "+++ b/a.py\n"
        "@@ -1 +1 @@\n"
        "-x = [1]\n"
        "+x = [2]\n"
        "\n"
        "Verified:\n"
        "  1 passed              0.3 s  t.py::test_a\n"
        "  11 passed, 1 skipped  1.0 s  12 tests of t.py\n"
        "  guards passed: protected file, module tests"
    )


def test_a_temperature_that_was_sent_as_asked_is_said_once() -> None:
    sent = replace(RECEIPT, attempt=replace(ATTEMPT, temperature_sent=0.5))
    assert "at temperature 0.5\n" in receipt_text(sent)


def test_a_diff_in_colour() -> None:
    painted = receipt_text(RECEIPT, color=True)
    assert "\x1b[31m-x = [\x1b[0m\x1b[36;7m1\x1b[0m\x1b[31m]\x1b[0m\n\x1b[32m+x = [\x1b[0m\x1b[36;7m2\x1b[0m" in painted


def test_of_a_fix_without_a_kept_receipt_what_is_known_is_shown() -> None:
    fix = replace(FIX, commit="", state="uncommitted", note="there is no git")
    bare = receipt_text(Receipt(fix, RECEIPT.before, ATTEMPT))
    assert "state    uncommitted (there is no git)\nwhen" in bare
    assert "python" not in bare
    assert "Verified" not in bare


def test_what_a_test_prints_cannot_move_the_cursor() -> None:
    rude = replace(RECEIPT, before=ErrorDetails("E", "\x1b[2Jgone", "\x1b[2Jgone"))
    assert "\x1b" not in receipt_text(rude)


def test_the_json_is_exactly_what_is_documented() -> None:
    assert json.loads(json.dumps(receipt_json(RECEIPT))) == {
        "fix": "f1",
        "nodeid": "t.py::test_a",
        "state": "landed",
        "commit": "0123456789abcdef",
        "note": "",
        "landed_at": "2024-05-06T07:08:09+00:00",
        "files": ["a.py"],
        "diff": DIFF,
        "before": {
            "error_type": "AssertionError",
            "message": "assert 1 == 2\nmore",
            "stack_trace": "t.py:3: in test_a\n    assert 1 == 2",
            "captured_output": "noise",
        },
        "guards": ["protected file", "module tests"],
        "runs": [
            {"what": "t.py::test_a", "passed": 1, "failed": 0, "skipped": 0, "seconds": 0.31},
            {"what": "12 tests of t.py", "passed": 11, "failed": 0, "skipped": 1, "seconds": 1.0},
        ],
        "python": {"path": "/p/.venv/bin/python", "version": "3.11.7"},
        "pytest": "8.3.1",
        "fixer": "0.1.0",
        "platform": "Linux",
        "model": "a-model",
        "attempt": 2,
        "said": "because",
        "temperature": 0.5,
        "temperature_sent": None,
        "tokens": {"sent": 1000, "received": 234},
        "cost_usd": 0.0125,
        "model_seconds": 1.5,
        "test_seconds": 0.5,
    }
    without = receipt_json(Receipt(FIX, RECEIPT.before, ATTEMPT))
    assert without.keys() == receipt_json(RECEIPT).keys()
