"""What every route does: read, call the service, show. One function for each kind of operation."""

from collections.abc import Sequence
from typing import Any, Protocol

from api.cimi import changes
from api.cimi.codec.validate import invalid
from api.cimi.exchange import Answer, Exchange, Made
from api.cimi.metadata import PROVIDED, at_provider, kind_of, metadata, of_provider_kind
from api.cimi.model import ENTRY_POINT, KINDS, TOP_KINDS
from api.cimi.model.attribute import V2, Access, Attribute, Values, text
from api.cimi.model.kind import Kind
from api.cimi.query.parameters import Parameters
from api.cimi.represent import Representation
from api.cimi.resource import WORDS, Action, Below, Change, Creation, Removal, Resource, Row
from api.cimi.resources.jobs import outline
from sirocco.cmdb.models import Job, Record
from sirocco.cmdb.transaction import expect_version
from sirocco.contracts.errors import INVALID, NOT_FOUND, STALE, SiroccoError
from sirocco.contracts.states import JobState
from sirocco.services import jobs, providers

ACTION = text("action", access=Access.CREATE, longest=2048)
_JOB, _METADATA = KINDS["Job"], KINDS["ResourceMetadata"]
_TENANTLESS = frozenset({"Provider", "Account", "Location", "Tenant", "User"})
_PLAIN = Parameters()


class Message(Protocol):
    """What a route reads."""

    @property
    def name(self) -> str:
        """The message's type."""
        ...

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """What it may hold."""
        ...


def entry(shown: Representation, exchange: Exchange) -> Answer:
    """The entry point: the collections that the caller may use."""
    values: Values = {
        "id": ENTRY_POINT.path,
        "name": "Sirocco",
        "description": "One point of entry to many clouds.",
        "baseURI": exchange.wire.base,
    }
    for kind in TOP_KINDS:
        resource = shown.resources.get(kind.path)
        if exchange.wire.version in kind.versions and (resource is None or exchange.tx.who.may(resource.role)):
            values[kind.collection] = {"href": kind.path}
    return Answer(kind=ENTRY_POINT, values=shown.cut(exchange, ENTRY_POINT, values, exchange.parameters))


def all_metadata(shown: Representation, exchange: Exchange) -> Answer:
    """The metadata of all kinds, of those that depend on the provider for each of them, and of kinds of provider."""
    version = exchange.wire.version
    by_kind = {resource.kind.name: resource for resource in shown.resources.values()}
    documents = [metadata(kind, by_kind.get(kind.name), version) for kind in KINDS.values() if version in kind.versions]
    for name in PROVIDED:
        general = metadata(KINDS[name], by_kind.get(name), version)
        documents += [
            at_provider(general, KINDS[name], provider_id, stated, version)
            for provider_id, stated in providers.stated(exchange.tx).items()
        ]
    general = metadata(KINDS["Provider"], by_kind.get("Provider"), version)
    documents += [of_provider_kind(general, known, exchange.translate) for known in providers.kinds().values()]
    found = shown.documents(exchange, _METADATA, _METADATA.path, documents)
    return Answer(kind=_METADATA, values=found, collection=True)


def one_metadata(shown: Representation, exchange: Exchange) -> Answer:
    """The metadata of one kind, of one kind at one provider (``Machine.<id>``), or of one kind of provider."""
    wanted, version = exchange.ids["id"], exchange.wire.version
    name, _, provider_id = wanted.partition(".")
    kind = kind_of(KINDS, name, version)
    document = metadata(kind, shown.resources.get(kind.path), version)
    if name == "Provider" and provider_id in providers.kinds():
        document = of_provider_kind(document, providers.kinds()[provider_id], exchange.translate)
    elif provider_id:
        stated = providers.stated(exchange.tx).get(provider_id)
        if stated is None or name not in PROVIDED:
            raise SiroccoError(NOT_FOUND, kind="resource metadata", id=wanted)
        document = at_provider(document, kind, provider_id, stated, version)
    return Answer(kind=_METADATA, values=shown.cut(exchange, _METADATA, document, exchange.parameters))


