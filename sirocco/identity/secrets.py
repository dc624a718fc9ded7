"""Passwords as Argon2id, and random tokens of which only a hash is kept."""

import hashlib
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from sirocco.contracts.errors import INVALID, SiroccoError

_HASHER = PasswordHasher(
    time_cost=2, memory_cost=19 * 1024, parallelism=1
)  # OWASP's Argon2id minimum: 19 MiB, 2 passes
_SHORTEST = 8
_LONGEST = 1024


def hash_password(password: str) -> str:
    """The hash to keep; refuses a password that is too short or absurdly long."""
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise SiroccoError(
            INVALID, where="password", why="it needs {least} to {most} characters", least=_SHORTEST, most=_LONGEST
        )
    return _HASHER.hash(password)


@cache
def _decoy() -> str:
    return _HASHER.hash(secrets.token_hex())


def password_matches(kept: str, password: str) -> bool:
    """Whether the password is right; takes as long for a user that does not exist (empty ``kept``)."""
    try:
        return _HASHER.verify(kept or _decoy(), password[:_LONGEST]) and bool(kept)
    except (VerifyMismatchError, InvalidHashError):
        return False


def new_token(prefix: str = "") -> str:
    """An unguessable token of 256 bits, URL-safe."""
    return prefix + secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """What is kept of a token: its SHA-256, hexadecimal (a 256-bit random token needs no slow hash)."""
    return hashlib.sha256(token.encode()).hexdigest()
