"""From the API's request to a running machine on a real hypervisor, against ``virsh start`` of the same domain."""

import statistics
import subprocess
import time
from pathlib import Path

from bench.foundation.figure import Figure, at_most
from sirocco.cmdb.models import Machine
from sirocco.contracts.states import JobState, Role
from sirocco.domain.principal import SYSTEM
from sirocco.hypervisor import requirements
from sirocco.images.build import missing_packages
from sirocco.services import hosts, jobs, providers, tenants, users
from tests.faults.cimi_client import CimiClient, last, machine_create
from tests.hypervisor import a_hypervisor, offer_tiny
from tests.installation import Installation, an_installation, until

ROUNDS = 9
NAME = "from the API's request to STARTED, beyond `virsh start` of the same domain, median"


def overhead(home: Path) -> list[Figure]:
    """Seconds that Sirocco adds; no figure where no hypervisor can run."""
    if requirements.missing() or missing_packages():
        return []
    with a_hypervisor(1) as running, an_installation(home, webs=1, workers=1) as plant:
        api, image_id = _ready(plant, running["provider"]["settings"])
        uri = running["provider"]["settings"]["hosts"][0]["uri"]
        rounds = [_round(plant, api, image_id, uri, number) for number in range(ROUNDS + 1)][1:]
    ours, theirs = zip(*rounds, strict=True)
    note = f"{statistics.median(ours):.2f} s and {statistics.median(theirs):.2f} s, {ROUNDS} rounds"
    return [at_most(NAME, statistics.median(one - other for one, other in rounds), "s", 0.5, note)]


def _ready(plant: Installation, settings: dict[str, object]) -> tuple[CimiClient, str]:
    with plant.cmdb.writing(SYSTEM) as tx:
        tenant = tenants.create(tx, "acme")
        users.create(tx, "bob", "correct horse", roles={tenant.id: Role.MEMBER})
        providers.create(tx, "local", "libvirt", settings)
        image_id = offer_tiny(tx, plant.settings.images).id

    def known() -> bool:
        with plant.cmdb.reading(SYSTEM) as tx:
            return bool(hosts.page(tx).items)

    until(known, "the host is known")
    return CimiClient([plant.url()]), image_id


def _round(plant: Installation, api: CimiClient, image_id: str, uri: str, number: int) -> tuple[float, float]:
    body = machine_create(f"b-{number}", image_id, url=plant.url())
    body["machineTemplate"]["networkInterfaces"] = []
    begun = time.perf_counter()
    answer = api.once("POST", "machines", body)
    _ended(plant, last(answer.headers["CIMI-Job-URI"]))
    ours = time.perf_counter() - begun
    with plant.cmdb.reading(SYSTEM) as tx:
        domain = tx.session.get_one(Machine, last(answer.headers["Location"])).native_id or ""
    virsh(uri, "destroy", domain)
    begun = time.perf_counter()
    virsh(uri, "start", domain)
    theirs = time.perf_counter() - begun
    plant.settle(last(api.ask("DELETE", f"machines/{last(answer.headers['Location'])}").headers["CIMI-Job-URI"]))
    return ours, theirs


def virsh(uri: str, *arguments: str) -> None:
    subprocess.run(["virsh", "-q", "-c", uri, *arguments], check=True, capture_output=True)


def _ended(plant: Installation, job_id: str) -> None:
    while True:
        with plant.cmdb.reading(SYSTEM) as tx:
            job = jobs.get(tx, job_id)
        if JobState(job.state).ended:
            assert job.state == JobState.SUCCESS, job.status_message
            return
        time.sleep(0.005)
