"""A machine's whole life on a real hypervisor, asked for through the API, told by the guest itself."""

import base64
import contextlib
import http.client
import shutil
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import select

from sirocco.cmdb.models import Claim, Intent, Machine, MachineVolume, Network, Nic, ProviderImage, Volume
from sirocco.connectors.ports import Kind, ProviderSettings, Ref
from sirocco.connectors.registry import open_connector
from sirocco.contracts.states import Role
from sirocco.domain.principal import SYSTEM
from sirocco.hypervisor import local, requirements
from sirocco.images.build import build_tiny, missing_packages
from sirocco.services import hosts, images, providers, tenants, users
from tests.faults.cimi_client import CimiClient, last, machine_create
from tests.installation import an_installation, until
from tests.world import MIB

pytestmark = [
    pytest.mark.hypervisor,
    pytest.mark.timeout(1200),
    pytest.mark.allow_hosts(["127.0.0.1", "10.0.0.0/8"]),  # the guests of the private hypervisor
]

GUEST_SCRIPT = b"""#!/bin/sh
echo USER-DATA-APPLIED on $(hostname)
mkdir -p /run/www; cd /run/www
say() { cat > $1.new; mv $1.new $1; }
( i=0; while :; do i=$((i+1)); echo $i | say count; ls /sys/block | say disks; sleep 0.1; done ) &
"""


@pytest.fixture(scope="module")
def hypervisor():
    lacks = [*(f"{lack.what} ({lack.remedy})" for lack in requirements.missing()), *missing_packages()]
    if lacks:
        pytest.skip("a real hypervisor needs " + "; ".join(lacks))
    root = Path(tempfile.mkdtemp(prefix="sir"))
    try:
        yield local.start(root, hosts=2)
    finally:
        local.stop(root)
        shutil.rmtree(root, ignore_errors=True)


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

    def act(self, machine_id, verb, **parameters):
        action = f"http://schemas.dmtf.org/cimi/1/action/{verb}"
        body = {"resourceURI": "http://schemas.dmtf.org/cimi/1/Action", "action": action, **parameters}
        return self.done(self.api.ask("POST", f"machines/{machine_id}/{verb}", body))

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
    image = build_tiny(plant.settings.images)
    with plant.cmdb.writing(SYSTEM) as tx:
        tenant = tenants.create(tx, "acme")
        users.create(tx, "bob", "correct horse", roles={tenant.id: Role.MEMBER}, operator=True)
        providers.create(tx, "local", "libvirt", hypervisor["provider"]["settings"])
        boot = {"kernel": str(image.kernel), "initrd": str(image.initrd), "cmdline": image.cmdline}
        size = image.disk.stat().st_size
        tiny = images.register(
            tx, images.ImageFile("tiny", str(image.disk), "qcow2", size, 64 * MIB, boot), shared=True
        )

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
    script = base64.b64encode(GUEST_SCRIPT).decode()
    machine = customer.create("web", userData=script, **network)
    assert customer.state(machine) == "STARTED"
    address = customer.address(machine)
    assert count(address) > 0
    assert b"\r\n42\r\n" in typed(cloud, native(plant, machine), b"echo $((6*7))\n", b"42\r\n")

    volume = new_volume(customer)
    attach(customer, machine, volume)
    guest_says(address, "disks", lambda text: "vdb" in text, "the guest sees the volume")

    customer.act(machine, "pause")
    assert customer.state(machine) == "PAUSED"
    customer.act(machine, "start")
    before = count(address)
    customer.act(machine, "suspend")
    assert customer.state(machine) == "SUSPENDED"
    customer.act(machine, "start")
    assert count(address) >= before, "the guest goes on where it was, it did not boot"
    detach(customer, machine)
    guest_says(address, "disks", lambda text: "vdb" not in text, "the guest has let the volume go")

    moved_while_counting(plant, customer, machine, address)
    snapshot = take(customer, machine, "snapshot")
    counted = count(address)
    time.sleep(2)
    customer.act(machine, "restore", image=customer.href("machineImages", snapshot))
    assert customer.state(machine) == "STARTED"
    assert count(address) < counted + 20, "the guest is back where the snapshot was taken"

    gold = take(customer, machine, "capture")
    second = customer.create("second", gold, **network)
    assert count_or_page(customer.address(second))
    customer.act(machine, "stop", force=True)
    assert customer.state(machine) == "STOPPED"
    for one in (machine, second):
        customer.done(customer.api.ask("DELETE", f"machines/{one}"))
    customer.done(customer.api.ask("DELETE", f"machineImages/{gold}"))
    customer.done(customer.api.ask("DELETE", f"volumes/{volume}"))
    nothing_is_left(plant, cloud, hypervisor)


def new_volume(customer):
    template = {"volumeConfig": {"capacity": 67109, "format": "ext4"}}
    body = {"resourceURI": "http://schemas.dmtf.org/cimi/1/VolumeCreate", "name": "data", "volumeTemplate": template}
    return customer.done(customer.api.ask("POST", "volumes", body))


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


def moved_while_counting(plant, customer, machine, address):
    """Live migration between two libvirt daemons: the same boot goes on counting on another host."""

    def host():
        with plant.cmdb.reading(SYSTEM) as tx:
            return tx.session.get_one(Machine, machine).host_id

    before, counted = host(), count(address)
    customer.act(machine, "migrate")
    assert host() != before
    assert count(address) >= counted


def count_or_page(address):
    guest_says(address, "", lambda text: True, "the machine made of the capture answers")
    return True


def nothing_is_left(plant, cloud, hypervisor):
    assert list(cloud.list(Kind.MACHINE)) == []
    assert list(cloud.list(Kind.VOLUME)) == []
    with plant.cmdb.reading(SYSTEM) as tx:
        for model in (Machine, Volume, Nic, MachineVolume, Claim):
            assert tx.session.scalars(select(model)).all() == []
        left = tx.session.scalars(select(Intent)).all()
        assert {intent.kind for intent in left} <= {Kind.IMAGE, Kind.NETWORK}
    assert files_of_machines(hypervisor, plant) == []


def files_of_machines(hypervisor, plant):
    """Files in the pools that are neither images nor notes of a network: disks, seeds, saved memory."""
    folders = {Path(host["pool_path"]) for host in hypervisor["provider"]["settings"]["hosts"]}
    with plant.cmdb.reading(SYSTEM) as tx:
        kept = {place.native_id for place in tx.session.scalars(select(ProviderImage))}
        kept |= {network.native_id for network in tx.session.scalars(select(Network))}
    names = [path.name for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [name for name in names if not any(one in name for one in kept)]
