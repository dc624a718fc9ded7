"""Answers and refusals as bytes in the negotiated format."""

from datetime import UTC, datetime

from api.cimi.codec import json_writer, xml_writer
from api.cimi.codec.validate import UNWRITABLE
from api.cimi.codec.wire import Wire
from api.cimi.exchange import Answer, Translate
from api.cimi.model import KINDS
from api.cimi.model.attribute import Values
from api.common.negotiate import Format
from api.common.once import Reply
from api.common.words import in_words
from sirocco.contracts.errors import SiroccoError, fill

_SPECIFICATION = {1: "1.0.1", 2: "2.0.0"}
_ACTIONS = {"POST": "add", "PUT": "edit", "DELETE": "delete"}


def render(answer: Answer, wire: Wire, form: Format) -> Reply:
    """An answer with its headers."""
    headers = {"Content-Type": f"{form}; charset=utf-8", "CIMI-Specification-Version": _SPECIFICATION[wire.version]}
    if answer.location:
        headers["Location"] = answer.location
    if answer.job:
        headers["CIMI-Job-URI"] = answer.job
    if answer.version is not None:
        headers["ETag"] = f'"{answer.version}"'
    body = b""
    if answer.kind is not None and answer.values is not None:
        writer = json_writer if form is Format.JSON else xml_writer
        write = writer.write_collection if answer.collection else writer.write_document
        body = write(answer.kind, answer.values, wire)
    return Reply(answer.status, headers, body)


def refuse(
    refusal: SiroccoError, wire: Wire, form: Format, *, method: str, path: str, request: str, translate: Translate
) -> Reply:
    """A refusal as a failed job that was never kept (4.2.2), with Sirocco's stable code and remedy."""
    problem = refusal.problem
    details = {name: UNWRITABLE.sub("?", value) for name, value in refusal.details.items()}
    said = in_words(details, translate)
    values: Values = {
        "id": "",
        "state": "FAILED",
        "targetResource": {"href": path} if path else None,
        "returnCode": problem.number,
        "progress": 100,
        "statusMessage": fill(translate(problem.message), said),
        "timeOfStatusChange": datetime.now(UTC).replace(microsecond=0),
        "sirocco_code": problem.code,
        "sirocco_remedy": fill(translate(problem.remedy), said),
        "sirocco_request": request,
        "sirocco_details": {name: said[name] if name == "why" else value for name, value in details.items() if value},
    }
    if method in _ACTIONS:
        values["action"] = f"http://schemas.dmtf.org/cimi/{wire.version}/action/{_ACTIONS[method]}"
    reply = render(Answer(problem.status, KINDS["Job"], values), wire, form)
    extra = {"Retry-After": details["seconds"]} if "seconds" in details else {}
    if problem.status == 401:
        extra["WWW-Authenticate"] = 'Basic realm="Sirocco", charset="UTF-8"'
    return Reply(reply.status, {**reply.headers, **extra}, reply.body)
