"""A session ends after eight idle hours or a week, and leaves nothing behind."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from sirocco.cmdb.models import User, WebSession
from sirocco.domain.principal import SYSTEM
from sirocco.identity import sessions

HOURS_8, WEEK, BREATH = timedelta(hours=8), timedelta(days=7), timedelta(minutes=1)


def opened(world, *, idle=timedelta(0), old=timedelta(0)):
    """A cookie whose session began and was last used that long ago."""
    with world.writing(SYSTEM) as tx:
        cookie = sessions.open_session(tx, tx.session.get_one(User, world.user_id))
        row = tx.session.scalars(select(WebSession).order_by(WebSession.created.desc())).first()
        row.seen, row.created = tx.now - idle, tx.now - old
    return cookie


def signed_in(world, cookie):
    with world.reading(SYSTEM) as tx:
        return sessions.signed_in(tx, cookie) is not None


@pytest.mark.parametrize(
    ("idle", "old", "alive"),
    [
        (HOURS_8 - BREATH, WEEK - BREATH, True),
        (HOURS_8 + BREATH, HOURS_8 + BREATH, False),
        (BREATH, WEEK + BREATH, False),
    ],
)
def test_a_session_that_has_run_out_is_over_and_goes_with_the_next_sign_in(world, idle, old, alive):
    cookie = opened(world, idle=idle, old=old)
    assert signed_in(world, cookie) is alive
    later = opened(world)
    assert signed_in(world, later)
    with world.reading(SYSTEM) as tx:
        assert len(tx.session.scalars(select(WebSession)).all()) == 1 + alive