def listing(shown: Representation, resource: Resource, exchange: Exchange) -> Answer:
    """A collection."""
    return Answer(kind=resource.kind, values=shown.listing(exchange, resource), collection=True)


def read(shown: Representation, resource: Resource, exchange: Exchange) -> Answer:
    """One resource."""
    row = resource.find(exchange.tx, exchange.ids["id"])
    return _shown(shown, resource, exchange, row)


def create(
    shown: Representation, resource: Resource, creation: Creation, message: Message, exchange: Exchange
) -> Answer:
    """A new resource: 201 when it is there, 202 while a job makes it."""
    kind = resource.kind
    if not exchange.tx.who.tenant_id and kind.name not in _TENANTLESS:
        raise SiroccoError(INVALID, where="tenantId", why="the header has to name the tenant that it shall belong to")
    names = creation.names or ((kind.create,) if kind.template else (kind.create, kind.name))
    made = creation.call(exchange, exchange.read(kind, message.attributes, Access.CREATE, names))
    return _made(shown, resource, exchange, made)


def update(shown: Representation, resource: Resource, change: Change, exchange: Exchange) -> Answer:
    """A changed resource; with $select only what is selected changes."""
    kind, version = resource.kind, exchange.wire.version
    _current(exchange, resource.find(exchange.tx, exchange.ids["id"]))
    values = exchange.read(kind, kind.shown(version), Access.EDIT, (kind.name,))
    select = exchange.parameters.select
    if select is None:
        values = changes.full(kind, values, version)
    else:
        _refuse_unselected(values, select)
        values = changes.partial(kind, values, select, version)
    made = change.call(exchange, exchange.ids["id"], values)
    exchange.tx.session.flush()
    job = _job(exchange, made.job, "edit", made.row)
    answer = _shown(shown, resource, exchange, made.row, _PLAIN)
    return _with_job(answer, exchange, job, 202 if made.job and not _ended(made.job) else 200)


def _current(exchange: Exchange, row: Row) -> Row:
    """The row, refused when it is no longer at the version that the request is about."""
    if isinstance(row, Record):
        expect_version(row, exchange.expected)
    elif exchange.expected is not None:
        raise SiroccoError(STALE, kind="resource", id=row.id)  # what has no ETag is never at one
    return row


def _refuse_unselected(values: Values, select: frozenset[str]) -> None:
    for name in values:
        if name not in select:
            raise invalid(name, why="it is in the body but not in $select")


def delete(shown: Representation, resource: Resource, removal: Removal, exchange: Exchange) -> Answer:
    """The end of a resource; the answer is the job."""
    row = _current(exchange, resource.find(exchange.tx, exchange.ids["id"]))
    made = removal.call(exchange, exchange.ids["id"])
    exchange.tx.session.flush()
    return _job_answer(shown, exchange, _job(exchange, made.job, "delete", row), 200)


def act(shown: Representation, resource: Resource, action: Action, exchange: Exchange) -> Answer:
    """An action by its own URI; a body that names another one is refused, since nobody knows which was meant."""
    values = _read_action(exchange, action.reads, action.names)
    resource.find(exchange.tx, exchange.ids["id"])
    if _named_action(values) not in {"", action.name}:
        raise invalid(
            "action", why="it is another than the one that the request is sent to, {action}", action=action.name
        )
    return _act(shown, resource, action, exchange, values)


def act_by_body(shown: Representation, resource: Resource, actions: tuple[Action, ...], exchange: Exchange) -> Answer:
    """An action posted to the resource itself: the last word of its URI in the body tells which."""
    resource.find(exchange.tx, exchange.ids["id"])
    reads = tuple({attribute.name: attribute for action in actions for attribute in action.reads}.values())
    names = tuple(name for action in actions for name in action.names)
    values = _read_action(exchange, reads, names)
    action = next((one for one in actions if one.name == _named_action(values)), None)
    if action is None:
        raise invalid("action", why="it is one of {choices}", choices=", ".join(one.name for one in actions))
    exchange.tx.who.need(action.role)
    return _act(shown, resource, action, exchange, values)


