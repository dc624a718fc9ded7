"""The command ``sirocco``: one noun a resource, one verb an operation."""

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from sirocco_client import __version__, login, output
from sirocco_client.catalogue import RESOURCES, Action, Field, Resource
from sirocco_client.errors import ApiError, ClientError
from sirocco_client.requests import body, resource_id
from sirocco_client.waiting import wait
from sirocco_client.wire import Answer, Api, Login

_IMAGE_CREATE = "http://schemas.dmtf.org/cimi/1/MachineImageCreate"
_SHELLS = ("bash", "zsh", "fish")
_TYPES: dict[str, Any] = {"int": click.INT, "number": click.FLOAT, "flag": click.BOOL}


def _api(context: click.Context) -> Api:
    """The server, connected when first needed."""
    found = context.find_root()
    if "api" not in found.meta:
        options = found.params
        who = login.current(options.get("url") or "", options.get("tenant") or "")
        found.meta["api"] = Api(who, language=os.environ.get("LANG", "en")[:2])
    return found.meta["api"]  # type: ignore[no-any-return]  # click's store is untyped


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sirocco")
@click.option("--url", envvar="SIROCCO_URL", help="Address of the server.")
@click.option("--tenant", envvar="SIROCCO_TENANT", help="Tenant to act in, by name or id.")
def sirocco(url: str | None, tenant: str | None) -> None:
    """Machines, volumes, networks and all else that Sirocco keeps."""


@sirocco.command("login")
@click.argument("url")
@click.option("--user", prompt=True, help="User name.")
@click.option("--password", prompt=True, hide_input=True, envvar="SIROCCO_PASSWORD", help="Password.")
@click.option("--tenant", default="", help="Tenant to act in.")
def _login(url: str, user: str, password: str, tenant: str) -> None:
    """Sign in; keeps an API key, never the password."""
    name = f"sirocco on {os.uname().nodename}"
    signed = login.sign_in(Login(url.rstrip("/"), user=user, password=password, tenant=tenant), name)
    login.keep(signed)
    click.echo(f"Signed in to {signed.url}; the key is kept in {login.path()}.", err=True)


@sirocco.command("logout")
def _logout() -> None:
    """Forget the kept key on this machine (`sirocco api-key delete` revokes it)."""
    login.forget()


