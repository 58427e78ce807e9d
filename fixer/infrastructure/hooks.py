"""Runs the user's commit hooks on a landing, in a checkout where no uncommitted work can be seen or touched."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from fixer.domain.services import protected_reason
from fixer.infrastructure.git import Git, Repository, environment_outside
from fixer.infrastructure.process_group import Ended, run_group
from fixer.infrastructure.working_file import FileState, read_state

SECONDS = 120.0
"""How long one hook may take. The first run of a hook manager may have to install its tools."""
_MOST_OUTPUT = 1_000_000
_LAST_WORDS = 300


class HookRefused(Exception):
    """A hook does not let the commit pass; the reason is for a person to read."""


class HookRewrote(HookRefused):
    """A hook changed files of the fix and nothing else: path, text in the checkout before it ran, and after."""

    def __init__(self, hook: str, words: str, files: tuple[tuple[str, FileState, FileState], ...]) -> None:
        super().__init__(f"your {hook} hook wants to change the fix; commit it yourself to let it")
        self.hook = hook
        self.words = words
        self.files = files


class Hooks:
    """The commit hooks of one working tree: whose code they are, and so what they may do, is the user's own choice."""

    def __init__(self, repository: Repository, *, enabled: bool = True, seconds: float = SECONDS) -> None:
        self._repository = repository
        self._enabled = enabled
        self._seconds = seconds

    def hold(self, path: str) -> bool:
        """Whether this file of the working tree is, or stands beside, a hook."""
        return self._enabled and (self._repository.top / path).is_relative_to(self._folder())

    def check(self, git: Git, tree: str, message: str, paths: Sequence[str] = ()) -> str:
        """The message that pre-commit, prepare-commit-msg and commit-msg leave. Raises HookRefused, HookRewrote.

        `paths` are the fix's own files. `git` is where the tree's objects are; refs cannot be moved by a hook, because
        they are not yet the user's.
        """
        names = [name for name in ("pre-commit", "prepare-commit-msg", "commit-msg") if self._find(name)]
        if not names:
            return message
        quarantine = {"GIT_QUARANTINE_PATH": git.env["GIT_OBJECT_DIRECTORY"]}
        with self._checkout(git.with_env(**quarantine), tree, message) as checkout:
            own = {path: state for path in paths if (state := checkout.read(path))}
            for name in names:
                self._require(name, checkout, tree, own)
            return checkout.read_message()

    def report(self, commit: str) -> None:
        """Tell post-commit of a commit that is made. As with git, how that ends changes nothing."""
        if self._find("post-commit"):
            with self._checkout(self._repository.git, commit, "") as checkout, tempfile.TemporaryFile() as output:
                self._run("post-commit", (), checkout, output)

    def _folder(self) -> Path:
        # A relative core.hooksPath counts from the top of the user's tree; the checkout must not redirect it.
        git = self._repository.git
        return Path(os.path.normpath(self._repository.top / git.line("rev-parse", "--git-path", "hooks")))

    def _find(self, name: str) -> Path | None:
        path = self._folder() / name
        return path if self._enabled and path.is_file() and os.access(path, os.X_OK) else None

    @contextmanager
    def _checkout(self, git: Git, tree: str, message: str) -> Iterator[_Checkout]:
        with tempfile.TemporaryDirectory(prefix="fixer-hooks-", ignore_cleanup_errors=True) as name:
            folder = Path(name).resolve()
            top = folder / self._repository.top.name
            top.mkdir()
            (folder / "COMMIT_EDITMSG").write_bytes(os.fsencode(message))
            env = {
                **git.env,
                "GIT_DIR": str(self._repository.git_dir),
                "GIT_WORK_TREE": str(top),
                "GIT_INDEX_FILE": str(folder / "index"),
            }
            env.pop("GIT_LITERAL_PATHSPECS", "")  # a hook's own git commands may use patterns
            checkout = _Checkout(Git(top, env), folder / "COMMIT_EDITMSG")
            checkout.git.run("-c", "core.splitIndex=false", "read-tree", "-m", "-u", tree)
            yield checkout

    def _require(self, name: str, checkout: _Checkout, tree: str, own: dict[str, FileState]) -> None:
        args = {"pre-commit": (), "prepare-commit-msg": (str(checkout.message), "message")}
        with tempfile.TemporaryFile() as output:
            ended = self._run(name, args.get(name, (str(checkout.message),)), checkout, output)
            words = _last_words(output)
        changed = checkout.changed_since(tree)
        # Ended before its time, it may have written half of what it meant to.
        if changed and not ended.stopped and ended.code >= 0:
            raise _judge(name, words, checkout, changed, own)
        if changed or ended.stopped or ended.code:
            raise HookRefused(f"your {name} hook {_how(ended)}: {words}".rstrip(": "))

    def _run(self, name: str, args: tuple[str, ...], checkout: _Checkout, output: IO[bytes]) -> Ended:
        def should_stop(seconds: float, _process: int) -> str:
            if seconds > self._seconds:
                return f"took longer than {self._seconds:g} s"
            return "printed without end" if os.fstat(output.fileno()).st_size > _MOST_OUTPUT else ""

        env = {**environment_outside(), **checkout.git.env, "GIT_PREFIX": "", "GIT_EDITOR": ":"}
        try:
            return run_group([str(self._find(name)), *args], checkout.git.directory, env, output, should_stop)
        except OSError as broken:
            return Ended(127, 0.0, f"cannot be run ({broken.strerror})")


@dataclass(frozen=True)
class _Checkout:
    git: Git
    message: Path

    def read_message(self) -> str:
        """Cleaned up as git does where no editor was open. Raises HookRefused where nothing is left of it."""
        text = os.fsdecode(self.git.run("stripspace", stdin=self.message.read_bytes()))
        if not text:
            raise HookRefused("your hooks left no commit message")
        return text

    def read(self, path: str) -> FileState | None:
        """A file as it stands here; None also where a symbolic link leads to it."""
        place = self.git.directory / path
        return read_state(place) if place.resolve() == place else None

    def changed_since(self, tree: str) -> list[str]:
        """The files that git tracks and a hook changed, here or in what is staged."""
        self.git.succeeds("update-index", "-q", "--refresh")
        plain = ("-z", "--name-only", "--no-renames", "--ignore-submodules", "--no-ext-diff")
        listed = self.git.run("diff-files", *plain) + self.git.run("diff-index", "--cached", *plain, tree)
        return sorted({os.fsdecode(path) for path in listed.split(b"\0") if path})


def _judge(
    name: str, words: str, checkout: _Checkout, changed: Sequence[str], own: dict[str, FileState]
) -> HookRefused:
    """What follows from a hook's changes: only to the fix's own files may it make any."""
    files = []
    for path in changed:
        before, after = own.get(path), checkout.read(path)
        if before is None or after is None or protected_reason(PurePosixPath(path)):
            return HookRefused(f"your {name} hook wants to change {path}; commit the fix yourself to let it")
        files.append((path, before, after))
    return HookRewrote(name, words, tuple(files))


def _how(ended: Ended) -> str:
    return ended.stopped or ("refused" if ended.code > 0 else ended.how)


def _last_words(output: IO[bytes]) -> str:
    output.seek(max(0, output.seek(0, os.SEEK_END) - 4 * _LAST_WORDS))
    text = re.sub(
        r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)", "", output.read().decode(errors="replace")
    )
    words = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return words if len(words) <= _LAST_WORDS else "…" + words[-_LAST_WORDS:]
