"""`python cut_off.py STEP [ARGS]`: runs `fixer ARGS`, which is killed right after the durable step of this name."""

from __future__ import annotations

import os
import signal
import sys

from fixer.__main__ import main
from fixer.infrastructure.fault_points import EVENT


def kill_after(step: str) -> None:
    """Have this process killed, with its group, when the step is done."""

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == EVENT and args == (step,):
            os.killpg(0, signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "__main__":
    kill_after(sys.argv[1])
    sys.argv = ["fixer", *sys.argv[2:]]
    main()
