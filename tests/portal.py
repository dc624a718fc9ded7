"""The portal over a small world: who is there, every page by its address, a client that is signed in."""

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

import web
from sirocco.cmdb.models import JobStep, Machine, UsageSample
from sirocco.cmdb.models.base import utc_now
from sirocco.contracts import commands as c
from sirocco.contracts.states import Role
from sirocco.domain.principal import SYSTEM, Principal
from sirocco.ops.settings import load
from sirocco.services import (
    bulk,
    credentials,
    hosts,
    jobs,
    machines,
    networks,
    placement,
    providers,
    settlement,
    templates,
    tenants,
    users,
    volumes,
)
from tests.world import GIB, MIB, World

PASSWORD = "correct horse"
PEOPLE = {"olga": Role.OPERATOR, "tina": Role.TENANT_ADMIN, "bob": Role.MEMBER, "vera": Role.VIEWER}


def portal_app(cmdb, home: Path, **settings: object) -> Flask:
    app = Flask("sirocco", static_folder=None)
    app.testing = True
    web.mount(app, cmdb, load(home=home, temporal_ui_url="http://127.0.0.1:8233", **settings))
    return app


@dataclass
class Visited:
    """The addresses of every page that a reader can look at, and the ids in them."""

    ids: dict[str, str]

    def pages(self, role: Role) -> list[str]:
        ids = self.ids
        mine = [
            "/",
            "/search?q=m",
            "/machines",
            "/volumes",
            "/images",
            "/networks",
            "/templates",
            "/credentials",
            "/api-keys",
            "/jobs",
        ]
        mine += ["/events", "/account", f"/machines/{ids['machine']}", f"/volumes/{ids['volume']}"]
        mine += [f"/images/{ids['image']}", f"/networks/{ids['network']}", f"/credentials/{ids['credential']}"]
        mine += [f"/jobs/{ids['job']}", f"/jobs/{ids['failed']}", f"/jobs/{ids['bulk']}"]
        if role in {Role.MEMBER, Role.TENANT_ADMIN, Role.OPERATOR}:
            mine += self._forms()
        if role in {Role.TENANT_ADMIN, Role.OPERATOR}:
            mine += ["/users", "/users/new", f"/users/{ids['user']}"]
        return mine + (self._operators() if role == Role.OPERATOR else [])

    def _forms(self) -> list[str]:
        machine, volume, image, network = (self.ids[name] for name in ("machine", "volume", "image", "network"))
        asked = ("force-stop", "force-restart", "snapshot", "restore", "capture", "resize", "attach-volume")
        asked += ("detach-volume", "attach-nic", "detach-nic", "delete")
        forms = ["/machines/new", "/volumes/new", "/networks/new", "/credentials/new", "/images/new"]
        for kind in ("machine", "volume"):
            template = self.ids[f"{kind} template"]
            forms += [f"/{kind}s/new?template={template}", f"/templates/{kind}/{template}/edit"]
            forms.append(f"/templates/{kind}/{template}/delete")
        forms.append("/templates/size/new")
        forms += [f"/machines/{machine}/edit", f"/machines/{machine}/console"]
        forms += [f"/machines/{machine}/actions/{action}" for action in asked]
        forms += [f"/volumes/{volume}/actions/{action}" for action in ("grow", "snapshot", "edit", "delete")]
        forms += [f"/images/{image}/actions/{action}" for action in ("edit", "delete")]
        forms += [f"/networks/{network}/actions/{action}" for action in ("edit", "delete", "address", "port")]
        return [*forms, f"/credentials/{self.ids['credential']}/delete"]

    def _operators(self) -> list[str]:
        provider, host, tenant, user = (self.ids[name] for name in ("provider", "host", "tenant", "user"))
        pages = ["/providers", "/providers/new", f"/providers/{provider}", f"/providers/{provider}/delete"]
        for part in ("location", "account"):
            pages += [f"/providers/{provider}/{part}s/new", f"/{part}s/{self.ids[part]}"]
            pages.append(f"/{part}s/{self.ids[part]}/delete")
        pages += ["/hosts", f"/hosts/{host}", f"/hosts/{host}/drain", "/tenants", "/tenants/new", "/quotas"]
        pages += [f"/tenants/{tenant}", f"/tenants/{tenant}/delete", f"/users/{user}/delete"]
        return [*pages, f"/machines/{self.ids['machine']}/actions/migrate"]


