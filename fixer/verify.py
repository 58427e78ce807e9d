"""`fixer verify`: replays a fix on clean checkouts of its commit and of the one before, beside whatever is going on."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from fixer.application.records import Receipt
from fixer.application.replay import replay
from fixer.domain.errors import UsageError
from fixer.infrastructure.checkout_runner import CheckoutRunner, Place
from fixer.infrastructure.clean_checkout import check_out, parent_of, submodules_of, temporary_folder
from fixer.infrastructure.commit_search import CommitSearch
from fixer.infrastructure.git import Repository
from fixer.infrastructure.interpreter import find_interpreter
from fixer.memory import Memory, open_memory
from fixer.settings import load_settings
from fixer.ui.replay import Replayed, replay_json, replay_text


def verify_fix(
    directory: Path, environ: Mapping[str, str], name: str, *, python: str = "", confirm: int = 2, as_json: bool = False
) -> int:
    """Print what the replay shows; 0 where the fix is verified, else 1.

    Raises UsageError for a fix without a commit, TestsCannotRun where the project's tests do not run the checkout.
    """
    memory = open_memory(directory, environ)
    receipt = memory.reader.receipt(memory.reader.fix(name))
    repository, commit = _commit_of(receipt, memory)
    runner = _runner(memory, receipt, environ, python)
    file, _, function = receipt.fix.nodeid.partition("::")
    parent = parent_of(repository.git, commit)
    with temporary_folder() as folder:
        before = check_out(repository, parent, folder / "without")
        after = check_out(repository, commit, folder / "with")
        shown = replay(
            lambda: runner.run(before, Path(file), function),
            lambda: runner.run(after, Path(file), function),
            confirm,
        )
    left_out = tuple(submodules_of(repository.git, commit))
    done = Replayed(receipt.fix.id, receipt.fix.nodeid, parent, commit, left_out, shown)
    sys.stdout.write(json.dumps(replay_json(done), indent=2) + "\n" if as_json else replay_text(done) + "\n")
    return 0 if shown.verified else 1


def _commit_of(receipt: Receipt, memory: Memory) -> tuple[Repository, str]:
    """The repository, and the commit that the fix is now. Raises UsageError."""
    fix, repository = receipt.fix, memory.project.repository
    if repository is None or not fix.commit:
        raise UsageError(
            f"Fix {fix.id} has no commit: there is nothing to check out.", f"See what it changed: fixer show {fix.id}"
        )
    search = CommitSearch(repository.git)
    commit = search.find(fix.commit, f"Fixer-Fix: {fix.id}") or (fix.commit if search.knows(fix.commit) else "")
    if not commit:
        raise UsageError(
            f"The commit {fix.commit[:9]} of fix {fix.id} is gone: no branch held it any more.",
            f"See what it changed: fixer show {fix.id}",
        )
    return repository, commit


def _runner(memory: Memory, receipt: Receipt, environ: Mapping[str, str], python: str) -> CheckoutRunner:
    """With the interpreter that belongs to where the run was made: beside a checkout there is none."""
    project, made_with = memory.project, receipt.made_with
    directory = made_with.get("directory", project.directory.relative_to(project.top).as_posix())
    home = project.top / directory
    home = home if home.is_dir() else project.directory
    settings = load_settings(home, {"python": python or None}, environ).settings
    interpreter = find_interpreter(home, settings.python, environ, Path(sys.prefix))
    place = Place(
        interpreter.path, project.top, directory, made_with.get("rootdir", directory), tuple(receipt.fix.files)
    )
    own = {name: value for name, value in environ.items() if name != "PWD"}
    return CheckoutRunner(place, own, project.worktree_state / "bytecode", settings.test_timeout, settings.run_timeout)
