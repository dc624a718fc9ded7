"""What people and programs read: tables, JSON, YAML."""

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from sirocco_client.wire import Body

FORMATS = ("table", "json", "yaml")
_LONGEST = 60
_STEP = 1024
_SIZES = {
    **dict.fromkeys(("memory", "memoryClaimed", "memoryUsed"), 1024),
    **dict.fromkeys(("capacity", "sirocco_capacity", "disk", "diskClaimed"), 1000),
}


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
    """A value in one cell: references by their id, memory (KiB) and capacity (kB) with their unit."""
    if name in _SIZES and isinstance(content, int):
        return amount(content * _SIZES[name])
    match content:
        case None:
            return ""
        case bool():
            return "yes" if content else "no"
        case float():
            return f"{content:.2f}"
        case {"href": href}:
            return str(href).rsplit("/", 1)[-1]
        case dict() | list():
            return json.dumps(content, ensure_ascii=False)
        case _:
            return str(content)


def many(items: Iterable[Body], columns: Sequence[str], form: str) -> None:
    """A collection."""
    if form == "table":
        rows = [
            [cell(item.get(column), column) if column != "id" else identity(item) for column in columns]
            for item in items
        ]
        table([column.removeprefix("sirocco_") for column in columns], rows)
    else:
        document(list(items), form)


def one(item: Body, form: str) -> None:
    """A resource."""
    if form != "table":
        document(item, form)
        return
    shown = {name: content for name, content in item.items() if name not in {"resourceURI", "operations"}}
    width = max((len(name) for name in shown), default=0)
    for name, content in shown.items():
        click.echo(f"{name:<{width}}  {identity(item) if name == 'id' else cell(content, name)}")
    verbs = [str(entry["rel"]).rsplit("/", 1)[-1] for entry in item.get("operations", [])]
    if verbs:
        click.echo(f"{'operations':<{width}}  {', '.join(verbs)}")


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
