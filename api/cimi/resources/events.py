"""Event logs: one for each resource, holding what happened to it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.cimi.codec.limits import PAGE
from api.cimi.exchange import Exchange
from api.cimi.model import KINDS
from api.cimi.model.attribute import V1, V2, Values
from api.cimi.resource import Below, Part, Resource
from api.cimi.resources.jobs import reference
from sirocco.cmdb.models import Event, Record
from sirocco.cmdb.transaction import Transaction, word
from sirocco.contracts.errors import NOT_FOUND, SiroccoError
from sirocco.domain.query import AllOf, AnyOf, Comparison, Condition, Query
from sirocco.services import events, images, machines, networks, volumes

_LOGGED: Mapping[str, Any] = {
    "machines": machines,
    "volumes": volumes,
    "networks": networks,
    "machineImages": images,
}
_SEVERITIES = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Log:
    """The event log of one record; its id is the record's collection and id."""

    id: str
    record: Record


def _find(tx: Transaction, log_id: str) -> Log:
    collection, _, record_id = log_id.partition(".")
    service = _LOGGED.get(collection)
    if service is None:
        raise SiroccoError(NOT_FOUND, kind="event log", id=log_id)
    return Log(log_id, service.get(tx, record_id))


def _page(tx: Transaction, query: Query) -> Part:
    """The logs of all records that have one, kind by kind, from ``first`` to ``last``; known by id and target."""
    logs: list[Log] = []
    skip, wanted, count = query.first - 1, (query.last or PAGE) - query.first + 1, 0
    for collection, service in _LOGGED.items():
        room = wanted - len(logs)
        first = max(skip - count, 0) + 1
        where = _of(collection, query.where) if query.where else None
        page = service.page(tx, Query(where, query.order, first=first, last=first + room - 1 if room > 0 else first))
        rows = page.items[: max(room, 0)]
        logs += [Log(f"{collection}.{row.id}", row) for row in rows]
        count += page.count
    return Part(logs, count)


def _of(collection: str, where: Condition) -> Condition:
    """A condition on logs as one on the records of a collection."""
    match where:
        case AllOf(parts):
            return AllOf(tuple(_of(collection, part) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_of(collection, part) for part in parts))
        case Comparison("target", op, value):
            return Comparison("id", op, value)
        case Comparison("id", op, str(value)):
            return Comparison("id", op, value.removeprefix(f"{collection}."))
        case _:
            return Comparison("", "=", "")


def _more(exchange: Exchange, log: Log) -> Values:
    values: Values = {"targetResource": reference(exchange, word(type(log.record)), log.record.id)}
    if exchange.ids.get("id") != log.id:
        return values
    found = events.of_resource(exchange.tx, log.record, last=PAGE)
    counted = Counter(event.severity for event in found)
    return values | {"summary": {severity: counted[severity] for severity in _SEVERITIES}}


def _events(exchange: Exchange, log: Log) -> Sequence[Event]:
    return events.of_resource(exchange.tx, log.record, last=PAGE)


def _event(exchange: Exchange, _log: Log, event: Event) -> Values:
    content: Values = {"resName": event.resource_name, "resType": event.resource_kind}
    if target := reference(exchange, event.resource_kind, event.resource_id):
        content["resource"] = exchange.wire.href(str(target["href"]))
    content |= {name: str(value) for name, value in event.content.items()}
    return {"created": event.timestamp, "content": content}


_EVENTS = Below(KINDS["Event"], _events, _event)

EVENT_LOGS = Resource(
    KINDS["EventLog"],
    _find,
    _page,
    more=_more,
    below={("events", V1): _EVENTS, ("events", V2): _EVENTS},
)
