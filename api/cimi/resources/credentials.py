"""Credentials that machines are given, and templates of them."""

import binascii
from dataclasses import dataclass
from typing import cast

from api.cimi.codec.validate import invalid
from api.cimi.exchange import Exchange, Made
from api.cimi.model import KINDS
from api.cimi.model.attribute import V2, Values
from api.cimi.resource import Change, Creation, Removal, Resource
from api.cimi.templates import template_of, words
from sirocco.cmdb.models import Credential
from sirocco.contracts.states import Role
from sirocco.services import credentials

CREDENTIAL = KINDS["Credential"]


@dataclass(frozen=True, slots=True)
class Login:
    """What lets a user in; None is not given."""

    user_name: str | None
    password: str | None
    public_key: str | None


def login(values: Values) -> Login:
    """Siblings in /1, ``parameters`` in /2; ``key`` holds the bytes of the public key's line, as hexadecimal digits."""
    given = {**cast("dict[str, str]", values.get("parameters") or {}), **cast("dict[str, str]", values)}
    key = given.get("sirocco_publicKey")
    if not key and given.get("key"):
        key = _key_text(given["key"])
    return Login(given.get("userName"), given.get("password"), key)


def _key_text(key: str) -> str:
    try:
        return binascii.unhexlify(key).decode("ascii")
    except (binascii.Error, UnicodeDecodeError) as fault:
        raise invalid("key", why="it is not the hexadecimal form of a public SSH key's line") from fault


def made_credential(exchange: Exchange, name: str, given: Values, description: str = "") -> Credential:
    """A new credential from what a template or a machine's template says."""
    told = login(given)
    return credentials.create(
        exchange.tx,
        name,
        user_name=told.user_name or "",
        password=told.password or "",
        public_key=told.public_key or "",
        description=description,
        properties=words(given)[2],
    )


def _create(exchange: Exchange, values: Values) -> Made:
    name, description, properties = words(values)
    template = template_of(exchange, CREDENTIAL, values) | {"properties": cast("Values", properties)}
    return Made(made_credential(exchange, name, template, description))


def _update(exchange: Exchange, credential_id: str, values: Values) -> Made:
    changes: dict[str, object] = {
        name: values[name] if values[name] is not None else {} if name == "properties" else ""
        for name in ("name", "description", "properties")
        if name in values
    }
    told = login({name: value for name, value in values.items() if value is not None})
    if told.user_name is not None or values.get("userName", "") is None:
        changes["user_name"] = told.user_name or ""
    if told.password is not None:
        changes["password"] = told.password
    if told.public_key is not None:
        changes["public_key"] = told.public_key
    return Made(credentials.update(exchange.tx, credential_id, changes, exchange.expected))


def _delete(exchange: Exchange, credential_id: str) -> Made:
    credentials.delete(exchange.tx, credential_id)
    return Made()


def _more(exchange: Exchange, row: Credential) -> Values:
    key = binascii.hexlify(row.public_key.encode()).decode().upper()
    if exchange.wire.version == V2:
        shown: Values = {"userName": row.user_name, "key": key}
        return {"parameters": {name: value for name, value in shown.items() if value}}
    return {"key": key}


CREDENTIALS = Resource(
    CREDENTIAL,
    credentials.get,
    credentials.page,
    more=_more,
    create=Creation(Role.MEMBER, _create),
    update=Change(Role.MEMBER, _update),
    delete=Removal(Role.MEMBER, _delete),
)
