"""Keys come from the user's own folder, never from the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer.domain.errors import UsageError
from fixer.infrastructure.user_env import user_env, user_env_file


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "fixer").mkdir()
    return tmp_path


def test_what_the_file_sets_is_added(home: Path) -> None:
    (home / "fixer/.env").write_text('# mine\nexport A_KEY="sk-$HOME-1"\nEMPTY=\nFIXER_MODEL=sonnet\n')
    assert user_env({"XDG_CONFIG_HOME": str(home)}) == {"A_KEY": "sk-$HOME-1", "FIXER_MODEL": "sonnet"}


def test_the_environment_goes_first(home: Path) -> None:
    (home / "fixer/.env").write_text("A_KEY=file\n")
    assert user_env({"XDG_CONFIG_HOME": str(home), "A_KEY": "said"}) == {}


def test_without_a_file_nothing_is_added(home: Path) -> None:
    assert user_env({"XDG_CONFIG_HOME": str(home)}) == {}


def test_a_repository_s_file_is_not_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".env").write_text("A_KEY=stolen\n")
    monkeypatch.chdir(home)
    assert user_env({"XDG_CONFIG_HOME": str(home)}) == {}
    assert user_env_file({"XDG_CONFIG_HOME": "relative"}) == Path.home() / ".config/fixer/.env"


def test_a_file_that_cannot_be_read_is_named(home: Path) -> None:
    (home / "fixer/.env").write_bytes(b"A=\xff\xfe\n")
    with pytest.raises(UsageError, match=r"fixer/\.env cannot be read"):
        user_env({"XDG_CONFIG_HOME": str(home)})
