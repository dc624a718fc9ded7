"""A machine's whole life on a real hypervisor, asked for through the API, told by the guest itself."""

import base64
import contextlib
import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import select

from sirocco.cmdb.models import (
    Address,
    Claim,
    Intent,
    Machine,
    MachineVolume,
    Network,
    Nic,
    ProviderImage,
    UsageSample,
    Volume,
)
from sirocco.connectors.ports import Kind, ProviderSettings, Ref
from sirocco.connectors.registry import open_connector
from sirocco.contracts.states import Role
from sirocco.domain.principal import SYSTEM
from sirocco.services import hosts, providers, tenants, users
from tests.faults.cimi_client import CimiClient, last, machine_create
from tests.hypervisor import a_hypervisor, offer_tiny
from tests.installation import an_installation, until

pytestmark = [
    pytest.mark.hypervisor,
    pytest.mark.timeout(1200),
    pytest.mark.allow_hosts(["127.0.0.1", "10.0.0.0/8"]),  # the guests of the private hypervisor
]

GUEST_SCRIPT = b"""#!/bin/sh
echo USER-DATA-APPLIED on $(hostname)
mkdir -p /run/www; cd /run/www
say() { cat > $1.new; mv $1.new $1; }
size() { nproc; awk '/MemTotal/ {print $2}' /proc/meminfo; }
( i=0; while :; do i=$((i+1)); echo $i | say count; ls /sys/block | say disks; size | say size; sleep 0.1; done ) &
"""


@pytest.fixture(scope="module")
def hypervisor():
    with a_hypervisor(2) as running:
        yield running


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    with an_installation(tmp_path_factory.mktemp("sirocco"), webs=1, workers=1) as installation:
        yield installation


@pytest.fixture(scope="module")
def cloud(hypervisor):
    opened = open_connector("libvirt", ProviderSettings("test", hypervisor["provider"]["settings"]))
    yield opened
    opened.close()


class Customer:
    """Somebody with nothing but the API."""

    def __init__(self, plant, image_id):
        self.plant, self.image_id = plant, image_id
        self.api = CimiClient([plant.url()])

    def done(self, answer, *, succeeds=True):
        assert answer.status in {200, 201, 202}, answer.body
        job = self.plant.settle(last(answer.headers["CIMI-Job-URI"]), patience=240)
        assert (job.state == "SUCCESS") is succeeds, job.status_message
        return last(answer.headers["Location"]) if "Location" in answer.headers else ""

    def create(self, name, image_id="", **template):
        body = machine_create(name, image_id or self.image_id, url=self.plant.url())
        body["machineTemplate"] |= template
        return self.done(self.api.ask("POST", "machines", body))

    def act(self, one, verb, *, of="machines", **parameters):
        action = f"http://schemas.dmtf.org/cimi/1/action/{verb}"
        body = {"resourceURI": "http://schemas.dmtf.org/cimi/1/Action", "action": action, **parameters}
        return self.done(self.api.ask("POST", f"{of}/{one}/{verb}", body))

    def delete(self, collection, one):
        self.done(self.api.ask("DELETE", f"{collection}/{one}"))

    def resize(self, machine_id, cpu, kib):
        self.done(self.api.ask("PUT", f"machines/{machine_id}?$select=cpu,memory", {"cpu": cpu, "memory": kib}))

    def state(self, machine_id):
        return self.api.ask("GET", f"machines/{machine_id}").body["state"]

    def address(self, machine_id):
        def known():
            found = self.api.ask("GET", f"addresses?$filter=hostname='{self.name(machine_id)}'").body.get(
                "addresses", []
            )
            return found[0]["ip"] if found else None

        return until(known, "the machine's address is learnt", patience=180)

    def name(self, machine_id):
        return self.api.ask("GET", f"machines/{machine_id}").body["name"]

    def href(self, collection, one):
        return {"href": f"{self.plant.url()}/cimi/{collection}/{one}"}


@pytest.fixture(scope="module")
def customer(plant, hypervisor):
    with plant.cmdb.writing(SYSTEM) as tx:
        tenant = tenants.create(tx, "acme")
        users.create(tx, "bob", "correct horse", roles={tenant.id: Role.MEMBER}, operator=True)
        providers.create(tx, "local", "libvirt", hypervisor["provider"]["settings"])
        tiny = offer_tiny(tx, plant.settings.images)

    def probed():
        with plant.cmdb.reading(SYSTEM) as tx:
            return len(hosts.page(tx).items) == 2

    until(probed, "both hosts are known")
    customer = Customer(plant, tiny.id)
    template = {"sirocco_cidr": hypervisor["network"]["cidr"], "networkConfig": {"networkType": "nat"}}
    body = {"resourceURI": "http://schemas.dmtf.org/cimi/1/NetworkCreate", "name": "net", "networkTemplate": template}
    customer.network_id = customer.done(customer.api.ask("POST", "networks", body))
    return customer


