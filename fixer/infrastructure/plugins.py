"""Which pytest plugins the project's interpreter has, and what is to be known of those that change what a run shows."""

from __future__ import annotations

import subprocess
from pathlib import Path

REMARKS = {
    "pytest-randomly": "shuffles tests and seeds; without it: fixer run -- -p no:randomly",
    "pytest-random-order": "shuffles tests where it is asked to",
    "pytest-rerunfailures": "its second tries count for nothing here: a test has to pass at once",
    "flaky": "its second tries count for nothing here: a test has to pass at once",
    "pytest-retry": "may hide that a test fails; without it: fixer run -- -p no:pytest-retry",
    "pytest-xdist": "used for the first run where you ask for workers; single tests run without",
    "pytest-testmon": "leaves tests out that it thinks unaffected; without it: fixer run -- -p no:testmon",
    "pytest-picked": "leaves tests out where --picked is asked for",
    "pytest-cov": "slows every run; without it: fixer run -- --no-cov",
    "pytest-timeout": "its limits hold beside fixer's --test-timeout",
    "pytest-forked": "runs each test in a process of its own where --forked is asked for",
    "pytest-repeat": "repeats tests where --count is asked for",
}
"""By the name of the distribution."""
SECONDS = 30


def installed_plugins(python: Path, directory: Path) -> list[str]:
    """The distributions that give pytest plugins, by name; none where the interpreter does not answer."""
    try:
        done = subprocess.run(
            [str(python), "-c", _ASK],
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return sorted(set(done.stdout.lower().split()))


_ASK = """
from importlib.metadata import distributions
for found in distributions():
    if any(point.group == "pytest11" for point in found.entry_points):
        print(found.metadata["Name"])
"""
