"""Machines in the CMDB: what is accepted, what is refused, and how each job's end changes what there is."""

import pytest
from sqlalchemy import select

from sirocco.cmdb import capacity
from sirocco.cmdb.models import Address, Claim, Image, Machine, MachineVolume, Quota
from sirocco.connectors.ports import Kind, MachineFacts, NicFacts, Observed, Ref, State
from sirocco.contracts import commands as c
from sirocco.contracts.errors import (
    BUSY,
    FORBIDDEN,
    IN_USE,
    INVALID,
    NOT_CAPABLE,
    NOT_FOUND,
    STALE,
    WRONG_STATE,
    SiroccoError,
)
from sirocco.contracts.states import JobState, MachineState, Role
from sirocco.domain.machines import TRANSITIONS
from sirocco.domain.principal import SYSTEM, Principal
from sirocco.services import (
    hosts,
    images,
    jobs,
    machines,
    networks,
    observed,
    placement,
    providers,
    settlement,
    tenants,
    volumes,
)
from sirocco.services.machine_create import DiskRequest, NicRequest, VolumeRequest
from tests.world import EVERY_CAPABILITY, GIB, MIB, a_cmdb, populate, whole


@pytest.fixture
def machine(world):
    return started(world)


def started(world, **request):
    with world.writing() as tx:
        machine, job = machines.create(tx, world.machine(**request))
    with world.writing(SYSTEM) as tx:
        placement.place_machine(tx, tx.session.get_one(Machine, machine.id))
        tx.session.get_one(Machine, machine.id).native_id = f"native-{machine.id}"
    end(world, job)
    return read(world, machine.id)


def read(world, machine_id):
    with world.reading(SYSTEM) as tx:
        machine = tx.session.get(Machine, machine_id)
        return machine and whole(machine)


def end(world, job, outcome=settlement.succeeded):
    with world.writing(SYSTEM) as tx:
        outcome(tx, jobs.get(tx, job.id))


def fail(tx, job):
    settlement.failed(tx, job, "provider-failed", {"provider": "p1", "why": "it is broken"})


def act(world, machine, command, who=None):
    with world.writing(who) as tx:
        return machines.act(tx, machine.id, command)


def used(world):
    with world.reading(SYSTEM) as tx:
        rows = tx.session.scalars(select(Quota).where(Quota.tenant_id == world.tenant_id))
        return {row.resource: row.used for row in rows if row.used}


def claimed(world):
    with world.reading(SYSTEM) as tx:
        return [(row.cores, row.memory) for row in tx.session.scalars(select(Claim))]


def refusal(world, what, who=None):
    with pytest.raises(SiroccoError) as refused, world.writing(who) as tx:
        what(tx)
    return refused.value


def test_a_new_machine_is_creating_with_a_queued_job_that_holds_it(world):
    with world.writing() as tx:
        machine, job = machines.create(tx, world.machine(name="web"))
    assert (machine.state, machine.job_id, job.state) == (MachineState.CREATING, job.id, JobState.QUEUED)
    assert job.affected == [{"kind": "machine", "id": machine.id}]
    assert [disk.capacity for disk in machine.disks] == [64 * MIB]
    assert [nic.network_id for nic in machine.nics] == [world.network_id]
    assert used(world) == {"machines": 1, "cores": 1, "memory": 128 * MIB, "addresses": 1}


def test_success_brings_the_initial_state_and_frees_the_lock(machine):
    assert (machine.state, machine.job_id) == (MachineState.STARTED, None)


def test_a_failed_creation_leaves_a_machine_in_error_without_capacity(world):
    with world.writing() as tx:
        machine, job = machines.create(tx, world.machine())
    with world.writing(SYSTEM) as tx:
        placement.place_machine(tx, tx.session.get_one(Machine, machine.id))
    end(world, job, fail)
    row = read(world, machine.id)
    assert (row.state, row.host_id, row.job_id) == (MachineState.ERROR, None, None)
    assert "it is broken" in row.fault
    assert claimed(world) == []


