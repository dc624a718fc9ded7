"""What is asked several times a second, whether anything happens or not, is answered by an index at any size."""

import pytest
from sqlalchemy import event

from activities.calls import Plant
from sirocco.connectors.clouds import Clouds
from sirocco.domain.principal import SYSTEM
from sirocco.housekeeping.dispatcher import Dispatcher
from sirocco.housekeeping.observer import Eye
from sirocco.services import providers, retention
from tests.world import a_cmdb, populate


@pytest.fixture
def world(tmp_path):
    with a_cmdb(f"sqlite:///{tmp_path}/cmdb.sqlite", tmp_path) as cmdb:
        yield populate(cmdb)


def plans(cmdb, ask):
    """How SQLite answers each query that ``ask`` makes."""
    asked = []

    def heard(_connection, _cursor, statement, values, *_):
        asked.append((statement, values))

    event.listen(cmdb.database.engine, "before_cursor_execute", heard)
    ask()
    event.remove(cmdb.database.engine, "before_cursor_execute", heard)
    queries = [one for one in asked if one[0].startswith(("SELECT", "DELETE"))]
    with cmdb.database.engine.connect() as connection:
        answers = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values) for query, values in queries]
        return ["; ".join(step.detail for step in answer) for answer in answers]


def test_an_observer_finds_the_new_machines_of_its_provider(world):
    eye = Eye(Plant(world.cmdb, Clouds(providers.directory(world.cmdb))), world.provider_id)
    (plan,) = plans(world.cmdb, eye._young)
    assert plan.startswith("SEARCH machine USING INDEX ix_machine_provider_created (provider_id=? AND created>?)")


def test_the_dispatcher_finds_what_is_due(world):
    (plan,) = plans(world.cmdb, Dispatcher(world.cmdb, None)._claim)
    assert "ix_job_state_due (state=? AND due<?)" in plan


def test_what_is_old_is_found_without_reading_what_is_young(world):
    def forget():
        with world.cmdb.writing(SYSTEM) as tx:
            retention.forget(tx)

    jobs, events = plans(world.cmdb, forget)
    assert "SEARCH job USING INDEX ix_job_state_due (state=? AND due<?)" in jobs
    assert "SCAN job" not in jobs
    assert "SEARCH event USING INTEGER PRIMARY KEY (rowid=?)" in events
