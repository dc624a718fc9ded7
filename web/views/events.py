"""Everything that happened lately."""

from flask import render_template
from flask.typing import ResponseReturnValue

from sirocco.cmdb.transaction import Transaction
from sirocco.services import events
from web.area import Area

area = Area("events")
_MOST = 200


@area.page("/events")
def index(tx: Transaction) -> ResponseReturnValue:
    """The latest events of the tenant, newest first."""
    return render_template("events/index.html", events=events.recent(tx, limit=_MOST))
