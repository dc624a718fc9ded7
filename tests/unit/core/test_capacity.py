"""Quotas and host capacity: never over, never falsely refused, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from sirocco.cmdb import capacity
from sirocco.cmdb.models import Host, Image, Job, Machine, Provider, Quota
from sirocco.contracts.errors import IMAGE_REFUSED, NO_CAPACITY, QUOTA, SiroccoError
from sirocco.domain.principal import SYSTEM
from sirocco.services import hosts, images, jobs, machines, placement, settlement, tenants
from sirocco.services.outcomes.machines import forget
from tests.world import GIB, MIB, a_cmdb, inventory, populate

CREATORS = 64


@pytest.fixture
def crowd(database_url, tmp_path):
    with a_cmdb(database_url, tmp_path, pool_size=CREATORS) as cmdb:
        yield populate(cmdb)


def used(world, resource):
    with world.reading() as tx:
        return tx.session.get_one(Quota, (world.tenant_id, resource)).used


def race(attempt):
    """Run ``attempt`` in 64 threads that begin together; how each ended."""
    gate = threading.Barrier(CREATORS)

    def one(number):
        gate.wait()
        try:
            return attempt(number)
        except SiroccoError as error:
            return error.problem

    with ThreadPoolExecutor(CREATORS) as pool:
        return list(pool.map(one, range(CREATORS)))


@pytest.mark.parametrize("ceiling", [1, 10, 64])
def test_cve_2025_69233_quota_race(crowd, ceiling):
    with crowd.writing(crowd.operator) as tx:
        tenants.set_quota(tx, crowd.tenant_id, {"machines": ceiling})

    def create(number):
        with crowd.writing() as tx:
            machines.create(tx, crowd.machine(name=f"m{number}"))
        return "made"

    ends = race(create)
    assert ends.count("made") == ceiling
    assert ends.count(QUOTA) == CREATORS - ceiling
    assert used(crowd, "machines") == ceiling
    assert used(crowd, "cores") == ceiling


def source(number):
    return images.ImageSource(f"i{number}", f"https://images.example/{number}.qcow2", "qcow2")


def test_images_are_counted_once_however_many_are_asked_for_at_once(crowd, monkeypatch):
    monkeypatch.setattr(images, "_IMPORTS_AT_ONCE", CREATORS)
    with crowd.writing(crowd.operator) as tx:
        tenants.set_quota(tx, crowd.tenant_id, {"images": 10})

    def bring_in(number):
        with crowd.writing() as tx:
            images.bring_in(tx, source(number))
        return "made"

    ends = race(bring_in)
    assert (ends.count("made"), ends.count(QUOTA)) == (10, CREATORS - 10)
    assert used(crowd, "images") == 10


def test_an_image_counts_from_its_request_to_its_end_unless_it_is_shared(crowd):
    with crowd.writing() as tx:
        image, job = images.bring_in(tx, source(0))
    assert used(crowd, "images") == 1
    with crowd.writing(crowd.operator) as tx:
        settlement.failed(tx, tx.session.get_one(Job, job.id), IMAGE_REFUSED.code, {"why": "none"})
    assert used(crowd, "images") == 1
    with crowd.writing(crowd.operator) as tx:
        images.share(tx, tx.session.get_one(Image, image.id))
    assert used(crowd, "images") == 0
    with crowd.writing(crowd.operator) as tx:
        images.update(tx, image.id, {"shared": False})
    assert used(crowd, "images") == 1
    with crowd.writing() as tx:
        ending = images.delete(tx, image.id)
    with crowd.writing(crowd.operator) as tx:
        settlement.succeeded(tx, tx.session.get_one(Job, ending.id))
    assert used(crowd, "images") == 0


def test_an_import_that_is_stopped_counts_no_more(crowd):
    with crowd.writing() as tx:
        _, job = images.bring_in(tx, source(0))
    with crowd.writing() as tx:
        jobs.stop(tx, job.id)
    assert used(crowd, "images") == 0


def test_the_last_core_of_a_host_is_given_once(crowd):
    with crowd.writing(SYSTEM) as tx:
        tenants.set_quota(tx, crowd.tenant_id, {"machines": None, "cores": None})
        for host in hosts.page(tx).items:
            host.cores = 3
    with crowd.writing() as tx:
        ids = [machines.create(tx, crowd.machine(name=f"m{number}", nics=()))[0].id for number in range(CREATORS)]

    def place(number):
        with crowd.writing(SYSTEM) as tx:
            return placement.place_machine(tx, tx.session.get_one(Machine, ids[number])).id

    ends = race(place)
    assert ends.count(NO_CAPACITY) == CREATORS - 6
    with crowd.reading(SYSTEM) as tx:
        assert [host.cores_claimed for host in tx.session.scalars(select(Host))] == [3, 3]


def test_quota_no_false_refusal(crowd):
    """While some machines come and go, those who stay below the ceiling together are never refused."""
    with crowd.writing(crowd.operator) as tx:
        tenants.set_quota(tx, crowd.tenant_id, {"machines": CREATORS})

    def come_and_go(number):
        for _ in range(3):
            with crowd.writing() as tx:
                machine, _ = machines.create(tx, crowd.machine(name=f"m{number}"))
            with crowd.writing(SYSTEM) as tx:
                forget(tx, tx.session.get_one(Machine, machine.id))
        return "never refused"

    assert race(come_and_go) == ["never refused"] * CREATORS
    assert used(crowd, "machines") == 0
    assert used(crowd, "memory") == 0


def test_a_refusal_names_what_is_used_wanted_and_allowed(world):
    with world.writing(world.operator) as tx:
        tenants.set_quota(tx, world.tenant_id, {"memory": 100 * MIB})
    with pytest.raises(SiroccoError) as refused, world.writing() as tx:
        machines.create(tx, world.machine())
    assert refused.value.problem is QUOTA
    assert refused.value.details == {
        "resource": "memory",
        "used": "0",
        "wanted": str(128 * MIB),
        "ceiling": str(100 * MIB),
    }
    assert used(world, "machines") == 0


def test_an_absent_ceiling_is_unlimited(world):
    with world.writing(world.operator) as tx:
        tenants.set_quota(tx, world.tenant_id, {"machines": None, "cores": None})
    with world.writing() as tx:
        capacity.take(tx, world.tenant_id, {"machines": 10**9})
    assert used(world, "machines") == 10**9


def test_giving_back_more_than_was_taken_stops_at_zero_and_never_takes(world):
    with world.writing() as tx:
        capacity.take(tx, world.tenant_id, {"cores": 3})
        capacity.give_back(tx, world.tenant_id, {"cores": 5})
        capacity.give_back(tx, world.tenant_id, {"cores": -4})
    assert used(world, "cores") == 0


def test_claims_repeat_harmlessly_and_are_released(world):
    with world.writing(SYSTEM) as tx:
        host = hosts.page(tx).items[0]
        amount = capacity.Amount(2, GIB, GIB)
        assert capacity.claim(tx, host.id, "holder", amount)
        assert capacity.claim(tx, host.id, "holder", amount)
        tx.session.refresh(host)
        assert (host.cores_claimed, host.memory_claimed) == (2, GIB)
        assert not capacity.claim(tx, host.id, "other", capacity.Amount(7))
        assert not capacity.resize_claim(tx, host.id, "holder", capacity.Amount(9, GIB, GIB))
        assert capacity.resize_claim(tx, host.id, "holder", capacity.Amount(8, 2 * GIB, GIB))
        capacity.release(tx, "holder")
        tx.session.refresh(host)
        assert (host.cores_claimed, host.memory_claimed, host.disk_claimed) == (0, 0, 0)


def test_overbooking_raises_cores_only(world):
    with world.writing(SYSTEM) as tx:
        host = hosts.page(tx).items[0]
        hosts.update(tx, host.id, {"overbooking": 2.0})
        tx.session.flush()
        assert capacity.claim(tx, host.id, "a", capacity.Amount(16, GIB))
        assert not capacity.claim(tx, host.id, "b", capacity.Amount(1, GIB))
        assert not capacity.claim(tx, host.id, "c", capacity.Amount(0, 16 * GIB))


def test_a_host_that_vanishes_goes_offline_and_one_that_returns_is_online(world):
    with world.writing(SYSTEM) as tx:
        provider = tx.session.get_one(Provider, world.provider_id)
        hosts.seen(tx, provider, [inventory("h1")])
        assert {host.name: host.state for host in hosts.page(tx).items} == {"h1": "ONLINE", "h2": "OFFLINE"}
        hosts.seen(tx, provider, [inventory("h1"), inventory("h2")])
        assert {host.state for host in hosts.page(tx).items} == {"ONLINE"}
