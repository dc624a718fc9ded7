"""Command lines whose errors are one line."""

from argparse import ArgumentParser
from typing import NoReturn


class Options(ArgumentParser):
    """Options that say in one line what is wrong with them."""

    def error(self, message: str) -> NoReturn:
        """Leave with 2."""
        self.exit(2, f"{self.prog.removeprefix('python -m ')}: {message}; see --help\n")
