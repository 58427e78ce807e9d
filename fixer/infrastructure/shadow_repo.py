"""A second git directory over the user's working tree, where Aider may commit and undo without touching the user's.

Its objects are borrowed from the user's repository, its index starts as a copy of the user's, so that a snapshot
costs little more than `git status`. It can be thrown away whenever no run is going on.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
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
_SETTINGS = (
    ("core", "bare", "false"),
    ("core", "hooksPath", os.devnull),
    ("core", "fsmonitor", "false"),
    ("core", "splitIndex", "false"),
    ("core", "logAllRefUpdates", "false"),
    ("core", "safecrlf", "false"),
    ("commit", "gpgSign", "false"),
    ("gc", "auto", "0"),
    ("advice", "addEmbeddedRepo", "false"),
    ("user", "name", "fixer"),
    ("user", "email", "fixer@localhost"),
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
        """Make it, or make it new, with the index of the user's repository as it is now.

        Never taken over from an earlier run: what it borrowed then, the user's git may have deleted since.
        """
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
        with suppress(GitFailed):  # without a first commit the first snapshot costs more, nothing else
            self._commit("index")

    def snapshot(self) -> str:
        """The id of a commit that holds the tree as it is, files that git does not track yet included.

        A new commit only where something has changed since the newest: else that is it.
        """
        report = self.git.with_env(GIT_OPTIONAL_LOCKS="1").run("status", *_STATUS)  # and keep what it found out
        changes = _read_status(self.top, report)
        self._remove(changes.gone)  # first: a folder may stand where a file was, or a file where a folder was
        self._add(changes.there)
        commit = changes.head if changes.none else self._commit("checkpoint")
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
        # The user's own settings: filters, line endings and file modes must give the same blobs as there.
        files = [repository.common_dir / "config", repository.git_dir / "config.worktree"] if repository else []
        includes = [_include(file) for file in files if file.exists()]
        settings = [*_SETTINGS, ("core", "worktree", str(self.top))]
        ours = [f"[{section}]\n\t{name} = {_quoted(value)}\n" for section, name, value in settings]
        config.write_bytes(config.read_bytes() + os.fsencode("".join([*includes, *ours])))
        (self.git_dir / "HEAD").write_text(f"ref: refs/heads/{BRANCH}\n")

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

    def _remove(self, paths: list[bytes]) -> None:
        if paths:
            self.git.run("update-index", "-z", "--force-remove", "--stdin", stdin=b"\0".join(paths))

    def _add(self, paths: list[bytes]) -> None:
        if paths:  # not `git add`, which compares each path with each
            self.git.run("update-index", "-z", "--add", "--remove", "--replace", "--stdin", stdin=b"\0".join(paths))

    def _commit(self, message: str) -> str:
        tree = self.git.line("write-tree", "--missing-ok")
        commit = self.git.with_env(**_IDENTITY).line("commit-tree", tree, "-m", message)
        self.git.run("update-ref", f"refs/heads/{BRANCH}", commit)
        return commit


@dataclass(frozen=True)
class _Changes:
    """What differs from the newest commit, `head`, which is empty where there is none."""

    head: str
    staged: bool
    there: list[bytes]
    gone: list[bytes]

    @property
    def none(self) -> bool:
        return bool(self.head) and not (self.staged or self.there or self.gone)


_STATUS = (
    "--porcelain=v2",
    "-z",
    "--branch",
    "--untracked-files=all",
    "--no-renames",
    "--no-ahead-behind",
    "--ignore-submodules=dirty",
)
_FIELDS = {b"1": 8, b"u": 10}
"""How many fields stand before the path in a line of this kind."""


def _ask_format(repository: Repository) -> str:
    try:
        return repository.git.line("rev-parse", "--show-object-format")
    except GitFailed:
        return "sha1"


def _include(file: Path) -> str:
    return f"[include]\n\tpath = {_quoted(str(file))}\n"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _read_status(top: Path, report: bytes) -> _Changes:
    """Sort the lines of `git status --porcelain=v2 -z` (its manual, "Porcelain Format Version 2")."""
    head, changed, gone, untracked = "", [], [], []
    staged = False
    for line in report.split(b"\0"):
        kind = line[:1]
        if line.startswith(b"# branch.oid ") and not line.endswith(b"(initial)"):
            head = line.split()[2].decode()
        elif kind == b"?":
            untracked.append(line[2:])
        elif kind in _FIELDS:
            *fields, path = line.split(b" ", _FIELDS[kind])
            staged = staged or fields[1][:1] != b"."
            is_gone = fields[1] != b"." and (fields[1][1:] == b"D" if kind == b"1" else fields[6] == b"000000")
            if is_gone:
                gone.append(path)
            elif kind == b"u" or fields[1][1:] != b".":
                changed.append(path)
    sources = [path for path in untracked if _is_source(top, path)]
    return _Changes(head, staged, [*changed, *sources], gone)


def _is_source(top: Path, path: bytes) -> bool:
    """Neither a repository inside this one nor data, and ours to read."""
    if path.endswith(b"/"):
        return False
    name = top / os.fsdecode(path)
    try:
        found = name.lstat()
    except OSError:
        return False
    readable = stat.S_ISLNK(found.st_mode) or os.access(name, os.R_OK)
    return readable and found.st_size <= LARGEST_UNTRACKED