@sirocco.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def _completion(shell: str) -> None:
    """Print shell completion, for instance: sirocco completion bash > /etc/bash_completion.d/sirocco."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - rarely wanted

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - the choice above names only shells that click knows
    click.echo(found(sirocco, {}, "sirocco", "_SIROCCO_COMPLETE").source())


def _complete(resource: Resource) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Names from the server; nothing when it cannot be asked."""

    def names(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
        try:
            found = _api(context).get(resource.collection, last=200).get(resource.key, [])
        except ClientError:
            return []
        return [name for item in found if (name := str(item.get("name", ""))).startswith(begun) and " " not in name]

    return names


def _option(field: Field) -> click.Option:
    flag = field.kind == "bool"
    return click.Option(
        [f"--{field.option}"],
        type=None if flag else _TYPES.get(field.kind, click.STRING),
        is_flag=flag,
        default=False if flag else None,
        multiple=field.many,
        required=field.required,
        help=field.help,
    )


def _format() -> click.Option:
    choice = click.Choice(output.FORMATS)
    return click.Option(["-o", "--output", "form"], type=choice, default="table", help="table, json or yaml.")


def _waiting() -> list[click.Parameter]:
    return [
        click.Option(["--wait/--no-wait", "waits"], default=False, help="Wait for the job's end."),
        click.Option(["--timeout"], type=click.FLOAT, default=3600.0, show_default=True, help="Seconds to wait."),
    ]


def _name(resource: Resource) -> click.Argument:
    return click.Argument(["which"], metavar=resource.command.upper(), shell_complete=_complete(resource))


def _report(api: Api, answer: Answer, *, waits: bool, timeout: float, form: str, again: str = "") -> None:
    """Show what a write has led to: the resource as it is now, or the job to follow."""
    if waits:
        job = wait(api, answer, seconds=timeout)
        output.one(api.get(again) if again else job or answer.body, form)
    elif form == "table" and answer.job:
        click.echo(f"{output.identity(answer.body) or 'accepted'}  job {answer.job.rsplit('/', 1)[-1]}")
    else:
        output.one(answer.body, form)


def _list(resource: Resource) -> click.Command:
    def run(form: str, filter: str, sort: str, ids: bool, limit: int) -> None:  # noqa: A002, FBT001 - options' names
        api = _api(click.get_current_context())
        asked: dict[str, str | int] = {"filter": filter, "orderby": sort}
        found = api.get(resource.collection, last=limit, **asked).get(resource.key, []) if limit else None
        items = found if found is not None else list(api.items(resource.collection, resource.key, **asked))
        output.many(items, ("id", *resource.columns) if ids else resource.columns, form)

    options = [
        _format(),
        click.Option(["--filter"], default="", help="Like: \"state='STARTED' and cpu>1\"."),
        click.Option(["--sort"], default="", help="Like: name or created:desc."),
        click.Option(["--ids"], is_flag=True, help="Show ids too."),
        click.Option(["--limit"], type=click.INT, default=0, help="At most so many."),
    ]
    return click.Command("list", params=list(options), callback=run, help="List them.")


def _show(resource: Resource) -> click.Command:
    def run(which: str, form: str) -> None:
        api = _api(click.get_current_context())
        output.one(api.get(f"{resource.collection}/{resource_id(api, resource, which)}"), form)

    return click.Command("show", params=[_name(resource), _format()], callback=run, help="Show one in full.")


def _create(resource: Resource, fields: tuple[Field, ...]) -> click.Command:
    def run(form: str, waits: bool, timeout: float, **options: Any) -> None:  # noqa: FBT001 - an option
        api = _api(click.get_current_context())
        answer = api.post(resource.collection, body(api, fields, options))
        made = f"{resource.collection}/{output.identity(answer.body)}"
        _report(api, answer, waits=waits, timeout=timeout, form=form, again=made)

    params = [*map(_option, fields), _format(), *_waiting()]
    return click.Command("create", params=params, callback=run, help="Create one.")


def _update(resource: Resource, fields: tuple[Field, ...]) -> click.Command:
    def run(which: str, form: str, waits: bool, timeout: float, **options: Any) -> None:  # noqa: FBT001
        api = _api(click.get_current_context())
        changes = body(api, fields, options)
        if not changes:
            raise ClientError(
                "nothing to change was given", f"`sirocco {resource.command} update --help` lists options"
            )
        path = f"{resource.collection}/{resource_id(api, resource, which)}"
        answer = api.put(path, changes, select=",".join(changes))
        _report(api, answer, waits=waits, timeout=timeout, form=form, again=path)

    params = [_name(resource), *map(_option, fields), _format(), *_waiting()]
    return click.Command("update", params=params, callback=run, help="Change what is given, keep the rest.")


def _delete(resource: Resource) -> click.Command:
    def run(which: tuple[str, ...], waits: bool, timeout: float) -> None:  # noqa: FBT001 - an option
        api = _api(click.get_current_context())
        for one in which:
            answer = api.delete(f"{resource.collection}/{resource_id(api, resource, one)}")
            if waits:
                wait(api, answer, seconds=timeout)
            click.echo(f"{one}  {'deleted' if waits or not answer.job else 'job ' + answer.job.rsplit('/', 1)[-1]}")

    names = click.Argument(
        ["which"], metavar=resource.command.upper(), nargs=-1, required=True, shell_complete=_complete(resource)
    )
    return click.Command("delete", params=[names, *_waiting()], callback=run, help="Delete some.")


def _action(resource: Resource, action: Action) -> click.Command:
    def run(which: str, form: str, waits: bool, timeout: float, **options: Any) -> None:  # noqa: FBT001
        api = _api(click.get_current_context())
        path = f"{resource.collection}/{resource_id(api, resource, which)}"
        parameters = body(api, action.fields, options)
        if action.verb in {"capture", "snapshot"}:
            answer = api.post(f"{path}/{action.verb}", {"resourceURI": _IMAGE_CREATE, **parameters})
        else:
            answer = api.act(path, action.verb, parameters)
        _report(api, answer, waits=waits, timeout=timeout, form=form, again=path)

    params = [_name(resource), *map(_option, action.fields), _format(), *_waiting()]
    return click.Command(action.verb, params=params, callback=run, help=action.help)


def _noun(resource: Resource) -> click.Group:
    group = click.Group(resource.command, help=resource.help)
    group.add_command(_list(resource))
    group.add_command(_show(resource))
    if resource.create is not None:
        group.add_command(_create(resource, resource.create))
    if resource.update is not None:
        group.add_command(_update(resource, resource.update))
    if resource.delete:
        group.add_command(_delete(resource))
    for action in resource.actions:
        group.add_command(_action(resource, action))
    return group


for _resource in RESOURCES:
    sirocco.add_command(_noun(_resource))


def main() -> None:
    """Run, and tell failures in words: what, and what to do. Exit 1 refused, 2 wrong call, 3 the job failed."""
    try:
        sirocco(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ClientError as error:
        code = f" [{error.code}]" if isinstance(error, ApiError) and error.code else ""
        click.secho(f"Error{code}: {error.message}", fg="red", err=True)
        if error.remedy:
            click.echo(error.remedy, err=True)
        sys.exit(error.status)
