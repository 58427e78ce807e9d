"""Only one thing is a pass: the exact test's call and teardown reported as passed, by the probe, and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer.domain.models import CodeLocation, TestResult, Verdict
from fixer.infrastructure.probe_records import ProbeRun, read_run

NONCE = "5d1e"
PROJECT = Path("/home/someone/project")
A, B = "tests/test_a.py::test_x[1 + 1]", "tests/test_a.py::test_x"


def line(kind: str, nonce: str = NONCE, **facts: Any) -> bytes:
    return json.dumps({"kind": kind, "nonce": nonce, **facts}).encode() + b"\n"


def start(nodeid: str = A) -> bytes:
    return line("start", nodeid=nodeid)


def report(when: str, outcome: str = "passed", nodeid: str = A, **facts: Any) -> bytes:
    if outcome == "failed":
        facts = {"text": "E   boom", "sections": [], **facts}
    return line("report", nodeid=nodeid, when=when, outcome=outcome, seconds=0.5, **facts)


def passed(nodeid: str = A) -> list[bytes]:
    return [start(nodeid), *(report(when, nodeid=nodeid) for when in ("setup", "call", "teardown"))]


def read(*lines: bytes, ending: str = "") -> ProbeRun:
    return read_run(lines, NONCE, PROJECT, ending)


def of(run: ProbeRun, nodeid: str = A) -> TestResult:
    return run.as_test_run(0.0).of(nodeid)


def test_a_test_that_passes_in_every_phase_passed() -> None:
    result = of(read(*passed()))
    assert result
    assert (result.seconds, result.details) == (1.5, None)


def test_a_similar_id_is_another_test() -> None:
    assert of(read(*passed(B))).reason == "not collected"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([report("setup", "skipped", skip="not now"), report("teardown")], "skipped: not now"),
        ([report("setup"), report("call", "skipped", xfail="known"), report("teardown")], "expected to fail"),
        (
            [report("setup"), report("call", xfail=""), report("teardown")],
            "passed, but is marked as expected to fail",
        ),
        ([report("setup"), report("teardown")], "its call was never reported"),
        (
            [report("setup"), report("call", "rerun"), report("teardown"), *passed()[1:]],
            "passed only when it was run again",
        ),
        ([report("setup"), report("call", "postponed"), report("teardown")], "reported as postponed"),
    ],
)
def test_what_neither_passed_nor_failed_says_why(lines: list[bytes], reason: str) -> None:
    result = of(read(start(), *lines))
    assert (result.verdict, result.reason, result.details) == (Verdict.NOT_RUN, reason, None)


def test_a_failure_carries_all_that_pytest_knew() -> None:
    frames = [
        [f"{PROJECT}/.venv/lib/python3.11/site-packages/pluggy.py", 9, "call", ""],
        [f"{PROJECT}/tests/test_a.py", 3, "test_x", "f()"],
        [f"{PROJECT}/src/a.py", 7, "f", "raise"],
        ["/usr/lib/python3.11/json.py", 8, "loads", ""],
    ]
    sections = [["Captured stdout call", "hello\n"], ["Captured stderr call", " "]]
    failed = report("call", "failed", type="KeyError", message="'k'", frames=frames, sections=sections)
    result = of(read(start(), report("setup"), failed, report("teardown")))
    assert result.details is not None
    assert (result.reason, result.details.error_type, result.details.message) == ("KeyError", "KeyError", "'k'")
    assert (result.details.stack_trace, result.details.captured_output) == (
        "E   boom",
        "--- Captured stdout call ---\nhello",
    )
    assert result.location == CodeLocation(PROJECT / "src/a.py", 7)
    assert [place.line for place in result.frames] == [3, 7]


@pytest.mark.parametrize("when", ["setup", "teardown"])
def test_a_failure_outside_the_call_names_its_phase(when: str) -> None:
    phases = [report(each, "failed" if each == when else "passed", type="OSError") for each in ("setup", "call")]
    phases.append(report("teardown", "failed" if when == "teardown" else "passed", type="OSError"))
    assert of(read(start(), *phases)).reason == f"OSError in {when}"


def test_a_failure_on_the_way_is_not_undone_by_passing_later() -> None:
    first = [start(), report("setup"), report("call", "failed", type="KeyError"), report("teardown")]
    assert of(read(*first, *passed())).reason == "KeyError"


@pytest.mark.parametrize(
    ("ending", "error_type"),
    [("crashed (SIGSEGV)", "Crash"), ("exited with code 0", "Crash"), ("timed out: the run took …", "Timeout")],
)
def test_a_test_that_was_never_heard_of_again_ended_the_process(ending: str, error_type: str) -> None:
    run = read(*passed(B), start(), report("setup"), report("call"), ending=ending)
    result = of(run)
    assert run.unfinished == A
    assert (result.verdict, result.reason) == (Verdict.FAILED, ending)
    assert result.details is not None
    assert result.details.error_type == error_type
    assert of(run, B)


def test_a_run_that_died_in_a_second_try_is_unfinished() -> None:
    first = [start(), report("setup"), report("call", "rerun"), report("teardown")]
    assert read(*first, report("setup"), ending="crashed (SIGSEGV)").unfinished == A


def test_a_file_that_cannot_be_collected_is_red_under_its_own_name() -> None:
    frames = [[f"{PROJECT}/tests/test_b.py", 1, "<module>", "def ("]]
    run = read(line("collect-error", nodeid="tests/test_b.py", text="long", type="SyntaxError", frames=frames))
    result = of(run, "tests/test_b.py")
    assert (result.verdict, result.reason) == (Verdict.FAILED, "not collected: SyntaxError")
    assert result.location == CodeLocation(PROJECT / "tests/test_b.py", 1)


def test_the_session_is_told_too() -> None:
    run = read(
        line("session", rootdir="/home/someone", plugins=["pytest-cov"]),
        line("lines", nodeid=A, files={"/home/someone/a.py": [1, 3]}),
        line("internal-error", text="broke"),
        line("end", status=3),
    )
    assert (run.rootdir, run.internal_error, run.status) == (Path("/home/someone"), "broke", 3)
    assert run.plugins == {"pytest-cov"}
    assert run.executed == {A: {Path("/home/someone/a.py"): frozenset({1, 3})}}


@dataclass(frozen=True)
class Fact:
    """What the probe may write of a test; without a phase, that it started."""

    nodeid: str
    when: str = ""
    outcome: str = "passed"
    xfail: bool = False

    def written(self) -> bytes:
        more = {"xfail": ""} if self.xfail else {}
        return report(self.when, self.outcome, self.nodeid, **more) if self.when else start(self.nodeid)


WHENS = ("setup", "call", "teardown")
IDS = st.sampled_from([A, B])
OUTCOMES = st.sampled_from(["passed", "failed", "error", "skipped", "rerun"])
ANYTHING = st.lists(st.builds(Fact, IDS, st.sampled_from(["", *WHENS]), OUTCOMES, st.booleans()), max_size=8)
ONE_RUN = st.tuples(*(st.builds(Fact, st.just(A), st.just(when), OUTCOMES) for when in WHENS)).map(list)
FOREIGN = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(["", "5d1f"]).map(lambda nonce: line("report", nonce, nodeid=A, when="call", outcome="passed")),
    st.sampled_from([b"null", b"[]", b"{}", b'{"kind": "report"}', b'{"nonce": "5d1e"}', b'{"kind": "end", "nonce']),
)


@given(ANYTHING | ONE_RUN, st.lists(st.tuples(st.integers(0, 8), FOREIGN), max_size=6))
def test_nothing_but_a_clean_call_and_teardown_is_ever_a_pass(
    facts: list[Fact], foreign: list[tuple[int, bytes]]
) -> None:
    lines = [fact.written() for fact in facts]
    run = read(*lines)
    for place, garbage in foreign:
        lines.insert(place, garbage)
    assert read(*lines) == run
    own = [fact for fact in facts if fact.nodeid == A and fact.when]
    if of(run):
        assert {fact.outcome for fact in own} == {"passed"}
        assert {"call", "teardown"} <= {fact.when for fact in own}
        assert not any(fact.xfail for fact in own)
