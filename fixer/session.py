"""One `fixer run` from the first word to the exit code: settings, tree, tests, fixes, report."""

from __future__ import annotations

import json
import signal
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.bootstrap import RunPlan, assemble_run
from fixer.domain.errors import FixerError, UsageError
from fixer.domain.events import Notice
from fixer.domain.ladder import models_of
from fixer.infrastructure.interpreter import Interpreter, find_interpreter
from fixer.infrastructure.ledger_pruning import forget_details
from fixer.infrastructure.pruning import prune
from fixer.infrastructure.pytest_runner import options_that_choose_nothing
from fixer.infrastructure.run_branch import new_branch
from fixer.infrastructure.unfinished import Unfinished, find_unfinished
from fixer.memory import Memory, hold_tree, open_memory, take_back_run
from fixer.outputs import Outputs, check_outputs, write_outputs
from fixer.settings import Loaded, Settings, keys_found, load_settings
from fixer.ui.console import Screen, open_screen

if TYPE_CHECKING:
    from types import FrameType

    from fixer.application.fix_run import RunSummary
    from fixer.application.records import RunRecord
    from fixer.domain.models import TestError


@dataclass(frozen=True)
class RunWishes:
    """What the command line asked of a run."""

    selection: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    """What of the selection was typed, and not read from a log."""
    pytest_args: tuple[str, ...] = ()
    flags: Mapping[str, object] = field(default_factory=dict)
    resume: bool = False
    """Go on with what the newest run left red, and nothing else."""
    show_prompt: bool = False
    dry_run: bool = False
    as_json: bool = False
    outputs: Outputs = field(default_factory=Outputs)
    branch: str = ""
    """A new branch on which the fixes land."""
    quiet: bool = False
    verbose: bool = False
    plain: bool = False
    """Lines only: nothing that moves, no colours."""


def run_session(directory: Path, environ: Mapping[str, str], wishes: RunWishes) -> int:
    """Run, report, and return the exit code. Raises FixerError where the run could not begin or go on."""
    loaded = load_settings(directory, wishes.flags, environ)
    settings = loaded.settings
    check_outputs(wishes.outputs)
    memory = open_memory(
        directory, environ, commit=settings.commit, dry_run=wishes.dry_run, run_hooks=settings.verify_hooks
    )
    resumed = _unfinished(memory, wishes) if wishes.resume else None
    if resumed:
        wishes = replace(wishes, selection=resumed.left, pytest_args=(*resumed.pytest_args, *wishes.pytest_args))
        settings = _as_before(settings, resumed, wishes)
    interpreter = find_interpreter(memory.project.directory, loaded.settings.python, environ, Path(sys.prefix))
    with _signals_as_interrupts():
        with open_screen(environ, wishes, settings) as screen:
            screen.listen(Notice(f"Tests run with {interpreter.path} ({interpreter.reason}).", detail=True))
            for remark in _remarks(loaded, memory, environ, wishes, resumed):
                screen.listen(Notice(remark))
            with hold_tree(memory, screen.listen, screen.arbiter), _branch(memory, settings, wishes):
                run = _Run(memory, settings, interpreter, wishes, screen, resumed.run_id if resumed else "")
                summary = run.go()
        _tidy_up(memory)
        record = memory.reader.run(run.id)
        _report(record, wishes, screen)
        write_outputs(wishes.outputs, record, memory, environ)
    if summary and summary.failure:
        raise summary.failure
    return record.exit_code if record.exit_code is not None else 70


def _unfinished(memory: Memory, wishes: RunWishes) -> Unfinished:
    """What to go on with. Raises UsageError where there is nothing."""
    if wishes.selection:
        raise UsageError("--resume goes on with what the newest run left red, and takes no tests.", "Leave one away.")
    found = find_unfinished(memory.ledger, memory.project.top)
    if not found:
        raise UsageError("The newest run left nothing to go on with.", "fixer run")
    return found


def _as_before(settings: Settings, resumed: Unfinished, wishes: RunWishes) -> Settings:
    """The ladder of the run that is gone on with, unless another was asked for just now."""
    anew = any(name in wishes.flags for name in ("model", "attempts", "temperature", "temperature_step"))
    return replace(settings, ladder=resumed.ladder) if resumed.ladder and not anew else settings


class _Run:
    """A run in the ledger: opened before it begins, closed however it ends."""

    def __init__(
        self,
        memory: Memory,
        settings: Settings,
        interpreter: Interpreter,
        wishes: RunWishes,
        screen: Screen,
        resumed: str = "",
    ) -> None:
        self._memory = memory
        self._dry = wishes.dry_run
        models = ", ".join(models_of(settings.rungs()))
        self.id = memory.ledger.start_run(memory.project.top, models, _to_go_on_with(settings, wishes, resumed))
        self._plan = RunPlan(
            self.id,
            settings,
            interpreter,
            wishes.selection,
            wishes.named,
            wishes.pytest_args,
            screen.listen,
            None if wishes.as_json else screen.reviewer,
            _all if wishes.as_json else screen.choose,
            screen.pause,
            wishes.show_prompt,
            wishes.verbose and not wishes.quiet,
            resumed,
        )

    def go(self) -> RunSummary | None:
        """How it ended; None where it was interrupted. Raises FixerError."""
        code, summary = 70, None
        try:
            summary = assemble_run(self._memory, self._plan)()
            code = _exit_code(summary)
        except KeyboardInterrupt:
            code = 130
        except FixerError as error:
            code = error.exit_code
            raise
        finally:
            if self._dry:
                take_back_run(self._memory, self.id)
            self._memory.ledger.end_run(self.id, code, summary.newly_broken if summary else ())
        return summary


