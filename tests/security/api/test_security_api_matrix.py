"""Who may do what: every route by every role by whose it is, from the registry; every cell is asserted."""

from functools import cache

import pytest

from api.routes import Public, Route, routes
from sirocco.contracts.states import Role
from sirocco.domain.principal import Principal
from tests.api.front import BASE, ROLES, Front
from tests.world import a_cmdb, populate

RANK = {role: index for index, role in enumerate(ROLES)}
OWNERS = ("own", "other project", "other tenant", "deleted", "malformed")
GONE = "019d3b5e-1111-7111-8111-111111111111"
WELL = {200, 201, 202}
ASKED = {400, 409, 412}  # the rights suffice: the empty request or the state was judged


class Stage:
    """Three tenants with the same things in each, and callers of all roles in the first."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.tenants = {
            "own": front.world.tenant_id,
            "other project": front.tenant("project two"),
            "other tenant": front.other_tenant,
        }
        also = (self.tenants["other project"],)
        self.callers = {role: front.caller(role, also=also) for role in ROLES}
        self.ids = {owner: self._things(tenant_id) for owner, tenant_id in self.tenants.items()}

    def _things(self, tenant_id: str) -> dict[str, str]:
        """One resource of each kind in a tenant: collection to id."""
        front = self.front
        member = front.caller(Role.MEMBER, tenant_id)
        machine, volume = front.machine(caller=member), front.volume(caller=member)
        attached = front.volume("attached", caller=member)
        network = member.post("networks", {"networkTemplate": {"sirocco_nat": False}}).json["id"]
        front.settle()
        found = {"machines": machine, "volumes": volume, "networks": network}
        on = {"network": {"href": network}}
        for collection, body in (
            ("networkPorts", {"networkPortTemplate": on}),
            ("addresses", {"addressTemplate": on}),
            ("credentials", {"credentialTemplate": {"password": "secret word"}}),
            ("volumeImages", {"imageLocation": BASE + volume}),
            ("machineImages", {"imageLocation": BASE + machine}),
            ("apiKeys", {"name": "k"}),
        ):
            answer = member.post(collection, body)
            assert answer.status_code in WELL, answer.text
            found[collection] = answer.json["id"]
            front.settle()
        for route in routes():
            if route.method == "POST" and route.path.endswith(("Configs", "Templates")) and route.version == 1:
                body = {"userName": "u"} if route.path == "credentialTemplates" else {}
                found[route.path] = member.post(route.path, body).json["id"]
        nic = member.post(f"{machine}/networkInterfaces", on | {"sirocco_address": {"href": found["addresses"]}})
        front.settle()
        use = member.post(f"{machine}/volumes", {"volume": {"href": BASE + attached}})
        front.settle()
        assert member.post(f"{machine}/snapshot", {"name": "s"}).status_code == 201
        front.settle()
        ids = {collection: href.rpartition("/")[2] for collection, href in found.items()}
        ids["jobs"] = use.headers["CIMI-Job-URI"].rpartition("/")[2]
        ids["segments"], ids["endpoints"] = ids["networks"], ids["addresses"]
        ids["eventLogs"] = f"machines.{ids['machines']}"
        ids["tenants"], ids["quotas"] = tenant_id, f"{tenant_id}.machines"
        ids["users"] = member.principal.user_id
        operator = front.caller(Role.OPERATOR, tenant_id)
        account = {
            "provider": front.href(f"providers/{front.world.provider_id}"),
            "tenant": {"href": f"tenants/{tenant_id}"},
        }
        ids["accounts"] = operator.post("accounts", {"name": "a", **account}).json["id"].rpartition("/")[2]
        for collection in ("providers", "hosts", "locations"):
            items = operator.get(collection).json[collection]
            ids[collection] = items[0]["id"].rpartition("/")[2]
        ids["resourceMetadata"] = "Machine"
        return ids | self._items(member, ids) | {"machines/networkInterfaces": nic.json["id"].rpartition("/")[2]}

    @staticmethod
    def _items(member, ids: dict[str, str]) -> dict[str, str]:
        """Things below others, as ``collection/name``."""
        machine = f"machines/{ids['machines']}"
        found = {}
        for name in ("disks", "volumes", "networkInterfaces", "snapshots"):
            items = next(
                v for k, v in member.get(f"{machine}/{name}").json.items() if isinstance(v, list) and k != "operations"
            )
            found[f"machines/{name}"] = items[0]["id"].rpartition("/")[2]
        found["interfaces"] = found["machines/networkInterfaces"]
        found["eventLogs/events"] = (
            member.get(f"eventLogs/{ids['eventLogs']}/events").json["events"][0]["id"].rpartition("/")[2]
        )
        found["volumes/images"] = ids["volumeImages"]
        found["networks/networkPorts"] = ids["networkPorts"]
        return found

    def path(self, route: Route, owner: str) -> str:
        """The route's path with the ids of what ``owner`` has."""
        prefix = "" if route.version == 1 else "2/"
        collection, name = route.path.partition("/{id}/")[::2]
        collection, (name, _, inner) = route.path.split("/")[0], name.partition("/")
        known = self.ids.get(owner, {})
        fallback = GONE if owner == "deleted" else "%00%27--"
        one = known.get(collection, fallback)
        item = known.get(f"{collection}/{name}", fallback)
        entry = known.get(inner.split("/")[1] if inner.startswith("{item}/") else "", fallback)
        return prefix + route.path.replace("{id}", one).replace("{item}", item).replace("{entry}", entry)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    home = tmp_path_factory.mktemp("matrix")
    with a_cmdb(f"sqlite:///{home / 'cmdb.sqlite'}", home) as cmdb:
        yield Stage(Front(populate(cmdb)))


@cache
def addressed() -> list[Route]:
    return [route for route in routes() if "{id}" in route.path]


