"""The command ``sirocco``: one noun a resource, one verb an operation."""

import os
import sys

import click

from sirocco_client import __version__, login
from sirocco_client.connection import Caller, complete, server
from sirocco_client.errors import ApiError, ClientError
from sirocco_client.nouns import BY_COMMAND
from sirocco_client.speech import spoken, teach_click
from sirocco_client.verbs import noun
from sirocco_client.wire import Login
from sirocco_client.words import say

_SHELLS = ("bash", "zsh", "fish")
_INTERRUPTED = 130
_SPOKEN = "in the reader's language"


class _Nouns(click.Group):
    """Makes the commands of a noun only when they are wanted: starting stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All nouns, and what is no noun."""
        return sorted([*super().list_commands(ctx), *BY_COMMAND])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A noun's group, or a command of its own."""
        found = BY_COMMAND.get(cmd_name)
        if found is None:
            return super().get_command(ctx, cmd_name)
        return spoken(noun(found)) if ctx.obj == _SPOKEN else noun(found)


@click.group(cls=_Nouns, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sirocco")
@click.option("--url", envvar="SIROCCO_URL", help="Address of the server.")
@click.option(
    "--tenant", envvar="SIROCCO_TENANT", help="Tenant to act in, by name or id.", shell_complete=complete("tenants")
)
def sirocco(url: str | None, tenant: str | None) -> None:
    """Machines, volumes, networks and all else that Sirocco keeps.

    Exit status: 0 done; 1 the server refused; 2 the command cannot be carried out; 3 the job that was waited for did
    not succeed; 130 interrupted.
    """


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
    told = say("Signed in to {url}; the key is kept in {path}.", url=signed.url, path=login.path())
    click.echo(told, err=True)


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


@sirocco.command("entry-point")
@click.pass_context
def _entry_point(context: click.Context) -> None:
    """Show the API's entry point: where all collections are, as JSON."""
    caller = Caller(server(context), form="json")
    caller.show(caller.api.get("cloudEntryPoint"))


def main() -> None:
    """Run, and tell failures in words: what, and what to do. Exit 1 refused, 2 wrong call, 3 the job failed."""
    teach_click()
    spoken(sirocco)
    try:
        sirocco(prog_name="sirocco", standalone_mode=False, obj=_SPOKEN)
    except click.exceptions.Abort:
        click.echo(say("Interrupted."), err=True)
        sys.exit(_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ClientError as error:
        _tell(error)
        sys.exit(error.status)


def _tell(error: ClientError) -> None:
    code = f" [{error.code}]" if error.code else ""
    click.secho(say("Error{code}: {message}", code=code, message=error.message), fg="red", err=True)
    if error.remedy:
        click.echo(error.remedy, err=True)
    if isinstance(error, ApiError) and error.http_status >= 500 and error.request_id:
        click.echo(say("Request {id}: the server's log tells more.", id=error.request_id), err=True)
