import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from sirocco.cmdb.database import Database
from sirocco.cmdb.models import Machine, Tenant
from sirocco.services import machines


def test_sqlite_runs_with_the_pragmas_that_several_processes_need(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite'}")
    with database.reading() as session:
        values = {
            name: session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert values == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 20_000}
    database.close()


def test_foreign_keys_are_kept(world):
    with pytest.raises(IntegrityError), world.writing() as tx:
        tx.add(Machine(tenant_id="nobody", user_id="x", cpu=1, memory=1))


def test_a_failed_transaction_leaves_nothing(world):
    with pytest.raises(RuntimeError), world.writing() as tx:
        tx.add(Tenant(name="half"))
        raise RuntimeError
    with world.reading(world.operator) as tx:
        assert tx.session.query(Tenant).filter_by(name="half").count() == 0


def test_two_writers_of_one_row_do_not_overwrite_each_other(world):
    """The second writer either waits for the first and sees its change, or is told that the row has changed."""
    with world.writing() as tx:
        machine_id = machines.create(tx, world.machine())[0].id
    begun, seen = threading.Event(), []

    def second():
        begun.wait()
        try:
            with world.writing() as tx:
                row = tx.own(Machine, machine_id)
                seen.append(row.description)
                row.description += "second"
        except (StaleDataError, OperationalError) as error:
            seen.append(type(error).__name__)

    thread = threading.Thread(target=second)
    thread.start()
    with world.writing() as tx:
        row = tx.own(Machine, machine_id)
        begun.set()
        row.description = "first "
    thread.join()
    with world.reading() as tx:
        final = machines.get(tx, machine_id).description
    assert (seen, final) in (([("first ")], "first second"), (["StaleDataError"], "first "))


def test_reading_is_not_blocked_by_a_writer(world):
    with world.writing() as writing:
        writing.add(Tenant(name="open"))
        with world.reading(world.operator) as tx:
            assert tx.session.query(Tenant).filter_by(name="open").count() == 0


def test_version_grows_with_each_update(world):
    with world.writing() as tx:
        machine, _ = machines.create(tx, world.machine())
    with world.writing() as tx:
        before = machines.get(tx, machine.id).version
    with world.writing() as tx:
        machines.update(tx, machine.id, {"name": "other"})
    with world.reading() as tx:
        assert machines.get(tx, machine.id).version == before + 1
