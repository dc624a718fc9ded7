"""The one registry of routes: server, OpenAPI, metadata, authorization matrix and client coverage are made from it.

Every route says who may take it; one that does not cannot be built. Paths are relative to the base of a version.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial

from api.cimi import handlers
from api.cimi.exchange import Answer, Exchange
from api.cimi.model import ENTRY_POINT, KINDS, VERSIONS
from api.cimi.model.attribute import Access, Attribute
from api.cimi.model.kind import Kind
from api.cimi.represent import Representation
from api.cimi.resource import Action, Below, Creation, Resource, message
from api.cimi.resources.credentials import CREDENTIALS
from api.cimi.resources.documents import DOCUMENTS
from api.cimi.resources.events import EVENT_LOGS
from api.cimi.resources.images import IMAGES
from api.cimi.resources.interfaces import INTERFACES
from api.cimi.resources.jobs import JOBS
from api.cimi.resources.machines import MACHINES
from api.cimi.resources.networks import ADDRESSES, ENDPOINTS, NETWORKS, PORTS, SEGMENTS
from api.cimi.resources.providers import ACCOUNTS, HOSTS, LOCATIONS, PROVIDERS
from api.cimi.resources.tenants import API_KEYS, QUOTAS, TENANTS, USERS
from api.cimi.resources.volumes import VOLUME_IMAGES, VOLUMES
from sirocco.contracts.states import Role

RESOURCES: dict[str, Resource] = {
    resource.kind.path: resource
    for resource in (
        MACHINES,
        *DOCUMENTS,
        IMAGES,
        CREDENTIALS,
        VOLUMES,
        VOLUME_IMAGES,
        NETWORKS,
        PORTS,
        ADDRESSES,
        SEGMENTS,
        ENDPOINTS,
        INTERFACES,
        JOBS,
        EVENT_LOGS,
        PROVIDERS,
        ACCOUNTS,
        LOCATIONS,
        HOSTS,
        TENANTS,
        USERS,
        QUOTAS,
        API_KEYS,
    )
}
"""Every resource by the path of its collection."""


class Public(Enum):
    """The policy of a route that needs no sign-in."""

    PUBLIC = "public"


Policy = Role | Public
Handler = Callable[[Exchange], Answer]


@dataclass(frozen=True, slots=True)
class Input:
    """What a route reads: a message of one of these types with these attributes."""

    name: str
    attributes: tuple[Attribute, ...]
    level: Access


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the API. ``gives`` is the kind that it answers with, ``many`` when that is a collection.

    ``makes`` are the kinds of new resources that a 201 shows instead.
    """

    method: str
    path: str
    version: int
    kind: Kind
    policy: Policy
    call: Handler
    gives: Kind
    summary: str
    many: bool = False
    reads: Input | None = None
    status: int = 200
    makes: tuple[Kind, ...] = ()

    def __post_init__(self) -> None:
        """A route without a policy cannot be built."""
        if not isinstance(self.policy, Role | Public):
            raise TypeError(f"{self.method} {self.path} says not who may take it")

    @property
    def writes(self) -> bool:
        """Whether it may change anything."""
        return self.method != "GET"

    @property
    def name(self) -> str:
        """A name of its own, from method and path."""
        parts = [part.strip("{}") for part in self.path.split("/")]
        return f"{self.method.lower()}_{'_'.join(parts)}_{self.version}"


def routes(resources: Mapping[str, Resource] = RESOURCES) -> tuple[Route, ...]:
    """All routes of both versions."""
    shown = Representation(dict(resources))
    return tuple(
        route
        for version in VERSIONS
        for part in (_entry(shown, version), *(_resource(shown, one, version) for one in resources.values()))
        for route in part
    )


def _entry(shown: Representation, version: int) -> Iterator[Route]:
    everyone, metadata = Role.VIEWER, KINDS["ResourceMetadata"]
    call = partial(handlers.entry, shown)
    yield Route("GET", "cloudEntryPoint", version, ENTRY_POINT, everyone, call, ENTRY_POINT, "The entry point")
    listed, one = partial(handlers.all_metadata, shown), partial(handlers.one_metadata, shown)
    path = metadata.path
    yield Route("GET", path, version, metadata, everyone, listed, metadata, "What all kinds have", many=True)
    yield Route("GET", f"{path}/{{id}}", version, metadata, everyone, one, metadata, "What one kind has")


