"""The commands of a noun, made from its row in the catalogue."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from sirocco_client import output
from sirocco_client.catalogue import Action, Field, Link, Part, Resource
from sirocco_client.connection import Caller, complete, server
from sirocco_client.errors import ApiError, ClientError
from sirocco_client.nouns import BY_COLLECTION
from sirocco_client.requests import body, parameter, resource_id
from sirocco_client.waiting import wait
from sirocco_client.wire import Api
from sirocco_client.words import say

_TYPES: dict[str, Any] = {"int": click.INT, "days": click.INT, "number": click.FLOAT, "flag": click.BOOL}
_FORM = click.Option(
    ["-o", "--output", "form"], type=click.Choice(output.FORMATS), default="table", help="table, json or yaml."
)
_WAIT: tuple[click.Parameter, ...] = (
    click.Option(["--wait/--no-wait", "waits"], default=False, help="Wait for the job's end."),
    click.Option(["--timeout"], type=click.FLOAT, default=3600.0, show_default=True, help="Seconds to wait."),
)
_QUERY: tuple[click.Parameter, ...] = (
    click.Option(["--filter", "wanted"], default="", help="Like: \"state='STARTED' and cpu>1\"."),
    click.Option(["--sort"], default="", help="Like: name or created:desc."),
    click.Option(["--ids"], is_flag=True, help="Show ids too."),
    click.Option(["--limit"], type=click.IntRange(min=0), default=0, help="At most so many."),
)


def _option(field: Field) -> click.Option:
    kind, _, detail = field.kind.partition(":")
    collection = {"nic": f"{detail}s", "ref": detail, "url": detail}.get(kind, "")
    flag: dict[str, Any] = {"is_flag": True, "default": False}
    return click.Option(
        [f"--{field.option}", parameter(field)],
        **(flag if kind == "bool" else {"type": _TYPES.get(kind, click.STRING)}),
        multiple=field.many,
        required=field.required,
        help=field.help,
        shell_complete=complete(collection) if collection else None,
    )


def _name(resource: Resource, *, many: bool = False) -> click.Argument:
    return click.Argument(
        ["which"],
        metavar=resource.command.upper(),
        nargs=-1 if many else 1,
        required=True,
        shell_complete=complete(resource.collection),
    )


def _path(api: Api, resource: Resource, wanted: str) -> str:
    return f"{resource.collection}/{resource_id(api, resource, wanted)}"


def _command(name: str, params: list[click.Parameter], run: Callable[..., None], text: str) -> click.Command:
    return click.Command(name, params=params, callback=run, help=text)


def _listing(key: str, columns: tuple[str, ...], address: str, query: dict[str, Any]) -> None:
    api, limit = server(), query["limit"]
    asked = {"filter": query["wanted"], "orderby": query["sort"]}
    items = api.get(address, last=limit, **asked).get(key, []) if limit else list(api.items(address, key, **asked))
    output.many(items, ("id", *columns) if query["ids"] and "id" not in columns else columns, query["form"])


def _list(resource: Resource) -> click.Command:
    def run(**query: Any) -> None:
        order = {"sort": query["sort"] or resource.sort}
        _listing(resource.key, resource.columns, resource.collection, query | order)

    return _command("list", [_FORM, *_QUERY], run, "List them.")


def _show(resource: Resource) -> click.Command:
    def run(which: str, form: str) -> None:
        api = server()
        Caller(api, form).show(api.get(_path(api, resource, which)))

    return _command("show", [_name(resource), _FORM], run, "Show one in full.")


def _create(resource: Resource, fields: tuple[Field, ...]) -> click.Command:
    def run(form: str, waits: bool, timeout: float, **options: Any) -> None:  # noqa: FBT001 - an option
        api = server()
        needed: dict[str, Any] = {resource.template: {}} if resource.template else {}
        with _options_named(fields):
            answer = api.post(resource.collection, needed | body(api, fields, options))
        Caller(api, form, waits, timeout).report(answer)

    return _command("create", [*map(_option, fields), _FORM, *_WAIT], run, "Create one.")


@contextmanager
def _options_named(fields: tuple[Field, ...]) -> Iterator[None]:
    """A refusal about an attribute tells which options set it."""
    try:
        yield
    except ApiError as error:
        about = re.sub(r"\[\d+\].*", "", error.where).replace("sirocco_", "")
        found = [one for one in fields if about and f".{about}." in f".{one.attribute}.".replace("sirocco_", "")]
        if found:
            error.remedy = say("It is set by: {options}", options=", ".join(f"--{one.option}" for one in found))
        raise


def _update(resource: Resource, fields: tuple[Field, ...]) -> click.Command:
    def run(which: str, form: str, waits: bool, timeout: float, **options: Any) -> None:  # noqa: FBT001
        api = server()
        changes = body(api, fields, options)
        if not changes:
            raise ClientError(
                "nothing to change was given", "`sirocco {kind} update --help` lists options", kind=resource.command
            )
        path = _path(api, resource, which)
        with _options_named(fields):
            answer = api.put(path, changes, select=",".join(changes))
        Caller(api, form, waits, timeout).report(answer, again=path)

    params = [_name(resource), *map(_option, fields), _FORM, *_WAIT]
    return _command("update", params, run, "Change what is given, keep the rest.")


def _delete(resource: Resource) -> click.Command:
    def run(which: tuple[str, ...], waits: bool, timeout: float) -> None:  # noqa: FBT001 - an option
        api = server()
        for one in which:
            answer = api.delete(_path(api, resource, one))
            job = wait(api, answer, seconds=timeout) if waits else answer.body
            ended = job.get("state", "SUCCESS") == "SUCCESS"
            job_id = answer.job.rsplit("/", 1)[-1]
            click.echo(say("{one}  deleted", one=one) if ended else say("{one}  job {job}", one=one, job=job_id))

    return _command("delete", [_name(resource, many=True), *_WAIT], run, "Delete some.")


def _action(resource: Resource, action: Action) -> click.Command:
    def run(which: str, form: str, waits: bool, timeout: float, **options: Any) -> None:  # noqa: FBT001
        api = server()
        path = _path(api, resource, which)
        parameters = body(api, action.fields, options)
        call = f"{path}/{action.below}"
        answer = api.post(call, parameters) if action.makes else api.act(path, action.verb, parameters)
        Caller(api, form, waits, timeout).report(answer, again=path)

    params = [_name(resource), *map(_option, action.fields), _FORM, *_WAIT]
    return _command(action.verb, params, run, action.help)


def _part(resource: Resource, part: Part) -> click.Command:
    def run(which: str, **query: Any) -> None:
        owner = resource_id(server(), resource, which)
        _listing(part.key, part.columns, part.address(resource.collection, owner), query)

    return _command(part.command, [_name(resource), _FORM, *_QUERY], run, part.help)


def _other(link: Link) -> click.Argument:
    far = BY_COLLECTION[link.collection]
    return click.Argument(["other"], metavar=far.command.upper(), shell_complete=complete(link.collection))


def _attach(resource: Resource, part: Part, link: Link) -> click.Command:
    def run(which: str, other: str, form: str, waits: bool, timeout: float, **options: Any) -> None:  # noqa: FBT001
        api = server()
        owner = resource_id(api, resource, which)
        far = resource_id(api, BY_COLLECTION[link.collection], other)
        wanted = {link.attribute: api.href(link.collection, far)} | body(api, link.fields, options)
        answer = api.post(part.address(resource.collection, owner), wanted)
        Caller(api, form, waits, timeout).report(answer)

    params = [_name(resource), _other(link), *map(_option, link.fields), _FORM, *_WAIT]
    return _command(f"attach-{link.word}", params, run, f"Attach to the {resource.command}, running or not.")


def _detach(resource: Resource, part: Part, link: Link) -> click.Command:
    def run(which: str, other: str, form: str, waits: bool, timeout: float) -> None:  # noqa: FBT001 - an option
        api = server()
        below = part.address(resource.collection, resource_id(api, resource, which))
        address = _attached(api, below, part, link, other)
        Caller(api, form, waits, timeout).report(api.delete(address))

    params = [_name(resource), _other(link), _FORM, *_WAIT]
    return _command(f"detach-{link.word}", params, run, f"Detach from the {resource.command}.")


def _attached(api: Api, below: str, part: Part, link: Link, other: str) -> str:
    """The address of the one item below that has this id or leads to this resource."""
    items = list(api.items(below, part.key))
    own = [item for item in items if output.identity(item) == other]
    if not own:
        far = resource_id(api, BY_COLLECTION[link.collection], other)
        own = [item for item in items if str(item.get(link.attribute, {}).get("href")).endswith(f"/{far}")]
    if len(own) == 1:
        return f"{below}/{output.identity(own[0])}"
    if own:
        remedy = "Use an id: the same list with --ids shows them"
        raise ClientError("{count} of them lead to {other}", remedy, count=len(own), other=repr(other))
    raise ClientError("{other} is not attached", "`{command}` lists what is", other=repr(other), command=part.command)


def noun(resource: Resource) -> click.Group:
    """The group of commands of one kind of resource."""
    group = click.Group(resource.command, help=resource.help)
    commands = [_list(resource), _show(resource)]
    if resource.create is not None:
        commands.append(_create(resource, resource.create))
    if resource.update is not None:
        commands.append(_update(resource, resource.update))
    if resource.delete:
        commands.append(_delete(resource))
    commands += [_action(resource, action) for action in resource.actions]
    for part in resource.parts:
        commands.append(_part(resource, part))
        for link in part.links:
            commands += [_attach(resource, part, link), _detach(resource, part, link)]
    for command in commands:
        group.add_command(command)
    return group
