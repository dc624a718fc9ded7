"""Who may listen: the browser's session, asked anew every second, and the portal's origin."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from sirocco.cmdb.models import User, WebSession
from sirocco.cmdb.transaction import Cmdb, Transaction
from sirocco.domain.principal import SYSTEM, Principal
from sirocco.identity.principals import principal
from sirocco.identity.sessions import SignedIn, signed_in
from sirocco.ops.settings import Settings

COOKIE = "sirocco_session"


def portal_origin(settings: Settings, connection: HTTPConnection) -> str:
    """The origin that this browser's portal has: as set, or our own host on the portal's port."""
    if settings.public_url:
        parts = urlsplit(settings.public_url)
        return f"{parts.scheme}://{parts.netloc}"
    return f"http://{connection.url.hostname}:{settings.port}"


def trusted(settings: Settings, connection: HTTPConnection) -> bool:
    """Whether the page that asks is the portal."""
    return connection.headers.get("origin", "") == portal_origin(settings, connection)


def listener(cmdb: Cmdb, connection: HTTPConnection) -> SignedIn | None:
    """The session behind the browser's cookie, if it is still good."""
    with cmdb.reading(SYSTEM) as tx:
        return signed_in(tx, connection.cookies.get(COOKIE, ""))


def holder(tx: Transaction, session_id: str) -> Principal | None:
    """The principal of a session that still exists and whose user is still enabled."""
    row = tx.session.get(WebSession, session_id)
    user = tx.session.get(User, row.user_id) if row else None
    return principal(tx, user, row.tenant_id or "") if row and user and user.enabled else None