def page(address, path):
    with urllib.request.urlopen(f"http://{address}/{path}", timeout=5) as answer:
        return answer.read().decode()


def guest_says(address, path, expected, why):
    def said():
        with contextlib.suppress(OSError, http.client.HTTPException):
            return expected(page(address, path))
        return False

    until(said, why, patience=180)


def count(address):
    found = until(lambda: _count(address), "the guest counts", patience=120)
    return int(found)


def _count(address):
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        return int(page(address, "count"))
    return 0


def typed(cloud, native_id, keys, expected):
    """What the guest answers on its serial console."""
    console = cloud.console(Ref(Kind.MACHINE, native_id))
    heard, end = b"", time.monotonic() + 60
    try:
        console.send(keys)
        while expected not in heard and time.monotonic() < end:
            heard += console.receive(1.0)
    finally:
        console.close()
    return heard


def native(plant, machine_id):
    with plant.cmdb.reading(SYSTEM) as tx:
        return tx.session.get_one(Machine, machine_id).native_id


def test_a_machine_lives_its_whole_life(plant, customer, cloud, hypervisor):
    network = {"networkInterfaces": [{"network": customer.href("networks", customer.network_id), "state": "ACTIVE"}]}
    machine = customer.create("web", userData=base64.b64encode(GUEST_SCRIPT).decode(), **network)
    assert customer.state(machine) == "STARTED"
    address = customer.address(machine)
    assert count(address) > 0
    assert "USER-DATA-APPLIED on web" in serial_log(hypervisor, native(plant, machine))
    assert b"\r\n42\r\n" in typed(cloud, native(plant, machine), b"echo $((6*7))\n", b"42\r\n")

    volume = written_while_it_runs(plant, customer, cloud, machine, address)
    until(lambda: measured(plant, machine), "the counters tell of work of every kind")
    customer.resize(machine, 2, 262144)
    guest_says(address, "size", lambda text: larger(text, 2, 131072), "the guest has processors and memory")
    paused_and_suspended(customer, machine, address)
    moved_while_counting(plant, customer, machine, address)
    drained_while_counting(plant, customer, machine, address)
    detach(customer, machine)
    guest_says(address, "disks", lambda text: "vdb" not in text, "the guest has let the volume go")
    back_to_a_snapshot(plant, customer, cloud, machine, address)

    gold, kept = take(customer, machine, "capture"), image_of(customer, volume)
    second = customer.create("second", gold, **network)
    assert count_or_page(customer.address(second))
    copy = new_volume(customer, volumeImage=customer.href("volumeImages", kept))
    attach(customer, second, copy)
    read = b"until [ -b /dev/vdb ]; do sleep 0.1; done; mount -t ext4 /dev/vdb /mnt && cat /mnt/word; umount /mnt\n"
    assert b"\r\nkept\r\n" in typed(cloud, native(plant, second), read, b"kept\r\n")

    typed(cloud, native(plant, second), b"poweroff\n", b"poweroff")
    until(lambda: customer.state(second) == "STOPPED", "what the guest did by itself is noticed", patience=60)
    customer.act(machine, "stop")
    assert customer.state(machine) == "STOPPED"
    for one in (machine, second):
        customer.delete("machines", one)
    for collection, one in (("machineImages", gold), ("volumeImages", kept), ("volumes", volume), ("volumes", copy)):
        customer.delete(collection, one)
    customer.delete("networks", customer.network_id)
    nothing_is_left(plant, cloud, hypervisor)


def written_while_it_runs(plant, customer, cloud, machine, address):
    """A volume that the running guest sees and writes a word to."""
    volume = new_volume(customer, {"format": "ext4"})
    attach(customer, machine, volume)
    guest_says(address, "disks", lambda text: "vdb" in text, "the guest sees the volume")
    write = b"mount -t ext4 /dev/vdb /mnt && echo k''ept >/mnt/word && umount /mnt && echo d''one\n"
    assert b"done" in typed(cloud, native(plant, machine), write, b"done")
    return volume


def paused_and_suspended(customer, machine, address):
    customer.act(machine, "pause")
    assert customer.state(machine) == "PAUSED"
    customer.act(machine, "start")
    before = count(address)
    customer.act(machine, "suspend")
    assert customer.state(machine) == "SUSPENDED"
    customer.act(machine, "start")
    assert count(address) >= before, "the guest goes on where it was, it did not boot"


def back_to_a_snapshot(plant, customer, cloud, machine, address):
    snapshot = take(customer, machine, "snapshot")
    typed(cloud, native(plant, machine), b"echo after >/run/www/later; echo d''one\n", b"done")
    assert page(address, "later") == "after\n"
    customer.act(machine, "restore", image=customer.href("machineImages", snapshot))
    assert customer.state(machine) == "STARTED"
    assert count(address) > 0
    with pytest.raises(urllib.error.HTTPError, match="404"):
        page(address, "later")
    assert larger(page(address, "size"), 2, 131072), "with the size that it had then"


