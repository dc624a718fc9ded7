"""Record histories of every workflow for the replay test: `python -m tests.replay.record [WORKFLOW | SCENARIO ...]`.

Runs an installation with the fake provider, lets each workflow succeed, fail and be stopped, and keeps what the engine
remembers, opened and without names of this machine, in tests/replay/histories.
"""

import asyncio
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import History

from sirocco.connectors.fake import control
from sirocco.connectors.fake.control import Trouble
from sirocco.connectors.ports import Fault
from sirocco.contracts import commands as c
from sirocco.contracts.errors import SiroccoError
from sirocco.contracts.states import JobState
from sirocco.ops.codec import SealingCodec
from sirocco.ops.engine import connect
from sirocco.ops.keyring import KeyRing
from sirocco.services import bulk, hosts, images, jobs, machines, networks, volumes
from sirocco.services.images import ImageSource
from sirocco.services.machine_create import NewVolume
from sirocco.services.networks import NetworkRequest
from sirocco.services.volumes import VolumeRequest
from tests.installation import Installation, an_installation, until
from tests.world import GIB, MIB, World

FOLDER = Path(__file__).parent / "histories"
_SLOW = 4.0  # seconds that an operation takes when it is to be stopped
_HOSTS = [{"name": name, "cores": 64, "memory": 64 * GIB, "disk": 1024 * GIB} for name in ("a", "b")]


@dataclass
class Stage:
    """A provider of its own, with what a workflow needs to act on."""

    plant: Installation
    world: World
    provider_id: str
    store: Path
    origin: str

    def done(self, made):
        """What a service made, when its job has succeeded."""
        row, job = made
        assert self.plant.settle(job.id).state == JobState.SUCCESS
        return row

    def do(self, call: Callable, *arguments, operator: bool = False):
        with self.world.writing(self.world.operator if operator else None) as tx:
            return call(tx, *arguments)

    def state_of(self, job_id):
        with self.world.reading(self.world.operator) as tx:
            return jobs.get(tx, job_id).state

    def create_machine(self):
        return self.do(machines.create, self.world.machine(provider_id=self.provider_id, nics=()))

    def create_machine_with_volume(self):
        volume = NewVolume(VolumeRequest("v", 8 * MIB))
        request = self.world.machine(provider_id=self.provider_id, nics=(), new_volumes=(volume,))
        return self.do(machines.create, request)

    def create_volume(self):
        return self.do(volumes.create, VolumeRequest("v", 8 * MIB, provider_id=self.provider_id))

    def create_network(self):
        return self.do(networks.create, NetworkRequest("n", provider_id=self.provider_id))

    def image(self):
        machine = self.done(self.create_machine())
        job = self.do(machines.act, machine.id, c.Capture("i"))
        return self.done((next(entry["id"] for entry in job.affected if entry["kind"] == "image"), job))

    def import_image(self):
        """An image that is there, one that is not, and one from a server that does not answer."""
        here, nowhere = f"{self.origin}/tiny.qcow2", "http://127.0.0.1:9/x"
        asked = {"success": here, "failure": f"{self.origin}/missing", "stop": nowhere}
        url = asked[self.store.stem.rpartition("-")[2]]
        digest = hashlib.sha256((self.plant.settings.images / "tiny.qcow2").read_bytes()).hexdigest()
        return self.do(images.bring_in, ImageSource("i", url, "qcow2", f"sha256:{digest}"))

    def volume_image(self):
        volume = self.done(self.create_volume())
        return self.done(self.do(volumes.create_image, volume.id, "i"))

    def host(self):
        machine = self.done(self.create_machine())
        with self.world.reading(self.world.operator) as tx:
            return machines.get(tx, machine.id).host_id


def machine(on):
    return on.done(on.create_machine()).id


def volume(on):
    return on.done(on.create_volume()).id


def network(on):
    return on.done(on.create_network()).id


def _act(service, command, **more):
    return lambda on, found: on.do(service.act, found, command, **more)


