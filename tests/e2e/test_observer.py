"""What the clouds show reaches the CMDB: drift, losses, faults and leftovers."""

from datetime import timedelta

import pytest

from sirocco.cmdb.models import Intent, Machine, Provider, UsageSample
from sirocco.connectors.fake import connect, control
from sirocco.connectors.ports import Kind, NetworkSpec, ProviderSettings, Ref, State
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import MachineState
from sirocco.domain.principal import SYSTEM
from sirocco.services import machines, providers
from tests.installation import until
from tests.world import whole

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def machine(plant, world):
    with world.writing() as tx:
        made, job = machines.create(tx, world.machine(provider_id=world.provider_id))
    ended = plant.settle(job.id)
    assert ended.state == "SUCCESS", f"{ended.error}: {ended.status_message}"
    return read(plant, made.id)


def read(plant, machine_id):
    with plant.cmdb.reading(SYSTEM) as tx:
        return whole(tx.session.get_one(Machine, machine_id))


def store(plant):
    return plant.settings.fake / "p1.sqlite"


def test_a_machine_stopped_behind_our_back_is_stopped_here(plant, machine):
    control.alter(store(plant), Ref(Kind.MACHINE, machine.native_id), State.STOPPED)
    until(lambda: read(plant, machine.id).state == MachineState.STOPPED, "the stop is seen")


def test_a_machine_removed_behind_our_back_is_in_error_and_says_why(plant, machine):
    with plant.cmdb.writing(SYSTEM) as tx:
        tx.session.get_one(Machine, machine.id).created -= timedelta(minutes=5)
    control.vanish(store(plant), Ref(Kind.MACHINE, machine.native_id))
    until(lambda: read(plant, machine.id).state == MachineState.ERROR, "the loss is seen")
    assert "no longer" in read(plant, machine.id).fault


def test_the_address_and_the_use_of_a_machine_are_learnt(plant, machine):
    until(lambda: any(nic.addresses for nic in read(plant, machine.id).nics), "the address is learnt")

    def sampled():
        with plant.cmdb.reading(SYSTEM) as tx:
            return tx.session.query(UsageSample).filter_by(machine_id=machine.id).count() >= 1

    until(sampled, "use is sampled")


def test_a_provider_that_cannot_be_reached_says_why_and_recovers(plant):
    with plant.cmdb.writing(SYSTEM) as tx:
        provider = providers.create(tx, "broken", "fake", {"store": "/x"})
        provider.settings = {"stor": "typo"}  # as a release that checked nothing kept it
        provider_id = provider.id

    def fault():
        with plant.cmdb.reading(SYSTEM) as tx:
            return tx.session.get_one(Provider, provider_id).fault

    assert "stor" in until(fault, "the fault is shown")
    with plant.cmdb.writing(SYSTEM) as tx:
        providers.update(tx, provider_id, {"settings": {"store": str(plant.settings.fake / "broken.sqlite")}})
    until(lambda: not fault(), "the fault is gone")


def test_what_was_made_for_nobody_is_removed(plant, world):
    """A process died between making an object and writing so, and its resource is gone meanwhile."""

    token = new_id()
    connect(ProviderSettings("p1", {"store": str(store(plant))})).create(
        NetworkSpec("left over", "10.100.0.0/24"), token=token
    )
    with plant.cmdb.writing(SYSTEM) as tx:
        old = tx.now - timedelta(hours=1)
        intent = {"job_id": "gone", "resource_id": "gone", "provider_id": world.provider_id, "kind": Kind.NETWORK}
        tx.add(Intent(token=token, created=old, **intent))

    def held():
        return [seen for seen in control.inventory(store(plant))[Kind.NETWORK] if seen.token == token]

    assert held()
    plant.kill("worker-1")
    plant.start_worker()  # the next to lead looks at once, not only when its half minute is over
    until(lambda: not held(), "the leftover is removed", patience=60)
