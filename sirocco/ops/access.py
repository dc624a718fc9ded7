"""A new password for somebody who has lost theirs; whoever may read the key ring may give one."""

from sqlalchemy import select

from sirocco.cmdb.models import User
from sirocco.domain.principal import SYSTEM
from sirocco.identity.principals import named
from sirocco.ops.cmdb import existing
from sirocco.ops.errors import OperationError
from sirocco.ops.password import ADMIN, FIRST_PASSWORD
from sirocco.ops.settings import Settings
from sirocco.ops.words import worded
from sirocco.services import users


def set_password(settings: Settings, name: str, password: str) -> str:
    """Set a user's password and end all sessions of that user; what was done. OperationError for an unknown user."""
    with existing(settings) as cmdb, cmdb.writing(SYSTEM) as tx:
        user = named(tx, name)
        if user is None:
            known = ", ".join(tx.session.scalars(select(User.name).order_by(User.name))) or worded("none")
            raise OperationError("there is no user named {name!r}; there are: {known}", name=name, known=known)
        users.set_password(tx, user.id, password)
    if name == ADMIN:
        (settings.secrets / FIRST_PASSWORD).unlink(missing_ok=True)
    return worded("{name} has a new password, and is signed out everywhere.", name=name)