def test_a_stopped_creation_leaves_nothing(world):
    with world.writing() as tx:
        machine, job = machines.create(tx, world.machine())
    with world.writing() as tx:
        assert jobs.stop(tx, job.id).state == JobState.STOPPED
    assert read(world, machine.id) is None
    assert used(world) == {}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"cpu": 0}, "cpu"),
        ({"cpu": 257}, "cpu"),
        ({"memory": MIB}, "memory"),
        ({"memory": 2**60}, "memory"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"user_data": b"x" * 65_537}, "userData"),
        ({"initial_state": "SUSPENDED"}, "initialState"),
        ({"disks": (DiskRequest(MIB),)}, "disks[0].capacity"),
        ({"disks": (DiskRequest(), DiskRequest(0))}, "disks[1].capacity"),
        ({"disks": (DiskRequest(),) * 17}, "disks"),
        ({"properties": {str(n): "" for n in range(65)}}, "properties"),
    ],
)
def test_senseless_requests_are_refused_with_the_place_and_change_nothing(world, changes, where):
    error = refusal(world, lambda tx: machines.create(tx, world.machine(**changes)))
    assert (error.problem, error.details["where"]) == (INVALID, where)
    assert used(world) == {}


@pytest.mark.parametrize("field", ["image_id", "credential_id"])
def test_what_does_not_exist_or_is_anothers_is_not_found(world, field):
    assert refusal(world, lambda tx: machines.create(tx, world.machine(**{field: "nobody's"}))).problem is NOT_FOUND


def test_viewers_change_nothing_and_members_name_no_host(world):
    viewer = Principal(world.user_id, "bob", world.tenant_id, Role.VIEWER)
    assert refusal(world, lambda tx: machines.create(tx, world.machine()), viewer).problem is FORBIDDEN
    assert refusal(world, lambda tx: machines.create(tx, world.machine(host_id="h"))).problem is FORBIDDEN


def test_another_tenant_sees_nothing(world, machine):
    with world.writing(SYSTEM) as tx:
        other = tenants.create(tx, "other")
    stranger = Principal("u", "eve", other.id, Role.TENANT_ADMIN)
    with world.reading(stranger) as tx:
        assert machines.page(tx).count == 0
    for attempt in (machines.get, machines.delete, lambda tx, i: machines.act(tx, i, c.Stop())):
        assert refusal(world, lambda tx, attempt=attempt: attempt(tx, machine.id), stranger).problem is NOT_FOUND


@pytest.mark.parametrize("state", list(MachineState))
@pytest.mark.parametrize("action", sorted(TRANSITIONS))
def test_the_table_of_actions_is_kept_in_every_state(machine_in, action, state):
    world, machine = machine_in
    with world.writing(world.operator) as tx:
        row = tx.session.get_one(Machine, machine.id)
        row.state = state
        tx.session.flush()
        offered = {one.action: one for one in machines.allowed(tx, row)}[action]
        permitted = state in TRANSITIONS[action].before
        assert offered.available is permitted
        assert permitted or offered.reason.problem is WRONG_STATE
        tx.session.rollback()


@pytest.fixture(scope="module")
def machine_in(tmp_path_factory):
    home = tmp_path_factory.mktemp("states")
    with a_cmdb(f"sqlite:///{home / 'cmdb.sqlite'}", home) as cmdb:
        world = populate(cmdb)
        yield world, started(world)


def test_a_second_action_is_refused_while_a_job_works(world, machine):
    job = act(world, machine, c.Stop())
    error = refusal(world, lambda tx: machines.act(tx, machine.id, c.Pause()))
    assert (error.problem, error.details["job"]) == (BUSY, job.id)
    assert refusal(world, lambda tx: machines.delete(tx, machine.id)).problem is BUSY


def test_a_forced_stop_takes_over_from_a_patient_one(world, machine):
    patient = act(world, machine, c.Stop())
    with world.writing(SYSTEM) as tx:
        row = jobs.get(tx, patient.id)
        row.state, row.attempts = JobState.RUNNING, 1
    forced = act(world, machine, c.Stop(force=True))
    assert read(world, machine.id).job_id == forced.id
    with world.reading(SYSTEM) as tx:
        assert jobs.get(tx, patient.id).state == JobState.STOPPING
    end(world, patient, settlement.stopped)
    assert read(world, machine.id).state == MachineState.STOPPING
    end(world, forced)
    assert (read(world, machine.id).state, read(world, machine.id).job_id) == (MachineState.STOPPED, None)


def test_a_frozen_machine_is_stopped_by_force_only(world, machine):
    end(world, act(world, machine, c.Pause()))
    assert refusal(world, lambda tx: machines.act(tx, machine.id, c.Stop())).problem is WRONG_STATE
    end(world, act(world, machine, c.Stop(force=True)))
    assert read(world, machine.id).state == MachineState.STOPPED


def test_what_a_provider_lacks_is_refused_by_name(world, machine):
    with world.writing(SYSTEM) as tx:
        provider = providers.get(tx, world.provider_id)
        lacking = [one for one in EVERY_CAPABILITY if one != "machine.suspend"]
        providers.probed(tx, provider, "1", [{"name": one, "value": True, "scope": "*"} for one in lacking])
    error = refusal(world, lambda tx: machines.act(tx, machine.id, c.Suspend()))
    assert (error.problem, error.details["capability"]) == (NOT_CAPABLE, "machine.suspend")


