from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from sirocco.cmdb import migrate
from sirocco.cmdb.database import Database
from sirocco.cmdb.models import Base, Quota, User
from sirocco.cmdb.transaction import Cmdb
from sirocco.identity.principals import authenticate_password
from sirocco.ops.keyring import KeyRing, Sealer
from sirocco.services import images, tenants
from tests.world import populate


def test_a_migrated_database_is_what_the_models_say(database_url):
    migrate.upgrade(database_url)
    assert migrate.current(database_url) == migrate.newest()
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_a_database_with_content_goes_up_down_and_up_again(database_url, tmp_path):
    migrate.upgrade(database_url)
    database = Database(database_url)
    populate(Cmdb(database, Sealer(KeyRing.at(tmp_path / "keyring.json"))))
    database.close()
    migrate.upgrade(database_url)
    migrate.downgrade(database_url, "base")
    engine = create_engine(database_url)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()
    migrate.upgrade(database_url)
    assert migrate.current(database_url) == migrate.newest()


def test_users_of_before_sign_in_however_their_accents_are_typed(database_url, tmp_path):
    composed, apart = "Ren\u00e9e", "Rene\u0301e"
    migrate.upgrade(database_url)
    database = Database(database_url)
    world = populate(Cmdb(database, Sealer(KeyRing.at(tmp_path / "keyring.json"))))
    with world.writing() as tx:
        tx.session.get_one(User, world.user_id).name = apart
    migrate.downgrade(database_url, "0005")
    migrate.upgrade(database_url)
    for name in (composed, apart):
        with world.writing() as tx:
            assert authenticate_password(tx, name, "correct horse").id == world.user_id
    database.close()


def test_images_of_before_are_counted(database_url, tmp_path):
    migrate.upgrade(database_url)
    database = Database(database_url)
    world = populate(Cmdb(database, Sealer(KeyRing.at(tmp_path / "keyring.json"))))
    with world.writing() as tx:
        images.register(tx, images.ImageFile("mine", "/image", "qcow2", 1, 1))
    migrate.downgrade(database_url, "0002")
    migrate.upgrade(database_url)
    with world.reading() as tx:
        quota = tx.session.get_one(Quota, (world.tenant_id, "images"))
        assert (quota.used, quota.ceiling) == (1, tenants.DEFAULT_CEILINGS["images"])
    database.close()