def furnish(world: World) -> Visited:
    """Something on every page: machines in several states, jobs that worked, failed and wait, figures of use."""
    people = {}
    with world.writing(SYSTEM) as tx:
        for name, role in PEOPLE.items():
            if name != "bob":
                roles = {} if role == Role.OPERATOR else {world.tenant_id: role}
                people[name] = users.create(tx, name, PASSWORD, roles=roles, operator=role == Role.OPERATOR).id
        tenants.create(tx, "globex", description="Research")
        for name, cpu, memory in (("tiny", 1, 128), ("small", 1, 512), ("medium", 2, 2048), ("large", 4, 8192)):
            content = {"cpu": cpu, "memory": memory * 1024}
            templates.create(tx, "MachineConfiguration", content, name=name, shared=True)
    with world.writing(_admin(world)) as tx:
        credential = credentials.create(tx, "laptop", user_name="bob", public_key="ssh-ed25519 AAAAC3Nza bob@laptop")
        volume, made = volumes.create(tx, volumes.VolumeRequest("data", 10 * GIB, filesystem="ext4"))
        network, netted = networks.create(tx, networks.NetworkRequest("lab", cidr="10.20.0.0/24"))
        fixed = networks.create_address(tx, world.network_id, hostname="www")
        networks.create_port(tx, network.id, "kept for the firewall")
        wanted = {
            "machineConfig": {"cpu": 2, "memory": 2**20},
            "machineImage": {"href": f"machineImages/{world.image_id}"},
        }
        machine_template = templates.create(tx, "MachineTemplate", wanted, name="web server", description="Two cores")
        volume_template = templates.create(tx, "VolumeTemplate", {"volumeConfig": {"capacity": 10**7}}, name="scratch")
    ids = _machines(world)
    with world.writing(SYSTEM) as tx:
        for job in (made, netted):
            settlement.succeeded(tx, jobs.get(tx, job.id))
        _use(tx, tx.session.get_one(Machine, ids["machine"]))
        host = hosts.page(tx).items[0]
        location = providers.locations(tx).items[0]
        account = providers.create_account(tx, world.provider_id, "billing", "acme", "s3cret", shared=True)
    return Visited(
        ids
        | {
            "credential": credential.id,
            "volume": volume.id,
            "network": network.id,
            "address": fixed.id,
            "image": world.image_id,
            "provider": world.provider_id,
            "tenant": world.tenant_id,
            "user": people["vera"],
            "host": host.id,
            "location": location.id,
            "account": account.id,
            "machine template": machine_template.id,
            "volume template": volume_template.id,
        }
    )


def _admin(world: World) -> Principal:
    return Principal(world.user_id, "bob", world.tenant_id, Role.MEMBER)


def _machines(world: World) -> dict[str, str]:
    """One that runs, with steps on its job; one that stopped; one that failed; one being made."""
    made = []
    for name in ("amber-12", "dune-48", "gust-77", "oasis-31", "tide-55"):
        with world.writing() as tx:
            made.append(machines.create(tx, world.machine(name=name)))
    with world.writing(SYSTEM) as tx:
        for machine, job in (*made[:2], made[4]):
            placement.place_machine(tx, tx.session.get_one(Machine, machine.id))
            for number, step in enumerate(("place", "create")):
                begun = job.created + timedelta(seconds=number)
                tx.add(
                    JobStep(
                        job_id=job.id, name=step, state="SUCCESS", started=begun, ended=begun + timedelta(seconds=0.4)
                    )
                )
            settlement.succeeded(tx, jobs.get(tx, job.id))
        failed = jobs.get(tx, made[2][1].id)
        tx.add(
            JobStep(job_id=failed.id, name="place", state="FAILED", message="too little free memory (2)", ended=tx.now)
        )
        settlement.failed(tx, failed, "no-capacity", {"why": "too little free memory (2)"})
    with world.writing() as tx:
        parent = bulk.act(tx, [made[1][0].id, made[3][0].id], c.Stop())
    return {
        "machine": made[0][0].id,
        "stopping": made[1][0].id,
        "broken": made[2][0].id,
        "job": made[0][1].id,
        "failed": made[2][1].id,
        "bulk": parent.id,
        "spare": made[4][0].id,
    }


def _use(tx, machine: Machine) -> None:
    start = utc_now() - timedelta(minutes=30)
    for number in range(60):
        at = start + timedelta(seconds=30 * number)
        busy = int(30e9 * (0.3 + 0.25 * ((number % 14) / 14)))
        tx.session.add(
            UsageSample(
                machine_id=machine.id,
                at=at,
                cpu_time=number * busy,
                memory=(90 + number % 20) * MIB,
                read=number * 4_000_000,
                written=number * 1_500_000,
                received=number * 900_000,
                sent=number * 300_000,
            )
        )


def sign_in(client: FlaskClient, name: str) -> str:
    """Sign in as ``name``; the answer is what forms must carry."""
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/sign-in").text)[1]
    answer = client.post("/sign-in", data={"csrf": token, "name": name, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return re.search(r'name="csrf" value="([^"]+)"', client.get("/account").text)[1]
