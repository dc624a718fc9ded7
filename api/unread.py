"""Answers to what is no request: nothing of it is known, neither the path nor the format asked for."""

from api.cimi.codec.wire import Wire
from api.cimi.model.attribute import V1
from api.common.negotiate import Format
from api.common.once import Reply
from api.common.render import refuse
from sirocco.contracts.errors import MALFORMED, SiroccoError
from sirocco.contracts.ids import new_id


def no_request() -> SiroccoError:
    """What was sent breaks the rules of HTTP."""
    return SiroccoError(MALFORMED, format="HTTP", why="it is no request that can be understood")


def unread(refusal: SiroccoError) -> Reply:
    """The refusal as every other one is given, in JSON and English."""
    request_id = new_id()
    wire = Wire(V1, "")
    reply = refuse(refusal, wire, Format.JSON, method="", path="", request=request_id, translate=str)
    extra = {"X-Request-Id": request_id, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return Reply(reply.status, {**reply.headers, **extra}, reply.body)
