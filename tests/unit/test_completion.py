"""What is offered at the cursor, and what a cache of pytest's tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from fixer.cli import app
from fixer.completion import MOST, complete, test_names
from fixer.domain.errors import UsageError
from fixer.ui.shell_functions import shell_functions


def remember(folder: Path, collected: list[str], failed: dict[str, bool] | None = None) -> None:
    cache = folder / ".pytest_cache" / "v" / "cache"
    cache.mkdir(parents=True)
    (cache / "nodeids").write_text(json.dumps(collected))
    (cache / "lastfailed").write_text(json.dumps(failed or {}))


def test_what_failed_last_stands_in_front(tmp_path: Path) -> None:
    remember(tmp_path, ["t.py::a", "t.py::b", "u.py::c"], {"t.py::b": True})
    assert test_names(tmp_path, {}, "t") == ["t.py::b", "t.py::a"]


def test_too_many_tests_are_offered_by_file(tmp_path: Path) -> None:
    many = [f"t.py::test_{number}" for number in range(MOST + 1)]
    remember(tmp_path, [*many, "u.py::c"])
    assert test_names(tmp_path, {}, "") == ["t.py", "u.py"]
    assert test_names(tmp_path, {}, "t.py::test_19") == [name for name in many if name.startswith("t.py::test_19")]


@pytest.mark.parametrize("text", ["", "[", "3", '"x"', "null"])
def test_a_cache_that_cannot_be_read_offers_nothing(tmp_path: Path, text: str) -> None:
    remember(tmp_path, [])
    (tmp_path / ".pytest_cache" / "v" / "cache" / "nodeids").write_text(text)
    assert test_names(tmp_path, {}, "") == []


def test_nothing_is_made_in_order_to_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert complete(typer.main.get_command(app), ["undo", ""]) == []
    assert list(tmp_path.iterdir()) == []


def test_commands_and_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    whole = typer.main.get_command(app)
    assert complete(whole, ["und"]) == ["undo"]
    assert complete(whole, ["run", "--from"]) == ["--from-log"]
    assert "complete" not in complete(whole, [""])


def test_an_unknown_shell_is_told() -> None:
    with pytest.raises(UsageError, match="no functions for csh"):
        shell_functions("csh")
