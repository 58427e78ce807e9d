"""What the probe tells of a failure is there for every kind of frame."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fixer

PROGRAM = """
import types
from fixer_probe import _frames

def fail():
    raise ValueError

nowhere = types.FunctionType(fail.__code__.replace(co_linetable=bytes([0x80 | (15 << 3) | 7]) * 20), {})
try:
    nowhere()
except ValueError as error:
    assert error.__traceback__.tb_next.tb_lineno is None
    print(_frames(error.__traceback__)[-1][1:3])
"""


@pytest.mark.skipif(sys.version_info < (3, 11), reason="line tables could not say so before")
def test_a_frame_that_stands_in_no_line_is_told_with_its_function(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    env = {**os.environ, "PYTHONPATH": str(Path(fixer.__file__).parent / "probe")}
    argv = [sys.executable, str(tmp_path / "program.py")]
    assert subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout == "[5, 'fail']\n"
