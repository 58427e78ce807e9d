"""What a fix may touch, which lines are suspicious, and what a log tells."""

from __future__ import annotations

from math import isclose, sqrt
from pathlib import Path, PurePath, PurePosixPath
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer.domain.models import ErrorDetails, TestError, TestResult, TestRun, Verdict
from fixer.domain.services import (
    ErrorAnalysisService,
    Permitted,
    SuspiciousLine,
    is_named_after_tests,
    protected_reason,
    rank_lines,
)

LOGS = Path(__file__).parents[2] / "assets" / "logs"


def analyze(text: str) -> list[TestError]:
    return ErrorAnalysisService().analyze_errors(text)


class TestProtectedPaths:
    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("tests/helpers.py", "belongs to the tests"),
            ("pkg/test/data.json", "belongs to the tests"),
            ("Tests/helpers.py", "belongs to the tests"),
            ("test_api.py", "is a test"),
            ("pkg/api_test.py", "is a test"),
            ("pkg/tests.py", "is a test"),
            ("test.py", "is a test"),
            ("pkg/conftest.py", "steers how the tests run"),
            ("pytest.ini", "steers how the tests run"),
            ("tox.ini", "steers how the tests run"),
            ("setup.cfg", "steers how the tests run"),
            ("setup.py", "steers how the tests run"),
            ("pyproject.toml", "steers how the tests run"),
            ("noxfile.py", "steers how the tests run"),
            ("src/sneaky.pth", "steers how the tests run"),
            ("sitecustomize.py", "steers how the tests run"),
            ("src/usercustomize.py", "steers how the tests run"),
            ("azure-pipelines.yml", "is read by CI"),
            ("poetry.lock", "is a lock file"),
            ("web/package-lock.json", "is a lock file"),
            (".pytest.ini", "is a hidden file"),
            (".gitlab-ci.yml", "is a hidden file"),
            (".git/hooks/pre-commit", "is in a hidden directory"),
            (".github/workflows/ci.yml", "is in a hidden directory"),
            (".fixer/prompts/system.md", "is in a hidden directory"),
            (".venv/lib/pkg.py", "is in a hidden directory"),
            ("venv/lib/pkg.py", "is installed or generated, not source"),
            ("lib/site-packages/pkg.py", "is installed or generated, not source"),
            ("web/node_modules/x/index.js", "is installed or generated, not source"),
            ("pkg.egg-info/entry_points.txt", "is installed or generated, not source"),
            ("/etc/passwd", "lies outside the project"),
            ("pkg/../../x.py", "lies outside the project"),
            ("", "lies outside the project"),
        ],
    )
    def test_what_steers_or_holds_tests_is_protected(self, path: str, reason: str) -> None:
        assert protected_reason(PurePosixPath(path)) == reason

    @pytest.mark.parametrize(
        "path",
        [
            "pkg/api.py",
            "testing/fixtures.py",
            "pkg/testutils.py",
            "latest.py",
            "contest.py",
            "data/rates.csv",
            "lock.py",
        ],
    )
    def test_source_may_be_edited(self, path: str) -> None:
        assert protected_reason(PurePath(path)) == ""

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("pkg/testing/assertions.py", True),
            ("yapftests/helper.py", True),
            ("pkg/test_utils/base.py", True),
            ("pkg/testutils.py", True),
            ("src/pkg/my_testing.py", True),
            ("tests/helpers.py", True),
            ("pkg/core.py", False),
            ("contest/latest.py", False),
            ("pytest_mock/plugin.py", False),
            ("attest.py", False),
        ],
    )
    def test_helpers_of_tests_are_told_by_their_names(self, path: str, expected: bool) -> None:
        assert is_named_after_tests(PurePosixPath(path)) is expected

    def test_what_the_user_permits_may_be_edited_and_tests_only_where_that_is_said(self) -> None:
        named = Permitted((PurePosixPath("tox.ini"), PurePosixPath("tests"), PurePosixPath(".git")))
        assert protected_reason(PurePosixPath("tox.ini"), named) == ""
        assert protected_reason(PurePosixPath("tests/conftest.py"), named) == ""
        assert protected_reason(PurePosixPath("setup.cfg"), named) == "steers how the tests run"
        assert protected_reason(PurePosixPath("tests/test_a.py"), named) == "belongs to the tests"
        assert protected_reason(PurePosixPath("tests/test_a.py"), Permitted(tests=True)) == ""
        assert protected_reason(PurePosixPath("tests/conftest.py"), Permitted(tests=True)) != ""
        assert protected_reason(PurePosixPath(".git/config"), named) == "is in a hidden directory"
        assert protected_reason(PurePosixPath("../x.py"), named) == "lies outside the project"

    @given(st.lists(st.sampled_from(["pkg", "src", "..", "core", "deep"]), min_size=1, max_size=5))
    def test_no_way_leads_out_of_the_project(self, parts: list[str]) -> None:
        assert bool(protected_reason(PurePosixPath(*parts, "module.py"))) is (".." in parts)


