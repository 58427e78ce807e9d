"""Runs the real `fixer` in a process of its own, as a person or a script would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from preloaded import Preloaded
from scripted_model import ScriptedModel

TIMEOUT = 240


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Its stdout as JSON."""
        return json.loads(self.out)


def fixer_argv(*args: str) -> list[str]:
    """The command line of this very source tree's fixer."""
    return [sys.executable, "-m", "fixer", *args]


def fixer(folder: Path, *args: str, **env: str) -> Said:
    """Run it there, with more environment; the tests' own interpreter plays the project's."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        if "FIXER_FRESH" in os.environ or any(name.startswith("PYTHON") for name in env):
            code = _run_fresh(args, folder, fixer_env(**env), out, err)
        else:
            code = _preloaded().run(args, folder, fixer_env(**env), out, err, TIMEOUT)
        out.seek(0)
        err.seek(0)
        return Said(code, *(file.read().decode().replace("\r\n", "\n") for file in (out, err)))


def fixer_env(**env: str) -> dict[str, str]:
    """The environment that `fixer` gives it; the plugins around these tests are no plugins of the project's."""
    return {**os.environ, "FIXER_PYTHON": sys.executable, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **env}


def _run_fresh(args: Sequence[str], folder: Path, env: Mapping[str, str], out: BinaryIO, err: BinaryIO) -> int:
    argv, none = fixer_argv(*args), subprocess.DEVNULL
    return subprocess.run(argv, cwd=folder, env=env, stdin=none, stdout=out, stderr=err, timeout=TIMEOUT).returncode


@cache
def _preloaded() -> Preloaded:
    return Preloaded()


def model_env(model: ScriptedModel) -> dict[str, str]:
    """What makes the scripted provider the model."""
    return {"FIXER_MODEL": "openai/scripted", "OPENAI_API_BASE": model.base_url, "OPENAI_API_KEY": "not-a-key"}
