"""A second git directory over the user's working tree, where Aider may commit and undo without touching the user's.

Its objects are borrowed from the user's repository, its index starts as a copy of the user's, so that a snapshot
costs little more than `git status`. It can be thrown away whenever no run is going on.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from fixer.infrastructure.fault_points import reach
from fixer.infrastructure.git import Git, GitFailed, Repository
from fixer.infrastructure.project import Project

BRANCH = "fixer"
LARGEST_UNTRACKED = 5_000_000
"""Bytes. A larger file that git does not track is data, not source: no fix can touch it, no snapshot needs it."""

_USUAL_JUNK = "\n".join(
    [
        ".venv/",
        "venv/",
        "env/",
        "node_modules/",
        "__pycache__/",
        ".tox/",
        ".nox/",
        ".pytest_cache/",
        ".mypy_cache/",
        ".ruff_cache/",
        "dist/",
        "build/",
        "*.egg-info/",
        "*.pyc",
        ".coverage",
        "htmlcov/",
    ]
)
_SUBMODULE = b"160000 "
_IDENTITY = {
    "GIT_AUTHOR_NAME": "fixer",
    "GIT_AUTHOR_EMAIL": "fixer@localhost",
    "GIT_COMMITTER_NAME": "fixer",
    "GIT_COMMITTER_EMAIL": "fixer@localhost",
}


class ShadowRepo:
    """The shadow of one working tree."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.git_dir = project.worktree_state / "shadow.git"
        self.top = project.top
        self.git = Git(self.top, {"GIT_DIR": str(self.git_dir), "GIT_WORK_TREE": str(self.top)})

    def open(self) -> None:
        """Make it, or make it new, with the index of the user's repository as it is now."""
        if self.git_dir.exists():
            shutil.rmtree(self.git_dir)
        # By environment, because older gits do not know the options: what GitPython can read, whatever the user's is.
        readable = Git(self.top, {"GIT_DEFAULT_HASH": "sha1", "GIT_DEFAULT_REF_FORMAT": "files"})
        readable.run("init", "-q", "--bare", "--template=", str(self.git_dir))
        self._configure()
        self._copy_excludes()
        if self._can_borrow():
            self._borrow_objects()
            self._copy_index()
        else:
            self._add_tracked()

    def snapshot(self) -> str:
        """Commit the tree as it is, files that git does not track yet included; the new commit's id."""
        self.git.run("add", "-u", "--", ".")
        self._add_untracked()
        tree = self.git.line("write-tree", "--missing-ok")
        commit = self.git.with_env(**_IDENTITY).line("commit-tree", tree, "-m", "checkpoint")
        self.git.run("update-ref", f"refs/heads/{BRANCH}", commit)
        reach("snapshot taken")
        return commit

    def head(self) -> str:
        """The id of the shadow's newest commit."""
        return self.git.line("rev-parse", "HEAD")

    def diff(self, base: str, tip: str) -> str:
        """The unified diff between two of its commits, as text."""
        return self.git.run("diff", "--no-color", "--no-ext-diff", base, tip).decode(errors="replace")

    def _can_borrow(self) -> bool:
        """Objects of one hash mean nothing among those of another."""
        repository = self._project.repository
        # git older than 2.28 knows only one hash, and answers with the question.
        return repository is not None and _ask_format(repository) != "sha256"

    def _configure(self) -> None:
        repository = self._project.repository
        config = self.git_dir / "config"
        if repository:
            # The user's own settings first: filters and line endings must give the same blobs as there.
            files = [repository.common_dir / "config", repository.git_dir / "config.worktree"]
            config.write_text("".join(_include(file) for file in files if file.exists()) + config.read_text())
        settings = {
            "core.bare": "false",
            "core.worktree": str(self.top),
            "core.hooksPath": os.devnull,
            "core.fsmonitor": "false",
            "core.splitIndex": "false",
            "core.logAllRefUpdates": "false",
            "commit.gpgSign": "false",
            "gc.auto": "0",
            "advice.addEmbeddedRepo": "false",
            "core.safecrlf": "false",
        }
        for name, value in settings.items():
            self.git.run("config", "--file", str(config), name, value)
        for name, value in (("user.name", "fixer"), ("user.email", "fixer@localhost")):
            if not self.git.succeeds("config", name):
                self.git.run("config", "--file", str(config), name, value)
        self.git.run("symbolic-ref", "HEAD", f"refs/heads/{BRANCH}")

    def _copy_excludes(self) -> None:
        repository = self._project.repository
        info = self.git_dir / "info"
        info.mkdir(exist_ok=True)
        if not repository:
            (info / "exclude").write_text(_USUAL_JUNK + "\n")
            return
        copied = {
            "exclude": repository.common_dir,
            "attributes": repository.common_dir,
            "sparse-checkout": repository.git_dir,
        }
        for name, source in copied.items():
            if (source / "info" / name).exists():
                shutil.copyfile(source / "info" / name, info / name)

    def _borrow_objects(self) -> None:
        repository = self._project.repository
        if repository:
            alternates = self.git_dir / "objects" / "info" / "alternates"
            alternates.parent.mkdir(exist_ok=True)
            alternates.write_text(f"{repository.common_dir / 'objects'}\n")

    def _copy_index(self) -> None:
        repository = self._project.repository
        if not repository or not (repository.git_dir / "index").exists():
            return
        # With its time, by which git knows the entries that it must not trust (racy-git, git's own manual).
        shutil.copy2(repository.git_dir / "index", self.git_dir / "index")
        if not self.git.succeeds("ls-files", "--cached", "-z", "--", ":(top,glob)no-such-file"):
            # A split index does not survive a copy: make it again from its entries.
            (self.git_dir / "index").unlink()
            entries = repository.git.run("ls-files", "-s", "-z")
            self.git.run("update-index", "-z", "--index-info", stdin=entries)

    def _add_tracked(self) -> None:
        repository = self._project.repository
        listed = repository.git.run("ls-files", "-s", "-z").split(b"\0") if repository else []
        paths = [entry.split(b"\t", 1)[1] for entry in listed if entry and not entry.startswith(_SUBMODULE)]
        self._add([path for path in paths if os.path.lexists(self.top / os.fsdecode(path))])

    def _add_untracked(self) -> None:
        listed = self.git.run("ls-files", "-o", "--exclude-standard", "-z").split(b"\0")
        self._add([path for path in listed if path and not path.endswith(b"/") and _is_small(self.top, path)])

    def _add(self, paths: list[bytes]) -> None:
        literal = self.git.with_env(GIT_LITERAL_PATHSPECS="1")
        if paths:  # forced, because what is tracked may be ignored as well
            literal.run("add", "-f", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=b"\0".join(paths))


def _ask_format(repository: Repository) -> str:
    try:
        return repository.git.line("rev-parse", "--show-object-format")
    except GitFailed:
        return "sha1"


def _include(file: Path) -> str:
    path = str(file).replace("\\", "\\\\").replace('"', '\\"')
    return f'[include]\n\tpath = "{path}"\n'


def _is_small(top: Path, path: bytes) -> bool:
    try:
        return (top / os.fsdecode(path)).lstat().st_size <= LARGEST_UNTRACKED
    except OSError:
        return False
