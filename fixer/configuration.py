"""`fixer config`: every setting with its value, and where that came from."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path


def print_settings(directory: Path, environ: Mapping[str, str], *, as_json: bool) -> None:
    """One line per setting. Raises UsageError for a setting that is wrong."""
    from fixer.settings import load_settings
    from fixer.ui.report import aligned

    loaded = load_settings(directory, {}, environ)
    values = asdict(loaded.settings)
    if as_json:
        rows = {name: {"value": value, "from": loaded.origins[name]} for name, value in values.items()}
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    lines = aligned((name, _shown(value), loaded.origins[name]) for name, value in sorted(values.items()))
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def print_ladder(directory: Path, environ: Mapping[str, str], *, as_json: bool) -> None:
    """The rungs, in the order in which they are tried. Raises UsageError for a setting that is wrong."""
    from fixer.settings import load_settings
    from fixer.ui.report import aligned

    rungs = [asdict(rung) for rung in load_settings(directory, {}, environ).settings.rungs()]
    if as_json:
        sys.stdout.write(json.dumps(rungs, indent=2) + "\n")
        return
    head = ("rung", *rungs[0])
    rows = [(str(number), *(str(value) or "-" for value in rung.values())) for number, rung in enumerate(rungs, 1)]
    sys.stdout.write("".join(f"{line}\n" for line in aligned([head, *rows])))


def _shown(value: object) -> str:
    """As it would stand in pyproject.toml; what is not set is a dash."""
    if value is None or value in ("", ()):
        return "-"
    return json.dumps(value[0] if isinstance(value, tuple) and len(value) == 1 else value)