def _named_action(values: Values) -> str:
    """The last word of the action's URI in a body."""
    return str(values.get("action") or "").rstrip("/").rpartition("/")[2]


def _read_action(exchange: Exchange, reads: tuple[Attribute, ...], names: tuple[str, ...]) -> Values:
    if not exchange.body.content.strip():
        return {}
    attributes = (ACTION, *{attribute.name: attribute for attribute in (*WORDS, *reads)}.values())
    return exchange.read("Action", attributes, Access.CREATE, ("Action", *names))


def _act(shown: Representation, resource: Resource, action: Action, exchange: Exchange, values: Values) -> Answer:
    row = _current(exchange, resource.find(exchange.tx, exchange.ids["id"]))
    made = action.call(exchange, exchange.ids["id"], values)
    if made.path:
        return _made(shown, resource, exchange, made)
    exchange.tx.session.flush()
    return _job_answer(shown, exchange, _job(exchange, made.job, action.name, made.row or row), 202)


def list_below(shown: Representation, owner: Resource, below: Below, name: str, exchange: Exchange) -> Answer:
    """A collection below a resource."""
    row = owner.find(exchange.tx, exchange.ids["id"])
    values = shown.below(exchange, below, row, f"{owner.path(row)}/{name}")
    return Answer(kind=below.kind, values=values, collection=True)


def read_below(shown: Representation, owner: Resource, below: Below, name: str, exchange: Exchange) -> Answer:
    """An item of a collection below a resource."""
    row, item = _item(owner, below, exchange)
    document = shown.item(exchange, below, row, item, f"{owner.path(row)}/{name}")
    return Answer(kind=below.kind, values=shown.cut(exchange, below.kind, document, exchange.parameters))


def add_below(shown: Representation, owner: Resource, below: Below, name: str, exchange: Exchange) -> Answer:
    """A new item below a resource; in /2 a body may ask for a removal instead."""
    creation = below.add
    if creation is None:
        raise SiroccoError(NOT_FOUND, kind=below.kind.name, id=name)
    row = _current(exchange, owner.find(exchange.tx, exchange.ids["id"]))
    kind, version = below.kind, exchange.wire.version
    attributes = (*(creation.reads or kind.shown(version)), *((ACTION,) if version == V2 else ()))
    names = (*creation.names, kind.name, kind.create, *(("Action",) if version == V2 else ()))
    values = exchange.read(kind, attributes, Access.CREATE, names)
    if str(values.get("action") or "").endswith("/remove"):
        return _remove(shown, below, exchange, row, _named(shown, below, exchange, row, values))
    made = creation.call(exchange, values)
    if made.kind is not None:
        return _made(shown, owner, exchange, made)
    exchange.tx.session.flush()
    document = shown.item(exchange, below, row, made.row, f"{owner.path(row)}/{name}")
    job = _job(exchange, made.job, "add", row)
    answer = Answer(kind=kind, values=document, location=exchange.wire.href(made.path))
    return _with_job(answer, exchange, job, 202 if job and not _ended(job) else 201)


def _named(shown: Representation, below: Below, exchange: Exchange, row: Row, values: Values) -> str:
    """The id of the item whose references are those in the body."""
    wanted = {key: value for key, value in values.items() if isinstance(value, dict)}
    for item in below.rows(exchange, row):
        document = shown.item(exchange, below, row, item, "")
        if wanted and all(document.get(key) == value for key, value in wanted.items()):
            return str(item.id)
    raise SiroccoError(NOT_FOUND, kind=f"such {_spaced(below.kind)}", id="in the body")


def remove_below(shown: Representation, owner: Resource, below: Below, _name: str, exchange: Exchange) -> Answer:
    """The end of an item below a resource."""
    row, item = _item(owner, below, exchange)
    _current(exchange, row)
    return _remove(shown, below, exchange, row, item.id)


