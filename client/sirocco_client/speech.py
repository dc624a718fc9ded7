"""The commands in the reader's language: their help, their prompts, and what click says of itself."""

from importlib import import_module
from inspect import cleandoc

import click

from sirocco_client.words import say

_SPEAKING = ("core", "decorators", "exceptions", "formatting", "parser", "shell_completion", "termui", "types")


def teach_click() -> None:
    """Have click speak as we do: it asks gettext, which knows only compiled files of the whole process."""
    for name in _SPEAKING:
        module = import_module(f"click.{name}")
        for asked, answer in (("_", say), ("ngettext", _counted)):
            if hasattr(module, asked):
                setattr(module, asked, answer)


def _counted(one: str, many: str, number: int) -> str:
    return say(one if number == 1 else many)


def spoken(command: click.Command) -> click.Command:
    """The command with its own texts in the reader's language."""
    command.help = say(cleandoc(command.help or ""))
    if isinstance(command, click.Group):
        command.subcommand_metavar = say(command.subcommand_metavar)
        for inner in command.commands.values():
            spoken(inner)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            _speak(parameter)
    return command


def _speak(option: click.Option) -> None:
    option.help = say(option.help or "")
    option.prompt = say(option.prompt) if option.prompt else option.prompt
    if option.metavar is None and not option.is_flag and not isinstance(option.type, click.Choice):
        option.metavar = say(option.type.name.upper())