def expected(route: Route, role: Role, owner: str, stage: Stage) -> set[int]:
    """What the policy of the route and the wall between tenants make of a request."""
    if RANK[role] < RANK[route.policy]:
        return {403}
    if owner in {"deleted", "malformed"}:
        return {404}
    kind = route.path.split("/")[0]
    # What belongs to no tenant is the same for everybody who may see it at all.
    if kind in {"providers", "hosts", "locations", "resourceMetadata"}:
        return WELL | ASKED
    if kind == "apiKeys":
        return {404}  # those of another user, whoever asks
    if kind == "users":
        return _users(route, role, owner)
    if kind in {"tenants", "quotas"}:
        return WELL | ASKED if owner == "own" or role is Role.OPERATOR else {404}
    return WELL | ASKED if owner == "own" else {404}


def _users(route: Route, role: Role, owner: str) -> set[int]:
    if role is Role.OPERATOR:
        return WELL | ASKED
    if role is Role.TENANT_ADMIN and owner == "own":
        return WELL | ASKED
    return {404}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("owner", OWNERS)
def test_every_cell(stage, role, owner):
    """The requests change nothing: they carry a version that no resource has, so that rights are all they try."""
    wrong = []
    for route in addressed():
        answer = _ask(stage, route, role, owner)
        if answer.status_code not in expected(route, role, owner, stage):
            wrong.append((route.method, route.path, route.version, answer.status_code, answer.text[:200]))
    assert wrong == []
    assert len(addressed()) > 200


def _ask(stage: Stage, route: Route, role: Role, owner: str):
    headers = {"If-Match": '"999999"'} if route.writes else {}
    body = {} if route.method == "PUT" else {"action": "x"} if route.method == "POST" else None
    return stage.callers[role](route.method, stage.path(route, owner), body, **headers)


@pytest.mark.parametrize("role", ROLES)
def test_collections_are_open_by_role_and_show_one_tenant_only(stage, role):
    foreign = {
        one
        for owner in ("other project", "other tenant")
        for name, one in stage.ids[owner].items()
        if one not in stage.ids["own"].values() and len(one) > 30
    }
    for route in routes():
        if "{id}" in route.path:
            continue
        prefix = "" if route.version == 1 else "2/"
        answer = stage.callers[role](route.method, prefix + route.path, {"nonsense": 1} if route.writes else None)
        if RANK[role] < RANK[route.policy]:
            assert answer.status_code == 403, (route.method, route.path)
        elif route.writes:
            assert answer.json["sirocco_code"] == "unknown-attribute", (route.path, answer.text)
        else:
            assert answer.status_code == 200, (route.path, answer.text)
            everywhere = role is Role.OPERATOR and route.path in {"tenants", "users", "quotas"}
            mine = set(stage.tenants.values()) if route.path == "users" else set()  # one's own memberships
            leaked = [] if everywhere else [one for one in foreign - mine if one in answer.text]
            assert leaked == [], route.path


def test_nobody_gets_in_unasked(stage):
    client = stage.front.app.test_client()
    for route in routes():
        prefix = "/cimi/" if route.version == 1 else "/cimi/2/"
        path = prefix + route.path.replace("{id}", GONE).replace("{item}", GONE).replace("{entry}", GONE)
        assert client.open(path, method=route.method, json={}).status_code == 401, path


def test_no_route_is_public_and_every_route_says_who():
    policies = {route.policy for route in routes()}
    assert policies == set(ROLES)
    one = routes()[0]
    with pytest.raises(TypeError):
        Route("GET", "x", 1, one.kind, None, one.call, one.kind, "no policy")
    assert Public.PUBLIC not in policies


def test_what_is_served_is_what_is_registered(stage):
    served = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in stage.front.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/cimi/") and "path:" not in rule.rule and rule.rule != "/cimi/"
    }
    registered = {(r.method, ("/cimi/" if r.version == 1 else "/cimi/2/") + r.path) for r in routes()}
    assert served == registered


def test_references_to_what_others_have_are_not_followed(stage):
    member = stage.callers[Role.MEMBER]
    other = stage.ids["other project"]
    image = stage.front.image
    for template in (
        {"machineImage": {"href": f"machineImages/{other['machineImages']}"}},
        {"machineImage": image, "credential": {"href": f"credentials/{other['credentials']}"}},
        {"machineImage": image, "volumes": [{"href": f"volumes/{other['volumes']}"}]},
        {"machineImage": image, "networkInterfaces": [{"network": {"href": f"networks/{other['networks']}"}}]},
    ):
        body = {"machineTemplate": {"machineConfig": {"cpu": 1, "memory": 131072}, **template}}
        assert member.post("machines", body).status_code == 404
    for collection in ("machineTemplates", "machineConfigs"):
        key = "machineTemplate" if collection == "machineTemplates" else "machineConfig"
        value = {"href": f"{collection}/{other[collection]}"}
        template = value if key == "machineTemplate" else {"machineConfig": value, "machineImage": image}
        assert member.post("machines", {"machineTemplate": template}).status_code == 404
    mine = stage.ids["own"]["machines"]
    assert (
        member.post(f"machines/{mine}/volumes", {"volume": {"href": f"volumes/{other['volumes']}"}}).status_code == 404
    )
    foreign = {"href": f"networks/{other['networks']}"}
    assert member.post(f"machines/{mine}/networkInterfaces", {"network": foreign}).status_code == 404


def test_a_key_cannot_leave_its_tenant(stage):
    member = stage.callers[Role.MEMBER]
    answer = member.get("machines", tenantId=stage.tenants["other project"])
    assert answer.status_code == 403
    assert answer.json["sirocco_code"] == "no-tenant"
    assert isinstance(member.principal, Principal)
