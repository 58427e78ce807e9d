"""The session as a person at a terminal meets it: a real pty, real keys, real signals."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from command import fixer
from scripted_model import Answer, ScriptedModel, edit
from terminal import Terminal, plain, wait_until
from tree import Tree

pytestmark = pytest.mark.slow

CALC = "def add(a, b):\n    return a - b\n\n\ndef half(n):\n    return n * 2\n"
TESTS = """\
from calc import add, half


def test_add():
    assert add(1, 2) == 3


def test_half():
    assert half(4) == 2
"""
ADD = "test_calc.py::test_add"
HALF = "test_calc.py::test_half"
ADD_FIX = edit("calc.py", "    return a - b\n", "    return a + b\n")
OTHER_ADD_FIX = edit("calc.py", "    return a - b\n", "    return b + a\n")
HALF_FIX = edit("calc.py", "    return n * 2\n", "    return n / 2\n")
HANG = """

def hang():
    import os, pathlib, time
    pathlib.Path("../hanging").write_text(str(os.getpid()))
    time.sleep(90)
"""
QUESTION = "[q]uit? "
CHOICE = "part of a name: "
END_OF_INPUT = "\x04"
OpenTerminal = Callable[..., "Terminal"]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "project").init()
    tree.write("calc.py", CALC)
    tree.write("test_calc.py", TESTS)
    tree.commit("start")
    return tree


@pytest.fixture
def open_terminal(tree: Tree, scripted_model: ScriptedModel) -> Iterator[OpenTerminal]:
    opened: list[Terminal] = []

    def open_one(*args: str, rows: int = 24, columns: int = 80, **env: str) -> Terminal:
        opened.append(Terminal(tree, scripted_model, *args, rows=rows, columns=columns, **env))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.child.close(force=True)


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (20, 60), (40, 120)])
def test_every_key_does_what_it_says(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal, rows: int, columns: int
) -> None:
    scripted_model.answers(ADD_FIX, OTHER_ADD_FIX, HALF_FIX)
    terminal = open_terminal(rows=rows, columns=columns)
    shown = terminal.see(CHOICE)
    assert f"2 red tests, 2 causes:\n1  {ADD}\n   AssertionError: " in shown
    terminal.press("\r")
    shown = terminal.see(QUESTION)
    assert f"{ADD}\npasses with this change (attempt 1, temperature 0.4):" in shown
    assert f"{ADD}: passed 2 of 2 runs" in shown
    assert "-    return a - b\n+    return a + b\n" in shown
    terminal.press("u")
    shown = terminal.see(QUESTION)
    assert "attempt 1/3, temperature 0.4: undone: declined in review" in shown
    assert "passes with this change (attempt 2, temperature 0.5):" in shown
    assert "+    return b + a" in shown
    terminal.press("\r")
    assert "+    return n / 2" in terminal.see(QUESTION)
    assert tree.git("log", "--format=%s") == f"Fix {ADD}\nstart\n"
    terminal.press("s")
    assert terminal.end() == 1
    assert tree.read("calc.py") == CALC.replace("a - b", "b + a")
    assert len(scripted_model.requests) == 3
    commit = tree.git("rev-parse", "--short=9", "HEAD").strip()
    table = terminal.seen[terminal.seen.rindex(f"fixed    {ADD}") :].splitlines()
    assert " ".join("".join(table[:2]).split()).startswith(f"fixed {ADD} 2 attempts {commit}")
    assert max(map(len, table[: table.index("")])) <= columns


def test_keep_all_asks_only_once(tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal) -> None:
    scripted_model.answers(ADD_FIX, HALF_FIX)
    terminal = open_terminal()
    terminal.see(CHOICE)
    terminal.press("\r")
    terminal.see(QUESTION)
    terminal.press("a")
    assert terminal.end() == 0
    assert terminal.seen.count(QUESTION) == 1
    assert tree.git("log", "--format=%s") == f"Fix {HALF}\nFix {ADD}\nstart\n"


@pytest.mark.parametrize("key", ["q", END_OF_INPUT])
def test_quitting_keeps_what_was_kept_and_takes_back_what_was_asked_about(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal, key: str
) -> None:
    scripted_model.answers(ADD_FIX, HALF_FIX)
    terminal = open_terminal()
    terminal.see(CHOICE)
    terminal.press("\r")
    terminal.see(QUESTION)
    terminal.press("k")
    terminal.see(QUESTION)
    terminal.press(key)
    assert terminal.end() == 1
    assert tree.git("log", "--format=%s") == f"Fix {ADD}\nstart\n"
    assert tree.git("status", "--porcelain") == ""
    assert "1 of 2 fixed" in terminal.seen


def test_what_is_not_chosen_is_left_alone(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal
) -> None:
    scripted_model.answers(HALF_FIX)
    terminal = open_terminal()
    terminal.see(CHOICE)
    terminal.press("no such\r")
    terminal.see("Nothing here is called no such.")
    terminal.press("half\r")
    terminal.see(QUESTION)
    terminal.press("k")
    assert terminal.end() == 1
    assert tree.git("log", "--format=%s") == f"Fix {HALF}\nstart\n"
    assert "not chosen: left alone, as you chose" in terminal.seen


@pytest.mark.parametrize("key", ["n\r", END_OF_INPUT])
def test_nothing_is_spent_where_nothing_is_chosen(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal, key: str
) -> None:
    before = tree.fingerprint()
    terminal = open_terminal()
    terminal.see(CHOICE)
    terminal.press(key)
    assert terminal.end() == 1
    assert scripted_model.requests == []
    assert tree.fingerprint() == before


def test_a_hint_is_in_the_next_prompt(tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal) -> None:
    scripted_model.answers(ADD_FIX, OTHER_ADD_FIX)
    terminal = open_terminal("-k", "add")
    terminal.see(QUESTION)
    terminal.press("h")
    terminal.see("(Enter for none): ")
    terminal.press("b comes first — bitte\r")
    terminal.see(QUESTION)
    terminal.press("k")
    assert terminal.end() == 0
    assert "declined in review, with this hint: b comes first — bitte" in scripted_model.prompts[1]
    assert "b + a" in tree.read("calc.py")


def an_editor(tree: Tree, body: str) -> str:
    script = tree.path.parent / "an editor"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return f"'{script}' --wait"


def test_an_edited_fix_is_verified_again_and_lands_as_edited(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal
) -> None:
    tree.write("calc.py", f"{CALC}\n\nMINE = 1\n")
    scripted_model.answers(ADD_FIX)
    editor = an_editor(tree, 'test -t 0 && test "$1" = --wait && sed -i "s/a + b/sum([a, b])/" "$2"')
    terminal = open_terminal("-k", "add", VISUAL="", EDITOR=editor)
    terminal.see(QUESTION)
    terminal.press("e")
    shown = terminal.see(QUESTION)
    assert "+    return sum([a, b])" in shown
    terminal.press("k")
    assert terminal.end() == 0
    assert tree.read("calc.py") == f"{CALC}\n\nMINE = 1\n".replace("a - b", "sum([a, b])")
    assert tree.git("show", "HEAD:calc.py") == CALC.replace("a - b", "sum([a, b])")
    assert fixer(tree.path, "undo").code == 0
    assert tree.read("calc.py") == f"{CALC}\n\nMINE = 1\n"


def test_an_edit_that_breaks_the_fix_is_put_back_and_kept_aside(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal
) -> None:
    scripted_model.answers(ADD_FIX)
    terminal = open_terminal("-k", "add", VISUAL=an_editor(tree, 'sed -i "s/a + b/7/" "$2"'))
    terminal.see(QUESTION)
    terminal.press("e")
    shown = terminal.see(QUESTION)
    assert "Your version does not hold: the test still fails" in shown
    assert "+    return a + b" in shown
    saved = [path for path in tree.path.glob(".git/fixer/worktrees/*/saved/*") if path.name.endswith("calc.py")]
    assert [path.read_text() for path in saved] == [CALC.replace("a - b", "7")]
    terminal.press("s")
    assert terminal.end() == 1
    assert tree.read("calc.py") == CALC


@pytest.mark.parametrize(
    ("editor", "said"),
    [("", "No editor is named."), ("/nowhere/vi", "could not be started"), ("false", "ended with 1")],
)
def test_an_editor_that_is_missing_or_fails_changes_nothing(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal, editor: str, said: str
) -> None:
    scripted_model.answers(ADD_FIX)
    terminal = open_terminal("-k", "add", VISUAL="", EDITOR=editor)
    terminal.see(QUESTION)
    terminal.press("e")
    assert said in terminal.see(QUESTION)
    terminal.press("k")
    assert terminal.end() == 0
    assert tree.read("calc.py") == CALC.replace("a - b", "a + b")


def test_keys_that_were_pasted_answer_only_one_question(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal
) -> None:
    scripted_model.answers(ADD_FIX, HALF_FIX)
    terminal = open_terminal()
    terminal.see(CHOICE)
    terminal.press("\r")
    terminal.see(QUESTION)
    terminal.press("k" * 100 + "\x1b[B")
    terminal.see(QUESTION)
    terminal.press("s")
    assert terminal.end() == 1
    assert tree.git("log", "--format=%s") == f"Fix {ADD}\nstart\n"


def test_plain_is_lines_alone(tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal) -> None:
    del tree
    scripted_model.answers(ADD_FIX)
    terminal = open_terminal("-k", "add", "--plain", columns=60)
    terminal.see(QUESTION)
    terminal.press("k")
    assert terminal.end() == 0
    assert "\x1b" not in terminal.raw
    assert f"{ADD}: attempt 1/3, temperature 0.4" in terminal.raw


def interrupt_by_key(terminal: Terminal) -> None:
    terminal.press("\x03")


def interrupt_impatiently(terminal: Terminal) -> None:
    for _ in range(2):
        terminal.press("\x03")
        time.sleep(0.02)


def terminate(terminal: Terminal) -> None:
    os.kill(terminal.pid, signal.SIGTERM)


def hang_up_again_and_again(terminal: Terminal) -> None:
    pid = terminal.pid
    for _ in range(40):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGHUP)
        time.sleep(0.01)


@pytest.mark.parametrize("interrupt", [interrupt_by_key, terminate, hang_up_again_and_again])
def test_an_interrupt_while_the_model_thinks_keeps_what_is_verified_and_takes_the_attempt_back(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal, interrupt: Callable[[Terminal], None]
) -> None:
    tree.write("notes.txt", "mine\n")
    tree.write("calc.py", f"{CALC}\n\nMINE = 1\n")
    scripted_model.answers(ADD_FIX, Answer("Never heard.", delay=90))
    terminal = open_terminal("--yes")
    terminal.watch_until(lambda: len(scripted_model.requests) == 2)
    before = tree.fingerprint()
    interrupt(terminal)
    assert terminal.end() == 130
    assert tree.fingerprint() == before
    assert tree.git("log", "--format=%s") == f"Fix {ADD}\nstart\n"
    assert "attempt 1/3, temperature 0.4: undone: interrupted" in terminal.seen
    assert "Interrupted: 1 of 2 fixed" in terminal.seen


def test_an_impatient_interrupt_ends_at_once_and_the_next_command_puts_the_rest_right(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal
) -> None:
    tree.write("notes.txt", "mine\n")
    tree.write("calc.py", f"{CALC}\n\nMINE = 1\n")
    scripted_model.answers(ADD_FIX, Answer("Never heard.", delay=90))
    terminal = open_terminal("--yes")
    terminal.watch_until(lambda: len(scripted_model.requests) == 2)
    before = tree.fingerprint()
    interrupt_impatiently(terminal)
    assert terminal.end() == 130
    assert "the next fixer command puts right" in terminal.seen or "Interrupted: 1 of 2 fixed" in terminal.seen
    assert fixer(tree.path, "recover").code == 0
    assert tree.fingerprint() == before
    assert tree.git("log", "--format=%s") == f"Fix {ADD}\nstart\n"


@pytest.mark.parametrize("interrupt", [interrupt_by_key, terminate, hang_up_again_and_again])
def test_an_interrupt_while_a_test_runs_leaves_every_byte_as_it_was(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal, interrupt: Callable[[Terminal], None]
) -> None:
    tree.write(
        "test_calc.py", TESTS.replace("    assert add", "    assert add(1, 2) == -1 or hang()\n    assert add") + HANG
    )
    tree.git("add", "test_calc.py")
    tree.write("notes.txt", "mine\n")
    before = tree.fingerprint()
    scripted_model.answers(ADD_FIX)
    terminal = open_terminal("--yes")
    terminal.watch_until((tree.path.parent / "hanging").exists)
    assert "a + b" in tree.read("calc.py")
    interrupt(terminal)
    assert terminal.end() == 130
    assert tree.fingerprint() == before
    assert "Interrupted: 0 of 2 fixed" in terminal.seen
    hanging = int((tree.path.parent / "hanging").read_text())
    assert not Path(f"/proc/{hanging}").exists(), "the test that ran is gone as well"


@pytest.mark.parametrize("asked", [True, False], ids=["while a key is waited for", "while the model thinks"])
def test_a_terminal_that_is_closed_leaves_every_byte_as_it_was(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal, asked: bool
) -> None:
    tree.write("notes.txt", "mine\n")
    before = tree.fingerprint()
    scripted_model.answers(ADD_FIX if asked else Answer("Never heard.", delay=90))
    terminal = open_terminal("-v")
    terminal.see(CHOICE)
    terminal.press("\r")
    if asked:
        terminal.see(QUESTION)
    terminal.watch_until(lambda: len(scripted_model.requests) == 1)
    fixer = terminal.pid
    terminal.child.close(force=True)
    wait_until(lambda: not Path(f"/proc/{fixer}").exists())
    assert tree.fingerprint() == before


def test_no_color_moves_but_paints_nothing(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal
) -> None:
    del tree
    scripted_model.answers(ADD_FIX)
    terminal = open_terminal("-k", "add", NO_COLOR="1")
    terminal.see(QUESTION)
    terminal.press("k")
    assert terminal.end() == 0
    assert "\x1b[?25l" in terminal.raw
    assert not re.search(r"\x1b\[[\d;]*[3-4]\d", terminal.raw)


def test_a_dumb_terminal_gets_lines_without_codes_and_still_is_asked(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal
) -> None:
    del tree
    scripted_model.answers(ADD_FIX)
    terminal = open_terminal("-k", "add", TERM="dumb")
    terminal.see(QUESTION)
    terminal.press("k")
    assert terminal.end() == 0
    assert "\x1b" not in terminal.raw
    assert f"{ADD}: attempt 1/3, temperature 0.4" in terminal.raw


def test_a_terminal_that_is_made_narrower_meanwhile_shows_what_follows_in_its_new_width(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal
) -> None:
    del tree
    scripted_model.answers(replace(ADD_FIX, delay=8), HALF_FIX)
    terminal = open_terminal(rows=40, columns=120)
    terminal.see(CHOICE)
    terminal.press("\r")
    terminal.watch_until(lambda: len(scripted_model.requests) == 1)
    terminal.child.setwinsize(20, 44)
    wide = len(terminal.raw)
    terminal.watch_until(lambda: "…" in terminal.raw[wide:])
    terminal.see(QUESTION)
    terminal.press("k")
    terminal.see(QUESTION)
    terminal.press("k")
    assert terminal.end() == 0
    lines = re.split(r"[\r\n]+", plain(terminal.raw[wide:]))
    moving = [line for line in lines if line.startswith("attempt 1/3, temperature 0.4  ")]
    cut = next(number for number, line in enumerate(moving) if line.endswith("…"))  # others were on their way before
    assert max(map(len, moving[cut:])) == 44


CRASH = """\
import sys

