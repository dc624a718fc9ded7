"""Which of several workers does a duty: a row that has to be renewed before it runs out."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, or_, update
from sqlalchemy.exc import IntegrityError

from sirocco.cmdb.models import Leadership
from sirocco.cmdb.transaction import Cmdb
from sirocco.domain.principal import SYSTEM

TERM = timedelta(seconds=5)


def lead(cmdb: Cmdb, duty: str, holder: str) -> bool:
    """Take or renew a duty for five seconds; False while another holds it."""
    with cmdb.writing(SYSTEM) as tx:
        statement = (
            update(Leadership)
            .where(Leadership.duty == duty, or_(Leadership.holder == holder, Leadership.until < tx.now))
            .values(holder=holder, until=tx.now + TERM)
        )
        if cast("CursorResult[Any]", tx.session.execute(statement)).rowcount:
            return True
        try:
            with tx.session.begin_nested():
                tx.add(Leadership(duty=duty, holder=holder, until=tx.now + TERM))
        except IntegrityError:
            return False
        return True


def resign(cmdb: Cmdb, holder: str) -> None:
    """Give up all duties at once, so that another need not wait."""
    with cmdb.writing(SYSTEM) as tx:
        tx.session.execute(delete(Leadership).where(Leadership.holder == holder))
