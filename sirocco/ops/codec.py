"""How data travels through the engine: sealed, so that its store, its logs and its tools show nothing.

Inputs, results, memos, heartbeats, summaries and failures are sealed with AES-256-GCM under the key ring's current key,
whose id travels along as associated data. Ids, workflow types and search attributes stay readable. Plain payloads are
refused: whoever can write to the engine cannot feed a workflow. The one exception is a constant of the engine's own.
"""

import dataclasses
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

from sirocco.ops.keyring import KeyRing

_ENCODING = b"binary/encrypted"
_NONCE = 12
_ENGINES_OWN = b'"ACTIVITY_ID_NOT_STARTED"'
"""What the engine itself writes into the failure of an activity that is cancelled between two tries."""


class PayloadRefusedError(Exception):
    """A payload that Sirocco did not seal, or that was altered."""


class SealingCodec(PayloadCodec):
    """Seals and opens payloads with a key ring."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Sealed payloads."""
        return [self.seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Opened payloads; PayloadRefusedError or KeyRingError otherwise."""
        return [self.open(payload) for payload in payloads]

    def seal(self, payload: Payload) -> Payload:
        """One payload sealed under the current key."""
        key_id, nonce = self._ring.current, os.urandom(_NONCE)
        bound = key_id.encode()
        data = self._ring.cipher(key_id, "engine").encrypt(nonce, payload.SerializeToString(), bound)
        return Payload(metadata={"encoding": _ENCODING, "encryption-key-id": bound}, data=nonce + data)

    def open(self, payload: Payload) -> Payload:
        """One payload opened."""
        if payload.data == _ENGINES_OWN and payload.metadata.get("encoding") == b"json/plain":
            return payload
        if payload.metadata.get("encoding") != _ENCODING:
            raise PayloadRefusedError("a payload is not sealed; only Sirocco's own processes may write to its engine")
        bound = payload.metadata.get("encryption-key-id", b"")
        cipher = self._ring.cipher(bound.decode("ascii", "replace"), "engine")
        try:
            return Payload.FromString(cipher.decrypt(payload.data[:_NONCE], payload.data[_NONCE:], bound))
        except (InvalidTag, ValueError):
            raise PayloadRefusedError("a payload was altered after it was sealed") from None


def data_converter(ring: KeyRing) -> DataConverter:
    """The converter of every client, worker and replayer: dataclasses and pydantic models, sealed, failures too."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=SealingCodec(ring),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def open_document(ring: KeyRing, document: bytes) -> bytes:
    """What the engine's user interface asks of a codec server (``POST /decode``): JSON payloads in, opened ones out.

    The caller must have made sure that an operator asks. ValueError for a document that holds no payloads.
    """
    try:
        asked = json_format.Parse(document, Payloads())
    except json_format.ParseError as error:
        raise ValueError(f"not a document of payloads: {error}") from error
    codec = SealingCodec(ring)
    opened = [codec.open(p) if p.metadata.get("encoding") == _ENCODING else p for p in asked.payloads]
    return json_format.MessageToJson(Payloads(payloads=opened)).encode()
