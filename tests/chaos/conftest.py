"""Prints at the end how many cases of chaos there were, and how many ended in a loss."""

from __future__ import annotations

import pytest

CASES = pytest.StashKey[list[str]]()


@pytest.fixture
def chaos_report(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the end of the run."""
    return request.config.stash.setdefault(CASES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(CASES, []):
        terminalreporter.write_line(f"chaos: {line}")
