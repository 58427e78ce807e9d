"""The seconds of CPU that measurements are given in, on processes that really spend them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cpu_time import so_far

BUSY = "import time\nwhile time.process_time() < 0.3: pass\nprint('spent', flush=True); input()"
BELOW = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("code", [BUSY, BELOW], ids=["a child", "a grandchild"])
def test_what_processes_spend_counts_while_they_live_and_after(code: str) -> None:
    before = so_far()
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        alive = so_far()
        process.communicate(b"\n")
    assert 0.25 < alive - before < 2
    assert so_far() >= alive - 0.05


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_waits_spends_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        before = so_far()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        assert so_far() - before < 0.4
        process.communicate(b"\n")
