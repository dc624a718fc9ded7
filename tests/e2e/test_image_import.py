"""Images fetched by a worker into the image store, and the end of images that are still made, on a real engine."""

import hashlib
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import select

from sirocco.cmdb.models import Image, Intent, Job, ProviderImage
from sirocco.connectors.fake import control
from sirocco.connectors.ports import Kind
from sirocco.contracts.commands import Capture
from sirocco.contracts.states import ImageState, JobState, MachineState
from sirocco.services import images, jobs, machines
from sirocco.services.images import ImageSource
from tests.installation import an_installation, until
from tests.world import MIB

pytestmark = pytest.mark.timeout(300)


class Origin(ThreadingHTTPServer):
    """A server of one image that can be resumed; while ``held``, it stops after a part and keeps the line open."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Answer)
        self.content, self.digest = content, f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.held, self.busy, self.ranges, self.released = False, False, [], threading.Event()

    def url(self, host="127.0.0.1"):
        return f"http://{host}:{self.server_port}/disk.qcow2"

    def handle_error(self, request, client_address):
        """A worker that is killed hangs up."""


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range", "")
        self.server.ranges.append(wanted)
        if self.server.busy:
            return self.send_error(503)
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        total = len(self.server.content)
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(total - first))
        self.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
        self.send_header("ETag", '"one"')
        self.end_headers()
        end = 3 * MIB if self.server.held else total
        self.wfile.write(self.server.content[first:end])
        if self.server.held:
            self.server.released.wait(60)
        return None

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    disk = tmp_path_factory.mktemp("origin") / "disk.qcow2"
    raw = disk.with_suffix(".raw")
    raw.write_bytes(bytes(range(256)) * 4096 * 8)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(disk)], check=True)
    server = Origin(disk.read_bytes())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def plant(tmp_path_factory, origin):
    home = tmp_path_factory.mktemp("sirocco")
    (home / "sirocco.toml").write_text(f'image_sources = "127.0.0.1:{origin.server_port}"\n')
    with an_installation(home, workers=1) as installation:
        yield installation


@pytest.fixture(scope="module")
def world(plant):
    return plant.populate()


def ask(world, origin, *, host="127.0.0.1", digest=""):
    with world.writing() as tx:
        return images.bring_in(tx, ImageSource("disk", origin.url(host), "qcow2", digest or origin.digest))


def shown(world, image):
    with world.reading() as tx:
        return tx.session.get(Image, image.id)


def in_store(plant):
    return {path.name for path in plant.settings.images.rglob("*") if path.is_file()}


def test_an_image_comes_and_boots_machines(plant, world, origin):
    image, job = ask(world, origin)
    assert plant.settle(job.id).state == JobState.SUCCESS
    found = shown(world, image)
    assert (found.state, found.capacity, found.format) == (ImageState.AVAILABLE, 8 * MIB, "qcow2")
    assert f"{image.id}.qcow2" in in_store(plant)
    assert not any(name.endswith((".download", ".json")) for name in in_store(plant))
    with world.writing() as tx:
        machine, job = machines.create(tx, world.machine(image_id=image.id))
    assert plant.settle(job.id).state == JobState.SUCCESS
    with world.writing() as tx:
        job = machines.delete(tx, machine.id)
    plant.settle(job.id)
    with world.writing() as tx:
        job = images.delete(tx, image.id)
    assert plant.settle(job.id).state == JobState.SUCCESS
    assert f"{image.id}.qcow2" not in in_store(plant)


def progress(world, job):
    with world.reading() as tx:
        return tx.session.get_one(Job, job.id).progress


def begun(plant, image):
    part = plant.settings.images / "incoming" / f"{image.id}.download"
    until(lambda: part.exists() and part.stat().st_size >= 2 * MIB, "a part is there")


def test_a_killed_worker_goes_on_where_it_was(plant, world, origin):
    origin.held, origin.ranges = True, []
    image, job = ask(world, origin)
    begun(plant, image)
    until(lambda: 20 <= progress(world, job) < 50, "the job says how far it is")
    plant.kill("worker-1")
    origin.held = False
    plant.start_worker("worker-1")
    assert plant.settle(job.id).state == JobState.SUCCESS
    assert origin.ranges[0] == ""
    assert int(origin.ranges[-1].removeprefix("bytes=").rstrip("-")) >= 2 * MIB
    assert shown(world, image).state == ImageState.AVAILABLE


@pytest.mark.parametrize("how", ["stopped", "deleted"])
def test_an_import_that_is_given_up_leaves_nothing(plant, world, origin, how):
    before = in_store(plant)
    origin.held = True
    image, job = ask(world, origin)
    begun(plant, image)
    with world.writing() as tx:
        last = jobs.stop(tx, job.id) if how == "stopped" else images.delete(tx, image.id)
    origin.held = False
    origin.released.set()
    ended = plant.settle(last.id)
    origin.released.clear()
    assert ended.state == (JobState.STOPPED if how == "stopped" else JobState.SUCCESS), ended.status_message
    assert shown(world, image) is None
    assert in_store(plant) == before


def test_an_import_is_stopped_between_two_tries(plant, world, origin):
    origin.busy = True
    image, job = ask(world, origin)

    def refused():
        with world.reading() as tx:
            return [step for step in jobs.steps(tx, jobs.get(tx, job.id)) if step.state == "RETRYING"]

    until(refused, "the first try has failed")
    with world.writing() as tx:
        jobs.stop(tx, job.id)
    assert plant.settle(job.id).state == JobState.STOPPED
    origin.busy = False
    assert shown(world, image) is None


@pytest.mark.parametrize(
    ("wrong", "why"), [({"digest": "sha256:" + "0" * 64}, "not what was asked for"), ({"host": "localhost"}, "port")]
)
def test_what_is_refused_says_why(plant, world, origin, wrong, why):
    before = in_store(plant)
    image, job = ask(world, origin, **wrong)
    ended = plant.settle(job.id)
    assert (ended.state, ended.error) == (JobState.FAILED, "image-refused")
    found = shown(world, image)
    assert found.state == ImageState.ERROR
    assert why in found.fault
    assert in_store(plant) == before
    with world.writing() as tx:
        job = images.delete(tx, image.id)
    assert plant.settle(job.id).state == JobState.SUCCESS
    assert shown(world, image) is None


def test_a_capture_that_is_deleted_meanwhile_leaves_nothing(plant, world):
    provider_id, store = plant.add_fake("slow", delays={"capture": 4.0})
    with world.writing() as tx:
        machine, job = machines.create(tx, world.machine(provider_id=provider_id, nics=()))
    assert plant.settle(job.id).state == JobState.SUCCESS
    with world.writing() as tx:
        capture = machines.act(tx, machine.id, Capture("gold"))
    image_id = capture.arguments["image_id"]
    until(lambda: ("capture", "machine") in control.calls(store), "the capture is under way")
    with world.writing() as tx:
        job = images.delete(tx, image_id)
    assert plant.settle(job.id).state == JobState.SUCCESS
    assert plant.settle(capture.id).state in {JobState.STOPPED, JobState.SUCCESS}
    with world.reading() as tx:
        assert tx.session.get(Image, image_id) is None
        assert tx.session.get(ProviderImage, (image_id, provider_id)) is None
        assert not tx.session.scalars(select(Intent).where(Intent.resource_id == image_id)).all()
        assert machines.get(tx, machine.id).state == MachineState.STARTED
    held = {observed.ref.native_id for observed in control.inventory(store)[Kind.IMAGE]}
    with world.reading() as tx:
        known = tx.session.scalars(select(ProviderImage.native_id).where(ProviderImage.provider_id == provider_id))
        assert held == set(known)
