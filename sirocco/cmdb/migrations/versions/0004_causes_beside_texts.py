"""Causes beside texts: what went wrong can be said in the reader's language

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = ("host", "image", "job_step", "machine", "network", "provider", "volume", "volume_image")


def upgrade() -> None:
    for table in _TABLES:  # a process of the release before writes rows without it
        op.add_column(table, sa.Column("cause", sa.JSON(), server_default="{}", nullable=False))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "cause")
