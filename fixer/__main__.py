"""The entry point: runs the command line, and turns whatever goes wrong into one message and an exit code."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `fixer`."""
    from fixer.cli import main as run_command

    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
