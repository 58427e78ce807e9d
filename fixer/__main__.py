"""The entry point: runs the command line, and turns whatever goes wrong into one message and an exit code."""

from __future__ import annotations

import gc
import io
import sys


def main() -> None:
    """Run `fixer`."""
    from fixer.cli import main as run_command

    if isinstance(sys.stdout, io.TextIOWrapper):
        # As stderr does by itself: a name that the terminal's encoding lacks is shown escaped, and ends nothing.
        sys.stdout.reconfigure(errors="backslashreplace")
    code = run_command(sys.argv[1:])
    gc.freeze()  # else Python looks once more through all that the engine has imported, for most of a second
    sys.exit(code)


if __name__ == "__main__":
    main()
