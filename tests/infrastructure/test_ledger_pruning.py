"""The ledger forgets what is old or too much, and never what an undo, a redo, a crash or the history needs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from bench import BUGGY, FIXED, Bench, open_bench
from tree import Tree

from fixer.domain.models import CodeChanges, ErrorDetails, TestError
from fixer.infrastructure.ledger import Ledger
from fixer.infrastructure.ledger_pruning import compact, forget_details
from fixer.infrastructure.ledger_reader import LedgerReader
from fixer.infrastructure.recovery import NobodyToAsk, recover


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", BUGGY)
    tree.commit("start")
    return open_bench(tree)


def ledger_of(bench: Bench) -> Ledger:
    return Ledger(bench.project.state)


def make_old(ledger: Ledger, days: float) -> None:
    then = (datetime.now(timezone.utc) - timedelta(days=days)).isoformat()
    for table in ("runs", "attempts"):
        ledger.db.execute(f"UPDATE {table} SET started_at = ?", (then,))


def contents(ledger: Ledger) -> int:
    return len(ledger.db.execute("SELECT * FROM touched_files").fetchall())


def fail_an_attempt(bench: Bench) -> TestError:
    error = bench.attempt({"calc.py": "wrong\n"})
    bench.workspace.revert()
    (attempt,) = error.fix_attempts
    attempt.changes = CodeChanges(BUGGY, "wrong\n", "the diff")
    error.mark_attempt_failed(attempt)
    bench.errors.save(error)
    return error


def test_what_a_failed_attempt_touched_is_forgotten_after_ninety_days(bench: Bench) -> None:
    fail_an_attempt(bench)
    ledger = ledger_of(bench)
    make_old(ledger, 89)
    forget_details(ledger)
    assert contents(ledger) == 1
    make_old(ledger, 91)
    forget_details(ledger)
    assert contents(ledger) == 0


def test_history_and_show_print_the_same_afterwards(bench: Bench) -> None:
    fail_an_attempt(bench)
    bench.land({"calc.py": FIXED})
    ledger = ledger_of(bench)
    make_old(ledger, 1000)
    before = LedgerReader(ledger).runs()
    forget_details(ledger)
    assert LedgerReader(ledger).runs() == before
    assert before[0].tests[0].attempts[0].diff == "the diff"
    assert ledger.db.execute("SELECT original FROM attempts WHERE original IS NOT NULL").fetchall() == []


def test_a_fix_can_be_undone_and_redone_however_old_it_is(bench: Bench) -> None:
    bench.land({"calc.py": FIXED})
    for act, text in ((bench.landing.undo, BUGGY), (bench.landing.redo, FIXED), (bench.landing.undo, BUGGY)):
        make_old(ledger_of(bench), 1000)
        forget_details(ledger_of(bench), most_bytes=0)
        act(bench.fix())
        assert bench.tree.read("calc.py") == text


def test_an_attempt_that_a_crash_cut_off_is_never_forgotten(bench: Bench) -> None:
    bench.attempt({"calc.py": "half\n"})
    make_old(ledger_of(bench), 1000)
    forget_details(ledger_of(bench), most_bytes=0)
    recover(bench.project, bench.store, bench.landing, NobodyToAsk())
    assert bench.tree.read("calc.py") == BUGGY


def test_above_the_bound_younger_runs_go_too_but_not_those_of_the_last_day(bench: Bench) -> None:
    error = TestError(Path("t.py"), "test_x", ErrorDetails("E", "why", "s" * 300_000, "c" * 300_000))
    bench.errors.save(error)
    ledger = ledger_of(bench)
    make_old(ledger, 0.9)
    forget_details(ledger, most_bytes=500_000)
    assert compact(ledger) == 0
    make_old(ledger, 8)
    forget_details(ledger, most_bytes=800_000)
    assert compact(ledger) == 0
    forget_details(ledger, most_bytes=500_000)
    assert compact(ledger) > 550_000
    assert ledger.path.stat().st_size < 200_000
    assert LedgerReader(ledger).runs()[0].tests[0].message == "why"


def test_what_was_written_down_for_a_crash_only_goes_at_once(bench: Bench) -> None:
    bench.attempt({})
    path = bench.project.top / "calc.py"
    bench.workspace.about_to_edit(path)
    bench.workspace.about_to_write(path, FIXED.encode())
    forget_details(ledger_of(bench))
    assert _intended(bench) == [FIXED.encode()]
    bench.workspace.revert()
    forget_details(ledger_of(bench))
    assert _intended(bench) == [None]


def _intended(bench: Bench) -> list[bytes | None]:
    return [row["intended"] for row in ledger_of(bench).db.execute("SELECT intended FROM touched_files")]
