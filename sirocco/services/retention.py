"""What has been over for a year is forgotten: ended jobs with their steps and nested jobs, and events."""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, delete, func, select

from sirocco.cmdb.models import Event, Job
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import JobState

KEPT = timedelta(days=365)
_AT_ONCE = 200
"""Jobs and events of one transaction: few enough to keep no other writer waiting."""

_ENDED = tuple(state for state in JobState if state.ended)


def forget(tx: Transaction) -> int:
    """Delete some of what is older than ``KEPT``, the oldest first; how many rows, 0 when nothing is left to delete."""
    return _deleted(tx, _jobs(tx.now - KEPT)) + _deleted(tx, _events(tx.now - KEPT))


def _deleted(tx: Transaction, rows: Delete) -> int:
    options = {"synchronize_session": False}
    return cast("CursorResult[Any]", tx.session.execute(rows, execution_options=options)).rowcount


def _jobs(before: datetime) -> Delete:
    """A nested job goes with its parent, however long ago it ended itself."""
    old = select(Job.id).where(Job.state.in_(_ENDED), Job.due < before)  # what an index has; it ended later or soon
    ended = old.where(Job.status_changed < before, Job.parent_id.is_(None)).limit(_AT_ONCE)
    return delete(Job).where(Job.id.in_(ended))


def _events(before: datetime) -> Delete:
    """The newest stays, whatever its age: a database may give its number out again, and streams go by numbers."""
    newest = select(func.max(Event.id)).scalar_subquery()
    oldest = select(Event.id).order_by(Event.id).limit(_AT_ONCE)
    return delete(Event).where(Event.id.in_(oldest), Event.id < newest, Event.timestamp < before)
