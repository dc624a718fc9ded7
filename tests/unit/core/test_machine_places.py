"""What lies at different providers can never be one machine: refused when it is asked for, not by its job."""

import pytest
from sqlalchemy import select

from sirocco.cmdb.models import Host, Image, Machine, Network, ProviderImage, Tenant, Volume
from sirocco.contracts.errors import INVALID, SiroccoError
from sirocco.contracts.states import NetworkState, VolumeState
from sirocco.domain.principal import SYSTEM
from sirocco.services import machines, providers
from sirocco.services.machine_create import NicRequest, VolumeRequest
from tests.world import GIB


@pytest.fixture
def elsewhere(world):
    """Another provider, with a started network and a volume."""
    with world.writing(SYSTEM) as tx:
        provider = providers.create(tx, "p2", "fake", {"store": "/nowhere"})
        place = {"provider_id": provider.id}
        network = tx.add(Network(name="far", tenant_id=None, state=NetworkState.STARTED, cidr="10.97.0.0/24", **place))
        owned = {"tenant_id": world.tenant_id, "user_id": world.user_id}
        volume = tx.add(Volume(name="data", capacity=GIB, state=VolumeState.AVAILABLE, **owned, **place))
        tx.session.get_one(Network, world.network_id).provider_id = world.provider_id
        return {"provider": provider.id, "network": network.id, "volume": volume.id}


def at_its_place_only(world, tx):
    image = tx.session.get_one(Image, world.image_id)
    image.path = ""
    tx.add(ProviderImage(image_id=image.id, provider_id=world.provider_id, native_id="n"))


@pytest.mark.parametrize(
    ("where", "asked"),
    [
        ("network", lambda far, here: {"nics": (NicRequest(far["network"]),), "provider_id": here.provider_id}),
        ("volumes", lambda far, _: {"volumes": (VolumeRequest(far["volume"]),)}),
        ("network", lambda far, here: {"nics": (NicRequest(far["network"]), NicRequest(here.network_id))}),
        ("machineImage", lambda far, _: {"nics": (), "provider_id": far["provider"]}),
    ],
    ids=["network", "volume", "two networks", "image"],
)
def test_a_machine_in_two_places_is_refused_and_nothing_is_kept(world, elsewhere, where, asked):
    with world.writing(SYSTEM) as tx:
        at_its_place_only(world, tx)
    with pytest.raises(SiroccoError) as raised, world.writing() as tx:
        machines.create(tx, world.machine(**asked(elsewhere, world)))
    assert (raised.value.problem, raised.value.details["where"]) == (INVALID, where)
    assert "is at another provider than" in raised.value.message
    with world.reading(SYSTEM) as tx:
        assert tx.session.scalars(select(Machine)).all() == []


def test_a_provider_that_the_tenant_may_not_use_is_refused(world, elsewhere):
    with world.writing(SYSTEM) as tx:
        tx.session.get_one(Tenant, world.tenant_id).providers = [world.provider_id]
    with pytest.raises(SiroccoError) as raised, world.writing() as tx:
        machines.create(tx, world.machine(provider_id=elsewhere["provider"]))
    assert raised.value.message.count("p2") == 1
    assert raised.value.message.count("acme") == 1


def test_a_host_elsewhere_than_the_provider_is_refused(world, elsewhere):
    with world.reading(SYSTEM) as tx:
        host = tx.session.scalars(select(Host)).first().id
    with pytest.raises(SiroccoError) as raised, world.writing(world.operator) as tx:
        machines.create(tx, world.machine(provider_id=elsewhere["provider"], host_id=host))
    assert raised.value.details["where"] == "host"


def test_the_default_network_is_one_at_the_provider_that_was_asked_for(world, elsewhere):
    with world.writing() as tx:
        machine, _ = machines.create(tx, world.machine(provider_id=elsewhere["provider"]))
        assert [nic.network_id for nic in machine.nics] == [elsewhere["network"]]
