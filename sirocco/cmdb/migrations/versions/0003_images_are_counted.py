"""Images count against a quota

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CEILING = 100


def upgrade() -> None:
    kept = (
        "(SELECT count(*) FROM image WHERE image.tenant_id = tenant.id AND image.type = 'IMAGE')"
        " + (SELECT count(*) FROM volume_image WHERE volume_image.tenant_id = tenant.id)"
    )
    statement = f"INSERT INTO quota (tenant_id, resource, ceiling, used) SELECT id, 'images', :ceiling, {kept} FROM tenant"
    op.execute(sa.text(statement).bindparams(ceiling=_CEILING))


def downgrade() -> None:
    op.execute("DELETE FROM quota WHERE resource = 'images'")