def test_a_failed_action_leaves_the_state_from_before(world, machine):
    job = act(world, machine, c.Pause())
    assert read(world, machine.id).state == MachineState.PAUSING
    end(world, job, fail)
    assert read(world, machine.id).state == MachineState.STARTED


def test_a_snapshot_is_an_image_that_goes_with_its_machine(world, machine):
    job = act(world, machine, c.Snapshot("before"))
    end(world, job)
    row = read(world, machine.id)
    with world.reading() as tx:
        [snapshot] = machines.snapshots(tx, row)
        assert (snapshot.state, snapshot.type, row.latest_snapshot_id) == ("AVAILABLE", "SNAPSHOT", snapshot.id)
    end(world, act(world, machine, c.Restore(snapshot.id)))
    with world.writing() as tx:
        job = machines.delete(tx, machine.id)
    end(world, job)
    with world.reading(SYSTEM) as tx:
        assert tx.session.get(Image, snapshot.id) is None


def test_a_failed_snapshot_leaves_no_image(world, machine):
    end(world, act(world, machine, c.Snapshot("before")), fail)
    with world.reading() as tx:
        assert [one.type for one in images.page(tx).items] == ["IMAGE"]


def test_a_captured_image_is_the_tenants_own_and_can_be_used_once_it_lies_somewhere(world, machine):
    end(world, act(world, machine, c.Capture("gold")))
    with world.reading() as tx:
        gold = next(one for one in images.page(tx).items if one.name == "gold")
    assert (gold.tenant_id, gold.state) == (world.tenant_id, "AVAILABLE")
    assert refusal(world, lambda tx: machines.create(tx, world.machine(image_id=gold.id))).problem is INVALID


def test_resizing_counts_the_difference_at_once_and_settles_at_the_end(world, machine):
    job = act(world, machine, c.Resize(3, 256 * MIB))
    assert (used(world)["cores"], used(world)["memory"]) == (3, 256 * MIB)
    end(world, job, fail)
    assert (used(world)["cores"], used(world)["memory"]) == (1, 128 * MIB)
    assert claimed(world) == [(1, 128 * MIB)]
    end(world, act(world, machine, c.Resize(2, 64 * MIB)))
    row = read(world, machine.id)
    assert (row.cpu, row.memory) == (2, 64 * MIB)
    assert (used(world)["cores"], used(world)["memory"]) == (2, 64 * MIB)
    assert claimed(world) == [(2, 64 * MIB)]


def a_volume(world, name="v"):
    with world.writing() as tx:
        volume, job = volumes.create(tx, volumes.VolumeRequest(name, GIB))
    with world.writing(SYSTEM) as tx:
        placement.place_volume(tx, volumes.get(tx, volume.id))
    end(world, job)
    return volume


def test_a_volume_is_attached_once_and_survives_its_machine(world, machine):
    volume = a_volume(world)
    end(world, act(world, machine, c.AttachVolume(volume.id)))
    other = started(world, name="other")
    assert refusal(world, lambda tx: machines.act(tx, other.id, c.AttachVolume(volume.id))).problem is IN_USE
    assert refusal(world, lambda tx: volumes.delete(tx, volume.id)).problem is IN_USE
    with world.writing() as tx:
        job = machines.delete(tx, machine.id)
    end(world, job)
    with world.reading() as tx:
        assert volumes.get(tx, volume.id).state == "AVAILABLE"
        assert volumes.attachment(tx, volume) is None
    assert used(world)["volumes"] == 1


def test_a_failed_attachment_leaves_the_volume_free(world, machine):
    volume = a_volume(world)
    end(world, act(world, machine, c.AttachVolume(volume.id)), fail)
    with world.reading(SYSTEM) as tx:
        assert tx.session.scalars(select(MachineVolume)).all() == []
        assert volumes.get(tx, volume.id).job_id is None


def test_volumes_named_at_creation_are_held_by_the_job(world):
    volume = a_volume(world)
    with world.writing() as tx:
        machine, _ = machines.create(tx, world.machine(volumes=(VolumeRequest(volume.id, "vdb"),)))
    assert [(use.volume_id, use.device) for use in machine.volumes] == [(volume.id, "vdb")]
    assert refusal(world, lambda tx: volumes.delete(tx, volume.id)).problem is BUSY


