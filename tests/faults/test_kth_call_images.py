"""Images brought in while the k-th request to their source fails, for every k and every kind of trouble.

Whatever happens: the job ends, the store holds whole images and nothing else, and each image is counted once.
"""

import hashlib
import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import quote, unquote

import pytest
from sqlalchemy import func, select

from sirocco.cmdb.models import Image, Quota
from sirocco.contracts.errors import CANCELLED
from sirocco.contracts.states import ImageState, JobState
from sirocco.domain.principal import SYSTEM
from sirocco.services import images
from sirocco.services.images import ImageSource
from tests.installation import an_installation

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

PASSING = ("busy", "silent", "hangs up", "slow", "begins anew")
LASTING = ("refused", "elsewhere", "other content", "packed")
_numbers = count()


class Origin(ThreadingHTTPServer):
    """A source that breaks one request of each image in the way that the image's address says.

    ``/TROUBLE/K/NUMBER``: the K-th request for it. Before that one, a request is cut short, so that there is a next.
    """

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Answer)
        self.content, self.digest = content, f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.asked = {}

    def handle_error(self, request, client_address):
        """A worker hangs up on what it refuses."""


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        _, trouble, nth, _ = unquote(self.path).split("/")
        number = self.server.asked[self.path] = self.server.asked.get(self.path, 0) + 1
        broken = number == int(nth)
        if broken and trouble in {"busy", "refused"}:
            return self.send_error(503 if trouble == "busy" else 403)
        if broken and trouble == "silent":
            return self.close_connection
        if broken and trouble == "elsewhere":
            self.send_response(302)
            self.send_header("Location", "http://192.168.77.77/disk")
            return self.end_headers()
        return self._send(trouble if broken else "", cut=number < int(nth))

    def _send(self, trouble, *, cut):
        content, wanted = self.server.content, self.headers.get("Range", "")
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and trouble != "begins anew" else 0
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(content) - first))
        self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", '"one"')
        if trouble == "packed":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        time.sleep(0.3 if trouble == "slow" else 0)
        body = os.urandom(len(content)) if trouble == "other content" else content
        end = (first + len(content)) // 2 if cut or trouble == "hangs up" else len(content)
        self.wfile.write(body[first:end])

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    disk = tmp_path_factory.mktemp("origin") / "disk.qcow2"
    raw = disk.with_suffix(".raw")
    raw.write_bytes(bytes(range(256)) * 4096)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(disk)], check=True)
    server = Origin(disk.read_bytes())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def plant(tmp_path_factory, origin):
    home = tmp_path_factory.mktemp("sirocco")
    (home / "sirocco.toml").write_text(f'image_sources = "127.0.0.1:{origin.server_port}"\n')
    with an_installation(home, workers=1) as installation:
        yield installation


def bring_in(world, origin, trouble, nth):
    """Ask for an image whose address says what goes wrong with it."""
    url = f"http://127.0.0.1:{origin.server_port}/{quote(trouble)}/{nth}/{next(_numbers)}"
    with world.writing() as tx:
        return images.bring_in(tx, ImageSource(trouble, url, "qcow2", origin.digest))


def in_store(plant):
    return {path.name for path in plant.settings.images.rglob("*") if path.is_file()}


def one_run(plant, world, origin, trouble, nth):
    image, job = bring_in(world, origin, trouble, nth)
    return image.id, plant.settle(job.id)


def test_each_request_fails_in_each_way(plant, origin):
    world, before = plant.populate(), in_store(plant)
    runs = [(trouble, nth) for trouble in (*PASSING, *LASTING) for nth in (1, 2)]
    with ThreadPoolExecutor(4) as pool:  # as many as one tenant may bring in at once
        ends = list(pool.map(lambda run: one_run(plant, world, origin, *run), runs))
    whole = set()
    with world.reading(SYSTEM) as tx:
        for (trouble, nth), (image_id, job) in zip(runs, ends, strict=True):
            image, where = tx.session.get_one(Image, image_id), (trouble, nth, job.state, job.status_message)
            assert job.state == (JobState.SUCCESS if trouble in PASSING else JobState.FAILED), where
            assert job.error != CANCELLED.code, where
            assert image.job_id is None, where
            wanted = ImageState.AVAILABLE if trouble in PASSING else ImageState.ERROR
            assert (image.state, bool(image.fault)) == (wanted, trouble in LASTING), where
            whole |= {f"{image_id}.qcow2"} if trouble in PASSING else set()
        assert in_store(plant) - before == whole
        rows = select(func.count()).select_from(Image).where(Image.tenant_id == world.tenant_id)
        assert tx.session.get_one(Quota, (world.tenant_id, "images")).used == tx.session.scalar(rows) == len(runs)
