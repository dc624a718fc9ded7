"""Idempotency-Key: the same key has its effect once, even five at a time, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select, update

from sirocco.cmdb.models import Address, ApiKey, Job, KeptRequest, Machine, Template, Volume
from sirocco.ops.keyring import KeyRing, Sealer
from tests.api.front import Caller

TIMES = 5


def count(front, model):
    with front.cmdb.reading(front.world.operator) as tx:
        return tx.session.scalar(select(func.count()).select_from(model))


def at_once(front, send):
    """Send the same request from five threads at the same moment."""
    barrier = Barrier(TIMES)

    def one(_index):
        caller = Caller(front.app.test_client(), front.member.token, front.member.principal)
        barrier.wait()
        return send(caller)

    assert front.member
    with ThreadPoolExecutor(TIMES) as pool:
        return list(pool.map(one, range(TIMES)))


def test_five_at_once_create_one(front_on_both):
    front = front_on_both
    message = front.machine_message("once")
    answers = at_once(front, lambda caller: caller.post("machines", message, Idempotency_Key="k1"))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.data for answer in answers}) == 1
    assert len({answer.headers["CIMI-Job-URI"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == TIMES - 1
    assert (count(front, Machine), count(front, Job)) == (1, 1)


@pytest.mark.parametrize("kind", ["create", "update", "delete", "action", "attach", "address", "template"])
def test_five_at_once_of_every_sort_of_write(front_on_both, kind):
    front = front_on_both
    machine, volume = front.machine(), front.volume()
    network = front.href(f"networks/{front.world.network_id}")
    sends = {
        "create": lambda c: c.post("volumes", {"volumeTemplate": {"volumeConfig": {"capacity": 2_000_000}}}, **key),
        "update": lambda c: c.put(f"{machine}?$select=name", {"name": "x"}, **key),
        "delete": lambda c: c.delete(volume, **key),
        "action": lambda c: c.post(f"{machine}/stop", **key),
        "attach": lambda c: c.post(f"{machine}/volumes", {"volume": front.href(volume)}, **key),
        "address": lambda c: c.post("addresses", {"addressTemplate": {"network": network}}, **key),
        "template": lambda c: c.post("machineConfigs", {"cpu": 1}, **key),
    }
    key = {"Idempotency_Key": kind}
    before = {model: count(front, model) for model in (Job, Volume, Address, Template)}
    answers = at_once(front, sends[kind])
    assert {answer.status_code for answer in answers} <= {200, 201, 202}, [answer.text for answer in answers]
    assert len({answer.data for answer in answers}) == 1
    grown = {model: count(front, model) - before[model] for model in before}
    assert grown[Job] == 1
    assert grown[Volume] == (kind == "create")
    assert grown[Address] == (kind == "address")
    assert grown[Template] == (kind == "template")


def test_another_request_with_the_same_key_is_refused(front_on_both):
    front = front_on_both
    key = {"Idempotency_Key": "k"}
    assert front.member.post("machineConfigs", {"cpu": 1}, **key).status_code == 201
    for answer in (
        front.member.post("machineConfigs", {"cpu": 2}, **key),
        front.member.post("machineTemplates", {"cpu": 1}, **key),
        front.member.post("machineConfigs?$format=xml", {"cpu": 1}, **key),
    ):
        assert answer.status_code == 409
        assert "idempotency-key-reused" in answer.text
    again = front.member.post("machineConfigs", {"cpu": 1}, **key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert count(front, Template) == 1
    assert front.caller().post("machineConfigs", {"cpu": 2}, **key).status_code == 201


def test_a_refused_request_may_be_sent_again(front):
    key = {"Idempotency_Key": "k"}
    assert front.member.post("machineConfigs", {"cpu": 0}, **key).status_code == 400
    assert count(front, KeptRequest) == 0
    assert front.member.post("machineConfigs", {"cpu": 1}, **key).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "\u00e9"])
def test_a_key_that_is_none_is_refused(front, key):
    answer = front.member.post("machineConfigs", {}, Idempotency_Key=key)
    assert answer.status_code == 400
    assert answer.json["sirocco_code"] == "invalid-value"


def test_a_kept_answer_shows_no_secret_at_rest(front):
    first = front.member.post("apiKeys", {"name": "k"}, Idempotency_Key="k")
    again = front.member.post("apiKeys", {"name": "k"}, Idempotency_Key="k")
    assert first.json["token"] == again.json["token"]
    with front.cmdb.reading(front.world.operator) as tx:
        kept = tx.session.scalars(select(KeptRequest)).one()
    assert first.json["token"] not in kept.body


def test_what_was_asked_cannot_be_guessed_from_what_is_kept(front, tmp_path):
    asked = b"a body with a short password"
    marks = [Sealer(KeyRing.at(tmp_path / name)).mark(asked) for name in ("one.json", "other.json", "one.json")]
    assert marks[0] == marks[2] != marks[1]
    front.member.post("machineConfigs", {"cpu": 1}, Idempotency_Key="k")
    with front.cmdb.reading(front.world.operator) as tx:
        kept = tx.session.scalars(select(KeptRequest)).one().fingerprint
    assert kept.startswith("k1.")
    assert len(kept) <= 64


def test_a_rotated_key_ring_still_tells_the_same_request_again(front, tmp_path):
    key = {"Idempotency_Key": "k"}
    assert front.member.post("machineConfigs", {"cpu": 1}, **key).status_code == 201
    KeyRing.at(tmp_path / "keyring.json").rotate()
    assert front.member.post("machineConfigs", {"cpu": 1}, **key).headers["Idempotency-Replayed"] == "true"
    assert front.member.post("machineConfigs", {"cpu": 2}, **key).status_code == 409


def test_the_use_of_a_key_is_noted_once_a_minute(front):
    caller = front.member
    path = caller.get("apiKeys").json["apiKeys"][0]["id"]
    first = caller.get(path)
    assert "used" in first.json
    for age, noted in ((50, False), (70, True)):
        used = datetime.now(UTC) - timedelta(seconds=age)
        with front.cmdb.writing(front.world.operator) as tx:
            tx.session.execute(update(ApiKey).values(used=used))
        assert (datetime.fromisoformat(caller.get(path).json["used"]) > used) is noted
    assert caller.get(path).headers["ETag"] == first.headers["ETag"]


def test_writes_at_once_with_an_etag_win_once(front_on_both):
    front = front_on_both
    machine = front.machine()
    tag = front.member.get(machine).headers["ETag"]
    answers = at_once(front, lambda c: c.put(f"{machine}?$select=name", {"name": "x"}, If_Match=tag))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (TIMES - 1)
