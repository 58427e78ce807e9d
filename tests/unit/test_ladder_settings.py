"""The ladder as it is set and shown: models climb, a written ladder stands for itself, slips are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixer.configuration import print_ladder
from fixer.domain.errors import UsageError
from fixer.settings import load_settings


def test_models_given_one_by_one_climb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_ladder(tmp_path, {"FIXER_MODEL": "cheap,strong", "FIXER_ATTEMPTS": "2"}, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "rung  model   temperature  context  conversation  effort",
        "1     cheap   0.4          1        fresh         -",
        "2     cheap   0.5          2        continued     -",
        "3     strong  0.4          2        fresh         -",
        "4     strong  0.5          3        continued     -",
    ]


def test_the_ladder_is_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_ladder(tmp_path, {}, as_json=True)
    assert [rung["temperature"] for rung in json.loads(capsys.readouterr().out)] == [0.4, 0.5, 0.6]


def test_a_model_that_is_named_wins_over_a_ladder_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.fixer]\nladder = [{model = "theirs"}]\n')
    assert [rung.model for rung in load_settings(tmp_path, {}, {}).settings.rungs()] == ["theirs"]
    for flags, environ in (({"model": ("mine",)}, {}), ({}, {"FIXER_MODEL": "mine"})):
        rungs = load_settings(tmp_path, flags, environ).settings.rungs()
        assert {rung.model for rung in rungs} == {"mine"}


@pytest.mark.parametrize(
    "line",
    ["ladder = []", 'ladder = "x"', 'ladder = [{model = "m", api_base = "http://x"}]', "ladder = [{context = 1}]"],
)
def test_a_ladder_that_is_none_is_named_with_its_place(tmp_path: Path, line: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.fixer]\n{line}\n")
    with pytest.raises(UsageError, match="ladder"):
        load_settings(tmp_path, {}, {})


def test_caps_are_read_and_bounded(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {}, {"FIXER_MAX_COST": "0.5", "FIXER_MAX_TOKENS": "1000"}).settings
    assert (settings.max_cost, settings.max_tokens, settings.time_limit) == (0.5, 1000, None)
    with pytest.raises(UsageError):
        load_settings(tmp_path, {"max_cost": -1.0}, {})
