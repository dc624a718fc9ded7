"""The new machines of a provider are found in an index

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("machine") as table:
        table.create_index("ix_machine_provider_created", ["provider_id", "created"])
        table.drop_index("ix_machine_provider_id")


def downgrade() -> None:
    with op.batch_alter_table("machine") as table:
        table.create_index("ix_machine_provider_id", ["provider_id"])
        table.drop_index("ix_machine_provider_created")
