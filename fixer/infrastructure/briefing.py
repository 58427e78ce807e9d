"""Puts together what a model is told of a failing test, and which files it may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from uuid import UUID

from fixer.application.ports import TestRunner
from fixer.domain.ladder import WIDEST
from fixer.domain.models import FixAttempt, TestError, TestRun
from fixer.domain.services import NOTHING_PERMITTED, Permitted, protected_reason
from fixer.infrastructure.context import Count, History
from fixer.infrastructure.excerpt import excerpt_of_test, fenced, fixtures_for, shorten
from fixer.infrastructure.prompt_library import PromptLibrary
from fixer.infrastructure.suspects import find_test_file, never_entered, suspect_files, without_helpers
from fixer.infrastructure.view import ShownFiles, View, whole_files_fit

MOST_TRACED = 200
"""Tests. Tracing more of a module adds seconds, and next to nothing to the ranking."""


def nearest(nodeid: str, known: Sequence[str], most: int = MOST_TRACED) -> list[str]:
    """The test and those that stand nearest to it in its file: they are about the same thing."""
    if nodeid not in known:
        return [nodeid, *known][:most]
    here = known.index(nodeid)
    by_distance = sorted(range(len(known)), key=lambda place: abs(place - here))
    return [known[place] for place in by_distance[:most]]


@dataclass(frozen=True)
class Brief:
    """What an attempt starts from. Paths are absolute and resolved, the most suspicious first."""

    prompt: str
    editable: tuple[Path, ...]
    read_only: tuple[Path, ...]
    evidence: TestRun
    shown: Mapping[Path, str] = field(default_factory=dict)
    """Of the editable files that are not sent whole: what is sent of them, as a model's SEARCH may name it."""

    tokens: int = 0
    """Of what is told of the test and of all files."""

    @property
    def fits_whole(self) -> bool:
        """Whether the files are sent whole and are small enough to be written out whole."""
        return not self.shown and whole_files_fit(self.editable)


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
        history: History = lambda file, first, last: "",
    ) -> None:
        self._runner = runner
        self._prompts = prompts
        self._top = top.resolve()
        self._budget = token_budget
        self._module_ids = module_ids
        self._notice = notice
        self._sources = sources
        self._permitted = permitted
        self._history = history
        self._evidence: dict[UUID, TestRun] = {}

    def prepare(
        self,
        error: TestError,
        level: int = 0,
        *,
        continued: bool = False,
        most: int = 0,
        count: Count = lambda text: len(text) // CHARACTERS_PER_TOKEN,
    ) -> Brief:
        """Look at the test running, once per error, and brief the next attempt, at a context level from 1 to 4.

        Without a level it rises with each attempt. Where the attempt `continued` a conversation, only what is new is
        told. `most` is a budget for a model that has no room for the usual one. Raises UsageError, TestsCannotRun.
        """
        evidence = self._evidence_for(error)
        test_file = find_test_file(error, evidence, self._top)
        failed = [attempt for attempt in error.fix_attempts if attempt.status == "failed"]
        level = level or min(1 + len(failed), WIDEST)
        suspects = [path for path in self.executed(error) if self._may_edit(path)][: _MOST_FILES[level - 1]]
        suspects += [path for path in self._named() if path not in suspects]
        budget = min(self._budget, most or self._budget)
        values = self._values(error, evidence, test_file, level, min(1.0, budget / _ROOMY))
        view = View(error, evidence, self._top, level, count, self._history, values["test_source"])
        told = sum(count(values[name]) for name in _ALWAYS_TOLD) + _RULES
        shown = view.files(suspects, budget - told)
        context = view.context(shown.functions, suspects, budget - told - shown.tokens)
        surroundings = _surroundings(test_file, self._top) if level == WIDEST else []
        used = told + shown.tokens + context.tokens
        read_only = view.fitting(surroundings, budget - used)
        self._say_what_is_cut(shown)
        self._say_what_is_missing([*shown.left_out, *context.left_out, *read_only.left_out])
        values["editable"] = "\n".join(f"- {path.relative_to(self._top).as_posix()}" for path in shown.files)
        prompt = self._prompt(values, failed, context.text, continued=continued)
        return Brief(prompt, shown.files, read_only.files, evidence, shown.cut, used + read_only.tokens)

    def executed(self, error: TestError) -> list[Path]:
        """The files that the failing test leads to and that a fix may edit, most suspicious first."""
        evidence = self._evidence_for(error)
        test_file = find_test_file(error, evidence, self._top)
        return suspect_files(error, evidence, self._top, test_file, self._permitted)

    def searched(self, error: TestError) -> tuple[Path, ...]:
        """What a search may edit: all of them, as it has no prompt that they must fit into, but for tests' helpers.

        A search finds how to weaken an assertion that a helper makes sooner than it finds the mistake.
        """
        executed = [path for path in self.executed(error) if self._may_edit(path)]
        found = (executed if self._permitted.tests else without_helpers(executed, self._top))[:_MOST_SEARCHED]
        test_file = find_test_file(error, self._evidence_for(error), self._top)
        beside = never_entered(found, test_file, self._top, self._permitted)
        others = islice((path for path in beside if self._may_edit(path)), _MOST_NEVER_ENTERED)
        return tuple(dict.fromkeys([*found, *others, *self._named()]))

    def forget(self) -> None:
        """The sources have changed for good: look at every test anew."""
        self._evidence.clear()

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

    def _evidence_for(self, error: TestError) -> TestRun:
        if not error.test_function:  # a file that cannot be collected has no test to look at
            return TestRun(())
        if error.id not in self._evidence:
            traced = nearest(error.nodeid, self._module_ids(error.nodeid))
            self._evidence[error.id] = self._runner.run(traced, trace=True)
        return self._evidence[error.id]

    def _say_what_is_cut(self, shown: ShownFiles) -> None:
        for path in shown.cut:
            kept = ", ".join(function.name for function in shown.functions if function.file == path)
            self._notice(f"Of {path.relative_to(self._top).as_posix()} only this is sent: {kept}")

    def _say_what_is_missing(self, left_out: Sequence[str]) -> None:
        if left_out:
            self._notice(f"Left out of the prompt, over its budget: {', '.join(left_out)}")

    def _values(
        self, error: TestError, evidence: TestRun, test_file: Path | None, level: int, share: float
    ) -> dict[str, str]:
        """What fills the gaps of the prompts; `share` is how much of its usual length each text may have."""
        details = error.error_details
        traced = evidence.of(error.nodeid).details if level > 1 else None  # with the values of locals
        return {
            "nodeid": error.nodeid,
            "test_source": self._test_source(error, test_file, share),
            "error_type": details.error_type or "an error",
            "message": fenced(shorten(details.message, int(6_000 * share)) or "(no message)"),
            "traceback": fenced(shorten((traced or details).stack_trace, int(6_000 * share)) or "(none)"),
            "captured_output": _captured(details.captured_output, int(3_000 * share)),
            "test_rule": _TEST_MAY_CHANGE if self._permitted.tests else _TEST_STAYS,
        }

    def _test_source(self, error: TestError, test_file: Path | None, share: float) -> str:
        if not test_file:
            return "(its source could not be read)"
        text = test_file.read_text("utf-8", errors="replace")
        test = excerpt_of_test(text, error.test_function, int(8_000 * share))
        conftests = [path for path in _surroundings(test_file, self._top)[1:][::-1] if path.is_file()]
        fixtures = fixtures_for(
            test, [path.read_text("utf-8", errors="replace") for path in conftests], int(2_000 * share)
        )
        also = f"\n\nFixtures of its conftest.py:\n\n{fenced(fixtures, 'python')}" if fixtures else ""
        return fenced(test, "python") + also

    def _prompt(self, values: dict[str, str], failed: list[FixAttempt], context: str, *, continued: bool) -> str:
        if continued:
            return self._prompts.render("continued", **values, failure=_told_alone(failed[-1], values), context=context)
        if not failed:
            return self._prompts.render("first_attempt", **values, context=context)
        tried = "\n\n".join(_told(attempt) for attempt in failed)
        return self._prompts.render("retry", **values, attempts=tried, context=context)


