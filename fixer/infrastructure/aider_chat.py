"""One Coder of Aider's: how it is set up, what it has changed, and what is remembered of the talk with it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fixer.domain.models import CodeChanges, Proposal, TestError
from fixer.infrastructure.aider_model import EngineModel
from fixer.infrastructure.briefing import Brief
from fixer.infrastructure.edit_guard import EditGuard
from fixer.infrastructure.model_failures import PROSE

if TYPE_CHECKING:
    from fixer.infrastructure.aider_repo import ShadowGitRepo, SilentIO


class Conversation:
    """What a model was told of one test and answered, so that the next attempt can go on from there."""

    def __init__(self) -> None:
        self._of: tuple[UUID, str] | None = None
        self._messages: list[dict[str, str]] = []

    def messages(self) -> list[dict[str, str]]:
        """All of it so far, oldest first."""
        return list(self._messages)

    def can_go_on(self, error: TestError, model: str) -> bool:
        """Whether this model spoke last, of this test, and said what it may be reminded of."""
        last = next((attempt for attempt in reversed(error.fix_attempts) if attempt.status == "failed"), None)
        return self._of == (error.id, model) and last is not None and not last.refused_by

    def add(self, error: TestError, model: str, prompt: str, answer: str) -> None:
        """Remember one turn."""
        if self._of != (error.id, model):
            self._of, self._messages = (error.id, model), []
        self._messages += [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer or "(nothing)"}]


def new_coder(engine: EngineModel, io: SilentIO, repo: ShadowGitRepo, brief: Brief, edit_format: str) -> Any:
    from aider.coders import Coder

    coder = Coder.create(
        main_model=engine.model,
        edit_format=edit_format,
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
    # A file that the reply mentions would be added to the chat, and the reply's edits thrown away for another call.
    coder.check_for_file_mentions = lambda content: None
    # The rules of the format stand in the system prompt already; said twice they cost a quarter of a short prompt.
    engine.model.reminder = None
    # Neither the machine nor its language is the model's business.
    coder.get_platform_info = lambda: ""
    coder.get_user_language = lambda: None
    if edit_format == "whole":
        _read_whole_files(coder)
    # A long prompt would have it summarised by the model behind our back, for a conversation that we end.
    coder.summarize_start = lambda: None
    contents = coder.get_abs_fnames_content
    coder.get_abs_fnames_content = lambda: ((name, brief.shown.get(Path(name), text)) for name, text in contents())
    # Whether it fits is looked at before each call, and what does not is made to.
    coder.check_tokens = lambda messages: True
    return coder


def _read_whole_files(coder: Any) -> None:
    """Written out as a whole file, SEARCH/REPLACE blocks would become the file; and a slip in its name another file."""
    read_edits = coder.get_edits

    def get_edits(*args: Any, **kwargs: Any) -> Any:
        if "<<<<<<< SEARCH" in (coder.partial_response_content or ""):
            raise ValueError("SEARCH/REPLACE blocks are of no use here: write out the whole file.")
        return [(_meant(coder, name, lines), *more, lines) for name, *more, lines in read_edits(*args, **kwargs)]

    coder.get_edits = get_edits


def _meant(coder: Any, name: str, lines: list[str]) -> str:
    """The file that a text is for. Small models take words of the prompt for a part of its name: `edit_leap.py`."""
    if Path(coder.abs_root_path(name)).exists():
        return name
    defined = _defined("".join(lines))
    alike = [path for path in coder.abs_fnames if set() < _defined(Path(path).read_text("utf-8")) <= defined]
    return str(coder.get_rel_fname(alike[0])) if len(alike) == 1 else name


def _defined(text: str) -> set[str]:
    """The functions and classes at the top of a file; none where it cannot be parsed."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return set()
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}


def allow(guard: EditGuard, io: SilentIO, named: str) -> bool:
    allowed = guard(named)
    io.files.update(str(path) for path in guard.created)
    return allowed


def proposal_of(repo: ShadowGitRepo, base: str) -> Proposal | None:
    files = repo.changed_since(base)
    if not files:
        return None
    before, after = ("".join(repo.text_at(commit, path) for path in files) for commit in (base, "HEAD"))
    return Proposal(CodeChanges(before, after, repo.diff_since(base)), files=files)


def why_nothing(coder: Any, io: SilentIO, guard: EditGuard) -> str:
    if guard.refused:
        return f"edits refused: {'; '.join(dict.fromkeys(guard.refused))}"
    if coder.num_malformed_responses:
        said = coder.reflected_message or ""
        return "the edit did not match the file" if "match" in said else f"malformed edit: {_last_line(said)}"
    if coder.aider_edited_files:
        return f"the edit could not be applied: {io.errors[-1]}" if io.errors else "the edit changed nothing"
    return f"the edit could not be applied: {io.errors[-1]}" if io.errors else PROSE.reason


def first_line(text: str, most: int) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= most else f"{line[:most]}…"


def _last_line(text: str) -> str:
    return next((line.lstrip("^ ") for line in reversed(text.splitlines()) if line.strip()), "unreadable")


LONGEST_QUOTE = 200
"""Characters of an answer that is told as a reason."""


class _NoAnalytics:
    """Aider's own would leave a file in the home directory."""

    def event(self, name: str, **properties: object) -> None: ...