SOURCE, OTHER = Path("/p/a.py"), Path("/p/b.py")


def traced(**tests: tuple[str, dict[Path, set[int]]]) -> TestRun:
    details = ErrorDetails("AssertionError", "")
    kinds = {"red": (Verdict.FAILED, details), "green": (Verdict.PASSED, None), "skipped": (Verdict.NOT_RUN, None)}
    results = [TestResult(name, kinds[kind][0], details=kinds[kind][1]) for name, (kind, _) in tests.items()]
    executed = {name: {file: frozenset(lines) for file, lines in places.items()} for name, (_, places) in tests.items()}
    return TestRun(tuple(results), executed)


class TestRanking:
    def test_lines_that_only_red_tests_execute_come_first(self) -> None:
        run = traced(
            red=("red", {SOURCE: {1, 2, 3}}),
            green=("green", {SOURCE: {1, 2}}),
            also_green=("green", {SOURCE: {1}, OTHER: {7}}),
        )
        assert rank_lines(run, "red") == (
            SuspiciousLine(SOURCE, 3, 1.0),
            SuspiciousLine(SOURCE, 2, 1 / sqrt(2)),
            SuspiciousLine(SOURCE, 1, 1 / sqrt(3)),
        )

    def test_other_red_tests_count_but_add_no_lines(self) -> None:
        run = traced(red=("red", {SOURCE: {1, 2}}), also_red=("red", {SOURCE: {2, 9}}), green=("green", {SOURCE: {1}}))
        ranked = rank_lines(run, "red")
        assert [found.line for found in ranked] == [2, 1]
        assert isclose(ranked[0].score, 1.0)
        assert isclose(ranked[1].score, 1 / sqrt(2 * 2))

    def test_ties_stand_in_the_order_of_the_source(self) -> None:
        run = traced(red=("red", {OTHER: {4}, SOURCE: {30, 5}}))
        assert [(found.file, found.line) for found in rank_lines(run, "red")] == [(SOURCE, 5), (SOURCE, 30), (OTHER, 4)]

    def test_skipped_tests_say_nothing(self) -> None:
        alone = traced(red=("red", {SOURCE: {1}}))
        with_skipped = traced(red=("red", {SOURCE: {1}}), late=("skipped", {SOURCE: {1, 2}}))
        assert rank_lines(with_skipped, "red") == rank_lines(alone, "red")

    def test_a_test_that_was_not_traced_ranks_nothing(self) -> None:
        assert rank_lines(traced(green=("green", {SOURCE: {1}})), "red") == ()


IDS_OF_THE_LOGS = {
    "pkg/calc.py::pkg.calc.add": "DocTestFailure",
    "tests/test_calc.py::test_ids[1 + 1]": "AssertionError",
    "tests/test_calc.py::test_ids[x::y]": "AssertionError",
    "tests/test_calc.py::test_ids[a - b]": "AssertionError",
    "tests/test_calc.py::test_ids[a] - [b]": "AssertionError",
    "tests/test_calc.py::test_ids[p/q.py::z]": "AssertionError",
    "tests/test_calc.py::TestDeep::test_chain": "CalcError",
    "tests/test_calc.py::TestDeep::test_long_equal": "AssertionError",
    "tests/test_calc.py::TestDeep::test_setup": "RuntimeError",
    "tests/test_calc.py::test_both": "AssertionError",
    "tests/test_calc.py::test_end": "ValueError",
    "tests/test_calc.py::test_not_raised": "Failed",
    "tests/test_calc.py::TestUnit::test_sub": "AssertionError",
    "tests/test_calc.py::TestUnit::test_u": "AssertionError",
    "tests/test_calc.py::test_group": "ExceptionGroup",
    "tests/test_calc.py::test_a_very_long_name_that_goes_on_and_on_and_on_until_the_terminal_width_is_exceeded_by_quite_"
    "a_lot": "SystemExit",
    "tests/test_other.py::test_both": "AssertionError",
    "tests/test_broken.py": "ModuleNotFoundError",
    "tests/test_syntax.py": "SyntaxError",
}


