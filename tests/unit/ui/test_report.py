"""Reports, as whole texts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from xml.etree import ElementTree as Xml

import pytest

from fixer.application.records import AttemptRecord, ErrorRecord, FixRecord, RunRecord
from fixer.domain.models import Diagnosis
from fixer.ui.evidence import evidence_lines, text_of_test
from fixer.ui.report import history_text, junit_xml, patch_of, run_json, run_text

START = datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)

ATTEMPT = AttemptRecord(
    number=1,
    model="a-model",
    temperature=0.4,
    temperature_sent=None,
    status="success",
    reason="",
    seconds=2.25,
    model_seconds=1.5,
    test_seconds=0.5,
    tokens_sent=1000,
    tokens_received=234,
    cost_usd=0.0125,
    diff="--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = [1]\n+x = [2]\n",
    started_at=START,
)
FAILED = replace(ATTEMPT, status="failed", reason="the test still fails: ValueError: [bold]\x1b[2Jno[/bold]\nsecond")
FIX = FixRecord(
    id="f1",
    run_id="r1",
    nodeid="t.py::test_a",
    state="landed",
    commit="0123456789abcdef",
    note="",
    files=("a.py",),
    diff=ATTEMPT.diff,
    landed_at=START,
)
FIXED = ErrorRecord("t.py::test_a", "fixed", "AssertionError", "assert 1 == 2", "", FIX, (ATTEMPT,))
UNFIXED = ErrorRecord(
    "t.py::test_b[<&>]", "unfixed", "ValueError", "no\x00 & <never>", "", None, (FAILED, replace(FAILED, number=2))
)
ALONG = ErrorRecord("t.py::TestX::test_c", "fixed", "KeyError", "'k'", "t.py::test_a", None, ())
NUMPY = Diagnosis("environment", "the module numpy is not installed", "python -m pip install numpy")
LACKING = ErrorRecord("test_d.py", "environment", "ModuleNotFoundError", "No module named 'numpy'", "", None, (), NUMPY)
ORDER = Diagnosis("order-dependent", "passes alone 3 of 3")
FLAKY = ErrorRecord("t.py::test_e", "flaky", "AssertionError", "assert 0", "", None, (), ORDER)
RUN = RunRecord(
    id="r1",
    started_at=START,
    ended_at=START + timedelta(seconds=12.34),
    model="a-model",
    exit_code=1,
    tests=(FIXED, UNFIXED, ALONG, LACKING, FLAKY),
    newly_broken=("t.py::test_z",),
)
GREEN = RunRecord("r2", START, START + timedelta(seconds=1), "offline", 0, (), ())


def test_the_summary() -> None:
    assert run_text(RUN) == (
        "fixed        t.py::test_a         1 attempt   012345678\n"
        "unfixed      t.py::test_b[<&>]    2 attempts  the test still fails: ValueError: [bold]no[/bold]\n"
        "fixed        t.py::TestX::test_c              by the fix of t.py::test_a\n"
        "environment  test_d.py                        the module numpy is not installed\n"
        "flaky        t.py::test_e                     order-dependent: passes alone 3 of 3\n"
        "broken       t.py::test_z                     passed before this run, and fails since\n"
        "\n"
        "environment: the module numpy is not installed: test_d.py\n"
        "  python -m pip install numpy\n"
        "order-dependent: passes alone 3 of 3: t.py::test_e\n"
        "t.py::test_b[<&>] stays red:\n"
        "  1 to 2: a.py +1 -1; the test still fails: ValueError: [bold]no[/bold]\n"
        "\n"
        "2 of 5 fixed in 12.3 s with a-model, 3,702 tokens, $0.0375."
    )


def test_the_summary_on_a_narrow_terminal() -> None:
    assert run_text(RUN, width=100) == run_text(RUN)
    assert run_text(RUN, width=60) == (
        "fixed        t.py::test_a\n"
        "             1 attempt  012345678\n"
        "unfixed      t.py::test_b[<&>]\n"
        "             2 attempts  the test still fails: ValueError: …\n"
        "fixed        t.py::TestX::test_c\n"
        "             by the fix of t.py::test_a\n"
        "environment  test_d.py\n"
        "             the module numpy is not installed\n"
        "flaky        t.py::test_e\n"
        "             order-dependent: passes alone 3 of 3\n"
        "broken       t.py::test_z\n"
        "             passed before this run, and fails since\n"
        "\n"
        "environment: the module numpy is not installed: test_d.py\n"
        "  python -m pip install numpy\n"
        "order-dependent: passes alone 3 of 3: t.py::test_e\n"
        "t.py::test_b[<&>] stays red:\n"
        "  1 to 2: a.py +1 -1; the test still fails: ValueError: [bo…\n"
        "  in full: fixer show 't.py::test_b[<&>]'\n"
        "\n"
        "2 of 5 fixed in 12.3 s with a-model, 3,702 tokens, $0.0375."
    )


def test_many_tests_that_ended_alike_are_counted_on_a_terminal_and_named_elsewhere() -> None:
    alike = tuple(replace(ALONG, nodeid=f"t.py::test_{number}") for number in range(1012))
    run = replace(RUN, tests=(FIXED, *alike, UNFIXED), newly_broken=())
    table = run_text(run, width=120).split("\n\n")[0].splitlines()
    assert table[0].startswith("fixed    t.py::test_a ")
    assert [line.split()[1] for line in table[1:11]] == [f"t.py::test_{number}" for number in range(10)]
    assert table[11].split("  ")[:3] == ["fixed", "", "and 1,002 more: fixer show r1"]
    assert len(table) == 13
    assert len(run_text(run).split("\n\n")[0].splitlines()) == 1014
    eleven = replace(run, tests=alike[:11])
    assert "more" not in run_text(eleven, width=120)


def test_a_fix_that_was_taken_back_is_no_result() -> None:
    undone = replace(FIX, state="undone")
    broke = replace(UNFIXED, fix=undone)
    assert "012345678" not in run_text(replace(RUN, tests=(broke,)))
    dry = replace(FIXED, fix=replace(undone, commit="", note="dry run"))
    assert run_text(replace(RUN, tests=(dry,))).startswith("fixed   t.py::test_a  1 attempt  not applied (dry run)\n")


def test_the_patch_holds_the_fixes_in_the_order_in_which_they_were_made() -> None:
    second = replace(FIX, diff="second", landed_at=START + timedelta(seconds=1))
    run = replace(RUN, tests=(replace(FIXED, fix=second), UNFIXED, FIXED, ALONG))
    assert patch_of(run) == f"{FIX.diff}second\n"


def test_an_interrupted_run_says_so() -> None:
    assert "\nInterrupted: 2 of 5 fixed in " in run_text(replace(RUN, exit_code=130))
    assert run_text(replace(GREEN, exit_code=130)) == "Interrupted before a red test was known (1.0 s)."


def test_the_summary_in_colour_says_the_same() -> None:
    coloured = run_text(RUN, color=True)
    assert coloured.startswith("\x1b[32mfixed\x1b[0m        t.py::test_a")
    for code in ("\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == run_text(RUN)


@pytest.mark.parametrize(
    ("exit_code", "text"),
    [
        (0, "Nothing was red (1.0 s)."),
        (3, "The run ended early with exit code 3 (1.0 s)."),
        (None, "The run is not over, or was killed."),
    ],
)
def test_the_summary_of_a_run_without_red_tests(exit_code: int | None, text: str) -> None:
    assert run_text(replace(GREEN, exit_code=exit_code)) == text


@pytest.mark.parametrize(
    ("cost", "tokens", "words"),
    [(None, 1234, "1,234 tokens, price unknown"), (0.0, 0, "free"), (0.5, 10, "10 tokens, $0.5000")],
)
def test_what_a_run_cost(cost: float | None, tokens: int, words: str) -> None:
    attempt = replace(ATTEMPT, cost_usd=cost, tokens_sent=tokens, tokens_received=0)
    run = replace(RUN, tests=(replace(FIXED, attempts=(attempt,)),), newly_broken=())
    assert run_text(run).endswith(f"1 of 1 fixed in 12.3 s with a-model, {words}.")


def test_the_model_that_costs_nothing_does_so_where_an_attempt_was_cut_off_too() -> None:
    cut_off = replace(FIXED, attempts=(replace(ATTEMPT, model="", cost_usd=None),))
    assert history_text([replace(RUN, tests=(cut_off,))]).count("price unknown") == 1
    assert history_text([replace(RUN, model="offline", tests=(cut_off,))]).count("free") == 1


def test_an_uncommitted_fix_says_why() -> None:
    fix = replace(FIX, commit="", note="you are editing these lines")
    run = replace(RUN, tests=(replace(FIXED, fix=fix),), newly_broken=())
    assert run_text(run).splitlines()[0] == "fixed  t.py::test_a  1 attempt  uncommitted: you are editing these lines"


def test_the_history() -> None:
    unfinished = replace(RUN, id="r3", ended_at=None, exit_code=None)
    assert history_text([unfinished, RUN, GREEN]) == (
        "RUN  STARTED            MODEL    FIXED  SECONDS  COST     EXIT\n"
        "r3   2024-05-06 07:08Z  a-model  2/5    0.0      $0.0375  unfinished\n"
        "r1   2024-05-06 07:08Z  a-model  2/5    12.3     $0.0375  1\n"
        "r2   2024-05-06 07:08Z  offline  0/0    1.0      free     0"
    )
    assert history_text([]) == "No runs yet."


def test_the_json_is_exactly_what_is_documented() -> None:
    run = replace(RUN, tests=(FIXED, ALONG), newly_broken=("t.py::test_z",))
    assert json.loads(json.dumps(run_json(run))) == {
        "schema": 1,
        "run": "r1",
        "exit_code": 1,
        "model": "a-model",
        "cost_usd": 0.0125,
        "tokens": {"sent": 1000, "received": 234},
        "seconds": 12.34,
        "tests": [
            {
                "nodeid": "t.py::test_a",
                "status": "fixed",
                "error_type": "AssertionError",
                "message": "assert 1 == 2",
                "diagnosis": None,
                "fixed_by": None,
                "commit": "0123456789abcdef",
                "files": ["a.py"],
                "attempts": [
                    {
                        "number": 1,
                        "model": "a-model",
                        "temperature": 0.4,
                        "temperature_sent": None,
                        "status": "success",
                        "reason": "",
                        "seconds": 2.25,
                        "model_seconds": 1.5,
                        "test_seconds": 0.5,
                        "tokens_sent": 1000,
                        "tokens_received": 234,
                        "cost_usd": 0.0125,
                    }
                ],
            },
            {
                "nodeid": "t.py::TestX::test_c",
                "status": "fixed",
                "error_type": "KeyError",
                "message": "'k'",
                "diagnosis": None,
                "fixed_by": "t.py::test_a",
                "commit": None,
                "files": [],
                "attempts": [],
            },
        ],
        "newly_broken": ["t.py::test_z"],
    }


def test_the_json_of_a_test_that_was_left_alone_holds_the_evidence() -> None:
    [test] = json.loads(json.dumps(run_json(replace(RUN, tests=(FLAKY,)))))["tests"]
    assert (test["status"], test["message"]) == ("flaky", "passes alone 3 of 3\nassert 0")
    assert test["diagnosis"] == {"kind": "order-dependent", "message": "passes alone 3 of 3", "cure": ""}


def test_one_test_that_stays_red_is_shown_with_all_that_was_tried() -> None:
    assert text_of_test(
        replace(UNFIXED, attempts=(FAILED, replace(FAILED, number=2, diff="")), diagnosis=NUMPY), RUN
    ) == (
        "test    t.py::test_b[<&>]\n"
        "status  unfixed\n"
        "run     r1 (a-model)\n"
        "why     the module numpy is not installed. python -m pip install numpy\n"
        "\n"
        "ValueError: no & <never>\n"
        "\n"
        "attempt 1 at temperature 0.4: a.py +1 -1\n"
        "--- a/a.py\n"
        "+++ b/a.py\n"
        "@@ -1 +1 @@\n"
        "-x = [1]\n"
        "+x = [2]\n"
        "the test still fails: ValueError: [bold]no[/bold]\n"
        "second\n"
        "\n"
        "attempt 2 at temperature 0.4: changed nothing\n"
        "the test still fails: ValueError: [bold]no[/bold]\n"
        "second"
    )


def test_the_report_goes_into_the_first_few_red_tests_and_show_into_all() -> None:
    run = replace(RUN, tests=tuple(replace(UNFIXED, nodeid=f"t.py::test_{n}") for n in range(12)))
    assert evidence_lines(run)[-1] == "Of 2 more: fixer show r1"
    assert len(evidence_lines(run, full=True)) == 12 * 2


def test_what_lacks_the_same_is_told_together() -> None:
    run = replace(RUN, tests=tuple(replace(LACKING, nodeid=f"test_{n}.py") for n in range(5)))
    assert evidence_lines(run) == [
        "environment: the module numpy is not installed: test_0.py, test_1.py, test_2.py and 2 more",
        "  python -m pip install numpy",
    ]


def test_a_diff_is_summed_up_by_file() -> None:
    diff = "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+x\n+y\n--- a/old.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-z\n"
    run = replace(RUN, tests=(replace(UNFIXED, attempts=(replace(FAILED, diff=diff, reason="no"),)),))
    assert evidence_lines(run)[-1] == "  1: new.py +2 -0, old.py +0 -1; no"


def test_junit_xml() -> None:
    run = replace(RUN, tests=(FIXED, UNFIXED))
    assert junit_xml(run) == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        "<testsuites>\n"
        '  <testsuite name="fixer" tests="3" failures="2" errors="0" skipped="0" time="12.340"'
        ' timestamp="2024-05-06T07:08:09+00:00">\n'
        '    <testcase classname="t.py" name="test_a" time="2.250">\n'
        "      <system-out>fixed: 012345678</system-out>\n"
        "    </testcase>\n"
        '    <testcase classname="t.py" name="test_b[&lt;&amp;&gt;]" time="4.500">\n'
        '      <failure message="the test still fails: ValueError: [bold]no[/bold]" type="ValueError">'
        "no &amp; &lt;never&gt;</failure>\n"
        "    </testcase>\n"
        '    <testcase classname="t.py" name="test_z" time="0.000">\n'
        '      <failure message="passed before this run, and fails since" />\n'
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


def test_junit_counts_each_kind_once() -> None:
    suite = Xml.fromstring(junit_xml(RUN)).find("testsuite")
    assert suite is not None
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "6", "failures": "2", "errors": "1", "skipped": "1"}
