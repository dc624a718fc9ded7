"""Bringing a database to the schema of this release, and back."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url

_MIGRATIONS = Path(__file__).parent / "migrations"


def _config(url: str | URL) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = make_url(url)
    return config


def upgrade(url: str | URL, revision: str = "head") -> None:
    """Apply what is missing, each step in a transaction."""
    command.upgrade(_config(url), revision)


def downgrade(url: str | URL, revision: str) -> None:
    """Go back to a revision (``base``: an empty database)."""
    command.downgrade(_config(url), revision)


def current(url: str | URL) -> str:
    """The revision a database is at, empty for a new one."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() or ""
    finally:
        engine.dispose()


def newest() -> str:
    """The revision that this release needs."""
    return ScriptDirectory(str(_MIGRATIONS)).get_current_head() or ""