class TestLogs:
    @pytest.mark.parametrize("log", sorted(LOGS.glob("*.txt")), ids=lambda log: log.stem)
    def test_every_red_test_of_a_real_log_is_found_once(self, log: Path) -> None:
        errors = analyze(log.read_text(encoding="utf-8"))
        assert {error.nodeid: error.error_details.error_type for error in errors} == IDS_OF_THE_LOGS
        assert len(errors) == len(IDS_OF_THE_LOGS)

    def test_a_report_gives_message_place_traceback_and_output(self) -> None:
        errors = {error.nodeid: error for error in analyze((LOGS / "github_actions.txt").read_text())}
        error = errors["tests/test_calc.py::test_ids[a - b]"]
        details = error.error_details
        assert details.message == ("Expected ok - but got a - b\nassert 'a - b' == 'ok'\n\n  - ok\n  + a - b")
        assert details.stack_trace.splitlines()[-1] == "tests/test_calc.py:8: AssertionError"
        assert details.captured_output.splitlines()[-1] == "hello from a - b"
        assert error.location is not None
        assert (error.location.file, error.location.line) == (Path("tests/test_calc.py"), 8)

    def test_of_chained_exceptions_the_last_counts_and_all_frames_are_kept(self) -> None:
        errors = {error.nodeid: error for error in analyze((LOGS / "github_actions.txt").read_text())}
        error = errors["tests/test_calc.py::TestDeep::test_chain"]
        assert error.error_details.message == "no such key\nsecond line"
        assert [str(frame.file) for frame in error.frames] == ["pkg/calc.py", "tests/test_calc.py", "pkg/calc.py"]

    def test_output_of_a_test_is_not_taken_for_the_summary(self) -> None:
        nodeids = {error.nodeid for error in analyze((LOGS / "everything_summarised.txt").read_text())}
        assert "tests/fake.py::test_fake" not in nodeids
        assert "FAILED tests/fake.py::test_fake" in (LOGS / "everything_summarised.txt").read_text()


