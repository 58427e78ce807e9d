"""Finds out how git stores a file's text: after line-ending conversion and the project's clean filters."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from fixer.infrastructure.git import Git, Repository
from fixer.infrastructure.working_file import FileState


def stored_form(repository: Repository, git: Git, path: str, state: FileState, entry: bytes) -> FileState:
    """The state as `git add` would store it; `entry` is the file's line of `ls-files --stage -z`, empty if it has none.

    It is added to an index of its own and not just hashed, because git converts no line endings of a file whose
    stored text has CRLF already, which `hash-object` does not look at (gitattributes(5), `text=auto`).
    Raises GitFailed, as where a required filter fails.
    """
    with tempfile.TemporaryDirectory(prefix="fixer-form-") as name:
        folder = Path(name).resolve()
        (folder / "tree" / path).parent.mkdir(parents=True)
        (folder / "tree" / path).write_bytes(state.content)
        for attributes in _attributes(repository.top, path):
            shutil.copyfile(repository.top / attributes, folder / "tree" / attributes)
        env = {"GIT_WORK_TREE": str(folder / "tree"), "GIT_INDEX_FILE": str(folder / "index")}
        alone = Git(folder / "tree", {**git.env, **env, "GIT_DIR": str(repository.git_dir)})
        plain = ("-c", "core.splitIndex=false", "-c", "core.safecrlf=false", "-c", "core.fsmonitor=false")
        alone.run(*plain, "update-index", "-z", "--index-info", stdin=entry)
        alone.run(*plain, "update-index", "--add", "-z", "--stdin", stdin=os.fsencode(path) + b"\0")
        blob = alone.run("ls-files", "--stage", "-z", "--", path).split()[1].decode()
        return replace(state, content=alone.run("cat-file", "blob", blob))


def _attributes(top: Path, path: str) -> Iterator[Path]:
    for parent in PurePosixPath(path).parents:
        attributes = Path(parent, ".gitattributes")
        if (top / attributes).is_file() and str(attributes) != path:
            yield attributes
