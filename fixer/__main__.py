"""The entry point: runs the command line, and turns whatever goes wrong into one message and an exit code."""

from __future__ import annotations

import io
import signal
import sys


def main() -> None:
    """Run `fixer`."""
    from fixer.cli import main as run_command
    from fixer.ui.ending import INTERRUPTED

    if isinstance(sys.stdout, io.TextIOWrapper):
        # As stderr does by itself: a name that the terminal's encoding lacks is shown escaped, and ends nothing.
        sys.stdout.reconfigure(errors="backslashreplace")
    code = run_command(sys.argv[1:])
    if code == INTERRUPTED:
        # All is in order by now: a second Ctrl-C should not make the interpreter's way out look like a crash.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


if __name__ == "__main__":
    main()
