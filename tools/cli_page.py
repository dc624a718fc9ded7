"""Write docs/reference/cli.md from the command line itself; ``--check`` only tells whether it is up to date."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from sirocco_client.cli import sirocco

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cli.md"


def page() -> str:
    """The whole page."""
    context = click.Context(sirocco, info_name="sirocco")
    lines = ["# Command line", "", "Made by `python -m tools.cli_page` from the commands themselves.", ""]
    lines += [(sirocco.help or "").strip(), "", *_options(sirocco, context)]
    for name in sirocco.list_commands(context):
        command = sirocco.get_command(context, name)
        assert command is not None
        inner = click.Context(command, parent=context, info_name=name)
        lines += [f"## sirocco {name}", "", command.help or "", ""]
        if isinstance(command, click.Group):
            for verb in command.list_commands(inner):
                lines += _command(command.commands[verb], inner)
        else:
            lines += _options(command, inner)
    return "\n".join(lines).rstrip() + "\n"


def _command(command: click.Command, parent: click.Context) -> list[str]:
    context = click.Context(command, parent=parent, info_name=command.name)
    usage = " ".join(command.collect_usage_pieces(context))
    return [f"### {context.command_path} {usage}".rstrip(), "", command.help or "", "", *_options(command, context)]


def _options(command: click.Command, context: click.Context) -> list[str]:
    rows = list(_rows(command, context))
    return ["| option | meaning |", "|---|---|", *rows, ""] if rows else []


def _rows(command: click.Command, context: click.Context) -> Iterator[str]:
    for option in command.params:
        told = option.get_help_record(context)
        if told is not None:
            name, text = (part.replace("|", "\\|") for part in told)
            yield f"| `{name}` | {text} |"


def main() -> int:
    """Write or check."""
    if "--check" in sys.argv[1:]:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page()
        print("up to date" if current else f"{PAGE.name} is out of date: run python -m tools.cli_page")
        return not current
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
