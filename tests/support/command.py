"""Runs the real `fixer` in a process of its own, as a person or a script would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    done = subprocess.run(
        fixer_argv(*args),
        cwd=folder,
        env=fixer_env(**env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def fixer_env(**env: str) -> dict[str, str]:
    """The environment that `fixer` gives it."""
    return {**os.environ, "FIXER_PYTHON": sys.executable, **env}


def model_env(model: ScriptedModel) -> dict[str, str]:
    """What makes the scripted provider the model."""
    return {"FIXER_MODEL": "openai/scripted", "OPENAI_API_BASE": model.base_url, "OPENAI_API_KEY": "not-a-key"}
