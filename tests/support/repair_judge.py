"""Judges the answers of the offline model: what Aider makes of them, whether the tests pass, whether it is right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from repair_rank import tree
from repair_sets import Case


def applied(answer: str, project: Path) -> str | None:
    """The file as Aider would leave it."""
    from aider.coders.editblock_coder import do_replace, find_original_update_blocks

    names = [str(path.relative_to(project)) for path in project.rglob("*.py")]
    for name, before, after in find_original_update_blocks(answer, valid_fnames=names):
        path = project / name
        return str(do_replace(str(path), path.read_text(), before, after, ("```", "```")))
    return None


def difference(old: str, new: str) -> list[str]:
    """The lines of a diff without its heads."""
    from difflib import unified_diff

    lines = list(unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def is_green(project: Path) -> bool:
    """Whether all tests pass in a fresh pytest."""
    argv = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    try:
        return subprocess.run(argv, cwd=project, capture_output=True, check=False, timeout=120).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def is_right(case: Case, project: Path, text: str) -> tuple[bool, str, int, str]:
    """Whether the text does what the reference does, how that is known, for how many inputs, and one that differs."""
    if tree(text) == tree(case.reference):
        return True, "equal tree", 0, ""
    how, compared, differ = _compared(case, project, text, strict=True)
    if how == "differs" and _compared(case, project, text, strict=False)[0] == "equal on inputs":
        how = NEARLY
    return how == "equal on inputs", how, compared, differ


def _compared(case: Case, project: Path, text: str, *, strict: bool) -> tuple[str, int, str]:
    (project / case.broken).write_text(case.reference)
    request = {
        "project": str(project),
        "tests": case.tests,
        "file": str(project / case.broken),
        "functions": case.functions,
        "reference": case.reference,
        "accepted": case.accepted,
        "candidate": text,
        "wanted": 300,
        "seed": 1,
        "strict": strict,
    }
    folders = os.pathsep.join(str(project / Path(name).parent) for name in (case.broken, case.tests))
    environ = {**os.environ, "PYTHONPATH": folders, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    script = Path(__file__).with_name("differential.py")
    try:
        done = subprocess.run(
            [sys.executable, str(script)],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            check=True,
            timeout=600,
            env=environ,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return f"not compared: {type(error).__name__}", 0, ""
    answer = json.loads(done.stdout)
    enough = answer["compared"] >= _ENOUGH
    how = "differs" if answer["differ"] else "equal on inputs" if enough else "too few inputs"
    return how, answer["compared"], answer["differ"]


NEARLY = "equal results"
"""Not right: it differs, but only for sequences out of order where the tests give none, or in what it leaves behind."""


_ENOUGH = 50
"""Inputs; fewer say too little."""
