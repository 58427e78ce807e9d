"""The engine: one new Aider Coder per attempt, on the shadow repository, with every way of failing given a name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fixer.application.ports import LocalModel, RepairRequest
from fixer.domain.models import CodeChanges, Proposal, TestError
from fixer.domain.services import NOTHING_PERMITTED, Permitted
from fixer.infrastructure import aider_model
from fixer.infrastructure.aider_model import Calls, EngineModel, Interrupted, Stopped
from fixer.infrastructure.briefing import Brief, Briefing
from fixer.infrastructure.edit_guard import EditGuard
from fixer.infrastructure.litellm_provider import LocalModelFailed, LocalProvider
from fixer.infrastructure.model_failures import PROSE, TOO_LONG, Failure, Gravity
from fixer.infrastructure.quiet import Quiet

if TYPE_CHECKING:
    from fixer.infrastructure.aider_repo import ShadowGitRepo, SilentIO


class ShadowGit(Protocol):
    """A git directory of Aider's own over the user's working tree `top`, clean at the start of every attempt."""

    @property
    def git_dir(self) -> Path: ...

    @property
    def top(self) -> Path: ...

    def head(self) -> str:
        """The id of its newest commit."""
        ...

    def about_to_edit(self, path: Path) -> bool:
        """Write down the file as it is, durably; whether it may be written, or made, now."""
        ...

    def about_to_write(self, path: Path, text: bytes) -> None:
        """Write down, durably, what will stand there."""
        ...

    def finished(self) -> None:
        """Nothing more is written in this attempt."""
        ...


class AiderCoder:
    """An AIManager. `notice` is told of retries and the like; `model_timeout` is in seconds, for one call."""

    def __init__(
        self,
        *,
        model: str,
        shadow: ShadowGit,
        briefing: Briefing,
        local_models: Mapping[str, LocalModel],
        notice: Callable[[str], None],
        model_timeout: float = 120,
        permitted: Permitted = NOTHING_PERMITTED,
    ) -> None:
        self._model_name = model
        self._shadow = shadow
        self._briefing = briefing
        self._provider = LocalProvider(local_models)
        self._notice = notice
        self._timeout = model_timeout
        self._permitted = permitted
        self._importing: threading.Thread | None = None
        self._engine: EngineModel | None = None
        self._last: tuple[Any, str] | None = None
        self._repeating = ""

    def prefetch(self) -> None:
        """Begin to import the engine in the background; it takes seconds."""
        self._importing = threading.Thread(target=aider_model.import_engine, name="import-engine", daemon=True)
        self._importing.start()

    def check_model(self) -> None:
        """See, without a network, that the model exists by name and that its key is set. Raises UsageError."""
        with Quiet():
            aider_model.check(self._loaded())

    def generate_fix(self, error: TestError, temperature: float) -> Proposal:
        """One attempt; what it changed is committed in the shadow.

        Raises ProviderFailed, KeyboardInterrupt, and what a local model raises.
        """
        self._last = None
        brief = self._briefing.prepare(error)
        if not brief.editable:
            return Proposal(None, "no source file was found that a fix could be made in")
        with Quiet() as quiet:
            engine = self._loaded()
            calls = Calls(engine, temperature, lambda text: quiet.aloud(self._notice, text))
            self._provider.request = _request(error, temperature, brief)
            try:
                proposal = self._attempt(engine, calls, brief)
            except Stopped as stopped:
                proposal = self._lost(engine, stopped.failure)
            except Interrupted as interrupted:
                raise KeyboardInterrupt from interrupted
            except LocalModelFailed as failed:
                raise failed.reason from None
            finally:
                self._shadow.finished()
        return replace(proposal, usage=calls.usage)

    def undo(self) -> None:
        """Take the last attempt's commits back with Aider's own undo, as far as it goes; the rest is the caller's."""
        if self._last is None:
            return
        coder, base = self._last
        with Quiet():
            while (head := coder.repo.get_head_commit_sha()) not in (None, base):
                coder.commands.cmd_undo(None)
                if coder.repo.get_head_commit_sha() == head:
                    break
        self._last = None

    def _loaded(self) -> EngineModel:
        if self._importing:
            self._importing.join()
        if self._engine is None:
            aider_model.import_engine()
            self._engine = aider_model.load_model(self._model_name, self._provider, self._timeout)
        return self._engine

    def _attempt(self, engine: EngineModel, calls: Calls, brief: Brief) -> Proposal:
        from fixer.infrastructure.aider_repo import ShadowGitRepo, SilentIO

        io = SilentIO([*brief.editable, *brief.read_only], self._shadow.about_to_write)
        repo = ShadowGitRepo(io, self._shadow.git_dir, self._shadow.top)
        guard = EditGuard(self._shadow.top, brief.editable, self._shadow.about_to_edit, repo.ignores, self._permitted)
        coder = _new_coder(engine, io, repo, brief)
        coder.allowed_to_edit = lambda named: _allow(guard, io, named)
        base = self._shadow.head()
        self._last = coder, base
        engine.model.send_completion = calls.send
        try:
            coder.run(with_message=brief.prompt, preproc=False)
        finally:
            repo.drop_uncommitted(guard.created)
        if coder.last_keyboard_interrupt:
            raise Interrupted
        self._repeating = ""
        proposal = _proposal(repo, base)
        if proposal and engine.local:  # what it says of an edit is measured, and short
            proposal = replace(proposal, reason=_first_line(coder.partial_response_content or "", 1_000))
        return proposal or Proposal(None, self._why_nothing(coder, io, guard, calls))

    def _why_nothing(self, coder: Any, io: SilentIO, guard: EditGuard, calls: Calls) -> str:
        reason = _why_nothing(coder, io, guard, calls)
        is_local = bool(self._provider.full_name(self._model_name))
        said = _first_line(coder.partial_response_content or "", 1_000 if is_local else _LONGEST_QUOTE)
        if reason != PROSE.reason or not said:
            return reason
        return said if is_local else f"{reason}: {said}"

    def _lost(self, engine: EngineModel, failure: Failure) -> Proposal:
        repeated = failure.gravity is Gravity.REPEATED and self._repeating == failure.reason
        if repeated or failure.gravity in (Gravity.FATAL, Gravity.PASSING):
            raise aider_model.stop_the_run(engine, failure)
        self._repeating = failure.reason
        # An earlier reply of the same attempt may have been applied before this one failed.
        kept = self._last and _proposal(self._last[0].repo, self._last[1])
        return kept or Proposal(None, failure.reason)