def test_an_interface_comes_and_goes_with_its_address(world, machine):
    with world.writing() as tx:
        address = networks.create_address(tx, world.network_id)
    job = act(world, machine, c.AttachNic(world.network_id, address.id))
    assert used(world)["addresses"] == 3
    end(world, job)
    row = read(world, machine.id)
    assert [len(nic.addresses) for nic in row.nics] == [0, 1]
    assert refusal(world, lambda tx: networks.delete_address(tx, address.id)).problem is IN_USE
    end(world, act(world, machine, c.DetachNic(row.nics[1].id)))
    with world.reading() as tx:
        assert networks.address(tx, address.id).machine_id is None
    assert used(world)["addresses"] == 2


def test_a_failed_interface_is_taken_back(world, machine):
    end(world, act(world, machine, c.AttachNic(world.network_id)), fail)
    assert len(read(world, machine.id).nics) == 1
    assert used(world)["addresses"] == 1


def test_a_migrating_machine_is_counted_on_both_hosts(world, machine):
    job = act(world, machine, c.Migrate(), world.operator)
    with world.writing(SYSTEM) as tx:
        row = tx.session.get_one(Machine, machine.id)
        target = placement.place_migration(tx, row, "")
        assert target.id != row.host_id
    assert claimed(world) == [(1, 128 * MIB)] * 2
    with world.writing(SYSTEM) as tx:
        tx.session.get_one(Machine, machine.id).host_id = target.id
    end(world, job)
    assert claimed(world) == [(1, 128 * MIB)]
    assert read(world, machine.id).host_id == target.id


def test_members_do_not_migrate(world, machine):
    assert refusal(world, lambda tx: machines.act(tx, machine.id, c.Migrate())).problem is FORBIDDEN


def test_deletion_gives_everything_back(world, machine):
    with world.writing() as tx:
        job = machines.delete(tx, machine.id)
    assert read(world, machine.id).state == MachineState.DELETING
    end(world, job)
    assert read(world, machine.id) is None
    assert used(world) == {}
    assert claimed(world) == []


def test_an_outcome_is_written_once(world, machine):
    job = act(world, machine, c.Stop())
    end(world, job)
    act(world, machine, c.Start())
    end(world, job, lambda tx, row: settlement.succeeded(tx, row) if not JobState(row.state).ended else None)
    assert read(world, machine.id).state == MachineState.STARTING


def test_updates_check_the_version(world, machine):
    with world.writing() as tx:
        machines.update(tx, machine.id, {"name": "new"}, machine.version)
    assert refusal(world, lambda tx: machines.update(tx, machine.id, {"name": "x"}, machine.version)).problem is STALE


def test_images_of_machines_cannot_go(world, machine):
    assert refusal(world, lambda tx: images.delete(tx, world.image_id), world.operator).problem is IN_USE
    assert refusal(world, lambda tx: images.delete(tx, world.image_id)).problem is FORBIDDEN


def test_learnt_addresses_are_forgotten_with_the_machine(world, machine):
    seen = Observed(
        Ref(Kind.MACHINE, machine.native_id),
        State.PAUSED,
        "",
        MachineFacts("m", "h2", 1, 128 * MIB, (NicFacts(machine.nics[0].mac.upper(), "net-1", ("10.96.0.7",)),)),
    )
    for _ in range(2):
        with world.writing(SYSTEM) as tx:
            observed.reconcile(tx, tx.session.get_one(Machine, machine.id), seen)
    row = read(world, machine.id)
    assert row.state == MachineState.PAUSED
    with world.reading(SYSTEM) as tx:
        assert [(one.ip, one.machine_id) for one in tx.session.scalars(select(Address))] == [("10.96.0.7", machine.id)]
        assert hosts.get(tx, row.host_id).name == "h2"
    with world.writing() as tx:
        job = machines.delete(tx, machine.id)
    end(world, job)
    with world.reading(SYSTEM) as tx:
        assert tx.session.scalars(select(Address)).all() == []


def test_a_machine_that_its_provider_lost_is_in_error(world, machine):
    with world.writing(SYSTEM) as tx:
        observed.vanished(tx, tx.session.get_one(Machine, machine.id))
    assert read(world, machine.id).state == MachineState.ERROR


def test_take_and_refuse_in_one_transaction_leaves_the_quota_untouched(world):
    with world.writing(SYSTEM) as tx:
        tenants.set_quota(tx, world.tenant_id, {"cores": 1})
    refusal(world, lambda tx: capacity.take(tx, world.tenant_id, {"addresses": 1, "cores": 2}))
    assert used(world) == {}
    assert (
        refusal(world, lambda tx: machines.create(tx, world.machine(nics=(NicRequest("none"),)))).problem is NOT_FOUND
    )
