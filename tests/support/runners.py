"""The runner as the tests use it: this Python, short limits, and byte code of pytest that all of them share."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

from fixer.infrastructure.pytest_runner import PytestRunner


def runner(project: Path, *selection: str, args: tuple[str, ...] = (), timeout: float = 2.0) -> PytestRunner:
    """A runner for this project."""
    return PytestRunner(Path(sys.executable), project, selection, args, test_timeout=timeout, bytecode=_bytecode())


@cache
def _bytecode() -> Path:
    folder = tempfile.mkdtemp(prefix="fixer-test-bytecode-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
