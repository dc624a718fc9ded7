"""A form that is sent twice has its effect once: each form carries a mark of its own, kept with the answer it got."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta

from flask import Response, request
from sqlalchemy import delete

from sirocco.cmdb.models import KeptRequest
from sirocco.cmdb.transaction import Transaction

FIELD = "once"
_KEPT_FOR = timedelta(hours=24)
_PLACE = "kept form"


def mark() -> str:
    """A mark for one form on one page."""
    return secrets.token_urlsafe(12)


def once(tx: Transaction, write: Callable[[], Response]) -> Response:
    """Do ``write``, or give the answer it gave when this very form came before; a changed form is another one.

    The record is written before the work: of two requests at once the second fails on the primary key, and its
    transaction is done anew and finds the answer.
    """
    if not request.form.get(FIELD):
        return write()
    owner, key = tx.who.user_id, f"form {_fingerprint()}"
    kept = tx.session.get(KeptRequest, (owner, key))
    if kept is not None:
        return Response(tx.sealer.open(kept.body, _PLACE, owner, key), kept.status, kept.headers)
    tx.session.execute(delete(KeptRequest).where(KeptRequest.created <= tx.now - _KEPT_FOR))
    row = tx.add(KeptRequest(user_id=owner, key=key, fingerprint="", created=tx.now))
    response = write()
    row.status = response.status_code
    row.headers = {name: response.headers[name] for name in ("Location", "Content-Type") if name in response.headers}
    row.body = tx.sealer.seal(response.get_data(as_text=True), _PLACE, owner, key)
    return response


def _fingerprint() -> str:
    sent = sorted((name, value) for name, values in request.form.lists() for value in values)
    return hashlib.sha256(repr((request.path, sent)).encode()).hexdigest()
