"""What CI is told of a run, and that no test's words become commands or markup."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

from fixer.application.records import AttemptRecord, ErrorRecord, FixRecord, RunRecord, TestStatus
from fixer.domain.models import CodeLocation
from fixer.ui.ci_report import MOST_ANNOTATIONS, MOST_ROWS, MOST_SUMMARY, job_summary, sarif, workflow_commands

BEGIN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
TOP = Path("/p")
DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+```\n"
FIX = FixRecord("f1", "r1", "t.py::test_a", "landed", "c0ffee0011", "", ("x.py",), DIFF, BEGIN)
TRY = AttemptRecord(1, "m", 0.4, 0.4, "success", "", 4.0, 2.0, 1.0, 10, 3, 0.5, DIFF, BEGIN)


def red(
    name: str, message: str = "no", status: TestStatus = "unfixed", place: CodeLocation | None = None
) -> ErrorRecord:
    fix = FIX if status == "fixed" else None
    return ErrorRecord(name, status, "ValueError", message, "", fix, (TRY,) if fix else (), None, place)


def run(*tests: ErrorRecord) -> RunRecord:
    return RunRecord("r1", BEGIN, BEGIN + timedelta(seconds=20), "m", 1, tests, ())


def test_sarif_holds_what_is_still_red_where_it_failed() -> None:
    here = red("t.py::test_b", place=CodeLocation(Path("/p/src/x.py"), 7))
    elsewhere = red("t.py::test_c", place=CodeLocation(Path("/usr/lib/x.py"), 7))
    (told,) = json.loads(sarif(run(red("t.py::test_a", status="fixed"), here, elsewhere), TOP))["runs"]
    assert [rule["id"] for rule in told["tool"]["driver"]["rules"]] == ["ValueError"]
    places = [result["locations"][0]["physicalLocation"] for result in told["results"]]
    assert places == [
        {"artifactLocation": {"uri": "src/x.py"}, "region": {"startLine": 7}},
        {"artifactLocation": {"uri": "t.py"}, "region": {"startLine": 1}},
    ]
    assert told["results"][0]["message"]["text"] == "t.py::test_b: ValueError: no"


def test_an_annotation_is_one_line_whatever_a_test_says() -> None:
    (line,) = workflow_commands(run(red("t.py::test[a,b:c]", "100%\n::set-env name=X::1\r")), TOP)
    assert line == (
        "::error file=t.py,line=1,title=red%3A t.py%3A%3Atest[a%2Cb%3Ac]"
        "::t.py::test[a,b:c]: ValueError: 100%25%0A::set-env name=X::1"
    )


def test_no_more_annotations_than_are_shown() -> None:
    assert len(workflow_commands(run(*[red(f"t.py::test_{at}") for at in range(50)]), TOP)) == MOST_ANNOTATIONS


def test_the_summary_tells_each_test_and_folds_the_patch() -> None:
    told = job_summary(run(red("t.py::test_a", status="fixed"), red("t.py::test_b")))
    assert told == (
        "### fixer: 1 of 2 fixed in 20.0 s with m, 13 tokens, $0.5000.\n\n"
        "| | test | attempts | cost | |\n|---|---|---:|---:|---|\n"
        "| fixed | <code>t.py::test&#95;a</code> | 1 | $0.5000 | c0ffee001 |\n"
        "| unfixed | <code>t.py::test&#95;b</code> |  |  | no |\n\n"
        f"<details><summary>The fixes as a patch</summary>\n\n````diff\n{DIFF}````\n\n</details>\n"
    )


def test_a_name_cannot_leave_its_cell() -> None:
    told = job_summary(run(red("t.py::test[|</code><img src=x>`@someone]", "a\n| b")))
    row = told.splitlines()[4]
    assert row.count("|") == 6
    assert "<img" not in told
    assert "@someone" not in told


def test_a_huge_run_stays_within_what_github_takes() -> None:
    many = [red(f"t.py::test_{at}[{'x' * 3000}]") for at in range(10_000)]
    told = job_summary(run(*many))
    assert told.count("\n") < MOST_ROWS + 10
    assert len(told.encode()) < MOST_SUMMARY
