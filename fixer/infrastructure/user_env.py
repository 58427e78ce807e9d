"""Reads the user's own keys and settings from their configuration folder; a repository's `.env` is never looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fixer.domain.errors import UsageError


def user_env_file(environ: Mapping[str, str]) -> Path:
    """Where it is, whether it exists or not (XDG Base Directory Specification)."""
    configured = environ.get("XDG_CONFIG_HOME", "")
    home = Path(configured) if Path(configured).is_absolute() else Path.home() / ".config"
    return home / "fixer" / ".env"


def user_env(environ: Mapping[str, str]) -> dict[str, str]:
    """What the file sets and the environment does not. Raises UsageError where it cannot be read."""
    file = user_env_file(environ)
    if not file.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        # Not interpolated: a key with a dollar sign in it is a key.
        values = dotenv_values(file, interpolate=False)
    except (OSError, ValueError) as unreadable:
        raise UsageError(f"{file} cannot be read: {unreadable}.", "Correct it, or move it away.") from unreadable
    return {name: value for name, value in values.items() if value and name not in environ}
