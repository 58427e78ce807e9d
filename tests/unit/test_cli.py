"""The command line in one process: words, exit codes, and what goes where."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixer import cli
from fixer.cli import main
from fixer.session import RunWishes

COMMANDS = (
    "run",
    "undo",
    "redo",
    "recover",
    "history",
    "show",
    "verify",
    "explain",
    "analyze",
    "doctor",
    "demo",
    "config",
    "report",
    "watch",
    "shell-init",
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[RunWishes]:
    """What the command line asks of a run, instead of the run."""
    wishes: list[RunWishes] = []

    def run_session(directory: Path, environ: dict[str, str], wish: RunWishes) -> int:
        del directory, environ
        wishes.append(wish)
        return 4

    monkeypatch.setattr("fixer.session.run_session", run_session)
    return wishes


def test_words_before_two_dashes_select_and_words_behind_go_to_pytest(
    asked: list[RunWishes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["pytest", "--", "something", "else"])
    main(["run", "-k", "one", "t.py::test_a[--]", "-y", "--", "-p", "no:randomly", "--", "-x"])
    (wish,) = asked
    assert wish.selection == ("t.py::test_a[--]",)
    assert wish.pytest_args == ("-p", "no:randomly", "--", "-x", "-k", "one")
    assert wish.flags == {"yes": True}


def test_what_stands_in_a_log_was_not_named_by_the_user(
    asked: list[RunWishes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.py").write_text("def test_b(): ...")
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "ci.log"
    log.write_text("FAILED t.py::test_b - AssertionError: no\n")
    main(["run", "t.py::test_a", "--from-log", str(log), "--confirm", "3"])
    (wish,) = asked
    assert (wish.selection, wish.named) == (("t.py::test_a", "t.py::test_b"), ("t.py::test_a",))
    assert wish.flags == {"confirm": 3}


def test_the_exit_code_is_that_of_the_run(asked: list[RunWishes]) -> None:
    assert main(["run"]) == 4
    assert asked == [RunWishes()]


def test_flags_that_are_not_given_say_nothing(asked: list[RunWishes]) -> None:
    given = ["--model", "m", "--attempts", "2", "--temperature", "0", "--model-timeout", "9", "--no-commit"]
    main(
        [
            "run",
            *given,
            "--guard",
            "none",
            "--test-timeout",
            "1",
            "--no-color",
            "--python",
            "py",
            "--no-verify",
            "--source",
            "src",
            "--allow",
            "tox.ini",
            "--allow",
            "docs",
            "--allow-tests",
        ]
    )
    assert asked[0].flags == {
        "model": ("m",),
        "attempts": 2,
        "temperature": 0.0,
        "model_timeout": 9.0,
        "commit": False,
        "verify_hooks": False,
        "source": ("src",),
        "allow": ("tox.ini", "docs"),
        "allow_tests": True,
        "guard": "none",
        "test_timeout": 1.0,
        "color": False,
        "python": "py",
    }


def test_what_failed_last_is_for_pytest_to_say(asked: list[RunWishes]) -> None:
    main(["run", "--lf", "-x"])
    assert asked[0].pytest_args == ("--lf", "-x")


def test_a_dry_run_asks_nothing(asked: list[RunWishes]) -> None:
    main(["run", "--dry-run"])
    assert (asked[0].dry_run, asked[0].flags) == (True, {"yes": True})


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["run", "--form-log", "x"], "--from-log"),
        (["run", "--attempts", "many"], "--attempts"),
        (["frobnicate"], "frobnicate"),
        (["show"], "ID"),
    ],
)
def test_wrong_words_are_exit_2_with_a_hint(words: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert hint in said.err
    assert "-h' for help" in said.err


def test_no_words_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = [line.split()[0] for line in capsys.readouterr().err.split("Commands:\n")[1].splitlines()]
    assert shown == list(COMMANDS)


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    from fixer import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"fixer {__version__}\n"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_help_fits_80_columns_and_leaves_no_sentence_unfinished(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "..." not in text.replace("[TESTS]...", "").replace("ARGS]...", "")
    assert "╭" not in text


def test_the_help_of_run_tells_every_default_by_topic(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "--help-all"])
    text = capsys.readouterr().out
    topics = [line for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert topics == [
        "Which tests:",
        "Which model:",
        "How much it may cost:",
        "What may happen:",
        "Output:",
        "Options:",
    ]
    for default in ("offline", "3", "0.4", "0.1", "120", "suite", "60"):
        assert f"[default: {default}]" in text


def test_the_help_of_run_fits_a_screen_and_says_where_the_rest_is(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "-h"])
    short = capsys.readouterr().out
    assert len(short.splitlines()) <= 36
    assert "--help-all" in short
    assert "--seed" not in short
    main(["run", "--help-all"])
    assert "--seed" in capsys.readouterr().out


def test_a_bug_writes_a_log_and_says_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def break_down() -> None:
        raise ZeroDivisionError("a slip")

    monkeypatch.setattr(cli, "_memory", break_down)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["history"]) == 70
    (log,) = tmp_path.iterdir()
    assert "break_down" in log.read_text()
    said = capsys.readouterr()
    assert said.out == ""
    assert "ZeroDivisionError: a slip" in said.err
    assert str(log) in said.err


@pytest.mark.parametrize("buffered", [True, False])
def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path, buffered: bool) -> None:
    log = tmp_path / "ci.log"
    log.write_text("".join(f"FAILED test_x.py::test_{number} - TypeError: no\n" for number in range(20000)))
    done = subprocess.run(
        ["bash", "-c", '"$0" -m fixer analyze "$1" | head -1; echo "${PIPESTATUS[0]}"', sys.executable, str(log)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "test_x.py::test_0\tTypeError\tno\n141\n"
    assert done.stderr == ""


def test_output_that_the_encoding_lacks_is_shown_escaped(tmp_path: Path) -> None:
    (tmp_path / "ci.log").write_text("FAILED test_x.py::test_→[\x1b[2J] - TypeError: no\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "fixer", "analyze", "ci.log"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "test_x.py::test_\\u2192[]\tTypeError\tno\n"


@pytest.mark.parametrize("words", [("--help",), ("history",), ("undo", "--list"), ("complete", "--", "run", "t")])
def test_what_is_typed_all_day_loads_nothing_heavy(words: tuple[str, ...], tmp_path: Path) -> None:
    heavy = ("aider", "litellm", "git", "rich", "jinja2", "watchfiles", "asyncio", "xml.etree")
    code = (
        "import sys; from fixer.cli import main; main(sys.argv[1:]); "
        f"sys.exit(', '.join(name for name in {heavy} if name in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")
