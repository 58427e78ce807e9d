"""Keys as a real terminal sends them."""

from __future__ import annotations

import subprocess
import sys

import pexpect
import pytest

READ = "from fixer.ui.keyboard import read_key; print('?', flush=True); print('<%r>' % read_key(), flush=True)"


@pytest.mark.parametrize(("pressed", "key"), [("u", "u"), ("\r", "\\n"), ("\x04", ""), ("\x1b[A", "\\x1b"), ("A", "A")])
def test_one_key_is_enough(pressed: str, key: str) -> None:
    child = pexpect.spawn(sys.executable, ["-c", READ], encoding="utf-8", timeout=20)
    child.expect_exact("?")
    child.send(pressed)
    child.expect_exact(f"<'{key}'>")
    child.expect(pexpect.EOF)


def test_without_a_terminal_a_line_is_read() -> None:
    out = subprocess.run([sys.executable, "-c", READ], input="  Undo it\n", capture_output=True, text=True).stdout
    assert out == "?\n<'U'>\n"
