"""What every test stands on: a private home and git identity, no keys, and slow tests only when they are asked for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import hypothesis
import pytest
from scripted_model import ScriptedModel


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="run the tests that need seconds each (always on in CI)")


def pytest_configure() -> None:
    hypothesis.settings.register_profile("patient", deadline=None)  # a busy machine is no mistake
    hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--run-slow") or os.environ.get("CI"):
        return
    skip = pytest.mark.skip(reason="slow: needs --run-slow")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests have measured and told with `record_property("told", ...)`, from all workers."""
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        for name, text in report.user_properties:
            if name == "told":
                terminalreporter.write_line(str(text))


@pytest.fixture(scope="session", autouse=True)
def private_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the home of whoever runs it, or spends their money."""
    # Ignored under nohup, behind a shell's & and on some CI systems, and inherited: what they do could not be seen.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    home = tmp_path_factory.mktemp("home")
    config = home / "gitconfig"
    config.write_text("[user]\n\tname = A Tester\n\temail = tester@example.com\n[init]\n\tdefaultBranch = main\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if _is_private(name):
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("GIT_CONFIG_GLOBAL", str(config))
        patch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
        yield


def _is_private(name: str) -> bool:
    # What a test shows must not depend on where it runs. With CI nobody is asked anything; readline sets the other two,
    # and a terminal that is resized would not be believed.
    return (
        name in ("CI", "COLUMNS", "LINES")
        or name.startswith(("FIXER_", "AIDER_", "OPENAI_", "ANTHROPIC_", "XDG_", "PYTEST_"))
        or name.endswith(("_API_KEY", "_API_BASE"))
    )


@pytest.fixture
def scripted_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedModel]:
    """A provider on loopback that answers what the test tells it to; models named `openai/...` reach it."""
    with ScriptedModel().running() as model:
        monkeypatch.setenv("OPENAI_API_BASE", model.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-key-0123456789")
        yield model