def serial_log(hypervisor, native_id):
    folder = hypervisor["provider"]["settings"]["hosts"][0]["pool_path"]
    return Path(folder, f"machine-{native_id}-serial.log").read_text(errors="replace")


def larger(text, cpu, kib):
    count, memory = map(int, text.split())
    return count == cpu and memory > kib


def measured(plant, machine):
    """Whether the counters kept tell of work of every kind; they begin anew with each of the machine's processes."""
    with plant.cmdb.reading(SYSTEM) as tx:
        kept = tx.session.scalars(select(UsageSample).where(UsageSample.machine_id == machine)).all()
    kinds = ("cpu_time", "memory", "read", "written", "received", "sent")
    return all(any(getattr(usage, kind) > 0 for usage in kept) for kind in kinds)


def new_volume(customer, config=None, **template):
    template["volumeConfig"] = {"capacity": 67109} | (config or {})
    body = {"resourceURI": "http://schemas.dmtf.org/cimi/1/VolumeCreate", "name": "data", "volumeTemplate": template}
    return customer.done(customer.api.ask("POST", "volumes", body))


def image_of(customer, volume):
    body = {"resourceURI": "http://schemas.dmtf.org/cimi/1/VolumeImageCreate", "name": "kept"}
    body["imageLocation"] = customer.href("volumes", volume)["href"]
    return customer.done(customer.api.ask("POST", "volumeImages", body))


def attach(customer, machine, volume):
    use = {"resourceURI": "http://schemas.dmtf.org/cimi/1/MachineVolume", "initialLocation": "vdb"}
    customer.done(
        customer.api.ask("POST", f"machines/{machine}/volumes", use | {"volume": customer.href("volumes", volume)})
    )


def detach(customer, machine):
    listed = customer.api.ask("GET", f"machines/{machine}/volumes").body["machineVolumes"]
    customer.done(customer.api.ask("DELETE", f"machines/{machine}/volumes/{last(listed[0]['id'])}"))


def take(customer, machine, verb):
    body = {"resourceURI": "http://schemas.dmtf.org/cimi/1/MachineImageCreate", "name": verb}
    body["imageLocation"] = customer.href("machines", machine)["href"]
    return customer.done(customer.api.ask("POST", f"machines/{machine}/{verb}", body))


def host_of(plant, machine):
    with plant.cmdb.reading(SYSTEM) as tx:
        return tx.session.get_one(Machine, machine).host_id


def moved_while_counting(plant, customer, machine, address):
    """Live migration between two libvirt daemons: the same boot goes on counting on another host."""
    before, counted = host_of(plant, machine), count(address)
    customer.act(machine, "migrate")
    assert host_of(plant, machine) != before
    assert count(address) >= counted


def drained_while_counting(plant, customer, machine, address):
    """Maintenance: the host is emptied by live migration and takes machines again when it is enabled."""
    host, counted = host_of(plant, machine), count(address)
    customer.act(host, "drain", of="hosts")
    assert customer.api.ask("GET", f"hosts/{host}").body["state"] == "MAINTENANCE"
    assert host_of(plant, machine) != host
    assert count(address) >= counted
    customer.act(host, "enable", of="hosts")
    assert customer.api.ask("GET", f"hosts/{host}").body["state"] == "ONLINE"


def count_or_page(address):
    guest_says(address, "", lambda text: True, "the machine made of the capture answers")
    return True


def nothing_is_left(plant, cloud, hypervisor):
    for kind in (Kind.MACHINE, Kind.VOLUME, Kind.NETWORK):
        assert list(cloud.list(kind)) == []
    with plant.cmdb.reading(SYSTEM) as tx:
        for model in (Machine, Volume, Network, Nic, MachineVolume, Address, Claim, UsageSample):
            assert tx.session.scalars(select(model)).all() == []
        left = tx.session.scalars(select(Intent)).all()
        assert {intent.kind for intent in left} <= {Kind.IMAGE}
    assert files_of_machines(hypervisor, plant) == []
    for leases in Path(hypervisor["root"]).glob("host*/lib/dnsmasq/*"):
        assert not leases.is_file(), f"{leases} is left"


def files_of_machines(hypervisor, plant):
    """Files in the pools that belong to no image: disks, seeds, saved memory, notes."""
    folders = {Path(host["pool_path"]) for host in hypervisor["provider"]["settings"]["hosts"]}
    with plant.cmdb.reading(SYSTEM) as tx:
        kept = {place.native_id for place in tx.session.scalars(select(ProviderImage))}
    names = [path.name for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [name for name in names if not any(one in name for one in kept)]