class TestLines:
    def test_a_verbose_line_with_its_message(self) -> None:
        [error] = analyze("tests/test_example.py::test_something FAILED AssertionError: Expected X but got Y")
        assert (error.test_file, error.test_function) == (Path("tests/test_example.py"), "test_something")
        assert error.error_details.error_type == "AssertionError"
        assert "Expected X but got Y" in error.error_details.message
        assert error.status == "unfixed"

    @pytest.mark.parametrize(
        "text", ["", "nothing of interest", "===== 3 passed in 0.1s =====", "tests/a.py::t PASSED"]
    )
    def test_a_green_log_has_no_failures(self, text: str) -> None:
        assert analyze(text) == []

    @pytest.mark.parametrize(
        "noise",
        ["ERROR    root:app.py:12 lost", "FAILED (failures=2)", "ERROR: file or directory not found: x.py", "FAILED"],
    )
    def test_other_tools_words_are_no_failures(self, noise: str) -> None:
        assert analyze(noise) == []

    @pytest.mark.parametrize(
        "line",
        [
            "{}",
            "2024-05-06T07:08:09.1234567Z {}",
            "unit\tRun tests\t2024-05-06T07:08:09.1234567Z {}",
            "2024-05-06T07:08:09.123456Z 01O {}",
            "[2024-05-06T07:08:09.123Z] {}",
            "07:08:09 {}",
            "web-1  | {}",
            "py311: {}",
            "##[error]{}",
            "[gw3] [ 50%] {}",
            "\x1b[31m{}\x1b[0m",
            "{}\r",
        ],
    )
    def test_prefixes_of_ci_and_colours_are_seen_through(self, line: str) -> None:
        [error] = analyze(line.format("FAILED a/test_b.py::TestC::test_d[1 + 1] - ValueError: no"))
        assert error.nodeid == "a/test_b.py::TestC::test_d[1 + 1]"
        assert (error.error_details.error_type, error.error_details.message) == ("ValueError", "no")

    @pytest.mark.parametrize(
        ("line", "nodeid", "message"),
        [
            ("FAILED t.py::test_a - assert [1] == [2] - [3]", "t.py::test_a", "assert [1] == [2] - [3]"),
            ("FAILED t.py::test_a[x - y] - assert 'a - b'", "t.py::test_a[x - y]", "assert 'a - b'"),
            ("FAILED t.py::test_a[[1]-x] - assert 0", "t.py::test_a[[1]-x]", "assert 0"),
            ("FAILED t.py::test_a[[] - assert [x", "t.py::test_a[[]", "assert [x"),
            ("FAILED t.py::test_a[b]", "t.py::test_a[b]", ""),
            ("FAILED my tests/t.py::test_a - assert 0", "my tests/t.py::test_a", "assert 0"),
            ("ERROR tests/test_b.py - boom", "tests/test_b.py", "boom"),
            ("ERROR tests/test_b.py", "tests/test_b.py", ""),
            ("t.py::test_a[b FAILED c] FAILED          [ 50%]", "t.py::test_a[b FAILED c]", ""),
            ("t.py::test_a ERROR", "t.py::test_a", ""),
            ("SUBFAILED[m] (i=1) t.py::test_a - assert 0", "t.py::test_a", "assert 0"),
        ],
    )
    def test_ids_and_messages_are_told_apart(self, line: str, nodeid: str, message: str) -> None:
        [error] = analyze(line)
        assert (error.nodeid, error.error_details.message) == (nodeid, message)

    def test_the_same_test_is_told_of_once_with_the_longest_message(self) -> None:
        [error] = analyze(
            "t.py::test_a FAILED [ 50%]\nFAILED t.py::test_a - ValueError: cut...\n"
            "FAILED t.py::test_a - ValueError: cut short no longer"
        )
        assert error.error_details.message == "cut short no longer"

    def test_a_section_without_summary_is_enough(self) -> None:
        [error] = analyze(
            "_____ TestX.test_y[1 + 1] _____\n\n    def test_y(self, a):\n>       assert a == 2\n"
            "E       AssertionError: assert '1 + 1' == 2\n\ntests/test_x.py:7: AssertionError\n"
        )
        assert error.nodeid == "tests/test_x.py::TestX::test_y[1 + 1]"
        assert error.error_details.message == "assert '1 + 1' == 2"

    def test_a_native_traceback_belongs_to_the_test_in_its_own_file(self) -> None:
        report = '___ test_a ___\nTraceback (most recent call last):\n  File "/x/{}", line 2, in test_a\n    f()\n{}\n'
        text = (
            f"=== FAILURES ===\n{report.format('b.py', 'ValueError: of b')}{report.format('a.py', 'KeyError: of a')}"
            "=== short test summary info ===\nFAILED a.py::test_a\nFAILED b.py::test_a\n"
        )
        told = {error.nodeid: error.error_details for error in analyze(text)}
        assert {nodeid: details.error_type for nodeid, details in told.items()} == {
            "a.py::test_a": "KeyError",
            "b.py::test_a": "ValueError",
        }

    def test_passed_tests_of_a_full_summary_are_left_out(self) -> None:
        assert (
            analyze("=== PASSES ===\n___ test_ok ___\n--- Captured stdout call ---\nFAILED t.py::test_x - no\n") == []
        )

    @given(st.text())
    def test_no_text_is_too_strange_to_read(self, text: str) -> None:
        analyze(f"FAILED {text}")

    @given(st.text(alphabet="ab []:-+/.", max_size=12))
    def test_parameters_survive_where_the_log_has_a_heading(self, parameter: str) -> None:
        name = f"test_a[{parameter}]"
        text = (
            f"_____ {name} _____\nE   assert 0\n\nt.py:1: AssertionError\n=== end ===\nFAILED t.py::{name} - assert 0"
        )
        assert [error.nodeid for error in analyze(text)] == [f"t.py::{name}"]

    @pytest.mark.parametrize(
        "line",
        [
            "___ " + "a" * 30_000,
            "___ " + "a ___ " * 5_000 + "x",
            "a.py::x" + " " * 30_000 + "z",
            "FAILED a.py::x - " + " " * 30_000 + "z",
            "FAILED a.py::x[" + "] - " * 3_000,
        ],
        ids=["heading", "headings", "spaces", "message", "brackets"],
    )
    def test_no_line_takes_long_to_read(self, line: str) -> None:
        started = process_time()
        analyze(line)
        assert process_time() - started < 1
