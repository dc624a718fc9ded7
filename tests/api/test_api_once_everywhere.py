"""Every route that writes, from the registry: five at once with one key have one effect and one answer."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest
from sqlalchemy import func, select

from api.routes import routes
from sirocco.cmdb import capacity
from sirocco.cmdb.models import Base, KeptRequest
from sirocco.domain.principal import SYSTEM
from sirocco.services import tenants
from tests.api.front import BASE, Caller, Front
from tests.world import GIB, a_cmdb, inventory, populate

TIMES = 5
_numbers = count(1)
WRITES = [route for route in routes() if route.writes]
MANY = {"quota": 7, "location": 2}
SILENT = {"event", "user_account", "kept_request", "web_session"}


class Stage:
    """What each route needs, made anew for it; paths without the base."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.on = {"network": front.href(f"networks/{front.world.network_id}")}
        self.at = {"provider": front.href(f"providers/{front.world.provider_id}")}

    def new(self, collection: str) -> str:
        """A resource of a collection; the path of it."""
        make = {
            "machines": self.front.machine,
            "volumes": self.front.volume,
            "segments": lambda: self._posted("networks").replace("networks", "segments"),
            "endpoints": lambda: self._posted("addresses").replace("addresses", "endpoints"),
            "interfaces": self._interface,
            "hosts": self._host,
            "quotas": lambda: f"quotas/{self.front.world.tenant_id}.machines",
            "jobs": self._job,
        }.get(collection, lambda: self._posted(collection))
        path = make()
        if collection != "jobs":
            self.front.settle()
        return path

    def _host(self) -> str:
        """One that takes machines, whatever was done to it before."""
        path = self.front.operator.get("hosts").json["hosts"][0]["id"].removeprefix(BASE)
        self.front.operator.post(f"{path}/enable")
        return path

    def _job(self) -> str:
        answer = self.front.operator.post("machines", self.message("machines"))
        return answer.headers["CIMI-Job-URI"].removeprefix(BASE)

    def _posted(self, collection: str) -> str:
        answer = self.front.operator.post(collection, self.message(collection))
        assert answer.status_code in {201, 202}, (collection, answer.text)
        return answer.json["id"].removeprefix(BASE)

    def _interface(self) -> str:
        nics = self.front.member.get(f"{self.front.machine()}/networkInterfaces").json["machineNetworkInterfaces"]
        return f"interfaces/{nics[0]['id'].rpartition('/')[2]}"

    def message(self, collection: str, version: int = 1) -> dict:
        """What makes one."""
        number, login = next(_numbers), {"password": "secret word"}
        return {
            "machines": self.front.machine_message(),
            "machineImages": {"imageLocation": "https://images.example/x.raw", "sirocco_format": "raw"},
            "credentials": {"credentialTemplate": login if version == 1 else {"parameters": login}},
            "volumes": {"volumeTemplate": {"volumeConfig": {"capacity": 2_000_000}}},
            "volumeImages": {"imageLocation": BASE + self.front.volume()},
            "networks": {"networkTemplate": {}},
            "networkPorts": {"networkPortTemplate": self.on},
            "addresses": {"addressTemplate": self.on},
            "providers": {"name": f"p-{number}", "kind": "fake", "settings": {"store": "/x"}},
            "accounts": {**self.at, "tenant": self.front.href(f"tenants/{self.front.world.tenant_id}")},
            "locations": self.at,
            "tenants": {"name": f"t-{number}"},
            "users": {"name": f"u-{number}", "password": "correct horse", "operator": True},
            "apiKeys": {"name": "k"},
        }.get(collection, {})

    def below(self, name: str) -> dict:
        """What adds something below a resource."""
        wanted = {
            "volumes": lambda: {"volume": {"href": BASE + self.front.volume()}},
            "networkInterfaces": lambda: self.on,
            "interfaces": lambda: {"sirocco_network": self.on["network"]},
            "images": dict,
            "endpoints": dict,
        }
        return wanted[name]()

    def request(self, route) -> tuple[str, dict | None]:
        """A path and a body that the route takes."""
        prefix = "" if route.version == 1 else "2/"
        collection, _, rest = route.path.partition("/")
        if not rest:
            return prefix + collection, self.message(collection, route.version)
        owner = self.new(collection)
        if (route.method, collection) == ("DELETE", "jobs"):
            self.front.settle()
        if rest == "{id}":
            return prefix + owner, self._own(route, collection)
        name = rest.removeprefix("{id}/")
        if name.endswith("/{item}"):
            return prefix + self._item(owner, name.partition("/")[0]), None
        if route.reads and route.reads.name == "Action":
            return prefix + f"{owner}/{name}", self._action(owner, name)
        return prefix + f"{owner}/{name}", self.below(name)

    def _own(self, route, collection: str) -> dict | None:
        if route.method == "DELETE":
            return None
        if route.method == "POST":
            name = {"volumes": "snapshot", "hosts": "drain"}.get(collection, "stop")
            return {"action": f"http://schemas.dmtf.org/cimi/1/action/{name}"}
        if collection in {"quotas", "hosts"}:
            return {}
        needed = {"settings": {"store": "/y"}} if collection == "providers" else {}
        return {"name": f"changed-{next(_numbers)}", **needed}

    def _action(self, owner: str, name: str) -> dict | None:
        front = self.front
        if name == "start":
            front.operator.post(f"{owner.replace('segments', 'networks')}/stop")
            front.settle()
        if name == "enable":
            front.operator.post(f"{owner}/drain")
            front.settle()
        if name == "restore":
            shot = front.operator.post(f"{owner}/snapshot").json["id"]
            front.settle()
            return {"image": {"href": shot}}
        if name == "connectvolume":
            return {"volume": {"href": BASE + front.volume()}}
        return None

    def _item(self, owner: str, name: str) -> str:
        if name == "volumes":
            self.front.operator.post(f"{owner}/volumes", {"volume": {"href": BASE + self.front.volume()}})
            self.front.settle()
        listed = self.front.operator.get(f"{owner}/{'volumes' if name == 'volumes' else 'networkInterfaces'}").json
        items = next(value for key, value in listed.items() if isinstance(value, list) and key != "operations")
        return f"{owner}/{name}/{items[0]['id'].rpartition('/')[2]}"


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    home = tmp_path_factory.mktemp("everywhere")
    with a_cmdb(f"sqlite:///{home / 'cmdb.sqlite'}", home, pool_size=TIMES) as cmdb:
        large = [inventory(name, cores=900, memory=1024 * GIB, disk=9000 * GIB) for name in ("h1", "h2")]
        world = populate(cmdb, machines_hosts=large)
        with cmdb.writing(SYSTEM) as tx:
            tenants.set_quota(tx, world.tenant_id, dict.fromkeys(capacity.RESOURCES))
        yield Stage(Front(world))


