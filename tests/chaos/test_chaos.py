"""fixer is cut off everywhere, in every state of a tree, and nothing is lost; and a loss would be seen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from chaos import Stage

from fixer.infrastructure.fix_store import FixStore
from fixer.infrastructure.user_branch import UserBranch

SCRIPT = Path(__file__).parents[2] / "scripts/chaos"


@pytest.mark.slow
def test_nothing_is_lost_in_five_hundred_cases(record_property: Callable[[str, object], None]) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--cases", "520"], capture_output=True, text=True, check=False, timeout=1500
    )
    record_property("told", f"chaos: {'; '.join(done.stdout.splitlines()[-2:])}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "520 cases, 0 losses" in done.stdout


def test_a_loss_would_be_seen_where_an_attempt_is_not_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, "staged and unstaged", "land")
    monkeypatch.setattr(FixStore, "open_checkpoints", lambda self: [])
    loss = stage.cut_at_step(stage.steps.index("engine wrote half"))
    assert loss
    assert "files" in loss.what


def test_a_loss_would_be_seen_where_a_landing_is_completed_by_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path, "staged and unstaged", "land")
    monkeypatch.setattr(UserBranch, "recover", lambda self, move, happened: None)
    loss = stage.cut_at_step(stage.steps.index("branch moved"))
    assert loss
    assert "index" in loss.what
