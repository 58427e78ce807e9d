"""A scripted model's provider for the tests that talk to one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scripted_model import ScriptedModel


@pytest.fixture
def scripted_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedModel]:
    """A provider that models named `openai/...` reach."""
    model = ScriptedModel()
    monkeypatch.setenv("OPENAI_API_BASE", model.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-key-0123456789")
    with model.running():
        yield model
