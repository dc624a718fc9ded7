"""Machines and jobs of a tenant are counted and skipped in an index

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("machine") as table:
        table.create_index("ix_machine_tenant_listed", ["tenant_id", "created", "id"])
        table.drop_index("ix_machine_tenant_created")
    with op.batch_alter_table("job") as table:
        table.create_index("ix_job_tenant_listed", ["tenant_id", "created", "id"])
        table.drop_index("ix_job_tenant_id")


def downgrade() -> None:
    with op.batch_alter_table("job") as table:
        table.create_index("ix_job_tenant_id", ["tenant_id"])
        table.drop_index("ix_job_tenant_listed")
    with op.batch_alter_table("machine") as table:
        table.create_index("ix_machine_tenant_created", ["tenant_id", "created"])
        table.drop_index("ix_machine_tenant_listed")