CHARACTERS_PER_TOKEN = 4
"""A usual estimate for code, where no tokeniser is at hand."""
_TEST_STAYS = "The test is right and must stay as it is."
_TEST_MAY_CHANGE = (
    "The test may be wrong itself: edit it only where it contradicts what the code is plainly meant to do."
)
_MOST_FILES = (3, 6, 10, 10)
"""Per context level: a sharp view first, a wider one when that did not help."""
_MOST_SEARCHED, _MOST_NEVER_ENTERED = 16, 8
_ALWAYS_TOLD = ("test_source", "message", "traceback", "captured_output")
_ROOMY = 8_000
"""Tokens of a budget in which no text has to be shorter than it usually is."""
_RULES = 400
"""Tokens that the fixed words of a prompt take at the most."""


def _surroundings(test_file: Path | None, top: Path) -> list[Path]:
    if not test_file:
        return []
    folders = [folder for folder in test_file.parents if folder.is_relative_to(top)]
    conftests = [folder / "conftest.py" for folder in folders]
    return [test_file, *(path for path in conftests if path.is_file() and not path.is_symlink())]


def _captured(output: str, limit: int) -> str:
    return f"\nCaptured output:\n\n{fenced(shorten(output, limit))}\n" if output.strip() else ""


def _told(attempt: FixAttempt) -> str:
    why = shorten(attempt.reason, 1_500) or "the test still failed"
    told = f"Attempt {attempt.attempt_number}: {why}"
    if attempt.changes and attempt.changes.description and not attempt.refused_by:
        told += f"\n\n{fenced(shorten(attempt.changes.description, 4_000), 'diff')}"
    return told


def _told_alone(attempt: FixAttempt, values: Mapping[str, str]) -> str:
    """Why the last attempt failed, told to whom made it; and whether it changed anything."""
    why = attempt.reason or "the test still failed"
    unchanged = why.startswith("the test still fails") and why.partition(": ")[2].split() == _bare(values)
    return "It changed nothing: the test fails exactly as before." if unchanged else fenced(shorten(why, 3_000))


def _bare(values: Mapping[str, str]) -> list[str]:
    message = "\n".join(values["message"].splitlines()[1:-1])
    return f"{values['error_type']}: {message}".split()
