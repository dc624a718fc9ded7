"""Changing the key: a new one seals from now on, and what the CMDB holds is sealed anew with it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from sirocco.cmdb.database import Database
from sirocco.cmdb.models import Account, Credential, Provider
from sirocco.ops.cmdb import existing
from sirocco.ops.keyring import KeyRing, Sealer
from sirocco.ops.settings import Settings
from sirocco.ops.words import worded


def rotate(settings: Settings) -> str:
    """Rotate the key; what was done, in words."""
    with existing(settings) as cmdb:
        ring = KeyRing.at(settings.keyring)
        new = ring.rotate()
        count = _seal_anew(cmdb.database, Sealer(ring))
    turned = worded("Key {key} seals from now on; {count} secrets of the CMDB were sealed anew.", key=new, count=count)
    return f"{turned}\n{worded('Keep the older keys: the histories of the engine and older backups need them.')}"


def _seal_anew(database: Database, sealer: Sealer) -> int:
    with database.writing() as session:
        return _providers(session, sealer) + _accounts(session, sealer) + _credentials(session, sealer)


def _providers(session: Session, sealer: Sealer) -> int:
    count = 0
    for row in session.scalars(select(Provider).with_for_update()):
        row.secrets = {name: _anew(sealer, kept, "provider", row.id, name) for name, kept in row.secrets.items()}
        count += len(row.secrets)
    return count


def _accounts(session: Session, sealer: Sealer) -> int:
    rows = session.scalars(select(Account).where(Account.secret != "").with_for_update()).all()
    for row in rows:
        row.secret = _anew(sealer, row.secret, "account", row.id, "secret")
    return len(rows)


def _credentials(session: Session, sealer: Sealer) -> int:
    rows = session.scalars(select(Credential).where(Credential.password != "").with_for_update()).all()
    for row in rows:
        row.password = _anew(sealer, row.password, row.tenant_id, row.id, "password")
    return len(rows)


def _anew(sealer: Sealer, kept: str, *place: str) -> str:
    return sealer.seal(sealer.open(kept, *place), *place)
