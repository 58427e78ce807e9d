"""Puts together what a model is told of a failing test, and which files it may change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from fixer.application.ports import TestRunner
from fixer.domain.models import FixAttempt, TestError, TestRun
from fixer.domain.services import NOTHING_PERMITTED, Permitted, protected_reason
from fixer.infrastructure.excerpt import excerpt_of_test, fenced, shorten
from fixer.infrastructure.prompt_library import PromptLibrary
from fixer.infrastructure.suspects import find_test_file, suspect_files, suspect_lines

CHARACTERS_PER_TOKEN = 4
"""A usual estimate for code; exact counting would cost the import of a tokeniser."""
MOST_TRACED = 200
"""Tests. Tracing more of a module adds seconds, and next to nothing to the ranking."""


@dataclass(frozen=True)
class Brief:
    """What an attempt starts from. Paths are absolute and resolved, the most suspicious first."""

    prompt: str
    editable: tuple[Path, ...]
    read_only: tuple[Path, ...]
    evidence: TestRun


class Briefing:
    """Prepares attempts. `token_budget` bounds the prompt together with the files that go with it."""

    def __init__(
        self,
        runner: TestRunner,
        prompts: PromptLibrary,
        top: Path,
        token_budget: int = 8000,
        module_ids: Callable[[str], Sequence[str]] = lambda nodeid: [nodeid],
        notice: Callable[[str], None] = lambda text: None,
        sources: Sequence[Path] = (),
        permitted: Permitted = NOTHING_PERMITTED,
    ) -> None:
        self._runner = runner
        self._prompts = prompts
        self._top = top.resolve()
        self._budget = token_budget * CHARACTERS_PER_TOKEN
        self._module_ids = module_ids
        self._notice = notice
        self._sources = sources
        self._permitted = permitted
        self._evidence: dict[UUID, TestRun] = {}

    def prepare(self, error: TestError) -> Brief:
        """Look at the test running, once per error, and brief the next attempt. Raises UsageError, TestsCannotRun."""
        evidence = self._evidence_for(error)
        test_file = find_test_file(error, evidence, self._top)
        failed = [attempt for attempt in error.fix_attempts if attempt.status == "failed"]
        most = _MOST_FILES[min(len(failed), len(_MOST_FILES) - 1)]
        suspects = [path for path in self.executed(error) if self._may_edit(path)][:most]
        suspects += [path for path in self._named() if path not in suspects]
        room = self._budget - _PROMPT_SHARE
        editable = self._within(suspects, room, "")
        room -= sum(_size(path) for path in editable)
        # From the second attempt on, the whole of the test's surroundings, where there is room left for it.
        context = _surroundings(test_file, self._top) if failed else []
        read_only = self._within(context, room, "as context")
        prompt = self._prompt(error, evidence, test_file, failed, editable)
        return Brief(prompt, tuple(editable), tuple(read_only), evidence)

    def executed(self, error: TestError) -> list[Path]:
        """The files that the failing test leads to and that a fix may edit, most suspicious first."""
        evidence = self._evidence_for(error)
        test_file = find_test_file(error, evidence, self._top)
        return suspect_files(error, evidence, self._top, test_file, self._permitted)

    def _named(self) -> list[Path]:
        """Files that the user named as permitted."""
        named = (self._top / path for path in self._permitted.paths)
        return [
            path
            for path in named
            if path.is_file() and not protected_reason(path.relative_to(self._top), self._permitted)
        ]

    def _may_edit(self, path: Path) -> bool:
        return not self._sources or any(path.is_relative_to(source) for source in self._sources)

    def forget(self) -> None:
        """The sources have changed for good: look at every test anew."""
        self._evidence.clear()

    def _evidence_for(self, error: TestError) -> TestRun:
        if not error.test_function:  # a file that cannot be collected has no test to look at
            return TestRun(())
        if error.id not in self._evidence:
            others = [nodeid for nodeid in self._module_ids(error.nodeid) if nodeid != error.nodeid]
            self._evidence[error.id] = self._runner.run([error.nodeid, *others][:MOST_TRACED], trace=True)
        return self._evidence[error.id]

    def _within(self, paths: list[Path], room: int, purpose: str) -> list[Path]:
        """The paths that fit; the first one to be edited always does."""
        taken: list[Path] = []
        for path in paths:
            if _size(path) <= room or (not taken and not purpose):
                taken.append(path)
                room -= _size(path)
        left_out = [path.relative_to(self._top).as_posix() for path in paths if path not in taken]
        if left_out:
            self._notice(f"Left out of the prompt {purpose}".rstrip() + f", over its budget: {', '.join(left_out)}")
        return taken

    def _prompt(
        self,
        error: TestError,
        evidence: TestRun,
        test_file: Path | None,
        failed: list[FixAttempt],
        editable: list[Path],
    ) -> str:
        details = error.error_details
        values = {
            "nodeid": error.nodeid,
            "test_source": _test_source(error, test_file),
            "error_type": details.error_type or "an error",
            "message": fenced(shorten(details.message, 6_000) or "(no message)"),
            "traceback": fenced(shorten(details.stack_trace, 6_000) or "(none)"),
            "captured_output": _captured(details.captured_output),
            "test_rule": _TEST_MAY_CHANGE if self._permitted.tests else _TEST_STAYS,
            "editable": "\n".join(f"- {path.relative_to(self._top).as_posix()}" for path in editable),
        }
        if not failed:
            return self._prompts.render("first_attempt", **values)
        tried = "\n\n".join(_told(attempt) for attempt in failed)
        return self._prompts.render("retry", **values, attempts=tried, suspects=self._suspects(error, evidence))

    def _suspects(self, error: TestError, evidence: TestRun) -> str:
        lines = [
            f"{line.file.relative_to(self._top).as_posix()}:{line.line}: {_line_of(line.file, line.line)}"
            for line in suspect_lines(error, evidence, self._top, 8)
            if line.file.is_relative_to(self._top)
        ]
        if not lines:
            return ""
        block = fenced("\n".join(lines), "")
        return f"Lines that this test executes more than passing tests do, most suspicious first:\n\n{block}\n"


_TEST_STAYS = "The test is right and must stay as it is."
_TEST_MAY_CHANGE = (
    "The test may be wrong itself: edit it only where it contradicts what the code is plainly meant to do."
)
_MOST_FILES = (3, 6, 10)
"""Per attempt: a sharp view first, a wider one when that did not help."""
_PROMPT_SHARE = 8_000
"""Characters of the budget that are set aside for the prompt itself."""


def _size(path: Path) -> int:
    return path.stat().st_size


def _surroundings(test_file: Path | None, top: Path) -> list[Path]:
    if not test_file:
        return []
    folders = [folder for folder in test_file.parents if folder.is_relative_to(top)]
    conftests = [folder / "conftest.py" for folder in folders]
    return [test_file, *(path for path in conftests if path.is_file() and not path.is_symlink())]


def _test_source(error: TestError, test_file: Path | None) -> str:
    if not test_file:
        return "(its source could not be read)"
    return fenced(excerpt_of_test(test_file.read_text("utf-8", errors="replace"), error.test_function, 8_000), "python")


def _captured(output: str) -> str:
    return f"\nCaptured output:\n\n{fenced(shorten(output, 3_000))}\n" if output.strip() else ""


def _told(attempt: FixAttempt) -> str:
    why = shorten(attempt.reason, 1_500) or "the test still failed"
    told = f"Attempt {attempt.attempt_number}: {why}"
    if attempt.changes and attempt.changes.description:
        told += f"\n\n{fenced(shorten(attempt.changes.description, 4_000), 'diff')}"
    return told


def _line_of(file: Path, number: int) -> str:
    lines = file.read_text("utf-8", errors="replace").splitlines()
    return lines[number - 1].strip() if number <= len(lines) else ""
