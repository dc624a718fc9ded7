"""What went wrong, said in the reader's language: refusals, failed jobs, alarms, faults that records carry."""

import re
from functools import singledispatch

from flask import g
from flask_babel import ngettext
from sqlalchemy import select

from sirocco.cmdb.models import Event, Host, Image, Job, JobStep, Machine, Network, Provider, Volume
from sirocco.contracts.errors import SiroccoError, catalogue, explained, fill, recalled
from web import words
from web.amounts import amount
from web.language import say

_COUNTED = re.compile(r"(.+) \((\d+)\)")


def message(refusal: SiroccoError) -> str:
    """A refusal's sentence."""
    text = fill(say(refusal.problem.message), _details(refusal))
    return text[:1].upper() + text[1:]


def remedy(refusal: SiroccoError) -> str:
    """What to do about a refusal."""
    return fill(say(refusal.problem.remedy), _details(refusal))


def _details(refusal: SiroccoError) -> dict[str, str]:
    """Words that are codes are said in the reader's language; names and figures stay."""
    details = {name: _detail(name, value) for name, value in refusal.details.items()}
    return explained(details | _figures(refusal.details), _reason)


def _figures(details: dict[str, str]) -> dict[str, str]:
    """A quota's figures, as its page shows them."""
    match details:
        case {"resource": resource, "used": used, "wanted": wanted, "ceiling": ceiling}:
            figures = {"used": used, "wanted": wanted, "ceiling": ceiling}
            return {name: amount(resource, int(figure)) for name, figure in figures.items()}
    return {}


def _detail(name: str, value: str) -> str:
    match name:
        case "state" | "needed":
            return ", ".join(str(words.sign(part).word).lower() for part in value.split(", "))
        case "kind" | "action" | "role" | "resource":
            return str(words.word(value)).lower()
        case "where":
            return words.place(value)
        case "users":
            return words.users(value)
        case "capability":
            return ", ".join(str(words.capability(name)) for name in value.split(", "))
    return value


def _reason(text: str) -> str:
    """A reason, or the list of them that placement gives: ``too few free cores (3); its provider lacks: x (1)``."""
    parts = [_COUNTED.fullmatch(part) for part in text.split("; ")]
    return "; ".join(_counted(part[1], int(part[2])) for part in parts if part) if all(parts) else say(text)


def _counted(obstacle: str, number: int) -> str:
    said = _obstacle(obstacle)
    return str(ngettext("%(obstacle)s (%(num)s host)", "%(obstacle)s (%(num)s hosts)", number, obstacle=said))


def _obstacle(text: str) -> str:
    head, mark, names = text.partition(": ")
    return say(head) + mark + ", ".join(str(words.capability(name)) for name in names.split(", "))


@singledispatch
def of(row: object) -> SiroccoError | None:
    """The failure behind a job, an alarm or a record's fault; None when there is none, or nobody knows it any more."""
    raise TypeError(f"{type(row).__name__} cannot fail")


@of.register
def _(job: Job) -> SiroccoError | None:
    problem = catalogue().get(job.error)
    return SiroccoError(problem, **job.details) if problem else None


@of.register
def _(event: Event) -> SiroccoError | None:
    known = recalled(event.content, str(event.content.get("detail", "")))
    if known is not None:
        return known
    job = g.tx.find(Job, event.job_id) if event.type == "alarm" and event.job_id else None
    return of(job) if job is not None else None


@of.register
def _(row: Provider) -> SiroccoError | None:
    return recalled(row.cause, row.fault)


@of.register
def _(row: Host) -> SiroccoError | None:
    return recalled(row.cause, row.reason)


@of.register
def _(row: JobStep) -> SiroccoError | None:
    return recalled(row.cause, row.message)


@of.register(Machine)
@of.register(Volume)
@of.register(Network)
@of.register(Image)
def _(row: Machine | Volume | Network | Image) -> SiroccoError | None:
    """A fault is the message of the job that left it; one of before causes were kept is looked for by that."""
    known = recalled(row.cause, row.fault)
    if known is not None or not row.fault:
        return known
    left = select(Job).where(Job.target_id == row.id, Job.status_message == row.fault)
    job = g.tx.session.scalar(left.order_by(Job.created.desc()).limit(1))
    return of(job) if job is not None else None
