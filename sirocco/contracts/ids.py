"""Identifiers: time-ordered and never reused, and tokens derived from what they are for."""

import os
import time
import uuid

_TOKENS = uuid.UUID("6f1d1c1e-5f0a-5c57-9d2b-9f2c0a6a7b11")


def new_id() -> str:
    """A UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then 74 random bits, as text."""
    millis = time.time_ns() // 1_000_000
    value = (millis << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def step_token(job_id: str, step: str) -> str:
    """The token of one external call: the same for every retry of this step, even after a rebuild."""
    return str(uuid.uuid5(_TOKENS, f"{job_id}/{step}"))