def _request(error: TestError, temperature: float, brief: Brief) -> RepairRequest:
    failed = (attempt.changes for attempt in error.fix_attempts if attempt.status == "failed")
    tried = frozenset(changes.description for changes in failed if changes)
    number = max(1, len(error.fix_attempts))
    return RepairRequest(error, number, temperature, brief.editable, brief.evidence, tried)


def _new_coder(engine: EngineModel, io: SilentIO, repo: ShadowGitRepo, brief: Brief) -> Any:
    from aider.coders import Coder

    coder = Coder.create(
        main_model=engine.model,
        edit_format=engine.edit_format,
        io=io,
        repo=repo,
        fnames=[str(path) for path in brief.editable],
        read_only_fnames=[str(path) for path in brief.read_only],
        analytics=_NoAnalytics(),
        auto_commits=True,
        dirty_commits=False,
        auto_lint=False,
        auto_test=False,
        map_tokens=0,
        stream=False,
        suggest_shell_commands=False,
        detect_urls=False,
        cache_prompts=False,
    )
    coder.max_reflections = 0 if engine.local else 1
    # A file that the reply mentions would be added to the chat, and the reply's edits thrown away for another call.
    coder.check_for_file_mentions = lambda content: None
    # The rules of the format stand in the system prompt already; said twice they cost a quarter of a short prompt.
    engine.model.reminder = None
    # Neither the machine nor its language is the model's business.
    coder.get_platform_info = lambda: ""
    coder.get_user_language = lambda: None
    if engine.local:
        coder.check_tokens = lambda messages: True
    return coder


def _allow(guard: EditGuard, io: SilentIO, named: str) -> bool:
    allowed = guard(named)
    io.files.update(str(path) for path in guard.created)
    return allowed


def _proposal(repo: ShadowGitRepo, base: str) -> Proposal | None:
    files = repo.changed_since(base)
    if not files:
        return None
    before, after = ("".join(repo.text_at(commit, path) for path in files) for commit in (base, "HEAD"))
    return Proposal(CodeChanges(before, after, repo.diff_since(base)), files=files)


def _why_nothing(coder: Any, io: SilentIO, guard: EditGuard, calls: Calls) -> str:
    if guard.refused:
        return f"edits refused: {'; '.join(dict.fromkeys(guard.refused))}"
    if not calls.usage.calls:
        return TOO_LONG.reason
    if coder.num_malformed_responses:
        said = coder.reflected_message or ""
        return "the edit did not match the file" if "match" in said else f"malformed edit: {_last_line(said)}"
    if coder.aider_edited_files:
        return f"the edit could not be applied: {io.errors[-1]}" if io.errors else "the edit changed nothing"
    return f"the edit could not be applied: {io.errors[-1]}" if io.errors else PROSE.reason


def _first_line(text: str, most: int) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= most else f"{line[:most]}…"


def _last_line(text: str) -> str:
    return next((line.lstrip("^ ") for line in reversed(text.splitlines()) if line.strip()), "unreadable")


_LONGEST_QUOTE = 200


class _NoAnalytics:
    """Aider's own would leave a file in the home directory."""

    def event(self, name: str, **properties: object) -> None: ...
