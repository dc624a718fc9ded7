"""How Alembic reaches the database: the URL comes from the caller, never from a file."""

from alembic import context
from sqlalchemy import create_engine, pool

from sirocco.cmdb.models import Base

LOCK_TIMEOUT = "5s"


def run() -> None:
    """Run migrations on one connection; PostgreSQL gives up on a lock rather than stopping the product."""
    engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            transaction_per_migration=True,
            user_module_prefix="sirocco.cmdb.models.base.",
        )
        with context.begin_transaction():
            context.run_migrations()


run()
