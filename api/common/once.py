"""Idempotency-Key: a write that is sent again has its effect once and gets its first answer."""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete

from sirocco.cmdb.models import KeptRequest
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import INVALID, KEY_REUSED, SiroccoError

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEPT_FOR = timedelta(hours=24)
_SHAPE = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it goes over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a request, and what it asks for, of which a keyed hash alone is kept: it may hold a password."""

    key: str
    asked: bytes


def key_of(value: str | None, *asked: bytes) -> Key | None:
    """The key that a request carries; None when it carries none."""
    if value is None:
        return None
    if not _SHAPE.fullmatch(value):
        raise SiroccoError(INVALID, where=HEADER, why="it has 1 to 255 visible ASCII characters")
    return Key(value, b"".join(len(part).to_bytes(8, "big") + part for part in asked))


def once(tx: Transaction, key: Key | None, write: Callable[[], Reply]) -> Reply:
    """Do ``write`` unless the key says that it was done; the answer is kept, sealed, for a day.

    The record is written before the work: of two requests at once the second waits for the first and then fails on
    the primary key, so that its whole transaction is done anew and finds the answer.
    """
    if key is None:
        return write()
    owner = tx.who.user_id
    kept = tx.session.get(KeptRequest, (owner, key.key))
    if kept is not None and kept.created > tx.now - _KEPT_FOR:
        return _replay(tx, kept, key)
    stale = KeptRequest.created <= tx.now - _KEPT_FOR
    tx.session.execute(delete(KeptRequest).where(KeptRequest.user_id == owner, stale))
    tx.session.expunge_all()
    row = tx.add(KeptRequest(user_id=owner, key=key.key, fingerprint=tx.sealer.mark(key.asked), created=tx.now))
    reply = write()
    row.status, row.headers = reply.status, dict(reply.headers)
    row.body = tx.sealer.seal(reply.body.decode(), "kept request", owner, key.key)
    return reply


def _replay(tx: Transaction, kept: KeptRequest, key: Key) -> Reply:
    if not hmac.compare_digest(kept.fingerprint, tx.sealer.mark(key.asked, kept.fingerprint)):
        raise SiroccoError(KEY_REUSED, key=key.key)
    body = tx.sealer.open(kept.body, "kept request", kept.user_id, kept.key).encode()
    return Reply(kept.status, {**kept.headers, REPLAYED: "true"}, body)
