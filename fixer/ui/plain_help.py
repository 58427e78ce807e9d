"""Help texts by topic, as plain text: rich's boxes take longer to import than the rest of a command takes to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperCommand

if TYPE_CHECKING:
    import click


class CommandByTopic(TyperCommand):
    """A command whose options stand under the headings that their `rich_help_panel` names."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the headings in the order in which their first option was declared."""
        topics: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row:
                default = "Arguments" if parameter.param_type_name == "argument" else "Options"
                topics.setdefault(getattr(parameter, "rich_help_panel", None) or default, []).append(row)
        for topic, rows in topics.items():
            with formatter.section(topic):
                formatter.write_dl(rows)
