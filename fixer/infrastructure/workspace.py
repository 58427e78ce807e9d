"""The working tree during a run: checkpoint before an attempt, then either land what it changed or take it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from fixer.application.ports import Landed
from fixer.domain.errors import TreeNeedsPerson
from fixer.domain.models import FixAttempt, TestError
from fixer.infrastructure.fix_store import FixStore, StoredFix
from fixer.infrastructure.interrupts import InterruptLater
from fixer.infrastructure.landing import Landing
from fixer.infrastructure.project import Project
from fixer.infrastructure.recovery import take_back
from fixer.infrastructure.rewriting import Adopted, TreeEdited, carry_over, describe
from fixer.infrastructure.shadow_repo import ShadowRepo
from fixer.infrastructure.user_branch import FileChange, Rewritten
from fixer.infrastructure.working_file import read_state


class Workspace:
    """One run's hold on the working tree: VcsManager, ChangeApplier and Checkpointer at once."""

    def __init__(self, project: Project, shadow: ShadowRepo, store: FixStore, landing: Landing, run_id: str) -> None:
        self.git_dir = shadow.git_dir
        self.top = project.top
        self._project = project
        self._shadow = shadow
        self._store = store
        self._landing = landing
        self._run_id = run_id
        self._undo_commits: Callable[[], None] = lambda: None
        self._model: Callable[[], str] = lambda: ""
        self._later = InterruptLater()
        self._attempt: FixAttempt | None = None
        self._error: TestError | None = None
        self._adopted: list[Adopted] = []

    def use_engine(self, undo_commits: Callable[[], None], model: Callable[[], str]) -> None:
        """Name the engine whose commits in the shadow are undone on revert, and the model behind it."""
        self._undo_commits = undo_commits
        self._model = model

    def checkpoint(self, error: TestError, attempt: FixAttempt) -> None:
        """Snapshot the tree into the shadow and write down that an attempt is open."""
        self._later.check()
        self._store.open_checkpoint(str(attempt.id), self._shadow.snapshot())
        self._error, self._attempt, self._adopted = error, attempt, []

    def head(self) -> str:
        """The newest commit of the shadow repository."""
        return self._shadow.head()

    def about_to_edit(self, path: Path) -> bool:
        """Write down the file as it is, before the engine writes it; false outside the tree or without an attempt."""
        path = path.resolve()  # of a symbolic link it is the file behind it that changes
        if self._attempt is None or not path.is_relative_to(self.top):
            return False
        self._store.touch(str(self._attempt.id), self._project.relative(path), read_state(path))
        return True

    def about_to_write(self, path: Path, text: bytes) -> None:
        """Write down what the engine is about to make of a file that it was let through to."""
        if self._attempt:
            name = self._project.relative(path)
            self._store.intend(str(self._attempt.id), name, read_state(path), text)

    def finished(self) -> None:
        """The engine has stopped writing: write down what it left."""
        if self._attempt:
            attempt_id = str(self._attempt.id)
            changes = self._store.changes(attempt_id)
            self._store.finish(attempt_id, [(change.path, read_state(self.top / change.path)) for change in changes])

    def changes(self) -> tuple[FileChange, ...]:
        """The files that the open attempt touched, as they were and as the engine left them."""
        return self._store.changes(str(self._attempt.id)) if self._attempt else ()

    def amend(self, changes: Sequence[FileChange]) -> tuple[FileChange, ...]:
        """Change the open attempt's texts further; what that made of them. Raises TreeNeedsPerson."""
        if self._attempt is None:
            raise TreeNeedsPerson("There is no open attempt to change.")
        try:
            return carry_over(self._project, self._store, str(self._attempt.id), changes)
        except TreeEdited as edited:
            raise TreeNeedsPerson(f"{edited} was edited on the very lines that are to change.") from edited

    def revert(self) -> None:
        """Take back the open attempt: Aider's undo first, then whatever is left, byte for byte.

        Raises TreeNeedsPerson where a file was edited on the same lines meanwhile: the next command asks about it.
        """
        if self._attempt is None:
            return
        attempt_id = str(self._attempt.id)
        files = self._store.touched(attempt_id)
        self._store.resume(attempt_id)
        self._undo_commits()
        take_back(self._project, files)
        self._store.close_checkpoint(attempt_id)
        self._attempt = None

    def commit_changes(self, message: str) -> Landed:
        """Land the open attempt on the user's branch, or leave it in the tree and say why.

        Where a hook has changed its files, the hook's version is in the tree and the attempt stays open.
        """
        if self._attempt is None or self._error is None:
            raise TreeNeedsPerson("There is no open attempt to land.")
        attempt, attempt_id = self._attempt, str(self._attempt.id)
        fix = StoredFix(attempt_id.replace("-", "")[:8], attempt_id, self._error.nodeid, self._run_id, "", "", "")
        fix = self._with_message(fix, message)
        # From here on the ledger alone knows what is done: whatever goes wrong now is for `recover`, not for `revert`.
        self._attempt = None
        with self._later:  # an interrupt meanwhile ends the run before its next attempt, with this fix in the books
            try:
                return self._landing.land(fix, self._changes(attempt_id))
            except Rewritten as rewritten:
                self._attempt = attempt  # nothing has landed: it can be taken back again
                why_not = self._adopt(fix, rewritten)
                if why_not:
                    return self._leave(fix, why_not)
        self._later.check()
        changes = self._changes(attempt_id)
        files = tuple(change.path for change in changes)
        note = f"your {self._adopted[-1].hook} hook changed the fix, which is therefore verified again"
        return Landed(fix.id, "", note, files, rewritten=True, changes=describe(changes))

    def keep_verified(self, failure: str) -> Landed:
        """Put back what a hook made of the open attempt, and leave the attempt in the tree, uncommitted."""
        if self._attempt is None or not self._adopted:
            raise TreeNeedsPerson("No hook has changed an open attempt.")
        adopted = self._adopted[-1]
        with self._later:
            back = [change.reversed() for change in adopted.changes]
            try:
                carry_over(self._project, self._store, adopted.fix.attempt_id, back)
            except TreeEdited as edited:
                raise TreeNeedsPerson(
                    f"{edited} was edited on the very lines that your {adopted.hook} hook had changed.",
                    "Decide: fixer recover",
                ) from edited
            return self._leave(adopted.fix, f"your {adopted.hook} hook's changes break it again: {failure}")

    def take_back(self, error: TestError) -> str:
        """Undo the landed fix of this error; its id. Raises TreeNeedsPerson, with nothing changed."""
        fix = self._store.fix_of_error(str(error.id))
        self._landing.undo(fix)
        return fix.id

    def put_back(self, error: TestError) -> None:
        """Redo what `take_back` undid. Raises TreeNeedsPerson, with nothing changed."""
        self._landing.redo(self._store.fix_of_error(str(error.id)))

    def _adopt(self, fix: StoredFix, rewritten: Rewritten) -> str:
        """Take a hook's changes over into the tree; why not, where that cannot be."""
        if len(self._adopted) == _MOST_REWRITINGS:
            return f"your {rewritten.hook} hook changes the fix again each time: {rewritten.words}".rstrip(": ")
        try:
            changes = carry_over(self._project, self._store, fix.attempt_id, rewritten.changes)
        except TreeEdited as edited:
            return f"your {rewritten.hook} hook wants to change lines of {edited} that you have not committed"
        self._adopted.append(Adopted(fix, rewritten.hook, changes))
        return "" if changes else str(rewritten)

    def _leave(self, fix: StoredFix, why: str) -> Landed:
        self._attempt = None  # as for a landing: from here on it is in the ledger
        return self._landing.leave(fix, self._changes(fix.attempt_id), why)

    def _changes(self, attempt_id: str) -> list[FileChange]:
        return [change for change in self._store.changes(attempt_id) if change.before != change.after]

    def _with_message(self, fix: StoredFix, subject: str) -> StoredFix:
        subject = subject.replace("\n", "\\n")
        trailers = {
            "Fixer-Test": fix.nodeid.replace("\n", "\\n"),
            "Fixer-Fix": fix.id,
            "Fixer-Run": self._run_id,
            "Co-authored-by": f"aider ({self._model()}) <aider@aider.chat>",
        }
        body = "\n".join(f"{name}: {value}" for name, value in trailers.items())
        return StoredFix(fix.id, fix.attempt_id, fix.nodeid, fix.run_id, "", "", f"{subject}\n\n{body}\n")


_MOST_REWRITINGS = 2
"""One may not be enough: hooks that stop at the first formatter with something to say need one each."""
