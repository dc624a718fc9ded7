"""The API on a small world: an application, people of every role, and jobs that end without a worker."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

import api
from sirocco.cmdb.models import Job, JobStep, Machine, Volume
from sirocco.contracts.states import JobState, Role
from sirocco.domain.principal import SYSTEM, Principal
from sirocco.services import placement, settlement, tenants, users
from tests.world import World

SITE = "http://localhost"
BASE = f"{SITE}/cimi/"
ROLES = (Role.VIEWER, Role.MEMBER, Role.TENANT_ADMIN, Role.OPERATOR)
MACHINE_BY_VALUE = {"machineConfig": {"cpu": 1, "memory": 131072}}
_numbers = count(1)


@dataclass
class Caller:
    """Somebody with a key, speaking JSON unless told otherwise."""

    client: FlaskClient
    token: str
    principal: Principal
    headers: dict = field(default_factory=dict)

    def __call__(self, method, path, body=None, **headers):
        """Send; ``body`` as JSON when it is a dict, as XML when it is a text."""
        sent = {"Authorization": f"Bearer {self.token}", **self.headers}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None
        if isinstance(body, dict):
            data = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        elif body is not None:
            data = body
            sent.setdefault("Content-Type", "application/xml")
        path = path.removeprefix(SITE)
        path = path if path.startswith("/") else f"/cimi/{path}"
        return self.client.open(path, method=method, data=data, headers=sent)

    def get(self, path, **headers):
        return self("GET", path, **headers)

    def post(self, path, body=None, **headers):
        return self("POST", path, body, **headers)

    def put(self, path, body, **headers):
        return self("PUT", path, body, **headers)

    def delete(self, path, **headers):
        return self("DELETE", path, **headers)


class Front:
    """One application on one CMDB."""

    def __init__(self, world: World, *, tenant: str = "globex", **options) -> None:
        self.world, self.cmdb = world, world.cmdb
        self.app = Flask("api-tests")
        api.mount(self.app, world.cmdb, **options)
        self.other_tenant = self.tenant(tenant)

    def tenant(self, name: str) -> str:
        with self.cmdb.writing(SYSTEM) as tx:
            return tenants.create(tx, name).id

    def caller(self, role: Role = Role.MEMBER, tenant_id: str = "", also: tuple[str, ...] = ()) -> Caller:
        """A new user of ``role`` with an API key in the tenant; a member of the tenants in ``also``, too."""
        tenant_id = tenant_id or self.world.tenant_id
        name = f"{role.value}-{next(_numbers)}"
        operator = role is Role.OPERATOR
        roles = {} if operator else dict.fromkeys((tenant_id, *also), role)
        with self.cmdb.writing(SYSTEM) as tx:
            user = users.create(tx, name, "correct horse", roles=roles, operator=operator)
        who = Principal(user.id, name, tenant_id, role)
        with self.cmdb.writing(who) as tx:
            _, token = users.create_key(tx, "tests")
        return Caller(self.app.test_client(), token, who)

    @cached_property
    def member(self) -> Caller:
        return self.caller(Role.MEMBER)

    @cached_property
    def viewer(self) -> Caller:
        return self.caller(Role.VIEWER)

    @cached_property
    def admin(self) -> Caller:
        return self.caller(Role.TENANT_ADMIN)

    @cached_property
    def operator(self) -> Caller:
        return self.caller(Role.OPERATOR)

    def href(self, path: str, version: int = 1) -> dict[str, str]:
        return {"href": BASE + ("" if version == 1 else "2/") + path}

    @property
    def image(self) -> dict[str, str]:
        return self.href(f"machineImages/{self.world.image_id}")

    def machine_message(self, name: str = "m", **template) -> dict:
        value = {**MACHINE_BY_VALUE, "machineImage": self.image, **template}
        return {"name": name, "machineTemplate": value}

    def settle(self) -> None:
        """Let every job in the queue end well, as a worker would."""
        with self.cmdb.writing(SYSTEM) as tx:
            for job in tx.session.scalars(select(Job).where(Job.state == JobState.QUEUED)).all():
                if job.workflow in {"CreateMachine", "CreateMachineWithVolumes"}:
                    placement.place_machine(tx, tx.session.get_one(Machine, job.target_id))
                if job.workflow == "CreateVolume":
                    placement.place_volume(tx, tx.session.get_one(Volume, job.target_id))
                tx.add(JobStep(job_id=job.id, name="place", state="SUCCESS"))
                settlement.succeeded(tx, job)

    def machine(self, name: str = "m", caller: Caller | None = None, **template) -> str:
        """The path of a machine that runs."""
        answer = (caller or self.member).post("machines", self.machine_message(name, **template))
        assert answer.status_code == 202, answer.text
        self.settle()
        return answer.json["id"].removeprefix(BASE)

    def volume(self, name: str = "v", caller: Caller | None = None) -> str:
        """The path of a volume that is available."""
        message = {"name": name, "volumeTemplate": {"volumeConfig": {"capacity": 2_000_000}}}
        answer = (caller or self.member).post("volumes", message)
        assert answer.status_code == 202, answer.text
        self.settle()
        return answer.json["id"].removeprefix(BASE)
