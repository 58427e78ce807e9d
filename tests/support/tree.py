"""A git working tree for tests: real git, a few words for what tests do with it, and a fingerprint to compare."""

from __future__ import annotations

import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fingerprint:
    """All of a working tree that is its owner's: every byte of the files, index, refs, stash."""

    files: dict[str, tuple[bytes, int]]
    staged: str
    diff: str
    refs: str
    head: str
    stash: str


@dataclass(frozen=True)
class Tree:
    """A folder, with git in it or not."""

    path: Path

    def git(self, *args: str) -> str:
        done = subprocess.run(["git", *args], cwd=self.path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def init(self) -> Tree:
        self.path.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")
        return self

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def read(self, name: str) -> str:
        return (self.path / name).read_bytes().decode()

    def commit(self, message: str = "work") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def fingerprint(self) -> Fingerprint:
        """All of it."""
        return Fingerprint(
            _files(self.path),
            self.git("ls-files", "--stage"),
            self.git("diff"),
            self.git("for-each-ref"),
            Path(self.git("rev-parse", "--absolute-git-dir").strip(), "HEAD").read_text(),
            self.git("stash", "list"),
        )


def _files(top: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(top).as_posix(): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in sorted(top.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(top).parts and "__pycache__" not in path.parts
    }
