"""Signed-in browsers, kept on the server, and one-use tickets for consoles."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, or_

from sirocco.cmdb.models import Ticket, User, WebSession
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import SiroccoError
from sirocco.domain.principal import Principal
from sirocco.identity.principals import principal
from sirocco.identity.secrets import fingerprint, new_token

_IDLE = timedelta(hours=8)
_LONGEST = timedelta(days=7)
_TICKET = timedelta(seconds=60)
_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session: its user as principal, and what its forms must carry."""

    session_id: str
    principal: Principal
    user: User
    csrf: str


def open_session(tx: Transaction, user: User, agent: str = "", tenant_id: str | None = None) -> str:
    """A new session, in the tenant given or the user's first; returns the cookie's value.

    Sessions are never taken over from before sign-in. Those that have run out, anybody's, go with it: nobody signs
    out of a browser that was closed.
    """
    cookie = new_token()
    over = or_(WebSession.seen < tx.now - _IDLE, WebSession.created < tx.now - _LONGEST)
    tx.session.execute(delete(WebSession).where(over))
    row = WebSession(id=fingerprint(cookie), user_id=user.id, tenant_id=tenant_id, csrf=new_token(), agent=agent[:255])
    tx.add(row)
    return cookie


def signed_in(tx: Transaction, cookie: str) -> SignedIn | None:
    """The session behind a cookie, unless it has idled for eight hours, is a week old, or its user was disabled.

    It ends too with the tenant it works in: what was meant for that one must not be done in another.
    """
    row = tx.session.get(WebSession, fingerprint(cookie))
    if row is None or tx.now - row.seen > _IDLE or tx.now - row.created > _LONGEST:
        return None
    user = tx.session.get(User, row.user_id)
    if user is None or not user.enabled:
        return None
    try:
        who = principal(tx, user, row.tenant_id or "")
    except SiroccoError:
        return None
    return SignedIn(row.id, who, user, row.csrf)


def touch_session(tx: Transaction, session_id: str) -> None:
    """Note that the session is in use, once a minute at most; for a writing transaction."""
    row = tx.session.get(WebSession, session_id)
    if row is not None and tx.now - row.seen > _SEEN_EVERY:
        row.seen = tx.now


def choose_tenant(tx: Transaction, session_id: str, tenant_id: str | None) -> None:
    """Make the session act in a tenant of its user's; refused as for any principal."""
    row = tx.session.get_one(WebSession, session_id)
    principal(tx, tx.session.get_one(User, row.user_id), tenant_id or "")
    row.tenant_id = tenant_id


def close_session(tx: Transaction, session_id: str) -> None:
    """Sign out here."""
    tx.session.execute(delete(WebSession).where(WebSession.id == session_id))


def close_all_sessions(tx: Transaction, user_id: str) -> None:
    """Sign out everywhere."""
    tx.session.execute(delete(WebSession).where(WebSession.user_id == user_id))


def issue_ticket(tx: Transaction, session_id: str, machine_id: str) -> str:
    """A pass for one console connection to a machine within a minute, bound to this session."""
    token = new_token()
    tx.session.execute(delete(Ticket).where(Ticket.expires < tx.now))
    tx.add(
        Ticket(
            id=fingerprint(token),
            session_id=session_id,
            user_id=tx.who.user_id,
            machine_id=machine_id,
            expires=tx.now + _TICKET,
        )
    )
    return token


def redeem_ticket(tx: Transaction, token: str, machine_id: str) -> Ticket | None:
    """The ticket, used up by this call; None when unknown, expired, used, or for another machine."""
    row = tx.session.get(Ticket, fingerprint(token), with_for_update=True)
    if row is None:
        return None
    tx.session.execute(delete(Ticket).where(Ticket.id == row.id))
    return row if row.expires > tx.now and row.machine_id == machine_id else None
