"""Names of users are composed (NFC), as they are looked for since

Of two that differ in nothing else the composed one keeps the name, and the other can sign in no more: operators delete it.

Revision ID: 0006
Revises: 0005
"""

from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    users = sa.table("user_account", sa.column("id"), sa.column("name"))
    names = {row.id: row.name for row in op.get_bind().execute(sa.select(users.c.id, users.c.name).order_by(users.c.id))}
    taken = set(names.values())
    for user_id, name in names.items():
        composed = normalize("NFC", name)
        if composed not in taken:
            op.execute(sa.update(users).where(users.c.id == user_id).values(name=composed))
            taken.add(composed)


def downgrade() -> None:
    """Nothing: the names of before are not known, and these serve as well."""
