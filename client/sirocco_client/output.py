"""What people and programs read: tables, JSON, YAML."""

import json
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from sirocco_client.wire import Body
from sirocco_client.words import say

FORMATS = ("table", "json", "yaml")
_LONGEST = 60
_STEP = 1024
_SIZES = {
    **dict.fromkeys(("memory", "memoryClaimed", "memoryUsed"), 1024),
    **dict.fromkeys(("capacity", "sirocco_capacity", "disk", "diskClaimed"), 1000),
}
_IN_BYTES = ("memory", "capacity")
_NAMED_BEFORE = {"resource", "resName", "resType"}
_CODE = re.compile(r"http://(?:schemas\.dmtf|sirocco\.ow2)\.org/cimi/\d/(?:action|event)/([\w-]+)")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?\+00:00")


def identity(item: Body) -> str:
    """The id at the end of a resource's address."""
    return str(item.get("id", "")).rsplit("/", 1)[-1]


def amount(size: int) -> str:
    """Bytes as people say them: 1.5 GiB."""
    value, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if value < _STEP:
            break
        value, unit = value / _STEP, larger
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"


def cell(content: Any, name: str = "") -> str:
    """A value in one cell: references by their id, sizes with their unit, actions and types by their last word.

    What an event holds is told without the resource, which its reader has asked for.
    """
    if name in _SIZES and isinstance(content, int):
        return amount(content * _SIZES[name])
    if name == "content" and isinstance(content, dict):
        return ", ".join(f"{key}={cell(told)}" for key, told in content.items() if key not in _NAMED_BEFORE)
    match content:
        case None:
            return ""
        case bool():
            return say("yes" if content else "no")
        case float():
            return f"{content:.2f}"
        case {"href": href}:
            return str(href).rsplit("/", 1)[-1]
        case dict() | list():
            return json.dumps(content, ensure_ascii=False)
        case str():
            return _CODE.sub(r"\1", _MOMENT.sub(r"\1Z", content))
        case _:
            return str(content)


def _sized(item: Body) -> Body:
    """A quota of bytes with units; everything else as it is."""
    if item.get("resource") not in _IN_BYTES:
        return item
    return item | {name: amount(item[name]) for name in ("used", "ceiling") if isinstance(item.get(name), int)}


def many(items: Iterable[Body], columns: Sequence[str], form: str) -> None:
    """A collection."""
    if form == "table":
        rows = [
            [cell(item.get(column), column) if column != "id" else identity(item) for column in columns]
            for item in map(_sized, items)
        ]
        table([column.removeprefix("sirocco_") for column in columns], rows)
    else:
        document(list(items), form)


def one(item: Body, form: str) -> None:
    """A resource."""
    if form != "table":
        document(item, form)
        return
    shown = {name: cell(content, name) for name, content in _sized(item).items() if name != "resourceURI"}
    if "id" in shown:
        shown["id"] = identity(item)
    if "operations" in shown:
        shown["operations"] = ", ".join(str(entry["rel"]).rsplit("/", 1)[-1] for entry in item["operations"])
    width = max(map(len, shown), default=0)
    for name, content in shown.items():
        click.echo(f"{name:<{width}}  {content}")


def document(content: Any, form: str) -> None:
    """JSON or YAML."""
    if form == "json":
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    import yaml  # noqa: PLC0415 - 40 ms that only YAML's readers pay

    click.echo(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), nl=False)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as needed; long cells are cut on a terminal, never in a pipe."""
    terminal = sys.stdout.isatty()
    longest = max(_LONGEST, shutil.get_terminal_size().columns // max(len(heads), 1)) if terminal else 10**6
    cut = [[text if len(text) <= longest else text[: longest - 1] + "…" for text in row] for row in rows]
    widths = [max(len(row[index]) for row in [list(heads), *cut]) for index in range(len(heads))]
    lines = [[head.upper() for head in heads], *cut]
    for number, line in enumerate(lines):
        text = "  ".join(f"{part:<{width}}" for part, width in zip(line, widths, strict=True)).rstrip()
        click.secho(text, bold=number == 0 and terminal)
