"""The command line: one small function per command, which translates words into calls and results into exit codes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fixer.domain.errors import FixerError, UsageError
from fixer.domain.events import Notice

if TYPE_CHECKING:
    from fixer.bootstrap import Memory
    from fixer.domain.events import DomainEvent

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Takes a red pytest run and makes it green, one verified commit at a time.",
)

_SELECT, _MODEL, _SAFETY, _OUTPUT = "Which tests", "Which model", "What may happen", "Output"


def main(argv: list[str]) -> int:
    """Run one command; its exit code, as listed in the user guide."""
    import click

    try:
        result = app(args=argv, prog_name="fixer", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as nothing:
        nothing.show()
        return 2
    except click.ClickException as wrong:
        wrong.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("Interrupted. Whatever was verified by then stays.\n")
        return 130
    except FixerError as error:
        return _explain(error)
    except Exception as bug:  # noqa: BLE001 - the last resort: a person gets a sentence, the log gets the rest
        return _report_bug(bug)
    return result if isinstance(result, int) else 0


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


@app.command(context_settings={"allow_extra_args": True, "allow_interspersed_args": True})
def run(
    context: typer.Context,
    tests: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TESTS]... [-- PYTEST ARGS]", help="Files, folders or node ids.", show_default=False),
    ] = None,
    keyword: Annotated[str, typer.Option("-k", help="As pytest's -k.", rich_help_panel=_SELECT)] = "",
    marker: Annotated[str, typer.Option("-m", help="As pytest's -m.", rich_help_panel=_SELECT)] = "",
    first: Annotated[bool, typer.Option("-x", help="Only the first failing test.", rich_help_panel=_SELECT)] = False,
    from_log: Annotated[
        str, typer.Option(metavar="FILE", help="Failing tests from a log (- for stdin).", rich_help_panel=_SELECT)
    ] = "",
    model: Annotated[str, typer.Option(help="Any model Aider knows, or offline.", rich_help_panel=_MODEL)] = "",
    attempts: Annotated[
        int | None, typer.Option(help="Attempts per test.  [default: 3]", rich_help_panel=_MODEL)
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Of the first attempt.  [default: 0.4]", rich_help_panel=_MODEL)
    ] = None,
    temperature_step: Annotated[
        float | None, typer.Option(help="Added for each further one.  [default: 0.1]", rich_help_panel=_MODEL)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Keep what is verified.", rich_help_panel=_SAFETY)] = False,
    no_commit: Annotated[
        bool, typer.Option("--no-commit", help="Leave fixes uncommitted.", rich_help_panel=_SAFETY)
    ] = False,
    guard: Annotated[
        str, typer.Option(help="Other tests to guard: suite, file or none.", rich_help_panel=_SAFETY)
    ] = "",
    python: Annotated[str, typer.Option(help="The project's interpreter.", rich_help_panel=_SAFETY)] = "",
    test_timeout: Annotated[
        float | None, typer.Option(help="Seconds per test.  [default: 60]", rich_help_panel=_SAFETY)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.", rich_help_panel=_OUTPUT)] = False,
    junitxml: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit XML.", rich_help_panel=_OUTPUT)
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", help="Only the result.", rich_help_panel=_OUTPUT)] = False,
    verbose: Annotated[bool, typer.Option("-v", help="Say more.", rich_help_panel=_OUTPUT)] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours.", rich_help_panel=_OUTPUT)] = False,
) -> int:
    """Run the tests; fix those that fail."""
    from fixer.session import RunWishes, run_session

    selection, pytest_args = _split_words(tests or [], context.args)
    flags: dict[str, object] = {
        "model": (model,) if model else None,
        "attempts": attempts,
        "temperature": temperature,
        "temperature_step": temperature_step,
        "commit": False if no_commit else None,
        "guard": guard or None,
        "python": python or None,
        "test_timeout": test_timeout,
        "yes": True if yes else None,
        "color": False if no_color else None,
    }
    for option, value in (("-k", keyword), ("-m", marker)):
        pytest_args = (*pytest_args, option, value) if value else pytest_args
    wishes = RunWishes(
        selection=(*selection, *_from_log(from_log)),
        pytest_args=(*pytest_args, "-x") if first else pytest_args,
        flags={name: value for name, value in flags.items() if value is not None},
        as_json=as_json,
        junitxml=junitxml,
        quiet=quiet,
        verbose=verbose,
    )
    return run_session(Path.cwd(), dict(os.environ), wishes)


@app.command()
def undo(
    name: Annotated[str, typer.Argument(metavar="[FIX|TEST]", help="Default: the newest fix.")] = "",
    whole_run: Annotated[bool, typer.Option("--run", help="All fixes of the newest run (or of run FIX).")] = False,
    listing: Annotated[bool, typer.Option("--list", help="Show what can be undone.")] = False,
) -> None:
    """Take a landed fix back, whenever; your other work stays."""
    from fixer.bootstrap import hold_tree
    from fixer.infrastructure.fix_choice import choose_fixes

    memory = _memory()
    if listing:
        for fix in memory.store.fixes():
            if fix.state != "undone":
                typer.echo(f"{fix.id}\t{fix.commit[:9] or 'uncommitted'}\t{fix.nodeid}")
        return
    with hold_tree(memory, _say):
        for fix in choose_fixes(memory.store.fixes(), name, whole_run=whole_run, undone=False):
            typer.echo(f"{fix.id}  {fix.nodeid}: {memory.landing.undo(fix)}")


@app.command()
def redo(
    name: Annotated[str, typer.Argument(metavar="[FIX|TEST]", help="Default: the fix undone last.")] = "",
) -> None:
    """Bring an undone fix back."""
    from fixer.bootstrap import hold_tree
    from fixer.infrastructure.fix_choice import choose_fixes

    memory = _memory()
    with hold_tree(memory, _say):
        for fix in choose_fixes(memory.store.fixes(), name, whole_run=False, undone=True):
            typer.echo(f"{fix.id}  {fix.nodeid}: {memory.landing.redo(fix)}")


@app.command()
def history(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of runs.")] = False,
    limit: Annotated[int, typer.Option("-n", min=1, help="How many runs.")] = 20,
) -> None:
    """The runs made here, newest first."""
    import json

    from fixer.ui.report import history_text, run_json

    runs = _memory().reader.runs(limit)
    typer.echo(json.dumps([run_json(run) for run in runs], indent=2) if as_json else history_text(runs))


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="A fix, a run, a commit or a test.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object (of the run).")] = False,
) -> None:
    """One run or one fix, with its diff."""
    import json

    from fixer.ui.report import fix_text, run_json, run_text

    reader = _memory().reader
    try:
        fix = reader.fix(name)
    except UsageError:
        record = reader.run(name)
        typer.echo(json.dumps(run_json(record), indent=2) if as_json else run_text(record))
        return
    record = reader.run(fix.run_id)
    typer.echo(json.dumps(run_json(record), indent=2) if as_json else fix_text(fix, record))


@app.command()
def analyze(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="pytest's text output; - reads stdin.")] = "-",
) -> int:
    """Failing tests in a log from elsewhere, one node id a line."""
    from fixer.domain.services import ErrorAnalysisService

    errors = ErrorAnalysisService().analyze_errors(_read_log(file)) or []
    for error in errors:
        details = error.error_details
        summary = details.message.splitlines()[0] if details.message else ""
        typer.echo(f"{error.nodeid}\t{details.error_type}\t{summary}")
    return 1 if errors else 0


@app.command()
def doctor() -> int:
    """Check what fixer needs here: one line each, with the cure."""
    from fixer.doctor import examine

    return examine(Path.cwd(), dict(os.environ))


@app.command()
def demo(
    keep: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Put the sample project there.")] = None,
) -> int:
    """Fix a small broken sample project: no key, no network, nothing of yours is touched."""
    from fixer.demo import run_demo

    return run_demo(dict(os.environ), keep)


def _split_words(tests: list[str], extra: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What stands before `--` selects tests, what stands behind it goes to pytest."""
    words = [*tests, *extra]
    if "--" not in sys.argv:
        return tuple(words), ()
    behind = len(sys.argv) - sys.argv.index("--") - 1
    return tuple(words[: len(words) - behind]), tuple(words[len(words) - behind :])


