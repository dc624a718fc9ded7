"""Files of instances and plans: the format is seen from the content when reading, from the name when writing."""

from pathlib import Path
from typing import Any

from placement.errors import InputError
from placement.formats import btrplace, native
from placement.formats.document import read_document, write_document
from placement.instance import Instance
from placement.model import Model, Plan

OWN_SUFFIXES = (".pl", ".pl.gz")
"""Endings of files in our own format; any other file is written as BtrPlace's JSON."""


def read_instance(path: Path) -> Instance:
    """The instance in a file of either format, gzip or not; InputError says what is wrong and where."""
    document = read_document(path)
    try:
        return native.read_instance(document) if "format" in document.root else btrplace.read_instance(document)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def write_instance(path: Path, instance: Instance) -> None:
    """Write an instance: ours where the name ends in .pl or .pl.gz, else BtrPlace's; gzip where it ends in .gz."""
    own = path.name.endswith(OWN_SUFFIXES)
    content: dict[str, Any] = native.write_instance(instance) if own else btrplace.write_instance(instance)
    _write(path, content)


def read_plan(path: Path, model: Model | None = None) -> Plan:
    """The plan in a file, read as one for `model` where that is given, else for its own origin."""
    document = read_document(path)
    try:
        return btrplace.read_plan(document, model)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan in BtrPlace's layout, gzip where the name ends in .gz."""
    _write(path, btrplace.write_plan(plan))


def _write(path: Path, content: dict[str, Any]) -> None:
    try:
        write_document(path, content)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
