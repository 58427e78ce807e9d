"""What a run finds of the one that it goes on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer.domain.ladder import Rung, build_ladder
from fixer.domain.models import CodeChanges, ErrorDetails, TestError
from fixer.infrastructure.ledger import Ledger, LedgerErrors
from fixer.infrastructure.unfinished import Recall, find_unfinished

LADDER = build_ladder(["cheap"], 3, 0.4, 0.1)


def red(function: str = "test_a", message: str = "assert <X at 0x7f01> == 2") -> TestError:
    return TestError(Path("tests/test_x.py"), function, ErrorDetails("AssertionError", message))


def attempt(error: TestError, rung: Rung, reason: str, *, cut_off: bool = False, refused_by: str = "") -> None:
    made = error.start_fix_attempt(rung.temperature, rung)
    made.changes = CodeChanges("a", "b", f"diff of {reason}")
    made.cut_off, made.refused_by = cut_off, refused_by
    error.mark_attempt_failed(made, reason)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def run_with(ledger: Ledger, *errors: TestError, tree: str = "/p", **wishes: object) -> str:
    run_id = ledger.start_run(Path(tree), "cheap", wishes)
    kept = LedgerErrors(ledger, run_id)
    for error in errors:
        kept.save(error)
    return run_id


def test_an_attempt_is_recalled_with_its_rung_its_diff_and_why_it_failed(ledger: Ledger) -> None:
    error = red()
    attempt(error, LADDER[0], "wrong place", refused_by="special case")
    (found,) = Recall(ledger, run_with(ledger, error))(red(message="assert <X at 0x7f99> == 2"))
    assert (found.rung, found.reason, found.refused_by) == (LADDER[0], "wrong place", "special case")
    assert found.changes == CodeChanges("a", "b", "diff of wrong place")


def test_what_was_cut_off_is_not_recalled(ledger: Ledger) -> None:
    error = red()
    attempt(error, LADDER[0], "the provider refused the key", cut_off=True)
    assert not Recall(ledger, run_with(ledger, error))(red())


@pytest.mark.parametrize("now", [red("test_b"), red(message="assert 3 == 2")], ids=["another test", "another failure"])
def test_what_fails_otherwise_by_now_begins_anew(ledger: Ledger, now: TestError) -> None:
    error = red()
    attempt(error, LADDER[0], "wrong place")
    assert not Recall(ledger, run_with(ledger, error))(now)


def test_a_run_that_went_on_with_another_remembers_both(ledger: Ledger) -> None:
    first, second = red(), red()
    attempt(first, LADDER[0], "one")
    attempt(second, LADDER[1], "two")
    run_id = run_with(ledger, second, resumed=run_with(ledger, first))
    assert [found.reason for found in Recall(ledger, run_id)(red())] == ["one", "two"]


def test_only_the_newest_run_of_this_tree_is_gone_on_with(ledger: Ledger) -> None:
    fixed = red("test_b")
    fixed.mark_fixed(fixed.start_fix_attempt(0.4))
    here = run_with(ledger, red(), fixed, pytest_args=["-p", "no:randomly"], ladder=[{"model": "cheap"}])
    run_with(ledger, red("test_elsewhere"), tree="/other")
    found = find_unfinished(ledger, Path("/p"))
    assert found is not None
    assert (found.run_id, found.left) == (here, ("tests/test_x.py::test_a",))
    assert (found.pytest_args, found.ladder) == (("-p", "no:randomly"), (Rung("cheap"),))
    run_with(ledger, fixed)
    assert find_unfinished(ledger, Path("/p")) is None
