"""A small world for tests: tenants, users, a provider with hosts, an image, a network; on either database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sirocco.cmdb.database import Database
from sirocco.cmdb.models import Base, Machine, Network
from sirocco.cmdb.transaction import Cmdb
from sirocco.contracts import capabilities as cap
from sirocco.contracts.states import NetworkState, Role
from sirocco.domain.principal import SYSTEM, Principal
from sirocco.ops.keyring import KeyRing, Sealer
from sirocco.services import hosts, images, providers, tenants, users
from sirocco.services.machine_create import MachineRequest

MIB, GIB = 2**20, 2**30
_NOT_FLAGS = {cap.IMAGE_FORMATS, cap.MIGRATE_COPY}
EVERY_CAPABILITY = sorted(
    value for name, value in vars(cap).items() if name.isupper() and isinstance(value, str) and value not in _NOT_FLAGS
)


@dataclass
class World:
    """What most tests start from. ``member`` may create; ``operator`` sees all tenants."""

    cmdb: Cmdb
    tenant_id: str
    user_id: str
    provider_id: str
    image_id: str
    network_id: str

    @property
    def member(self) -> Principal:
        return Principal(self.user_id, "bob", self.tenant_id, Role.MEMBER)

    @property
    def operator(self) -> Principal:
        return Principal(self.user_id, "bob", self.tenant_id, Role.OPERATOR, everywhere=True)

    def writing(self, who: Principal | None = None):
        return self.cmdb.writing(who or self.member)

    def reading(self, who: Principal | None = None):
        return self.cmdb.reading(who or self.member)

    def machine(self, **changes) -> MachineRequest:
        wanted = {"name": "m", "cpu": 1, "memory": 128 * MIB, "image_id": self.image_id}
        return MachineRequest(**(wanted | changes))


def inventory(name: str, *, cores: int = 8, memory: int = 16 * GIB, disk: int = 500 * GIB) -> hosts.HostInventory:
    return hosts.HostInventory(name, cores, memory, disk, 0.1, 0, "tcg", "emulated")


@contextmanager
def a_cmdb(url: str, home, *, pool_size: int = 16) -> Iterator[Cmdb]:
    database = Database(url, pool_size=pool_size)
    Base.metadata.create_all(database.engine)
    yield Cmdb(database, Sealer(KeyRing.at(home / "keyring.json")))
    database.close()


def populate(cmdb: Cmdb, *, machines_hosts=None) -> World:
    with cmdb.writing(SYSTEM) as tx:
        tenant = tenants.create(tx, "acme")
        user = users.create(tx, "bob", "correct horse", roles={tenant.id: Role.MEMBER})
        provider = providers.create(tx, "p1", "fake", {"store": "/nowhere"})
        providers.probed(tx, provider, "1", [{"name": one, "value": True, "scope": "*"} for one in EVERY_CAPABILITY])
        hosts.seen(tx, provider, machines_hosts or [inventory("h1"), inventory("h2")])
        file = images.ImageFile("tiny", "/image", "qcow2", MIB, 64 * MIB)
        image = images.register(tx, file, shared=True)
        network = tx.add(
            Network(
                name="default",
                tenant_id=None,
                state=NetworkState.STARTED,
                cidr="10.96.0.0/24",
                nat=True,
                provider_id=provider.id,
                native_id="net-1",
            )
        )
    return World(cmdb, tenant.id, user.id, provider.id, image.id, network.id)


def whole(machine: Machine) -> Machine:
    """The machine with its parts read, to be looked at when the transaction is over."""
    assert all(nic.addresses is not None for nic in machine.nics)
    assert machine.disks is not None
    assert machine.volumes is not None
    return machine