def _remove(shown: Representation, below: Below, exchange: Exchange, row: Row, item_id: str) -> Answer:
    if below.remove is None:
        raise SiroccoError(NOT_FOUND, kind=below.kind.name, id=item_id)
    made = below.remove.call(exchange, item_id)
    exchange.tx.session.flush()
    return _job_answer(shown, exchange, _job(exchange, made.job, "delete", row), 200)


def list_inner(
    shown: Representation, owner: Resource, below: Below, names: tuple[str, str], exchange: Exchange
) -> Answer:
    """A collection below an item below a resource."""
    row, item = _item(owner, below, exchange)
    inner = below.inner[names[1]]
    path = f"{owner.path(row)}/{names[0]}/{item.id}/{names[1]}"
    return Answer(kind=inner.kind, values=shown.below(exchange, inner, item, path), collection=True)


def read_inner(
    shown: Representation, owner: Resource, below: Below, names: tuple[str, str], exchange: Exchange
) -> Answer:
    """An item of a collection below an item below a resource."""
    row, item = _item(owner, below, exchange)
    inner, wanted = below.inner[names[1]], exchange.ids["entry"]
    entry = _one_of(inner, inner.rows(exchange, item), wanted)
    document = shown.item(exchange, inner, item, entry, f"{owner.path(row)}/{names[0]}/{item.id}/{names[1]}")
    return Answer(kind=inner.kind, values=shown.cut(exchange, inner.kind, document, exchange.parameters))


def _item(owner: Resource, below: Below, exchange: Exchange) -> tuple[Row, Row]:
    row = owner.find(exchange.tx, exchange.ids["id"])
    return row, _one_of(below, below.rows(exchange, row), exchange.ids["item"])


def _one_of(below: Below, rows: Sequence[Row], wanted: str) -> Row:
    found = next((row for row in rows if str(row.id) == wanted), None)
    if found is None:
        raise SiroccoError(NOT_FOUND, kind=_spaced(below.kind), id=wanted)
    return found


def _spaced(kind: Kind) -> str:
    return "".join(f" {char.lower()}" if char.isupper() else char for char in kind.name).strip()


def _shown(
    shown: Representation, resource: Resource, exchange: Exchange, row: Row, parameters: Parameters | None = None
) -> Answer:
    values = shown.document(exchange, resource, row, parameters)
    version: Any = getattr(row, "version", None)
    return Answer(kind=resource.kind, values=values, version=version if isinstance(version, int) else None)


def _made(shown: Representation, resource: Resource, exchange: Exchange, made: Made) -> Answer:
    """What a creation answers: the resource, wherever it lies, even while a job still makes it."""
    exchange.tx.session.flush()
    target = shown.resources[made.path.partition("/")[0]] if made.path else resource
    job = _job(exchange, made.job, "add", made.row)
    answer = _shown(shown, target, exchange, made.row, _PLAIN)
    values = (answer.values or {}) | (made.document or {})
    location = exchange.wire.href(made.path or target.path(made.row))
    status = made.status or (202 if made.job and not _ended(made.job) else 201)
    whole = Answer(kind=target.kind, values=values, location=location, version=answer.version)
    return _with_job(whole, exchange, job, status)


def _job(exchange: Exchange, job: Job | None, verb: str, row: Row) -> Job | None:
    """The job of a write: the one that carries it out, or the record of one that is done."""
    if job is not None or not isinstance(row, Record) or isinstance(row, Job):
        return job
    return jobs.done(exchange.tx, verb, row)


def _ended(job: Job) -> bool:
    return JobState(job.state).ended


def _with_job(answer: Answer, exchange: Exchange, job: Job | None, status: int) -> Answer:
    href = exchange.wire.href(f"jobs/{job.id}") if job else ""
    return Answer(status, answer.kind, answer.values, answer.collection, answer.location, href, answer.version)


def _job_answer(shown: Representation, exchange: Exchange, job: Job | None, status: int) -> Answer:
    if job is None:
        return Answer(status)
    values = shown.shown(exchange, _JOB, job, f"jobs/{job.id}") | outline(exchange, job)
    return _with_job(Answer(kind=_JOB, values=values), exchange, job, status)
