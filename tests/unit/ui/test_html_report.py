"""The page of a run: what it holds, and that nothing in it can become markup."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser

from fixer.application.records import AttemptRecord, ErrorRecord, FixRecord, Receipt, RunCounts, RunRecord, TestStatus
from fixer.domain.models import Diagnosis, ErrorDetails
from fixer.ui.html_report import html_report
from fixer.ui.side_by_side import Row, file_diffs

BEGIN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
EVIL = "</script><img src=x onerror=alert(1)>\x1b[2J\u202e"
DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1,3 +1,3 @@\n a\n-return a - b\n+return a + b\n z\n"


def attempt(number: int = 1, reason: str = "", diff: str = DIFF) -> AttemptRecord:
    return AttemptRecord(
        number, "m", 0.4, None, "failed" if reason else "success", reason, 4.0, 2.0, 1.0, 1200, 30, 0.0123, diff,
        BEGIN + timedelta(seconds=5 * number),
    )  # fmt: skip


def red(name: str, status: TestStatus, *attempts: AttemptRecord, fix: FixRecord | None = None) -> ErrorRecord:
    diagnosis = Diagnosis("flaky", "passed 3 of 5 runs") if status == "flaky" else None
    return ErrorRecord(name, status, "ValueError", "bad\nvalue", "", fix, attempts, diagnosis)


FIX = FixRecord("f1", "r1", "t.py::test_a", "landed", "c0ffee00", "", ("x.py",), DIFF, BEGIN)
RECEIPT = Receipt(
    FIX, ErrorDetails("ValueError", "bad", "> the traceback"), attempt(), ("size",), (RunCounts("t.py", 3, 0, 1, 0.5),)
)


def run(*tests: ErrorRecord, ended: bool = True) -> RunRecord:
    end = BEGIN + timedelta(seconds=20)
    return RunRecord("r1", BEGIN, end if ended else None, "m", 1 if ended else None, tests, ("t.py::broke",))


def page(*tests: ErrorRecord, ended: bool = True) -> str:
    return html_report(run(*tests, ended=ended), {"f1": RECEIPT})


def words(html: str) -> str:
    """What is read of the page, without its style and script."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append  # type: ignore[assignment, method-assign]
    parser.feed(body)
    return " ".join(" ".join(found).split())


def test_every_number_of_the_ledger_is_there() -> None:
    said = words(page(red("t.py::test_a", "fixed", attempt(), fix=FIX), red("t.py::test_b", "flaky")))
    for part in (
        "1 of 2 fixed in 20.0 s with m, 1,230 tokens, $0.0123.",
        "the model: 2.0 s",
        "tests and guards: 1.0 s",
        "waiting for answers: 17.0 s",
        "0.4 (sent: none)",
        "commit c0ffee00",
        "> the traceback",
        "3 passed, 1 skipped in 0.5 s: t.py",
        "Guards that have nothing against it: size",
        "Left alone: passed 3 of 5 runs",
        "t.py::broke",
    ):
        assert part in said, part


def test_the_dearest_test_comes_first_and_the_cheap_ones_are_counted() -> None:
    twice = (attempt(1, "no"), attempt(2, "no"))
    tests = [red(f"t.py::test_{at}", "unfixed", attempt()) for at in range(13)]
    said = words(page(*tests, red("t.py::test_dear", "unfixed", *twice), red("t.py::test_free", "unfixed")))
    chart = said.partition("Where the money went")[2].partition("Broken by")[0]
    assert chart.split()[:4] == ["t.py::test_dear", "$0.0246", "t.py::test_0", "$0.0123"]
    assert "And 2 more tests" in chart
    assert "test_free" not in chart


def test_what_costs_nothing_is_told_in_tokens() -> None:
    free = replace(attempt(), cost_usd=0.0)
    said = words(page(red("t.py::test_a", "fixed", free)))
    assert "Where the tokens went t.py::test_a 1,230 tokens" in said
    offline = replace(free, tokens_sent=0, tokens_received=0)
    assert "Where the tokens went" not in words(page(red("t.py::test_a", "fixed", offline)))


def test_nothing_of_a_test_or_a_model_becomes_markup() -> None:
    html = page(red(f"t.py::test[{EVIL}]", "unfixed", attempt(reason=EVIL, diff=DIFF.replace("a - b", EVIL))))
    assert "<img" not in html
    assert html.count("</script>") == 1
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "onerror=alert(1)" in words(html)


def test_nothing_is_loaded_from_elsewhere() -> None:
    html = page(red("t.py::test_a", "fixed", attempt(), fix=FIX))
    assert "default-src 'none'" in html
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", html)
    assert "url(" not in html


def test_a_run_that_was_killed_has_a_page_too() -> None:
    assert "The run is not over, or was killed." in words(page(ended=False))


def test_a_diff_is_told_in_two_sides_with_the_words_that_changed() -> None:
    (file,) = file_diffs(DIFF)
    same, changed, last = file.rows
    assert (file.name, same) == ("x.py", Row("same", 1, [("a", False)], 1, [("a", False)]))
    assert [piece for piece in changed.old if piece[1]] == [("-", True)]
    assert (changed.old_number, changed.new_number, last.old_number, last.new_number) == (2, 2, 3, 3)


def test_sides_of_different_length_leave_room() -> None:
    (file,) = file_diffs("--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-a\n+b\n+c\n@@ -9,0 +11 @@\n+d\n")
    assert [(row.kind, row.old_number, row.new_number) for row in file.rows] == [
        ("changed", 1, 1),
        ("changed", 0, 2),
        ("gap", 0, 0),
        ("changed", 0, 11),
    ]


def test_lines_that_look_like_names_of_files_are_lines() -> None:
    (file,) = file_diffs("--- a/x.sql\n+++ b/x.sql\n@@ -1,2 +1 @@\n a\n--- a comment\n\\ No newline at end of file\n")
    assert file.rows[1].old == [("-- a comment", False)]


def test_new_and_deleted_files_have_their_name() -> None:
    diff = "diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n"
    diff += "diff --git a/o b/o\n--- a/o\n+++ /dev/null\n@@ -1 +0,0 @@\n-y\n"
    assert [file.name for file in file_diffs(diff)] == ["n", "o"]
