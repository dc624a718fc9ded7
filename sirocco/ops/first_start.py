"""The first start: an administrator, a provider, an image, and a first machine asked for as any user would.

Every step looks first whether it was done, so a first start that was interrupted goes on where it stopped.
"""

import json
import secrets
import sys
import time
from collections.abc import Callable

from sqlalchemy import select

from sirocco.cmdb import migrate
from sirocco.cmdb.database import Database
from sirocco.cmdb.models import Image, Network, Provider, User
from sirocco.cmdb.transaction import Cmdb, Transaction
from sirocco.contracts.errors import recalled
from sirocco.contracts.states import Role
from sirocco.domain.principal import SYSTEM
from sirocco.hypervisor import local
from sirocco.images import build
from sirocco.ops import welcome
from sirocco.ops.cmdb import answering
from sirocco.ops.errors import OperationError
from sirocco.ops.first_machine import FirstMachine, FirstMachineError, deploy
from sirocco.ops.keyring import KeyRing, Sealer
from sirocco.ops.local_hypervisor import first_provider, pretends
from sirocco.ops.password import ADMIN, FIRST_PASSWORD, first_password
from sirocco.ops.settings import InvalidSettings, Settings, load, prepare_home
from sirocco.ops.status import FIRST_MACHINE
from sirocco.ops.words import said, worded
from sirocco.services import images, networks, providers, templates, tenants, users
from sirocco.services.machine_create import default_network
from sirocco.services.networks import NetworkRequest

TENANT = "default"
PROVIDER = "local"
NETWORK = "default"
_BLANK = 16 << 20
_PATIENCE = 120.0
_LOOK = 0.25
_BOOT = 120.0  # software emulation on a busy machine takes its time
_PRETENCE = 3.0
_SIZES = (("S", 1, 512 * 1024), ("M", 2, 2048 * 1024), ("L", 4, 8192 * 1024))  # cores and KiB, as CIMI counts memory

Say = Callable[[str], None]


def prepare(settings: Settings, say: Say) -> None:
    """Bring the CMDB to this release, and create the administrator where there is none."""
    prepare_home(settings)
    with answering():
        migrate.upgrade(settings.database)
    cmdb = _cmdb(settings)
    try:
        with cmdb.writing(SYSTEM) as tx:
            if tx.session.scalar(select(User.id).limit(1)) is None:
                _administrator(tx, settings, say)
    finally:
        cmdb.database.close()


def _cmdb(settings: Settings) -> Cmdb:
    return Cmdb(Database(settings.database), Sealer(KeyRing.at(settings.keyring)))


def _administrator(tx: Transaction, settings: Settings, say: Say) -> None:
    password = settings.admin_password.get_secret_value()
    if not password:
        password = secrets.token_urlsafe(12)
        kept = settings.secrets / FIRST_PASSWORD
        kept.touch(mode=0o600)
        kept.write_text(password)
        say(worded("Administrator {name} created; the password lies in {path}.", name=ADMIN, path=kept))
    tenant = tenants.create(tx, TENANT, description="Made at first start.")
    users.create(tx, ADMIN, password, roles={tenant.id: Role.TENANT_ADMIN}, operator=True)


def main() -> int:
    """After the processes are up: furnish the installation, deploy the first machine, say what is there to try."""
    settings = load()
    if (settings.home / FIRST_MACHINE).exists() or not settings.first_machine:
        _say(_told(settings, lambda tx: welcome.again(tx, settings)))
        return 0
    try:
        machine = _first_machine(settings)
    except (OperationError, build.BuildError) as error:
        # Everything else works without a first machine, and the next start tries again.
        _say(worded("The first machine could not be deployed: {cause}", cause=error))
        machine = None
    _say(_told(settings, lambda tx: welcome.first(tx, settings, machine)))
    return 0


def _told(settings: Settings, tell: Callable[[Transaction], str]) -> str:
    cmdb = _cmdb(settings)
    try:
        with cmdb.reading(SYSTEM) as tx:
            return tell(tx)
    finally:
        cmdb.database.close()


def _first_machine(settings: Settings) -> FirstMachine:
    begun = time.monotonic()
    cmdb = _cmdb(settings)
    try:
        _provider(cmdb, settings)
        _image(cmdb, settings)
        _sizes(cmdb)
        _network(cmdb, settings)
    finally:
        cmdb.database.close()
    machine = deploy(settings, ADMIN, _password(settings), _PRETENCE if pretends(settings) else _BOOT, _say)
    (settings.home / FIRST_MACHINE).write_text(json.dumps(machine.as_data()))
    seconds = f"{time.monotonic() - begun:.0f}"
    _say(worded("First machine {name} runs after {seconds} s.", name=machine.name, seconds=seconds))
    return machine