def rows(front):
    with front.cmdb.reading(front.world.operator) as tx:
        return {
            table.name: tx.session.scalar(select(func.count()).select_from(table))
            for table in Base.metadata.sorted_tables
            if table.name not in SILENT
        }


def at_once(front, operator, send):
    barrier = Barrier(TIMES)

    def one(_index):
        caller = Caller(front.app.test_client(), operator.token, operator.principal)
        barrier.wait()
        return send(caller)

    with ThreadPoolExecutor(TIMES) as pool:
        return list(pool.map(one, range(TIMES)))


@pytest.mark.parametrize("route", WRITES, ids=lambda route: route.name)
def test_five_at_once_have_one_effect(stage, route):
    front, operator = stage.front, stage.front.operator
    path, body = stage.request(route)
    before = rows(front)
    send = {"Idempotency_Key": f"key-{route.name}"}
    answers = at_once(front, operator, lambda caller: caller(route.method, path, body, **send))
    assert {answer.status_code for answer in answers} <= {200, 201, 202}, answers[0].text
    assert len({(answer.status_code, answer.data, answer.headers.get("CIMI-Job-URI")) for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == TIMES - 1
    grown = {name: number - before[name] for name, number in rows(front).items()}
    assert grown["job"] <= 1
    assert all(abs(more) <= MANY.get(name, 1) for name, more in grown.items()), grown
    with front.cmdb.reading(front.world.operator) as tx:
        kept = select(func.count()).select_from(KeptRequest).where(KeptRequest.key == send["Idempotency_Key"])
        assert tx.session.scalar(kept) == 1
    other = operator(route.method, path, {"description": "another"} if body is None else {**body, "name": "x"}, **send)
    assert other.status_code == 409, other.text
    front.settle()