WORKFLOWS: dict[str, tuple[Callable | None, Callable]] = {
    "CreateMachine": (None, lambda on, _: on.create_machine()[1]),
    "CreateMachineWithVolumes": (None, lambda on, _: on.create_machine_with_volume()[1]),
    "ActOnMachine": (machine, _act(machines, c.Stop())),
    "ResizeMachine": (machine, _act(machines, c.Resize(2, 256 * MIB))),
    "MigrateMachine": (machine, _act(machines, c.Migrate(), operator=True)),
    "DeleteMachine": (machine, lambda on, found: on.do(machines.delete, found)),
    "CreateVolume": (None, lambda on, _: on.create_volume()[1]),
    "ActOnVolume": (volume, lambda on, found: on.do(volumes.grow, found, c.Grow(16 * MIB))),
    "CaptureVolume": (volume, lambda on, found: on.do(volumes.create_image, found, "i")[1]),
    "DeleteVolume": (volume, lambda on, found: on.do(volumes.delete, found)),
    "CreateNetwork": (None, lambda on, _: on.create_network()[1]),
    "ActOnNetwork": (network, _act(networks, "stop")),
    "DeleteNetwork": (network, lambda on, found: on.do(networks.delete, found)),
    "ImportImage": (None, lambda on, _: on.import_image()[1]),
    "DeleteImage": (Stage.image, lambda on, found: on.do(images.delete, found)),
    "DeleteVolumeImage": (Stage.volume_image, lambda on, found: on.do(volumes.delete_image, found.id)),
    "Bulk": (machine, lambda on, found: on.do(bulk.act, [found], c.Stop())),
    "DrainHost": (Stage.host, lambda on, found: on.do(hosts.drain, found, operator=True)),
}
FAILURE = {"trouble": Trouble.FAIL, "fault": Fault.CONFLICT, "times": 99}
WRITES = ("create", "delete", "stop", "resize", "migrate", "capture", "grow-volume")


def success(_on: Stage, _begin: Callable):
    return _begin()


def failure(on: Stage, begin: Callable):
    for verb in WRITES:
        control.inject(on.store, verb=verb, **FAILURE)
    return begin()


def stop(on: Stage, begin: Callable):
    job = begin()
    until(lambda: on.state_of(job.id) == JobState.RUNNING, f"{job.workflow} runs")
    time.sleep(0.4)
    try:
        on.do(jobs.stop, job.id, operator=True)
    except SiroccoError as refusal:
        print(job.workflow, refusal)
    return job


SCENARIOS = {"success": success, "failure": failure, "stop": stop}


def _slow_verb(workflow: str) -> str:
    """What the far end is asked for by a workflow that is to be stopped."""
    verbs = {
        "Resize": "resize",
        "Migrate": "migrate",
        "Drain": "migrate",
        "Capture": "capture",
        "ActOnVol": "grow-volume",
    }
    verbs |= {"Create": "create", "Delete": "delete"}
    return next((verb for begin, verb in verbs.items() if workflow.startswith(begin)), "stop")


def opened(message: Message, codec: SealingCodec) -> None:
    """Open all sealed payloads inside, and forget which process wrote them."""
    for field, value in message.ListFields():
        if isinstance(value, str) and os.uname().nodename in value:
            setattr(message, field.name, "recorder")
        if field.message_type is None:
            continue
        for inner in _inner(field, value):
            if isinstance(inner, Payload):
                if inner.metadata.get("encoding") == b"binary/encrypted":
                    inner.CopyFrom(codec.open(inner))
            else:
                opened(inner, codec)


def _inner(field, value):
    if field.message_type.GetOptions().map_entry:
        return [one for one in value.values() if isinstance(one, Message)]
    return [value] if isinstance(value, Message) else list(value)


async def fetch(plant: Installation, named: dict[str, str]) -> None:
    ring = KeyRing.at(plant.settings.keyring)
    client = await connect(plant.settings, ring)
    for name, job_id in named.items():
        events = (await client.get_workflow_handle(job_id).fetch_history()).events
        history = History(events=events)
        opened(history, SealingCodec(ring))
        (FOLDER / f"{name}.json").write_text(json.dumps(MessageToDict(history), indent=1) + "\n")


@contextmanager
def an_origin(folder: Path):
    """The address of a server of the files in a folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def record(workflows, scenarios) -> None:
    """These workflows in these scenarios."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "sirocco.toml").write_text('image_sources = "127.0.0.1"\n')
        with an_installation(Path(home), workers=1) as plant, an_origin(plant.settings.images) as origin:
            record_at(plant, origin, workflows, scenarios)


def record_at(plant: Installation, origin: str, workflows, scenarios) -> None:
    world, named, ends = plant.populate(), {}, {}
    for workflow, (prepare, begin) in workflows.items():
        for scenario, run in scenarios.items():
            name = f"{workflow}-{scenario}"
            delays = {_slow_verb(workflow): _SLOW} if run is stop else {}
            on = Stage(plant, world, *plant.add_fake(name.lower(), hosts=_HOSTS, delays=delays), origin)
            found = prepare(on) if prepare else None
            job = run(on, lambda on=on, found=found, begin=begin: begin(on, found))
            assert job.workflow == workflow
            ends[name], named[name] = plant.settle(job.id).state, job.id
            print(f"{name:28} {ends[name]}", flush=True)
    asyncio.run(fetch(plant, named))


def _chosen(known):
    return {name: value for name, value in known.items() if name in sys.argv[1:]} or known


if __name__ == "__main__":
    record(_chosen(WORKFLOWS), _chosen(SCENARIOS))
