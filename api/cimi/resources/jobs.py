"""Jobs: requests being carried out."""

from collections.abc import Iterable
from typing import cast

from api.cimi.exchange import Exchange, Made
from api.cimi.model import KINDS
from api.cimi.model.attribute import V2, Value, Values
from api.cimi.resource import Action, Removal, Resource
from api.common.words import in_words, of_record
from sirocco.cmdb.models import Job, Template
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import catalogue, fill
from sirocco.contracts.states import JobState, Role
from sirocco.services import jobs

_COLLECTIONS = {
    "machine": "machines",
    "volume": "volumes",
    "image": "machineImages",
    "volume image": "volumeImages",
    "network": "networks",
    "network port": "networkPorts",
    "address": "addresses",
    "credential": "credentials",
    "host": "hosts",
    "provider": "providers",
    "account": "accounts",
    "location": "locations",
    "tenant": "tenants",
    "user": "users",
    "api key": "apiKeys",
    "job": "jobs",
}
_ONLY_IN_2 = {"address": "endpoints", "network port": ""}


def reference(exchange: Exchange, word: str, record_id: str) -> Values | None:
    """The href of a record that a job or an event names; None when this version does not show it."""
    collection = _collection(exchange, word, record_id)
    return {"href": f"{collection}/{record_id}"} if collection and record_id else None


def _collection(exchange: Exchange, word: str, record_id: str) -> str:
    if word == "template":
        row = exchange.tx.session.get(Template, record_id)
        kind = KINDS.get(row.kind) if row is not None else None
        return kind.path if kind is not None and exchange.wire.version in kind.versions else ""
    if exchange.wire.version == V2 and word in _ONLY_IN_2:
        return _ONLY_IN_2[word]
    return _COLLECTIONS.get(word, "")


def outline(exchange: Exchange, job: Job) -> Values:
    """What a job says beyond its columns, without a look at other records' jobs."""
    collection = _collection(exchange, job.target_kind, job.target_id)
    target: Values | None = {"href": collection} if collection else None
    if job.action != "add":
        target = reference(exchange, job.target_kind, job.target_id)
    gone = job.action == "delete" and job.state == JobState.SUCCESS
    affected = [
        found
        for entry in job.affected
        if not (gone and entry["id"] == job.target_id) and (found := reference(exchange, entry["kind"], entry["id"]))
    ]
    values: Values = {"targetResource": target, "affectedResources": cast("list[Value]", affected)}
    problem = catalogue().get(job.error)
    if problem is not None:
        details = in_words({name: str(value) for name, value in job.details.items()}, exchange.translate)
        values["statusMessage"] = fill(exchange.translate(problem.message), details)
        values["sirocco_remedy"] = fill(exchange.translate(problem.remedy), details)
    return values


def _more(exchange: Exchange, job: Job) -> Values:
    values = outline(exchange, job)
    if exchange.ids.get("id") != job.id:
        return values
    steps: list[Value] = [
        {
            "name": step.name,
            "state": step.state,
            "started": step.started,
            "ended": step.ended,
            "attempts": step.attempts,
            "message": of_record(step, "message", exchange.translate),
        }
        for step in jobs.steps(exchange.tx, job)
    ]
    nested: list[Value] = [{"href": f"jobs/{child.id}"} for child in jobs.nested(exchange.tx, job)]
    return values | {"sirocco_steps": steps, "nestedJobs": nested}


def _stop(exchange: Exchange, job_id: str, _values: Values) -> Made:
    return Made(job=jobs.stop(exchange.tx, job_id))


def _delete(exchange: Exchange, job_id: str) -> Made:
    jobs.delete(exchange.tx, job_id)
    return Made()


def _permits(_tx: Transaction, job: Job) -> Iterable[tuple[str, bool]]:
    ended = JobState(job.state).ended
    yield "delete", ended
    yield "stop", not ended and job.state != JobState.STOPPING


JOBS = Resource(
    KINDS["Job"],
    jobs.get,
    jobs.page,
    more=_more,
    permits=_permits,
    delete=Removal(Role.MEMBER, _delete),
    actions=(Action("stop", Role.MEMBER, _stop, description="End early and undo what was done."),),
)
