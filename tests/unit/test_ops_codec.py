import asyncio
import json
from base64 import b64encode
from dataclasses import dataclass
from enum import Enum
from uuid import UUID, uuid4

import pytest
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from sirocco.ops.codec import PayloadRefusedError, SealingCodec, data_converter, open_document
from sirocco.ops.keyring import KeyRing, KeyRingError


class Wish(Enum):
    ON = "on"


@dataclass(frozen=True, slots=True)
class Order:
    job: UUID
    wish: Wish
    note: str


ORDER = Order(uuid4(), Wish.ON, "canary-7f3a")


@pytest.fixture
def ring(tmp_path):
    return KeyRing.at(tmp_path / "ring.json")


def _sealed(ring):
    return asyncio.run(data_converter(ring).encode([ORDER]))[0]


def test_dataclasses_travel_sealed(ring):
    sealed = _sealed(ring)
    assert b"canary" not in sealed.SerializeToString()
    assert asyncio.run(data_converter(ring).decode([sealed], [Order])) == [ORDER]


def test_old_keys_open_what_they_sealed(ring):
    sealed = _sealed(ring)
    ring.rotate()
    assert asyncio.run(data_converter(ring).decode([sealed], [Order])) == [ORDER]
    assert _sealed(ring).metadata["encryption-key-id"] == b"k2"


def test_failures_travel_sealed(ring):
    failure = Failure()
    error = ApplicationError("canary-message", "canary-detail", type="Broken")
    asyncio.run(data_converter(ring).encode_failure(error, failure))
    assert b"canary" not in failure.SerializeToString()
    opened = asyncio.run(data_converter(ring).decode_failure(failure))
    assert (str(opened), opened.details) == ("Broken: canary-message", ("canary-detail",))


def test_plain_payloads_are_refused(ring):
    with pytest.raises(PayloadRefusedError, match="not sealed"):
        asyncio.run(data_converter(ring).decode([Payload(metadata={"encoding": b"json/plain"}, data=b'"x"')], [str]))


def test_what_the_engine_says_of_a_cancelled_activity_is_let_through(ring):
    said = Payload(metadata={"encoding": b"json/plain"}, data=b'"ACTIVITY_ID_NOT_STARTED"')
    assert SealingCodec(ring).open(said) == said
    for other in (b'"ACTIVITY_ID_STARTED"', b""):
        with pytest.raises(PayloadRefusedError):
            SealingCodec(ring).open(Payload(metadata={"encoding": b"json/plain"}, data=other))


def test_every_altered_byte_is_refused(ring):
    sealed = _sealed(ring)
    for position in range(len(sealed.data)):
        altered = Payload()
        altered.CopyFrom(sealed)
        altered.data = sealed.data[:position] + bytes([sealed.data[position] ^ 1]) + sealed.data[position + 1 :]
        with pytest.raises(PayloadRefusedError, match="altered"):
            asyncio.run(data_converter(ring).decode([altered], [Order]))


def test_the_key_id_cannot_be_exchanged(ring):
    sealed = _sealed(ring)
    ring.rotate()
    sealed.metadata["encryption-key-id"] = b"k2"
    with pytest.raises(PayloadRefusedError, match="altered"):
        asyncio.run(data_converter(ring).decode([sealed], [Order]))


def test_an_unknown_key_is_named(ring):
    sealed = _sealed(ring)
    sealed.metadata["encryption-key-id"] = b"k9"
    with pytest.raises(KeyRingError, match="'k9'"):
        asyncio.run(data_converter(ring).decode([sealed], [Order]))


def test_the_user_interface_gets_opened_payloads(ring):
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b'"seen"')
    asked = json_format.MessageToJson(Payloads(payloads=[_sealed(ring), plain]))
    answer = json.loads(open_document(ring, asked.encode()))["payloads"]
    assert answer[0]["metadata"]["encoding"] == b64encode(b"json/plain").decode()
    assert answer[1]["data"] == b64encode(b'"seen"').decode()


@pytest.mark.parametrize("document", [b"", b'{"payloads": 3}', b"\xff"])
def test_other_documents_are_refused(ring, document):
    with pytest.raises(ValueError, match=r"payloads|decode"):
        open_document(ring, document)
