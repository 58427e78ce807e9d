"""A run that is forked ahead copies the memory that runs before it have written to, as long as nobody waits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fixer

PROGRAM = """
import json, os, resource
from fixer_ahead import _copy, _written, ranges

page = os.sysconf("SC_PAGE_SIZE")
data = bytearray(2000 * page)

def write():
    for at in range(0, len(data), page):
        data[at] = 1

def faults(written, line):
    readable, writable = os.pipe()
    if not os.fork():
        _copy(written, [line])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        write()
        told = {"faults": resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, "written": _written()}
        with os.fdopen(writable, "w") as file:
            json.dump(told, file)
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as file:
        told = json.load(file)
    os.wait()
    return told

write()
quiet, _ = os.pipe()
awaited, other = os.pipe()
os.write(other, b"a task")
first = faults((), quiet)
assert [ranges(told) for told in ([[1, 2]], [[1]], ["ab"], 3, None, {})] == [[(1, 2)], [], [], [], [], []]
print(json.dumps([
    first["faults"], sum(size for _, size in first["written"]) // page,
    faults(first["written"], quiet)["faults"], faults(first["written"], awaited)["faults"],
]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_what_runs_write_to_is_found_and_copied_unless_somebody_waits() -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(fixer.__file__).parent / "probe")}
    printed = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True)
    first, written, copied, hurried = json.loads(printed.stdout)
    assert first > 1900
    assert written > 1900
    assert copied < 200
    assert hurried > 1900
