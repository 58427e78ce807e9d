"""The command line: one small function per command, which translates words into calls and results into exit codes."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fixer.cli_around import add_to, fixes_in_place, fixes_that_begin, fixes_undone, tests_that_begin
from fixer.domain.errors import UsageError
from fixer.ui.ending import exit_code_of
from fixer.ui.foreign_text import harmless
from fixer.ui.plain_help import CommandByTopic, show_all

if TYPE_CHECKING:
    from fixer.application.ports import Arbiter
    from fixer.application.records import RunRecord
    from fixer.domain.events import DomainEvent
    from fixer.infrastructure.ledger_reader import LedgerReader
    from fixer.memory import Memory

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Takes a red pytest run and makes it green, one verified commit at a time.",
)


def main(argv: list[str]) -> int:
    """Run one command; its exit code, as listed in docs/exit_codes.md."""
    return exit_code_of(lambda: _invoke(argv))


def _invoke(argv: list[str]) -> int:
    from fixer.infrastructure.user_env import user_env

    os.environ.update(user_env(os.environ))
    words, pytest_args = _split(argv)
    command = typer.main.get_command(app)
    with command.make_context("fixer", words, obj=pytest_args) as context:
        result = command.invoke(context)
    return result if isinstance(result, int) else 0


def _split(argv: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """What stands behind `--` goes to pytest, before anything here takes it for an option or a test."""
    if argv[:1] != ["run"] or "--" not in argv:
        return argv, ()
    at = argv.index("--")
    return argv[:at], tuple(argv[at + 1 :])


def _option(topic: str, names: str, metavar: str, help_text: str) -> Any:
    return typer.Option(*names.split(), metavar=metavar or None, help=help_text, rich_help_panel=topic)


_tests = partial(_option, "Which tests")
_model = partial(_option, "Which model")
_caps = partial(_option, "How much it may cost")
_safety = partial(_option, "What may happen")
_output = partial(_option, "Output")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"fixer {version('pytest-fixer')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version


class _Run(CommandByTopic):
    rare = frozenset(
        [
            *("-m", "-x", "--temperature", "--temperature-step", "--offline-budget", "--seed", "--model-timeout"),
            *("--max-tokens", "--no-commit", "--no-verify", "--allow", "--guard", "--confirm", "--python"),
            *("--test-timeout", "--junitxml", "--sarif", "--patch", "--report", "--no-color"),
        ]
    )


@app.command(cls=_Run)
def run(
    context: typer.Context,
    tests: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TESTS]... [-- PYTEST ARGS]",
            help="Files, folders or node ids.",
            show_default=False,
            autocompletion=tests_that_begin,
            rich_help_panel="Which tests",
        ),
    ] = None,
    keyword: Annotated[str, _tests("-k", "EXPR", "As pytest's -k.")] = "",
    marker: Annotated[str, _tests("-m", "MARK", "As pytest's -m.")] = "",
    last_failed: Annotated[bool, _tests("--lf", "", "Those that failed in your last pytest run.")] = False,
    first: Annotated[bool, _tests("-x", "", "Only the first failing test.")] = False,
    from_log: Annotated[str, _tests("--from-log", "FILE", "The failing tests of a log; - reads stdin.")] = "",
    model: Annotated[
        list[str] | None, _model("--model", "NAME", "Any Aider knows; repeatable.  [default: offline]")
    ] = None,
    attempts: Annotated[int | None, _model("--attempts", "N", "Attempts per test.  [default: 3]")] = None,
    temperature: Annotated[float | None, _model("--temperature", "T", "Of the first.  [default: 0.4]")] = None,
    temperature_step: Annotated[
        float | None, _model("--temperature-step", "T", "Added each time.  [default: 0.1]")
    ] = None,
    offline_budget: Annotated[
        float | None, _model("--offline-budget", "S", "Search per attempt.  [default: 30]")
    ] = None,
    seed: Annotated[int | None, _model("--seed", "N", "Repeat a search.  [default: 0]")] = None,
    model_timeout: Annotated[float | None, _model("--model-timeout", "S", "Seconds per call.  [default: 120]")] = None,
    max_cost: Annotated[float | None, _caps("--max-cost", "USD", "Money for the whole run.")] = None,
    max_tokens: Annotated[int | None, _caps("--max-tokens", "N", "Tokens, sent and received.")] = None,
    time_limit: Annotated[float | None, _caps("--time-limit", "S", "Seconds for the whole run.")] = None,
    resume: Annotated[bool, _tests("--resume", "", "What the newest run left red.")] = False,
    yes: Annotated[bool, _safety("--yes -y", "", "Keep what is verified, ask nothing.")] = False,
    dry_run: Annotated[bool, _safety("--dry-run", "", "Print the fixes as a patch, change nothing.")] = False,
    branch: Annotated[str, _safety("--branch", "NAME", "Land the fixes on a new branch.")] = "",
    no_commit: Annotated[bool, _safety("--no-commit", "", "Leave the fixes uncommitted.")] = False,
    no_verify: Annotated[bool, _safety("--no-verify", "", "Land without your commit hooks.")] = False,
    source: Annotated[list[str] | None, _safety("--source", "PATH", "Edit only below this (repeatable).")] = None,
    allow: Annotated[list[str] | None, _safety("--allow", "PATH", "May be edited, though protected.")] = None,
    allow_tests: Annotated[bool, _safety("--allow-tests", "", "Tests may be edited too.")] = False,
    guard: Annotated[str, _safety("--guard", "LEVEL", "suite, affected, file or none.  [default: suite]")] = "",
    confirm: Annotated[int | None, _safety("--confirm", "N", "Passes that prove a fix.  [default: 2]")] = None,
    python: Annotated[str, _safety("--python", "PATH", "The Python that runs the tests.")] = "",
    test_timeout: Annotated[float | None, _safety("--test-timeout", "S", "Seconds per test.  [default: 60]")] = None,
    as_json: Annotated[bool, _output("--json", "", "Print one JSON object.")] = False,
    junitxml: Annotated[Path | None, _output("--junitxml --junit", "FILE", "Write JUnit XML.")] = None,
    sarif: Annotated[Path | None, _output("--sarif", "FILE", "Write SARIF of what stays red.")] = None,
    patch: Annotated[Path | None, _output("--patch", "FILE", "Write the fixes as a patch.")] = None,
    report: Annotated[Path | None, _output("--report", "FILE.html", "Write the run as a page.")] = None,
    quiet: Annotated[bool, _output("-q", "", "Only the result.")] = False,
    verbose: Annotated[bool, _output("-v", "", "Also phases, answers, and what was left out.")] = False,
    show_prompt: Annotated[bool, _output("--show-prompt", "", "All that is sent to a model, before it is.")] = False,
    no_color: Annotated[bool, _output("--no-color", "", "No colours.")] = False,
    plain: Annotated[bool, _output("--plain", "", "Lines only, for screen readers.")] = False,
    help_all: Annotated[
        bool, typer.Option("--help-all", callback=show_all, is_eager=True, help="Show the rarer options too.")
    ] = False,
) -> int:
    """Run the tests; fix those that fail."""
    from fixer.outputs import Outputs
    from fixer.session import RunWishes, run_session

    del help_all
    pytest_args: tuple[str, ...] = context.obj
    flags: dict[str, object] = {
        "model": tuple(model) if model else None,
        "max_cost": max_cost,
        "max_tokens": max_tokens,
        "time_limit": time_limit,
        "attempts": attempts,
        "temperature": temperature,
        "temperature_step": temperature_step,
        "model_timeout": model_timeout,
        "offline_budget": offline_budget,
        "seed": seed,
        "commit": False if no_commit else None,
        "verify_hooks": False if no_verify else None,
        "source": tuple(source) if source else None,
        "allow": tuple(allow) if allow else None,
        "allow_tests": True if allow_tests else None,
        "guard": guard or None,
        "confirm": confirm,
        "python": python or None,
        "test_timeout": test_timeout,
        "yes": True if yes or dry_run else None,
        "color": False if no_color else None,
    }
    for option, value in (("-k", keyword), ("-m", marker)):
        pytest_args = (*pytest_args, option, value) if value else pytest_args
    wishes = RunWishes(
        selection=(*(tests or ()), *_from_log(from_log)),
        named=tuple(tests or ()),
        pytest_args=(*pytest_args, *(["--lf"] if last_failed else []), *(["-x"] if first else [])),
        flags={name: value for name, value in flags.items() if value is not None},
        resume=resume,
        show_prompt=show_prompt,
        dry_run=dry_run,
        as_json=as_json,
        outputs=Outputs(junitxml, sarif, patch, report),
        branch=branch,
        quiet=quiet,
        verbose=verbose,
        plain=plain,
    )
    return run_session(Path.cwd(), dict(os.environ), wishes)


@app.command()
def undo(
    name: Annotated[
        str, typer.Argument(metavar="[FIX|TEST]", help="Default: the newest fix.", autocompletion=fixes_in_place)
    ] = "",
    whole_run: Annotated[bool, typer.Option("--run", help="All fixes of the newest run (or of run FIX).")] = False,
    listing: Annotated[bool, typer.Option("--list", help="Show what can be undone.")] = False,
) -> None:
    """Take a landed fix back, whenever; your other work stays."""
    from fixer.infrastructure.fix_choice import choose_fixes
    from fixer.memory import hold_tree

    memory = _memory()
    if listing:
        _settle(memory)
        for fix in memory.store.fixes():
            if fix.state != "undone":
                typer.echo(f"{fix.id}\t{fix.commit[:9] or 'uncommitted'}\t{harmless(fix.nodeid)}")
        return
    with hold_tree(memory, _say, _arbiter()):
        for fix in choose_fixes(memory.store.fixes(), name, whole_run=whole_run, undone=False):
            typer.echo(f"{fix.id}  {harmless(fix.nodeid)}: {memory.landing.undo(fix)}")


@app.command()
def redo(
    name: Annotated[
        str, typer.Argument(metavar="[FIX|TEST]", help="Default: the fix undone last.", autocompletion=fixes_undone)
    ] = "",
) -> None:
    """Bring an undone fix back."""
    from fixer.infrastructure.fix_choice import choose_fixes
    from fixer.memory import hold_tree

    memory = _memory()
    with hold_tree(memory, _say, _arbiter()):
        for fix in choose_fixes(memory.store.fixes(), name, whole_run=False, undone=True):
            typer.echo(f"{fix.id}  {harmless(fix.nodeid)}: {memory.landing.redo(fix)}")


@app.command()
def recover(
    keep: Annotated[
        str, typer.Option(metavar="mine|before", help="Where you edited the same lines since: which text stays.")
    ] = "",
) -> None:
    """Put right what an interrupted run left behind."""
    from fixer.memory import hold_tree, standing_answer

    with hold_tree(_memory(), _say, standing_answer(keep) if keep else _arbiter()):
        typer.echo("Nothing is left half done.")


@app.command()
def history(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of runs.")] = False,
    limit: Annotated[int, typer.Option("-n", min=1, help="How many runs.")] = 20,
) -> None:
    """The runs made here, newest first."""
    import json

    from fixer.ui.report import history_text, run_json

    runs = _settle(_memory()).reader.runs(limit)
    typer.echo(json.dumps([run_json(run) for run in runs], indent=2) if as_json else history_text(runs))


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="A fix, a commit, a test or a run.", autocompletion=fixes_that_begin)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object (of the run).")] = False,
) -> None:
    """A run, a fix with its receipt, or what was tried on a test."""
    import json

    from fixer.ui.receipt import receipt_json, receipt_text
    from fixer.ui.report import run_json

    reader = _settle(_memory()).reader
    found = _unfixed_or_run(reader, name)
    if found:
        record, text = found
        typer.echo(json.dumps(run_json(record), indent=2) if as_json else text)
        return
    fix = reader.fix(name)
    receipt = reader.receipt(fix)
    if as_json:
        whole = {**run_json(reader.run(fix.run_id)), "receipt": receipt_json(receipt)}
        typer.echo(json.dumps(whole, indent=2))
        return
    typer.echo(receipt_text(receipt))


@app.command()
def verify(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="A fix, a commit or a test.", autocompletion=fixes_that_begin)
    ],
    confirm: Annotated[int, typer.Option("--confirm", metavar="N", min=1, help="Runs with the fix.")] = 2,
    python: Annotated[str, typer.Option("--python", metavar="PATH", help="The Python that runs the test.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> int:
    """Replay a fix on clean checkouts: red before it, green with it."""
    from fixer.verify import verify_fix

    return verify_fix(Path.cwd(), dict(os.environ), name, python=python, confirm=confirm, as_json=as_json)


@app.command()
def explain(
    test: Annotated[str, typer.Argument(metavar="TEST", help="The id of a failing test.")],
    most: Annotated[int, typer.Option("-n", min=1, help="How many places.")] = 10,
    python: Annotated[str, typer.Option("--python", metavar="PATH", help="The Python that runs the test.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> int:
    """Where the fault of a failing test is likely to be."""
    from fixer.explain import explain_test

    memory = _settle(_memory())
    return explain_test(memory, dict(os.environ), test, python=python, most=most, as_json=as_json)


@app.command()
def analyze(
    file: Annotated[
        str, typer.Argument(metavar="[FILE|-]", help="pytest's output, JUnit XML or reportlog; - is stdin.")
    ] = "-",
) -> int:
    """Failing tests in a log from elsewhere, one node id a line."""
    from fixer.from_log import failures_in
    from fixer.memory import has_memory

    if has_memory(Path.cwd(), dict(os.environ)):
        _settle(_memory())
    errors = failures_in(file, Path.cwd())
    for error in errors:
        details = error.error_details
        summary = next(iter(harmless(details.message).splitlines()), "")
        typer.echo(f"{harmless(error.nodeid)}\t{details.error_type}\t{summary}")
    return 1 if errors else 0


@app.command()
def doctor(
    prune: Annotated[bool, typer.Option("--prune", help="Delete at once what fixer can make again.")] = False,
    try_model: Annotated[bool, typer.Option("--try-model", help="Send one tiny request to the model.")] = False,
    model: Annotated[list[str] | None, typer.Option("--model", metavar="NAME", help="Which, for --try-model.")] = None,
) -> int:
    """Check what fixer needs here: one line each, with the cure."""
    from fixer.doctor import examine, free_disk, try_models

    if try_model or model:
        return try_models(Path.cwd(), dict(os.environ), tuple(model or ()))
    if prune:
        return free_disk(_settle(_memory()))
    return examine(Path.cwd(), dict(os.environ))


@app.command()
def demo(
    keep: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Put the sample project there.")] = None,
) -> int:
    """Fix a small broken sample project, apart from yours."""
    from fixer.demo import run_demo

    return run_demo(dict(os.environ), keep)


add_to(app)


def _unfixed_or_run(reader: LedgerReader, name: str) -> tuple[RunRecord, str] | None:
    """What to show where no fix is meant: a test without one in the newest run that knows it, or a run."""
    from fixer.ui.evidence import text_of_test
    from fixer.ui.report import run_text

    with suppress(UsageError):
        test, run = reader.test(name)
        return None if test.status == "fixed" and test.fix else (run, text_of_test(test, run))
    with suppress(UsageError):
        reader.fix(name)
        return None
    run = reader.run(name)
    return run, run_text(run, full=True)


def _from_log(file: str) -> tuple[str, ...]:
    if not file:
        return ()
    from fixer.from_log import failures_in, those_here

    return those_here(failures_in(file, Path.cwd()), Path.cwd())


def _memory() -> Memory:
    from fixer.memory import open_memory

    return open_memory(Path.cwd(), dict(os.environ))


def _settle(memory: Memory) -> Memory:
    """A command that only reads finds the tree in order too."""
    from fixer.memory import recover_if_idle

    recover_if_idle(memory, _say, _arbiter())
    return memory


def _arbiter() -> Arbiter | None:
    from fixer.ui.console import open_arbiter

    return open_arbiter(os.environ)


def _say(event: DomainEvent) -> None:
    from fixer.domain.events import Notice

    if isinstance(event, Notice):
        sys.stderr.write(f"fixer: {event.text}\n")
