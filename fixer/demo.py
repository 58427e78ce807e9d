"""`fixer demo`: the real `fixer run`, on a copy of the bundled sample project."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

from fixer.domain.errors import UsageError
from fixer.session import RunWishes, run_session


def run_demo(environ: Mapping[str, str], keep: Path | None) -> int:
    """Copy the sample, make it a repository, fix it with the offline model; 0 when the demonstration went through.

    Raises UsageError where the folder to put it in is not empty.
    """
    folder = _folder(keep)
    _copy_sample(folder)
    sys.stderr.write(f"A small broken project is in {folder}\n")
    own = {name: value for name, value in environ.items() if not name.startswith(("FIXER_", "AIDER_"))}
    flags: dict[str, object] = {"model": ("offline",), "yes": True, "python": sys.executable}
    code = run_session(folder, own, RunWishes(flags=flags))
    sys.stderr.write(
        f"Look around:      cd {folder} && git log --stat\nOn your project:  cd your-project && fixer run\n"
    )
    # One bug of the sample is beyond any small edit, on purpose: a run that leaves it red has gone as it should.
    return 0 if code in (0, 1) else code


def _folder(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="fixer-demo-")).resolve()
    if keep.exists() and any(keep.iterdir()):
        raise UsageError(f"{keep} is not empty.", "Name a folder that does not exist yet.")
    return keep.resolve()


def _copy_sample(folder: Path) -> None:
    with as_file(files("fixer") / "sample") as sample:
        shutil.copytree(sample, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    identity = ("-c", "user.name=fixer demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false")
    for args in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-q", "-m", "A project with bugs")):
        subprocess.run(["git", *args], cwd=folder, check=True)
    for name, value in (("user.name", "fixer demo"), ("user.email", "demo@localhost"), ("commit.gpgsign", "false")):
        subprocess.run(["git", "config", name, value], cwd=folder, check=True)