def _resource(shown: Representation, resource: Resource, version: int) -> Iterator[Route]:
    kind = resource.kind
    if version not in kind.versions:
        return
    path, one = kind.path, f"{kind.path}/{{id}}"
    listing, reading = partial(handlers.listing, shown, resource), partial(handlers.read, shown, resource)
    yield Route("GET", path, version, kind, resource.role, listing, kind, f"List {path}", many=True)
    yield Route("GET", one, version, kind, resource.role, reading, kind, f"Read one of {path}")
    if resource.create is not None:
        reads = _creation(kind, resource.create, version)
        call = partial(handlers.create, shown, resource, resource.create, reads)
        yield Route("POST", path, version, kind, resource.create.role, call, kind, f"Add to {path}", reads=reads)
    if resource.update is not None:
        reads = Input(kind.name, kind.shown(version), Access.EDIT)
        call = partial(handlers.update, shown, resource, resource.update)
        yield Route("PUT", one, version, kind, resource.update.role, call, kind, f"Change one of {path}", reads=reads)
    if resource.delete is not None:
        call = partial(handlers.delete, shown, resource, resource.delete)
        yield Route("DELETE", one, version, kind, resource.delete.role, call, KINDS["Job"], f"Delete one of {path}")
    yield from _actions(shown, resource, version)
    for (name, of_version), below in resource.below.items():
        if of_version == version:
            yield from _below(shown, resource, name, below, version)


def _creation(kind: Kind, creation: Creation, version: int) -> Input:
    return Input(kind.create, creation.reads or message(kind, version), Access.CREATE)


def _actions(shown: Representation, resource: Resource, version: int) -> Iterator[Route]:
    kind, one, job = resource.kind, f"{resource.kind.path}/{{id}}", KINDS["Job"]
    actions = tuple(action for action in resource.actions if version in action.versions)
    for action in actions:
        reads = Input("Action", _parameters((action,)), Access.CREATE)
        call = partial(handlers.act, shown, resource, action)
        yield Route(
            "POST",
            f"{one}/{action.name}",
            version,
            kind,
            action.role,
            call,
            job,
            action.description,
            reads=reads,
            status=202,
            makes=(action.makes,) if action.makes else (),
        )
    if actions:
        reads = Input("Action", _parameters(actions), Access.CREATE)
        call = partial(handlers.act_by_body, shown, resource, actions)
        lowest = min((action.role for action in actions), key=list(reversed(Role)).index)
        summary = f"Act on one of {kind.path}: the action is named in the body"
        makes = tuple(dict.fromkeys(action.makes for action in actions if action.makes))
        yield Route("POST", one, version, kind, lowest, call, job, summary, reads=reads, status=202, makes=makes)


def _parameters(actions: tuple[Action, ...]) -> tuple[Attribute, ...]:
    found = {attribute.name: attribute for action in actions for attribute in action.reads}
    return (handlers.ACTION, *found.values())


def _below(shown: Representation, owner: Resource, name: str, below: Below, version: int) -> Iterator[Route]:
    kind, path = below.kind, f"{owner.kind.path}/{{id}}/{name}"
    role = owner.role
    listing = partial(handlers.list_below, shown, owner, below, name)
    yield Route("GET", path, version, kind, role, listing, kind, f"List {name} of one", many=True)
    if below.add is not None:
        attributes = below.add.reads or kind.shown(version)
        reads = Input(kind.name, attributes, Access.CREATE)
        call = partial(handlers.add_below, shown, owner, below, name)
        gives = below.add.makes or kind
        yield Route("POST", path, version, kind, below.add.role, call, gives, f"Add to {name}", reads=reads)
    if below.elsewhere:
        return
    reading = partial(handlers.read_below, shown, owner, below, name)
    yield Route("GET", f"{path}/{{item}}", version, kind, role, reading, kind, f"Read one of {name}")
    if below.remove is not None:
        call = partial(handlers.remove_below, shown, owner, below, name)
        policy = below.remove.role
        yield Route("DELETE", f"{path}/{{item}}", version, kind, policy, call, KINDS["Job"], f"Remove from {name}")
    for inner_name, inner in below.inner.items():
        reading = partial(handlers.list_inner, shown, owner, below, (name, inner_name))
        full = f"{path}/{{item}}/{inner_name}"
        yield Route("GET", full, version, inner.kind, role, reading, inner.kind, f"List {inner_name}", many=True)
        one = partial(handlers.read_inner, shown, owner, below, (name, inner_name))
        summary = f"Read one of {inner_name}"
        yield Route("GET", f"{full}/{{entry}}", version, inner.kind, role, one, inner.kind, summary)
