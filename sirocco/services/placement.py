"""Placing machines and volumes: the choice and the claim are one transaction, so nothing is booked twice."""

from collections.abc import Sequence

from sqlalchemy import Row, select

from sirocco.cmdb import capacity
from sirocco.cmdb.models import (
    Claim,
    Host,
    Image,
    Machine,
    MachineVolume,
    Network,
    Provider,
    ProviderImage,
    Tenant,
    Volume,
)
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts import capabilities as cap
from sirocco.contracts.errors import NO_CAPACITY, SiroccoError
from sirocco.contracts.states import HostState, MachineState
from sirocco.domain.placement import Candidate, Needs, choose
from sirocco.services.providers import capabilities, shares_storage


def place_machine(
    tx: Transaction,
    machine: Machine,
    *,
    provider_id: str = "",
    host_id: str = "",
    excluded: frozenset[str] = frozenset(),
) -> Host:
    """Choose and claim a host for a machine, or refuse with the reasons; one that has a host keeps it."""
    if machine.host_id and machine.host_id not in excluded:
        return tx.session.get_one(Host, machine.host_id)
    needs = _machine_needs(tx, machine, provider_id, host_id, excluded)
    amount = capacity.Amount(machine.cpu, machine.memory, sum(disk.capacity for disk in machine.disks))
    host = _claimed(tx, needs, machine.id, amount)
    machine.provider_id, machine.host_id = host.provider_id, host.id
    return host


def place_volume(tx: Transaction, volume: Volume, *, provider_id: str = "") -> Host:
    """Choose and claim disk for a volume."""
    if volume.host_id:
        return tx.session.get_one(Host, volume.host_id)
    tenant = tx.session.get_one(Tenant, volume.tenant_id)
    allowed = _allowed(tenant, provider_id)
    if volume.volume_image_id:
        allowed = _meet(allowed, _lies_at(tx, volume.volume_image_id))
    hosts, machine = frozenset[str](), _machine_of(tx, volume)
    if machine is not None and machine.host_id and machine.provider_id:
        allowed = _meet(allowed, frozenset({machine.provider_id}))
        shared = shares_storage(tx.session.get_one(Provider, machine.provider_id))
        hosts = hosts if shared else frozenset({machine.host_id})
    needs = Needs(
        0, 0, volume.capacity, frozenset({cap.VOLUME}), providers=allowed, hosts=hosts, policy=tenant.placement
    )
    host = _claimed(tx, needs, volume.id, capacity.Amount(disk=volume.capacity))
    volume.provider_id, volume.host_id = host.provider_id, host.id
    return host


def _machine_of(tx: Transaction, volume: Volume) -> Machine | None:
    """The machine that a volume is made with."""
    rows = select(Machine).join(MachineVolume, MachineVolume.machine_id == Machine.id)
    return tx.session.scalar(rows.where(MachineVolume.volume_id == volume.id))


def place_migration(tx: Transaction, machine: Machine, host_id: str, excluded: frozenset[str] = frozenset()) -> Host:
    """Choose and claim another host of the same provider; the machine then holds capacity on both."""
    taken = _second_claim(tx, machine)
    if taken is not None:
        return taken
    needs = Needs(
        machine.cpu,
        machine.memory,
        0,
        frozenset({cap.MIGRATE}),
        providers=frozenset({machine.provider_id or ""}),
        hosts=frozenset({host_id} if host_id else ()),
        excluded=excluded | {machine.host_id or ""},
    )
    amount = capacity.Amount(machine.cpu, machine.memory, sum(disk.capacity for disk in machine.disks))
    return _claimed(tx, needs, machine.id, amount)


def _second_claim(tx: Transaction, machine: Machine) -> Host | None:
    rows = select(Host).join(Claim, Claim.host_id == Host.id)
    return tx.session.scalar(rows.where(Claim.holder_id == machine.id, Host.id != machine.host_id))


def _claimed(tx: Transaction, needs: Needs, holder_id: str, amount: capacity.Amount) -> Host:
    hosts = _hosts(tx)  # kept while one is claimed, so that it is not read again
    choice = choose(needs, [_candidate(host, provider) for host, provider in hosts])
    for candidate in choice.ranked:
        if capacity.claim(tx, candidate.host_id, holder_id, amount):
            return tx.session.get_one(Host, candidate.host_id)
    raise SiroccoError(NO_CAPACITY, why=choice.explanation)


def _hosts(tx: Transaction) -> Sequence[Row[Host, Provider]]:
    rows = select(Host, Provider).join(Provider, Provider.id == Host.provider_id).where(Provider.enabled)
    return tx.session.execute(rows).all()


def _candidate(host: Host, provider: Provider) -> Candidate:
    return Candidate(
        provider_id=provider.id,
        host_id=host.id,
        name=host.name,
        online=host.state == HostState.ONLINE,
        free_cores=int(host.cores * host.overbooking) - host.cores_claimed,
        free_memory=host.memory - host.memory_claimed,
        free_disk=host.disk - host.disk_claimed,
        memory=host.memory,
        capabilities=capabilities(provider),
    )


def _machine_needs(
    tx: Transaction, machine: Machine, provider_id: str, host_id: str, excluded: frozenset[str]
) -> Needs:
    tenant = tx.session.get_one(Tenant, machine.tenant_id)
    allowed = _allowed(tenant, provider_id)
    hosts = frozenset({host_id} if host_id else ())
    room = sum(disk.capacity for disk in machine.disks)
    image = tx.session.get(Image, machine.image_id) if machine.image_id else None
    if image is not None and not image.path:
        allowed = _meet(allowed, _lies_at(tx, image.id))
    for nic in machine.nics:
        network = tx.session.get_one(Network, nic.network_id)
        allowed = _meet(allowed, frozenset({network.provider_id} if network.provider_id else ()))
    for use in machine.volumes:
        volume = tx.session.get_one(Volume, use.volume_id)
        if volume.provider_id is None:  # made with the machine, and placed where it is
            room += volume.capacity
            continue
        allowed = _meet(allowed, frozenset({volume.provider_id}))
        hosts = _meet(hosts, _reachable(tx, volume))
    return Needs(
        cores=machine.cpu,
        memory=machine.memory,
        disk=room,
        capabilities=_wanted(machine),
        providers=allowed,
        hosts=hosts,
        excluded=excluded,
        policy=tenant.placement,
    )


def _wanted(machine: Machine) -> frozenset[str]:
    needs = {
        cap.USER_DATA: machine.user_data is not None,
        cap.VOLUME: bool(machine.volumes),
        cap.PAUSE: machine.initial_state == MachineState.PAUSED,
    }
    return frozenset(capability for capability, needed in needs.items() if needed)


def _allowed(tenant: Tenant, provider_id: str) -> frozenset[str]:
    return _meet(frozenset(tenant.providers), frozenset({provider_id} if provider_id else ()))


_NOWHERE = frozenset({"-"})


def _meet(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """Both restrictions at once; an empty set restricts nothing, so a contradiction needs a name of its own."""
    if not one or not other:
        return one or other
    return one & other or _NOWHERE


def _lies_at(tx: Transaction, image_id: str) -> frozenset[str]:
    rows = tx.session.scalars(select(ProviderImage.provider_id).where(ProviderImage.image_id == image_id))
    return frozenset(rows) or _NOWHERE


def _reachable(tx: Transaction, volume: Volume) -> frozenset[str]:
    """The hosts that can use a volume: its own, or all of its provider where storage is shared."""
    provider = tx.session.get_one(Provider, volume.provider_id)
    if shares_storage(provider):
        return frozenset()
    return frozenset({volume.host_id or ""})
