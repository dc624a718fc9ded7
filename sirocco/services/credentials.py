"""Credentials that machines are given: user name, sealed password, public key."""

from typing import Any

from sirocco.cmdb.models import Credential
from sirocco.cmdb.query import Page, fetch
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.errors import INVALID, SiroccoError
from sirocco.contracts.ids import new_id
from sirocco.contracts.states import Role
from sirocco.domain.limits import check_text
from sirocco.domain.query import EVERYTHING, Query
from sirocco.services import events
from sirocco.services.words import edit

_KEY_TYPES = ("ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-nistp256 ", "ecdsa-sha2-nistp384 ", "ecdsa-sha2-nistp521 ")


def create(
    tx: Transaction,
    name: str,
    *,
    user_name: str = "",
    password: str = "",
    public_key: str = "",
    description: str = "",
    properties: dict[str, str] | None = None,
) -> Credential:
    """Keep a credential; the password is sealed and never shown again."""
    tx.who.need(Role.MEMBER)
    check_text(name, description, properties)
    _check(user_name, password, public_key)
    credential_id = new_id()
    credential = tx.add(
        Credential(
            id=credential_id,
            tenant_id=tx.who.tenant_id,
            name=name or "credential",
            description=description,
            properties=properties or {},
            user_name=user_name,
            password=_sealed(tx, credential_id, password),
            public_key=public_key.strip(),
        )
    )
    events.changed(tx, credential, "create")
    return credential


def _check(user_name: str, password: str, public_key: str) -> None:
    if not (password or public_key):
        raise SiroccoError(INVALID, where="credential", why="it holds neither a password nor a key")
    if public_key and (not public_key.startswith(_KEY_TYPES) or "\n" in public_key.strip()):
        raise SiroccoError(INVALID, where="key", why="it is not one public SSH key on one line")
    if len(public_key) > 16_384 or len(password) > 1024 or len(user_name) > 255:
        raise SiroccoError(INVALID, where="credential", why="a part of it is too long")


def _sealed(tx: Transaction, credential_id: str, password: str) -> str:
    return tx.sealer.seal(password, tx.who.tenant_id, credential_id, "password") if password else ""


def password(tx: Transaction, credential: Credential) -> str:
    """The password, opened; for the activity that hands it to a machine, never for an answer."""
    if not credential.password:
        return ""
    return tx.sealer.open(credential.password, credential.tenant_id, credential.id, "password")


def get(tx: Transaction, credential_id: str) -> Credential:
    """One credential."""
    return tx.get(Credential, credential_id)


def page(tx: Transaction, query: Query = EVERYTHING) -> Page[Credential]:
    """Credentials of the tenant."""
    return fetch(tx, Credential, query)


def update(tx: Transaction, credential_id: str, changes: dict[str, Any], version: int | None = None) -> Credential:
    """Change words, or the credential itself; machines made before keep what they were given."""
    tx.who.need(Role.MEMBER)
    credential = tx.own(Credential, credential_id)
    edit(tx, credential, changes, version)
    user_name = changes.get("user_name", credential.user_name)
    public_key = changes.get("public_key", credential.public_key)
    plain = changes.get("password", password(tx, credential))
    _check(user_name, plain, public_key)
    credential.user_name, credential.public_key = user_name, public_key.strip()
    if "password" in changes:
        credential.password = tx.sealer.seal(plain, credential.tenant_id, credential.id, "password") if plain else ""
    return credential


def delete(tx: Transaction, credential_id: str) -> None:
    """Forget a credential; machines made with it keep what they were given."""
    tx.who.need(Role.MEMBER)
    credential = tx.own(Credential, credential_id)
    events.changed(tx, credential, "delete")
    tx.session.delete(credential)