def _to_go_on_with(settings: Settings, wishes: RunWishes, resumed: str) -> dict[str, object]:
    """What a run with --resume needs to know of this one."""
    options = options_that_choose_nothing(wishes.pytest_args)
    return {"pytest_args": options, "ladder": [asdict(rung) for rung in settings.rungs()], "resumed": resumed}


def _branch(memory: Memory, settings: Settings, wishes: RunWishes) -> AbstractContextManager[None]:
    """The branch on which fixes land: the one that is there, or a new one."""
    if not wishes.branch:
        return nullcontext()
    if wishes.dry_run or not settings.commit or memory.project.repository is None:
        raise UsageError("--branch needs commits, and there will be none here.", "Leave --branch away.")
    return new_branch(memory.project.repository, wishes.branch)


def _all(errors: Sequence[TestError]) -> Sequence[TestError]:
    return errors


def _tidy_up(memory: Memory) -> None:
    prune(memory.project)
    with suppress(sqlite3.OperationalError):  # another run is writing, or the disk is full: the next run does it
        forget_details(memory.ledger)


def _exit_code(summary: RunSummary) -> int:
    if summary.failure:
        return summary.failure.exit_code
    return 1 if summary.still_red else 0


def _remarks(
    loaded: Loaded, memory: Memory, environ: Mapping[str, str], wishes: RunWishes, resumed: Unfinished | None
) -> Iterator[str]:
    """What a person should know before the run begins; each is said once."""
    if resumed:
        models = ", ".join(models_of(_as_before(loaded.settings, resumed, wishes).rungs()))
        count = len(resumed.left)
        yield f"Going on with run {resumed.run_id}: {count} red test{'s' if count > 1 else ''}, {models}."
    if wishes.dry_run:
        yield "Dry run: each fix is verified, printed in the end, and taken back."
    if memory.project.repository is None:
        yield "This is not a git repository: fixes stay uncommitted, fixer undo works all the same."
    if loaded.origins["model"] == "default" and not resumed:
        keys = keys_found(environ)
        hint = ", ".join(f"--model {example} ({variable} is set)" for variable, example in keys)
        also = f" You could also use: {hint}." if hint else ""
        yield f"Model: offline (free, nothing leaves this machine).{also}"


def _report(record: RunRecord, wishes: RunWishes, screen: Screen) -> None:
    from fixer.ui.report import patch_of, run_json, run_text

    if wishes.as_json:
        patch = {"patch": patch_of(record)} if wishes.dry_run else {}
        sys.stdout.write(json.dumps({**run_json(record), **patch}, indent=2) + "\n")
        return
    if wishes.dry_run:
        _write_patch(record, screen)
        sys.stderr.write(f"{run_text(record, width=screen.width)}\n")
        return
    if screen.width and not wishes.quiet:
        sys.stderr.write("\n")
    sys.stdout.write(f"{run_text(record, color=screen.color, width=screen.width)}\n")
    sys.stdout.flush()
    in_place = [test.fix for test in record.tests if test.fix and test.fix.state != "undone"]
    if in_place and not wishes.quiet:
        name = in_place[0].id
        sys.stderr.write(f"Take one back:    fixer undo {name}\nSee it:           fixer show {name}\n")


def _write_patch(record: RunRecord, screen: Screen) -> None:
    from fixer.ui.report import patch_of, patch_text

    if screen.width:
        sys.stdout.write(patch_text(record, color=screen.color))
    else:  # for git, not for eyes: whatever the encoding of the terminal, these are the bytes of the files
        sys.stdout.buffer.write(patch_of(record).encode())
    sys.stdout.flush()


@contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """A closed terminal or a polite kill ends a run as Ctrl-C does: the open attempt is taken back first.

    That must not be interrupted in its turn by the second SIGHUP that a shell sends after the terminal's own. A second
    Ctrl-C does get through, at once, and leaves the rest to the next command.
    """
    seen: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        del frame
        seen.append(number)
        if len(seen) == 1 or number == signal.SIGINT:
            raise KeyboardInterrupt

    heard = [number for number in _ENDINGS if signal.getsignal(number) != signal.SIG_IGN]  # nohup is to be respected
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            # After an interrupt the process has only to end; a further one would make that look like a crash.
            signal.signal(number, signal.SIG_IGN if seen else handler)


_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
