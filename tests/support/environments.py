"""Environments with other Pythons and other pytests: made once, and kept in the machine's temporary folder."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest


def environment(version: str, *requirements: str) -> Path:
    """The Python of an environment with these requirements; skips the test where it cannot be had."""
    name = re.sub(r"[^\w.-]+", "", "-".join([f"python{version}", *requirements]))
    python = _cache() / name / "bin" / "python"
    if not python.exists():
        _make(_base(version), _cache() / name, requirements)
    return python


def _cache() -> Path:
    folder = Path(tempfile.gettempdir(), f"fixer-test-venvs-{_account().pw_name}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        pytest.skip(f"{folder} belongs to somebody else")
    return folder


def _make(base: str, folder: Path, requirements: tuple[str, ...]) -> None:
    """Under another name first: a run that is interrupted, or makes it at the same time, leaves nothing half made."""
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=folder.parent))
    # The tests' private home hides which index the machine's pip uses.
    env = {**os.environ, "HOME": _account().pw_dir}
    try:
        install = [str(draft / "bin/python"), "-m", "pip", "install", *requirements]
        for argv in ([base, "-m", "venv", str(draft)], install):
            done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=300)
            if done.returncode:
                pytest.skip(f"no environment with {', '.join(requirements)}: {done.stderr.strip()[-300:]}")
        with suppress(OSError):  # somebody else was quicker
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _base(version: str) -> str:
    kept = sorted(Path(_account().pw_dir, ".pyenv/versions").glob(f"{version}.*/bin/python"))
    found = str(kept[-1]) if kept else shutil.which(f"python{version}")
    if not found:
        pytest.skip(f"there is no Python {version} on this machine")
    return found


def _account() -> pwd.struct_passwd:
    return pwd.getpwuid(os.getuid())
