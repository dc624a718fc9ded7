"""The API on SQLite and on PostgreSQL, and on SQLite alone where the database makes no difference."""

import pytest

from tests.api.front import Front
from tests.world import a_cmdb, populate


@pytest.fixture
def front(tmp_path):
    with a_cmdb(f"sqlite:///{tmp_path / 'cmdb.sqlite'}", tmp_path) as cmdb:
        yield Front(populate(cmdb))


@pytest.fixture
def front_on_both(world):
    return Front(world)