def _from_log(file: str) -> tuple[str, ...]:
    if not file:
        return ()
    from fixer.domain.services import ErrorAnalysisService

    errors = ErrorAnalysisService().analyze_errors(_read_log(file))
    if not errors:
        raise UsageError("The log tells of no failing test.", "See what is read from it: fixer analyze FILE")
    return tuple(error.nodeid for error in errors)


def _read_log(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as refused:
        raise UsageError(f"{file} cannot be read: {refused.strerror}.") from refused
    return data.decode(errors="replace")


def _memory() -> Memory:
    from fixer.bootstrap import open_memory

    return open_memory(Path.cwd(), dict(os.environ))


def _say(event: DomainEvent) -> None:
    if isinstance(event, Notice):
        sys.stderr.write(f"fixer: {event.text}\n")


def _explain(error: FixerError) -> int:
    sys.stderr.write(f"fixer: {error.message}\n")
    if error.cure:
        sys.stderr.write(f"  {error.cure}\n")
    return error.exit_code


def _report_bug(bug: Exception) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="fixer-bug-", suffix=".log", delete=False) as log:
        log.write("".join(traceback.format_exception(bug)))
    sys.stderr.write(
        f"fixer: a bug in fixer: {type(bug).__name__}: {bug}\n"
        f"  The details are in {log.name}. The next fixer command puts right whatever this one left half done.\n"
    )
    return 70
