"""Which tests execute what a fix changes."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path

import pytest

from fixer.domain.models import CodeChanges, ErrorDetails, Proposal, TestError, TestResult, TestRun, Verdict
from fixer.infrastructure.guards.affected import AffectedGuard, changed_lines, tests_executing

tests_executing.__test__ = False  # type: ignore[attr-defined]

TOP = Path("/project")
CODE = TOP / "calc.py"
ERROR = TestError(Path("tests/test_calc.py"), "test_red", ErrorDetails("AssertionError", ""))
OLD = [f"line {number}\n" for number in range(1, 31)]


def test_a_replaced_line_is_the_line_that_stood_there() -> None:
    assert changed_lines(proposal(replaced({5: "new\n"}))) == {"calc.py": (frozenset({5}),)}


def test_places_of_one_hunk_and_of_several_are_told_apart() -> None:
    found = changed_lines(proposal(replaced({5: "new\n", 7: "new\n", 25: "new\nand more\n"})))
    assert found == {"calc.py": (frozenset({5}), frozenset({7}), frozenset({25}))}


@pytest.mark.parametrize("context", [0, 3])
@pytest.mark.parametrize(("after", "around"), [(0, {0, 1}), (5, {5, 6}), (30, {30, 31})])
def test_an_insertion_stands_between_the_lines_around_it(context: int, after: int, around: set[int]) -> None:
    new = [*OLD[:after], "inserted\n", *OLD[after:]]
    assert changed_lines(proposal(new, context)) == {"calc.py": (frozenset(around),)}


def test_a_removed_line_is_known_by_its_number_even_where_it_looks_like_a_header() -> None:
    old = ["a\n", "-- b\n", "++ c\n", "d\n"]
    diff = "".join(unified_diff(old, ["a\n", "d\n", "e\n"], "a/calc.py", "b/calc.py"))
    found = changed_lines(Proposal(CodeChanges("", "", diff), files=("calc.py",)))
    assert found == {"calc.py": (frozenset({2, 3}), frozenset({4, 5}))}


def test_a_file_that_the_diff_does_not_tell_of_has_no_places() -> None:
    assert changed_lines(Proposal(CodeChanges("", "", "Binary files differ"), files=("odd.py",))) == {"odd.py": ()}


def test_a_diff_without_prefixes_is_understood() -> None:
    diff = "".join(unified_diff(OLD, replaced({5: "new\n"}), "calc.py", "calc.py"))
    assert changed_lines(Proposal(CodeChanges("", "", diff), files=("calc.py",))) == {"calc.py": (frozenset({5}),)}


def test_only_who_executes_the_changed_line_is_affected() -> None:
    executed = {"t::on_it": {CODE: frozenset({4, 5})}, "t::beside": {CODE: frozenset({6})}, "t::elsewhere": {}}
    assert tests_executing({CODE: (frozenset({5}),)}, executed) == {"t::on_it"}


def test_of_a_line_that_runs_at_import_everybody_in_the_file_is_affected() -> None:
    executed = {"t::a": {CODE: frozenset({4})}, "t::b": {TOP / "other.py": frozenset({1})}}
    assert tests_executing({CODE: (frozenset({1}),)}, executed) == {"t::a"}
    assert tests_executing({CODE: ()}, executed) == {"t::a"}


class Runner:
    """In which these tests fail, each as often as it is said."""

    def __init__(self, **failures: int) -> None:
        self.asked: list[list[str]] = []
        self._failures = failures

    def discover(self) -> TestRun:
        raise NotImplementedError

    def run_test_and_check(self, test_file: Path, test_function: str) -> TestResult:
        raise NotImplementedError

    def run(self, nodeids: Sequence[str], *, trace: bool = False) -> TestRun:
        assert not trace
        self.asked.append(list(nodeids))
        return TestRun(tuple(self._result(nodeid) for nodeid in nodeids))

    def _result(self, nodeid: str) -> TestResult:
        name = nodeid.rpartition("::")[2]
        self._failures[name] = self._failures.get(name, 0) - 1
        if self._failures[name] < 0:
            return TestResult(nodeid, Verdict.PASSED)
        return TestResult(nodeid, Verdict.FAILED, "ValueError", ErrorDetails("ValueError", "no such thing"))


FIRST = TestRun(
    (
        *(TestResult(f"tests/test_b.py::{name}", Verdict.PASSED) for name in ("far", "near", "other")),
        TestResult("tests/test_b.py::red", Verdict.FAILED),
        TestResult("tests/test_calc.py::own", Verdict.PASSED),
    ),
    {
        "tests/test_b.py::far": {CODE: frozenset({20})},
        "tests/test_b.py::near": {CODE: frozenset({5})},
        "tests/test_b.py::other": {TOP / "other.py": frozenset({5})},
        "tests/test_b.py::red": {CODE: frozenset({5})},
        "tests/test_calc.py::own": {CODE: frozenset({5})},
    },
)


def test_only_tests_of_other_modules_that_passed_and_execute_the_change_are_run() -> None:
    runner = Runner()
    assert guard(runner).refuse(ERROR, proposal(replaced({5: "new\n"}))) == ""
    assert runner.asked == [["tests/test_b.py::near"]]


def test_nothing_is_run_where_nothing_is_known_or_affected() -> None:
    runner = Runner()
    assert (
        AffectedGuard(runner, lambda: TestRun(FIRST.results), TOP).refuse(ERROR, proposal(replaced({5: "x\n"}))) == ""
    )
    assert guard(runner).refuse(ERROR, Proposal(CodeChanges("", "", ""), files=("notes.txt",))) == ""
    assert runner.asked == []


def test_what_breaks_is_named_with_how() -> None:
    refusal = guard(Runner(near=9)).refuse(ERROR, proposal(replaced({5: "new\n"})))
    assert refusal == "broke tests/test_b.py::near: ValueError: no such thing"


def test_a_flaky_test_is_not_held_against_a_fix() -> None:
    assert guard(Runner(near=1)).refuse(ERROR, proposal(replaced({5: "new\n"}))) == ""


def test_after_a_fix_of_the_file_landed_all_that_touch_it_count() -> None:
    runner = Runner()
    renumbered = guard(runner)
    renumbered.renumber(["calc.py"])
    renumbered.refuse(ERROR, proposal(replaced({5: "new\n"})))
    assert runner.asked == [["tests/test_b.py::far", "tests/test_b.py::near"]]


def guard(runner: Runner) -> AffectedGuard:
    return AffectedGuard(runner, lambda: FIRST, TOP)


def replaced(lines: dict[int, str]) -> list[str]:
    return [lines.get(number, line) for number, line in enumerate(OLD, 1)]


def proposal(new: list[str], context: int = 3) -> Proposal:
    diff = "".join(unified_diff(OLD, new, "a/calc.py", "b/calc.py", n=context))
    return Proposal(CodeChanges("", "", diff), files=("calc.py",))
