"""The commands around a run: configuration, shells, completion."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Make them commands of the app."""
    app.command()(config)
    app.command()(report)
    app.command(context_settings={"ignore_unknown_options": True})(watch)
    app.command("shell-init")(shell_init)
    app.command("complete", hidden=True)(complete)


def config(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    ladder: Annotated[bool, typer.Option("--ladder", help="The attempts at a test, one by one.")] = False,
) -> None:
    """Every setting, its value, and where that came from."""
    from fixer.configuration import print_ladder, print_settings

    if ladder:
        print_ladder(Path.cwd(), dict(os.environ), as_json=as_json)
        return
    print_settings(Path.cwd(), dict(os.environ), as_json=as_json)


def report(
    run: Annotated[str, typer.Argument(metavar="[RUN]", help="Default: the newest.")] = "",
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where to write it; - is stdout.")] = "",
    opening: Annotated[bool, typer.Option("--open", help="Show it in your browser.")] = False,
) -> None:
    """A run as one HTML page: attempts, diffs, time and cost."""
    from fixer.reporting import write_report

    write_report(Path.cwd(), dict(os.environ), run, output, opening=opening)


def watch(
    pytest_args: Annotated[list[str] | None, typer.Argument(metavar="[PYTEST ARGS]...", help="As pytest's.")] = None,
) -> int:
    """Run pytest on every save; a key fixes what is red."""
    from fixer.watching import watch as watch_tests

    return watch_tests(Path.cwd(), dict(os.environ), pytest_args or ())


def shell_init(
    shell: Annotated[str, typer.Argument(metavar="[bash|zsh|fish]", help="Default: that of $SHELL.")] = "",
) -> None:
    """Print pt, ptf, ptu and completion, for a shell to evaluate."""
    from fixer.ui.shell_functions import shell_functions

    typer.echo(shell_functions(shell or Path(os.environ.get("SHELL", "")).name), nl=False)


def complete(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument()] = None,
) -> None:
    """What the last of these words may become, one a line."""
    from fixer.completion import complete as complete_words

    whole = context.find_root().command
    for candidate in complete_words(whole, words or []):
        typer.echo(candidate)


def tests_that_begin(incomplete: str) -> list[str]:
    """Completes tests."""
    from fixer.completion import test_names

    return test_names(Path.cwd(), os.environ, incomplete)


def fixes_that_begin(incomplete: str) -> list[str]:
    """Completes fixes, whatever became of them."""
    from fixer.completion import fix_names

    return fix_names(Path.cwd(), os.environ, incomplete)


def fixes_in_place(incomplete: str) -> list[str]:
    """Completes fixes that can be undone."""
    from fixer.completion import fix_names

    return fix_names(Path.cwd(), os.environ, incomplete, undone=False)


def fixes_undone(incomplete: str) -> list[str]:
    """Completes fixes that can be brought back."""
    from fixer.completion import fix_names

    return fix_names(Path.cwd(), os.environ, incomplete, undone=True)
