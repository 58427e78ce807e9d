"""Help texts by topic, as plain text: rich's boxes take longer to import than the rest of a command takes to run."""

from __future__ import annotations

from typing import ClassVar, cast

import click
from typer.core import TyperCommand


class CommandByTopic(TyperCommand):
    """A command whose options stand under the headings that their `rich_help_panel` names.

    What is named in `rare` is shown by `--help-all` only, so that the help fits a screen.
    """

    rare: ClassVar[frozenset[str]] = frozenset()
    shows_all = False

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the headings in the order in which their first option was declared."""
        topics: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row and (self.shows_all or not self.rare.intersection(parameter.opts)):
                default = "Arguments" if parameter.param_type_name == "argument" else "Options"
                topics.setdefault(getattr(parameter, "rich_help_panel", None) or default, []).append(row)
        for topic, rows in topics.items():
            with formatter.section(topic):
                formatter.write_dl(rows)


def show_all(ctx: click.Context, wanted: bool) -> None:
    """Print the help with the rare options, and end."""
    if wanted:
        command = cast("CommandByTopic", ctx.command)
        command.shows_all = True
        click.echo(ctx.get_help())
        ctx.exit()
