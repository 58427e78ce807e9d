"""The engine: one new Aider Coder per attempt, on the shadow repository, with every way of failing given a name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fixer.application.ports import LocalModel, Meter, RepairRequest
from fixer.domain.errors import CapReached, UsageError
from fixer.domain.ladder import WIDEST, Rung
from fixer.domain.models import Proposal, TestError
from fixer.domain.services import NOTHING_PERMITTED, Permitted
from fixer.infrastructure import aider_model
from fixer.infrastructure.aider_calls import Calls, Capped, Interrupted, Stopped
from fixer.infrastructure.aider_chat import (
    LONGEST_QUOTE,
    Conversation,
    allow,
    first_line,
    new_coder,
    proposal_of,
    why_nothing,
)
from fixer.infrastructure.aider_model import EngineModel
from fixer.infrastructure.briefing import Brief, Briefing
from fixer.infrastructure.edit_guard import EditGuard
from fixer.infrastructure.litellm_provider import PROVIDER, LocalModelFailed, LocalProvider
from fixer.infrastructure.model_failures import NO_ROOM, PROSE, TOO_LONG, Failure, Gravity
from fixer.infrastructure.quiet import Quiet

if TYPE_CHECKING:
    from fixer.infrastructure.aider_repo import SilentIO


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
        models: Sequence[str],
        shadow: ShadowGit,
        briefing: Briefing,
        local_models: Mapping[str, LocalModel],
        notice: Callable[[str], None],
        model_timeout: float = 120,
        permitted: Permitted = NOTHING_PERMITTED,
        edit_format: str = "",
        meter: Meter | None = None,
        mask: Callable[[str], str] = lambda text: text,
        show: Callable[[str], None] | None = None,
        watch: Callable[[str], None] | None = None,
        bound_by_cost: bool = False,
    ) -> None:
        self._models = tuple(models)
        self._current = self._models[0]
        self._shadow = shadow
        self._briefing = briefing
        self._provider = LocalProvider(local_models)
        self._notice = notice
        self._timeout = model_timeout
        self._permitted = permitted
        self._edit_format = edit_format
        self._meter = meter
        self._mask = mask
        self._show = show
        self._watch = watch
        self._bound_by_cost = bound_by_cost
        self._importing: threading.Thread | None = None
        self._engines: dict[str, EngineModel] = {}
        self._last: tuple[Any, str] | None = None
        self._conversation = Conversation()
        self._repeating = ""

    def prefetch(self) -> None:
        """Begin to import the engine in the background; it takes seconds."""
        self._importing = threading.Thread(target=aider_model.import_engine, name="import-engine", daemon=True)
        self._importing.start()

    def current_model(self) -> str:
        """The model of the newest attempt, as it was named."""
        return self._current

    def check_model(self) -> None:
        """See, without a network, that each model exists by name and that its key is set. Raises UsageError."""
        with Quiet():
            for name in self._models:
                engine = self._loaded(name)
                aider_model.check(engine)
                if self._bound_by_cost and not aider_model.has_price(engine):
                    raise UsageError(
                        f"What {engine.name} costs is not known, so a cap on money cannot be kept.",
                        "Cap it by --max-tokens instead of --max-cost.",
                    )

    def generate_fix(self, error: TestError, temperature: float) -> Proposal:
        """One attempt; what it changed is committed in the shadow.

        Raises ProviderFailed, KeyboardInterrupt, and what a local model raises.
        """
        self._last = None
        rung = _rung(error, temperature, self._models[0])
        self._current = rung.model
        with Quiet() as quiet:
            engine = self._loaded(rung.model)
            asked = _Asked(engine, error, rung)
            brief = self._brief(asked)
            if not brief.editable:
                return Proposal(None, "no source file was found that a fix could be made in")
            calls = Calls(
                engine,
                rung,
                lambda text: quiet.aloud(self._notice, text),
                self._meter,
                self._mask,
                (lambda text: quiet.aloud(show, text)) if (show := self._show) else None,
                (lambda text: quiet.aloud(watch, text)) if (watch := self._watch) else None,
            )
            self._provider.request = _request(error, temperature, brief)
            try:
                proposal = self._answer(asked, calls, brief)
            except Stopped as stopped:
                proposal = self._lost(engine, stopped.failure)
            except Capped as capped:
                proposal = self._kept(capped.reached)
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

    def _loaded(self, name: str) -> EngineModel:
        if self._importing:
            self._importing.join()
        if name not in self._engines:
            aider_model.import_engine()
            engine = aider_model.load_model(name, self._provider, self._timeout, self._edit_format)
            self._engines[name] = engine
        return self._engines[name]

    def _answer(self, asked: _Asked, calls: Calls, brief: Brief) -> Proposal:
        """What the model makes of it; what it has no room for is told it in fewer words."""
        try:
            proposal = self._in_some_format(asked.engine, calls, brief)
        except Stopped as stopped:
            if stopped.failure.reason != TOO_LONG.reason or self._kept_so_far():
                raise
            smaller = self._smaller(asked, calls, brief, stopped.failure.room)
            return self._answer(asked, calls, smaller)
        self._conversation.add(asked.error, asked.engine.name, brief.prompt, self._said())
        return proposal

    def _smaller(self, asked: _Asked, calls: Calls, brief: Brief, room: int | None) -> Brief:
        """A brief that leaves room for the answer. Raises Stopped where there is none."""
        engine = asked.engine
        told = min(brief.tokens, engine.most_context or brief.tokens)
        excess = calls.asked + calls.expected - room if room else 0
        sizes = [told - excess if excess > 0 else told // 2, _LEAST_CONTEXT]
        if self._conversation.messages():  # what was said before is the first to go
            self._conversation = Conversation()
            sizes = [engine.most_context]
        for size in sizes:
            engine.most_context = size and max(_LEAST_CONTEXT, size)
            smaller = self._brief(asked)
            if (smaller.prompt, smaller.shown) != (brief.prompt, brief.shown):
                calls.say(f"{engine.name}: {TOO_LONG.reason}; trying again with less")
                return smaller
        has = f"{room:,} tokens" if room else "a size that it does not tell"
        raise Stopped(replace(NO_ROOM, reason=f"{NO_ROOM.reason}: {has}, and {calls.asked:,} are needed"))

    def _brief(self, asked: _Asked) -> Brief:
        engine, error, rung = asked.engine, asked.error, asked.rung
        if engine.local:
            return replace(self._briefing.prepare(error, rung.context), editable=self._briefing.searched(error))
        continued = rung.conversation == "continued" and self._conversation.can_go_on(error, engine.name)
        if not continued:
            self._conversation = Conversation()
        count = partial(aider_model.count_tokens, engine)
        return self._briefing.prepare(error, rung.context, continued=continued, most=engine.most_context, count=count)

    def _said(self) -> str:
        return str(self._last[0].partial_response_content or "") if self._last else ""

    def _in_some_format(self, engine: EngineModel, calls: Calls, brief: Brief) -> Proposal:
        """What is malformed twice running is asked for once more, in the other format, which is kept if it does."""
        asked = "diff" if engine.edit_format == "whole" and not brief.fits_whole else engine.edit_format
        proposal = self._attempt(engine, calls, brief, asked)
        other = "diff" if asked == "whole" else "whole" if brief.fits_whole else ""
        if proposal or engine.local or self._edit_format or not other or not self._malformed():
            return proposal
        again = self._attempt(engine, calls, brief, other, reflections=0)
        if again:
            engine.edit_format = other
        return again if again else proposal

    def _malformed(self) -> bool:
        return bool(self._last and self._last[0].num_malformed_responses)

    def _attempt(
        self, engine: EngineModel, calls: Calls, brief: Brief, edit_format: str, reflections: int = 1
    ) -> Proposal:
        from fixer.infrastructure.aider_repo import ShadowGitRepo, SilentIO

        io = SilentIO([*brief.editable, *brief.read_only], self._shadow.about_to_write)
        repo = ShadowGitRepo(io, self._shadow.git_dir, self._shadow.top)
        guard = EditGuard(self._shadow.top, brief.editable, self._shadow.about_to_edit, repo.ignores, self._permitted)
        coder = new_coder(engine, io, repo, brief, edit_format)
        calls.to_write_out = _size(engine, brief) if edit_format == "whole" else 0
        coder.max_reflections = 0 if engine.local else reflections
        coder.done_messages = self._conversation.messages()
        coder.allowed_to_edit = lambda named: allow(guard, io, named)
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
        proposal = proposal_of(repo, base)
        if proposal and engine.local:  # what it says of an edit is measured, and short
            proposal = replace(proposal, reason=first_line(coder.partial_response_content or "", 1_000))
        return proposal or Proposal(None, self._why_nothing(coder, io, guard))

    def _why_nothing(self, coder: Any, io: SilentIO, guard: EditGuard) -> str:
        reason = why_nothing(coder, io, guard)
        is_local = bool(self._provider.request and coder.main_model.name.startswith(f"{PROVIDER}/"))
        said = first_line(coder.partial_response_content or "", 1_000 if is_local else LONGEST_QUOTE)
        if reason != PROSE.reason or not said:
            return reason
        return said if is_local else f"{reason}: {said}"

    def _lost(self, engine: EngineModel, failure: Failure) -> Proposal:
        repeated = failure.gravity is Gravity.REPEATED and self._repeating == failure.reason
        if repeated or failure.gravity in (Gravity.FATAL, Gravity.PASSING):
            raise aider_model.stop_the_run(engine, failure)
        self._repeating = failure.reason
        return self._kept_so_far() or Proposal(None, failure.reason)

    def _kept_so_far(self) -> Proposal | None:
        """What an earlier reply of the same attempt has changed, before a later one failed."""
        return proposal_of(self._last[0].repo, self._last[1]) if self._last else None

    def _kept(self, reached: CapReached) -> Proposal:
        """What there is in spite of the cap. Raises CapReached."""
        kept = self._kept_so_far()
        if not kept:
            raise reached
        return kept


@dataclass(frozen=True)
class _Asked:
    """Who is asked for what, and how."""

    engine: EngineModel
    error: TestError
    rung: Rung


_LEAST_CONTEXT = 500
"""Tokens: below that nothing sensible can be told of a failing test."""


def _rung(error: TestError, temperature: float, model: str) -> Rung:
    attempt = error.fix_attempts[-1] if error.fix_attempts else None
    number = len(error.fix_attempts)
    return (attempt and attempt.rung) or Rung(model, temperature, min(max(number, 1), WIDEST))


def _size(engine: EngineModel, brief: Brief) -> int:
    texts = (path.read_text("utf-8", errors="replace") for path in brief.editable)
    return sum(aider_model.count_tokens(engine, text) for text in texts)


def _request(error: TestError, temperature: float, brief: Brief) -> RepairRequest:
    failed = (attempt.changes for attempt in error.fix_attempts if attempt.status == "failed")
    tried = frozenset(changes.description for changes in failed if changes)
    number = max(1, len(error.fix_attempts))
    return RepairRequest(error, number, temperature, brief.editable, brief.evidence, tried)
