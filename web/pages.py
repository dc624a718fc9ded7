"""The portal as one blueprint: all areas, and what every page shows around its own part."""

from pathlib import Path
from typing import Any

from flask import Blueprint, g, request, send_from_directory, url_for
from flask.typing import ResponseReturnValue
from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader

from sirocco.cmdb.models import Tenant
from sirocco.contracts.states import Role
from sirocco.domain.query import Order, Query
from sirocco.services import events, tenants
from web import forms, words
from web.area import Portal, may, to
from web.assets import STATIC
from web.language import LANGUAGES, chosen
from web.once import mark
from web.security import console_origin, preference
from web.views import AREAS

_HERE = Path(__file__).parent
THEMES = ("auto", "light", "dark")
_FOREVER = 365 * 24 * 3600
_TENANTS = Query(None, (Order("name"),), last=200)
"""How many tenants an operator chooses from; the list of tenants has them all."""


def register() -> Blueprint:
    """The portal's blueprint with every area in it."""
    pages = Blueprint("portal", __name__)
    pages.jinja_loader = ChoiceLoader(
        [
            FileSystemLoader(_HERE / "templates"),
            PrefixLoader({"components": FileSystemLoader(_HERE / "components")}),
        ]
    )
    for area in AREAS:
        pages.register_blueprint(area)
    pages.add_url_rule("/static/<path:name>", "static", _static)
    return pages


def _static(name: str) -> ResponseReturnValue:
    """A built file; its name changes with its content, so it may be kept."""
    response = send_from_directory(STATIC, name, max_age=_FOREVER)
    response.headers["Cache-Control"] = f"public, max-age={_FOREVER}, immutable"
    return response


def asset(name: str) -> str:
    """The address of a built file."""
    portal: Portal = g.portal
    return url_for("portal.static", name=portal.assets.names[name])


def shared() -> dict[str, Any]:
    """What templates of every page may use."""
    return {
        "asset": asset,
        "to": to,
        "may": may,
        "Role": Role,
        "mark": mark,
        "filled": forms.filled,
        "several": forms.several,
        "fault": forms.fault,
        "refusal": getattr(g, "refusal", None),
        "done": words.DONE.get(request.args.get("done", "")),
        "language": chosen(),
        "languages": LANGUAGES,
        "theme": preference("theme", THEMES, "auto"),
        "themes": THEMES,
        "request_id": g.request_id,
    } | _signed()


def _signed() -> dict[str, Any]:
    """What pages behind the door know of their reader."""
    signed, tx = getattr(g, "signed", None), getattr(g, "tx", None)
    if signed is None or tx is None:
        return {"me": None, "csrf": ""}
    mine = {member.tenant_id for member in signed.user.memberships}
    rows = tenants.page(tx, _TENANTS).items if signed.principal.may(Role.OPERATOR) else _of(tx, mine)
    here = next((row for row in rows if row.id == signed.principal.tenant_id), None)
    stream = f"{console_origin(g.portal.settings)}/events?last={events.newest(tx)}"
    return {
        "me": signed.principal,
        "user": signed.user,
        "csrf": signed.csrf,
        "tenant": here,
        "my_tenants": rows,
        "stream": stream,
    }


def _of(tx: Any, ids: set[str]) -> list[Tenant]:
    return [row for one in sorted(ids) if (row := tx.session.get(Tenant, one)) is not None and row.enabled]
