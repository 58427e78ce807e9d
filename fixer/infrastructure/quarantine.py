"""Keeps what git makes for a landing out of the user's objects until the landing is sure to happen."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from fixer.infrastructure.git import Git, Repository


class Quarantine:
    """A folder of objects in front of the user's: what is refused in the end leaves nothing dangling there."""

    def __init__(self, repository: Repository, scratch: Path) -> None:
        self._repository = repository
        self.folder = scratch / "objects"
        self._outside = repository.git.with_env(GIT_LITERAL_PATHSPECS="1")

    def git(self) -> Git:
        """Git that reads the user's objects and writes here."""
        info = self.folder / "info"
        if not info.exists():
            info.mkdir(parents=True)
            (info / "alternates").write_text(f"{self._repository.common_dir / 'objects'}\n")
        return self._outside.with_env(GIT_OBJECT_DIRECTORY=str(self.folder))

    def release(self, new: str, old: str, blobs: Sequence[str]) -> None:
        """Give the user's repository what commit `new` has and `old` has not, and these blobs. Raises GitFailed."""
        listed = self.git().line("rev-list", "--objects", "--no-object-names", new, f"^{old}").split()
        wanted = [name for name in dict.fromkeys([*listed, *blobs]) if (self.folder / name[:2] / name[2:]).exists()]
        if wanted:
            pack = self.git().run("pack-objects", "--stdout", "-q", stdin="\n".join([*wanted, ""]).encode())
            self._outside.run("unpack-objects", "-q", stdin=pack)

    def drop(self) -> None:
        """Delete what was not released."""
        shutil.rmtree(self.folder, ignore_errors=True)