if "fixer" in sys.orig_argv:
    from fixer.ui import review

    def fail(*_):
        raise RuntimeError("a mistake of ours")

    review.TerminalReviewer.review = fail
"""


def test_a_mistake_of_fixers_own_leaves_the_terminal_and_every_byte_in_order(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal, tmp_path: Path
) -> None:
    tree.write("notes.txt", "mine\n")
    before = tree.fingerprint()
    (tmp_path / "crash").mkdir()
    (tmp_path / "crash/sitecustomize.py").write_text(CRASH)
    scripted_model.answers(ADD_FIX)
    path = os.pathsep.join([str(tmp_path / "crash"), str(Path(__file__).parents[2])])
    terminal = open_terminal("-k", "add", PYTHONPATH=path)
    assert terminal.end() == 70
    assert "a mistake of ours" in terminal.seen
    assert tree.fingerprint() == before


@pytest.mark.parametrize("encoding", ["cp437", "cp1252", "ascii"])
def test_a_console_that_lacks_characters_shows_them_escaped(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal, encoding: str
) -> None:
    tree.write("calc.py", CALC.replace("half(n):", 'half(n):\n    "½ → 半"'))
    tree.commit("signs")
    scripted_model.answers(edit("calc.py", "    return n * 2\n", "    return n / 2  # ½ → 半\n"))
    terminal = open_terminal("-k", "half", "-v", PYTHONIOENCODING=encoding)
    assert "\\u534a" in terminal.see(QUESTION)
    terminal.press("k")
    assert terminal.end() == 0
    assert tree.read("calc.py").endswith("    return n / 2  # ½ → 半\n")


def test_watching_tests_on_save_and_fixes_by_a_key(
    tree: Tree, scripted_model: ScriptedModel, open_terminal: OpenTerminal
) -> None:
    scripted_model.answers(ADD_FIX)
    terminal = open_terminal("watch", "-q", "-k", "add")
    assert "1 failed" in terminal.see("q quits.")
    tree.write("other.py", "x = 1\n")
    assert "1 failed" in terminal.see("q quits.")
    terminal.press("f")
    terminal.see(QUESTION)
    terminal.press("k")
    assert "1 passed" in terminal.see("q quits.")
    terminal.press("q")
    assert terminal.end() == 0
    assert tree.git("log", "--format=%s") == f"Fix {ADD}\nstart\n"