def _provider(cmdb: Cmdb, settings: Settings) -> None:
    with cmdb.writing(SYSTEM) as tx:
        if tx.session.scalar(select(Provider.id).limit(1)) is None:
            first = first_provider(settings)
            providers.create(tx, PROVIDER, first["kind"], first["settings"], description="Registered at first start.")
            _say(worded("Provider {name} registered: {kind}.", name=PROVIDER, kind=first["kind"]))


def _image(cmdb: Cmdb, settings: Settings) -> None:
    with cmdb.reading(SYSTEM) as tx:
        if tx.session.scalar(select(Image.id).limit(1)) is not None:
            return
    file = _blank(settings) if pretends(settings) else _built(settings)
    with cmdb.writing(SYSTEM) as tx:
        images.register(tx, file, shared=True)
    _say(worded("Image {name} registered for all tenants.", name=file.name))


def _sizes(cmdb: Cmdb) -> None:
    """Sizes to choose from, so that nobody has to think of figures; their names are words in no language."""
    with cmdb.writing(SYSTEM) as tx:
        if not templates.sizes(tx):
            for name, cpu, memory in _SIZES:
                templates.create(tx, "MachineConfiguration", {"cpu": cpu, "memory": memory}, name=name, shared=True)


def _built(settings: Settings) -> images.ImageFile:
    _say(worded("Building the image of the first machine from Debian packages ..."))
    made = build.build_tiny(settings.images, lambda share, step: _say(f"  {share:4.0%}  {worded(step)}"))
    boot = {"kernel": str(made.kernel), "initrd": str(made.initrd), "cmdline": made.cmdline}
    return images.ImageFile(
        "tiny",
        str(made.disk),
        "qcow2",
        made.disk.stat().st_size,
        build.CAPACITY,
        boot,
        "A small Linux that boots in seconds.",
    )


def _blank(settings: Settings) -> images.ImageFile:
    """An empty disk for providers that only pretend to boot."""
    path = settings.images / "blank.raw"
    with path.open("wb") as file:
        file.truncate(_BLANK)
    return images.ImageFile("blank", str(path), "raw", _BLANK, _BLANK, {}, "An empty disk.")


def _network(cmdb: Cmdb, settings: Settings) -> None:
    """A network that all tenants share, which machines get when they name none; ready when it returns."""
    _await_probe(cmdb)
    with cmdb.writing(SYSTEM) as tx:
        if tx.session.scalar(select(Network.id).limit(1)) is None:
            request = NetworkRequest(NETWORK, cidr=_cidr(settings), nat=True, shared=True)
            networks.create(tx, request)
            _say(worded("Network {name} asked for.", name=NETWORK))
    _until(cmdb, lambda tx: default_network(tx) is not None, lambda _tx: FirstMachineError("the network did not start"))


def _await_probe(cmdb: Cmdb) -> None:
    """A provider can be used once a worker has asked it what it can do."""

    def fault(tx: Transaction) -> FirstMachineError:
        found = tx.session.scalars(select(Provider)).first()
        if found is None or not found.fault:
            return FirstMachineError("provider {name} does not answer: no worker asked it", name=PROVIDER)
        cause = recalled(found.cause, found.fault) or found.fault
        return FirstMachineError("provider {name} does not answer: {cause}", name=PROVIDER, cause=cause)

    _until(cmdb, lambda tx: bool(tx.session.scalar(select(Provider.id).where(Provider.probed.is_not(None)))), fault)


def _until(cmdb: Cmdb, holds: Callable[[Transaction], bool], fault: Callable[[Transaction], FirstMachineError]) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        with cmdb.reading(SYSTEM) as tx:
            if holds(tx):
                return
            if time.monotonic() > end:
                raise fault(tx)
        time.sleep(_LOOK)


def _cidr(settings: Settings) -> str:
    """The range of the first network: on the local hypervisor one that this machine has a route to."""
    if settings.provider == "fake":
        return ""
    state = local.status(settings.libvirt)
    return str(state["network"]["cidr"]) if state["running"] else ""


def _password(settings: Settings) -> str:
    given = settings.admin_password.get_secret_value()
    return given or first_password(settings)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the supervisor passes it on


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InvalidSettings as fault:
        sys.exit(worded("Error: {message}", message=said(fault)))
