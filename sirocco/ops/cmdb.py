"""The CMDB for commands that need one which is there already."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from sirocco import __version__
from sirocco.cmdb import migrate
from sirocco.cmdb.database import Database
from sirocco.cmdb.transaction import Cmdb
from sirocco.ops.errors import OperationError
from sirocco.ops.keyring import KeyRing, Sealer
from sirocco.ops.settings import Settings


@contextmanager
def existing(settings: Settings) -> Iterator[Cmdb]:
    """The CMDB as it is; OperationError where there is none, and where the database does not answer."""
    if not settings.database_url and not (settings.home / "cmdb.sqlite").exists():
        raise OperationError("{home} holds no CMDB; is SIROCCO_HOME right?", home=settings.home)
    with answering():
        if not migrate.current(settings.database):
            raise OperationError("the database holds no CMDB: run `siroccod migrate`")
        database = Database(settings.database)
        try:
            yield Cmdb(database, Sealer(KeyRing.at(settings.keyring)))
        finally:
            database.close()


@contextmanager
def answering() -> Iterator[None]:
    """A database that does not answer, or not as it should, or is of a newer release, is an OperationError."""
    try:
        yield
    except SQLAlchemyError as error:
        told = str(error).splitlines()[0]
        raise OperationError("the CMDB does not answer: {cause}. Is SIROCCO_DATABASE_URL right?", cause=told) from error
    except CommandError as error:  # its revision is none of ours
        raise OperationError(
            "the CMDB is of a newer release than {version}; run that release, or restore a backup made by this one",
            version=__version__,
        ) from error
