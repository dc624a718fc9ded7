"""The commands of ``siroccod`` in the reader's language: their help, and what click says of itself."""

from importlib import import_module
from inspect import cleandoc

import click

from sirocco.ops.words import worded

_SPEAKING = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")


def teach_click() -> None:
    """Have click speak as we do: it asks gettext, which knows only compiled files of the whole process."""
    for name in _SPEAKING:
        module = import_module(f"click.{name}")
        for asked, answer in (("_", worded), ("ngettext", _counted)):
            if hasattr(module, asked):
                setattr(module, asked, answer)


def _counted(one: str, many: str, number: int) -> str:
    return worded(one if number == 1 else many)


def spoken(command: click.Command) -> click.Command:
    """The command, and all below it, with its own texts in the reader's language."""
    command.help = worded(cleandoc(command.help or ""))
    if isinstance(command, click.Group):
        command.subcommand_metavar = worded("COMMAND [ARGS]...")
        for inner in command.commands.values():
            spoken(inner)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            parameter.help = worded(parameter.help or "")
    return command
