"""Runs git: one argument list, a cleaned environment, bytes in and bytes out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fixer.domain.errors import FixerError, UsageError

OLDEST_GIT = (2, 25)


class GitFailed(FixerError):
    """A git command ended with an error; `stderr` holds git's own words."""

    exit_code = 6

    def __init__(self, args: tuple[str, ...], stderr: str) -> None:
        super().__init__(
            f"git did not do its part ({' '.join(args[:2])}): {stderr or 'it gave no reason'}",
            "Cure what it says, then run fixer again: it first puts right whatever is half done.",
        )
        self.stderr = stderr


@dataclass(frozen=True)
class Git:
    """Git in one directory, with extra environment (`GIT_DIR`, `GIT_INDEX_FILE` …) where given."""

    directory: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def with_env(self, **env: str) -> Git:
        """The same, with more environment."""
        return Git(self.directory, {**self.env, **env})

    def run(self, *args: str, stdin: bytes = b"") -> bytes:
        """The command's output, exactly. Raises GitFailed."""
        done = self._call(args, stdin)
        if done.returncode:
            raise GitFailed(args, done.stderr.decode(errors="replace").strip())
        return done.stdout

    def line(self, *args: str, stdin: bytes = b"") -> str:
        """The command's output as one line of text. Raises GitFailed."""
        return os.fsdecode(self.run(*args, stdin=stdin)).rstrip("\n")

    def succeeds(self, *args: str) -> bool:
        """Whether the command exits with 0."""
        return self._call(args, b"").returncode == 0

    def exit_code(self, *args: str) -> tuple[int, bytes]:
        """The command's exit code and output, for commands that say something with it."""
        done = self._call(args, b"")
        return done.returncode, done.stdout

    def _call(self, args: tuple[str, ...], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                ["git", *args],
                cwd=self.directory,
                env={**_clean_environment(), **self.env},
                input=stdin,
                capture_output=True,
                check=False,
                start_new_session=True,  # a Ctrl-C is for fixer, which ends git's work in order
            )
        except FileNotFoundError as missing:
            raise UsageError("git is not installed or not on PATH.", "Install git 2.25 or newer.") from missing


@dataclass(frozen=True)
class Repository:
    """Where a working tree keeps its git data; `git_dir` differs from `common_dir` in a linked worktree."""

    top: Path
    git_dir: Path
    common_dir: Path

    @property
    def git(self) -> Git:
        """Git in this working tree."""
        return Git(self.top)


def find_repository(start: Path) -> Repository | None:
    """The repository around `start`, or None. Raises UsageError for a bare one, and for a git that refuses."""
    git = Git(start)
    _require_version(git)
    try:
        bare = git.line("rev-parse", "--is-bare-repository")
        if bare == "true":
            raise UsageError("This is a bare repository: it has no working tree to fix.", "Run fixer in a clone of it.")
        paths = [git.line("rev-parse", what) for what in ("--show-toplevel", "--git-dir", "--git-common-dir")]
    except GitFailed as failed:
        if "not a git repository" in failed.stderr:
            return None
        raise UsageError(f"git refuses to work here: {failed.stderr}") from failed
    top, git_dir, common_dir = ((start / path).resolve() for path in paths)
    return Repository(top, git_dir, common_dir)


def environment_outside() -> dict[str, str]:
    """Our environment without what binds git to one repository."""
    return {name: value for name, value in os.environ.items() if name not in _LOCAL_VARIABLES}


# What `git rev-parse --local-env-vars` lists: set for a hook or an alias, it would send us to another repository.
_LOCAL_VARIABLES = frozenset(
    [
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_REPLACE_REF_BASE",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_COMMON_DIR",
        "GIT_QUARANTINE_PATH",
        "GIT_NAMESPACE",
        # Not local, but git refuses them together with GIT_LITERAL_PATHSPECS.
        "GIT_GLOB_PATHSPECS",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
    ]
)


def _clean_environment() -> dict[str, str]:
    env = environment_outside()
    # Optional locks off: a mere `git status` would otherwise rewrite the user's index.
    return {**env, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def _require_version(git: Git) -> None:
    words = git.line("version").split()
    found = tuple(int(part) for part in words[2].split(".")[:2])
    if found < OLDEST_GIT:
        raise UsageError(f"git {words[2]} is too old for fixer.", "Install git 2.25 or newer.")
