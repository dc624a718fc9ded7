"""``siroccod``: the server side from the command line."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sirocco import __version__
from sirocco.ops.errors import OperationError
from sirocco.ops.speech import spoken, teach_click
from sirocco.ops.words import said, worded

if TYPE_CHECKING:
    from sirocco.ops.settings import Settings

# Modules are imported inside the commands: `siroccod status` must not wait for the database layer to load.
# ruff: noqa: PLC0415


def _settings() -> "Settings":
    from sirocco.ops.settings import load

    return load()


def _say(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()


def _show(content: object) -> None:
    click.echo(json.dumps(content, indent=1, sort_keys=True, default=str))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="siroccod")
def cli() -> None:
    """Run and look after a Sirocco installation. Settings come from the environment and SIROCCO_HOME/sirocco.toml."""


@cli.command()
@click.option("--detach", is_flag=True, help="Return when everything is ready, and leave it running.")
@click.option("--logged", is_flag=True, hidden=True, help="What is said goes to a log: keep the password out of it.")
def up(*, detach: bool, logged: bool) -> None:
    """Start everything under one supervisor: engine, portal, API, worker, solver, consoles, local hypervisor."""
    from sirocco.ops import embedded
    from sirocco.ops.background import start
    from sirocco.ops.logging import configure
    from sirocco.ops.password import shown

    settings = _settings()
    say = _say if logged else lambda text: _say(shown(settings, text))
    if detach:
        start(settings, say)
        return
    configure(settings, "supervisor")
    sys.exit(embedded.up(settings, say))


@cli.command()
def down() -> None:
    """Stop what ``up`` started, in order."""
    from sirocco.ops.background import stop

    stop(_settings(), _say)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print the whole status as JSON.")
def status(*, as_json: bool) -> None:
    """Show processes, addresses, versions and the first machine; exit status 3 when nothing runs."""
    from sirocco.ops import status as file
    from sirocco.ops.lock import running

    settings = _settings()
    known = file.read(settings, running=running(settings))
    if as_json:
        _show(known)
    else:
        _say(file.as_text(known))
    sys.exit(0 if known["running"] else 3)


@cli.command()
@click.option("--provider", required=True, help="The provider's name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inventory(provider: str, *, as_json: bool) -> None:
    """Show what a provider itself holds, whether Sirocco made it or not."""
    from sirocco.ops.inventory import as_text, read

    held = read(_settings(), provider)
    if as_json:
        _show(held)
    else:
        _say(as_text(held))


@cli.command()
def web() -> None:
    """Run a web process (portal and API) in the foreground."""
    _become("sirocco.server")


@cli.command()
@click.option("--solver", is_flag=True, help="Solve placement problems instead of carrying out jobs.")
def worker(*, solver: bool) -> None:
    """Run a worker in the foreground."""
    _become("sirocco.worker", *(["--solver"] if solver else []))


@cli.command()
def console() -> None:
    """Run a process for event streams and consoles in the foreground."""
    _become("sirocco.console")


def _become(module: str, *arguments: str) -> None:
    _settings()  # wrong settings are told here, in words
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - no shell is wanted


@cli.command()
@click.argument("role", type=click.Choice(["web", "console", "worker", "solver"]))
def alive(role: str) -> None:
    """Exit status 0 when the process of this role on this machine works; for health checks of containers."""
    from sirocco.ops import health

    sys.exit(0 if health.works(_settings(), role) else 1)


@cli.command()
def migrate() -> None:
    """Bring the CMDB to this release, and create the administrator where there is none."""
    from sirocco.ops.first_start import prepare

    prepare(_settings(), _say)


@cli.command()
@click.argument("user")
@click.option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Holds it.")
def password(user: str, *, password_file: Path | None) -> None:
    """Give USER a new password, where the old one is lost."""
    from sirocco.ops.access import set_password

    given = _secret(password_file, worded("New password of {name}", name=user), "--password-file", confirm=True)
    _say(set_password(_settings(), user, given))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, as_json: bool) -> None:
    """Check this machine and the settings; say what is missing and what to do. Exit status 1 when something must be."""
    from sirocco.ops import doctor as surgery

    findings = surgery.examine(_settings())
    if as_json:
        _show(findings.as_data())
    else:
        _say(findings.as_text())
    sys.exit(0 if findings.sound else 1)


@cli.command()
@click.argument("archive", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--without-keys", is_flag=True, help="Leave the key ring out; keep it safe by other means.")
@click.option("--passphrase-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Seals the keys.")
def backup(archive: Path, *, without_keys: bool, passphrase_file: Path | None) -> None:
    """Write the CMDB, the settings file and the key ring (sealed with a passphrase) to ARCHIVE, while all runs on."""
    from sirocco.ops.backup import save

    phrase = None if without_keys else _passphrase(passphrase_file, confirm=True)
    _say(save(_settings(), archive, phrase))


@cli.command()
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--passphrase-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Opens the keys.")
def restore(archive: Path, *, passphrase_file: Path | None) -> None:
    """Put the content of ARCHIVE into an empty SIROCCO_HOME (and an empty database, where one is configured)."""
    from sirocco.ops.backup import holds_keys, load

    phrase = _passphrase(passphrase_file, confirm=False) if holds_keys(archive) else None
    _say(load(_settings(), archive, phrase))


def _passphrase(file: Path | None, *, confirm: bool) -> str:
    return _secret(file, worded("Passphrase of the key ring"), "--passphrase-file", confirm=confirm)


def _secret(file: Path | None, what: str, option: str, *, confirm: bool) -> str:
    """What a file holds, or what somebody types."""
    if file:
        try:
            return file.read_text().strip("\n")
        except (OSError, ValueError) as error:
            told = {"option": option, "path": file, "cause": error}
            raise OperationError("{option}: {path} cannot be read as text: {cause}", **told) from error
    if not sys.stdin.isatty():
        raise OperationError("no terminal to ask for it: {what}. Give {option}", what=what, option=option)
    return str(click.prompt(what, hide_input=True, confirmation_prompt=confirm))


@cli.group()
def keys() -> None:
    """The key ring that seals secrets and the engine's payloads."""


@keys.command()
def rotate() -> None:
    """Add a key, make it current, and seal the CMDB's secrets anew; running processes follow by themselves."""
    from sirocco.ops.rotation import rotate as turn

    _say(turn(_settings()))


@keys.command("list")
def list_keys() -> None:
    """Show the ids of the keys, the current one marked."""
    from sirocco.ops.keyring import KeyRing

    ring = KeyRing(_settings().keyring)
    for key_id in ring.ids:
        _say(worded("{key} (current)", key=key_id) if key_id == ring.current else key_id)


def main(command: Callable[[], None] = cli) -> None:
    """Run the command; an error meant for people is printed as one, without a traceback."""
    from sirocco.contracts.errors import SiroccoError

    teach_click()
    spoken(cli)
    try:
        command()
    except (OperationError, SiroccoError) as error:
        click.echo(worded("Error: {message}", message=said(error)), err=True)
        sys.exit(1)
    except OSError as error:
        told = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
        click.echo(worded("Error: {message}", message=told), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
