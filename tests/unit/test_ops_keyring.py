import json
import multiprocessing
import stat

import pytest

from sirocco.ops.keyring import KeyRing, KeyRingError, SealBrokenError, Sealer

PLACE = {"tenant": "t1", "record": "provider/p1", "field": "password"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keyring.json"


def test_only_the_owner_can_read_the_ring(path):
    KeyRing.at(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["keyring.json"]


def test_sealed_and_unsealed(path):
    sealer = Sealer(KeyRing.at(path))
    sealed = sealer.seal("gehéim", **PLACE)
    assert b"geh" not in sealed
    assert Sealer(KeyRing.at(path)).unseal(sealed, **PLACE) == "gehéim"


def test_the_same_secret_never_looks_the_same(path):
    sealer = Sealer(KeyRing.at(path))
    assert sealer.seal("x", **PLACE) != sealer.seal("x", **PLACE)


@pytest.mark.parametrize(
    "moved",
    [
        {**PLACE, "tenant": "t2"},
        {**PLACE, "record": "provider/p2"},
        {**PLACE, "field": "key"},
        {"tenant": "t1provider", "record": "/p1", "field": "password"},
    ],
)
def test_a_sealed_value_works_only_in_its_place(path, moved):
    sealer = Sealer(KeyRing.at(path))
    with pytest.raises(SealBrokenError, match="sealed for another place"):
        sealer.unseal(sealer.seal("x", **PLACE), **moved)


def test_every_altered_byte_is_noticed(path):
    sealer = Sealer(KeyRing.at(path))
    sealed = sealer.seal("secret", **PLACE)
    for position in range(len(sealed)):
        altered = sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :]
        with pytest.raises((SealBrokenError, KeyRingError)):
            sealer.unseal(altered, **PLACE)


@pytest.mark.parametrize("nonsense", [b"", b"\x01", b"\x01\x02k1", b"plain text of a careless import"])
def test_what_was_never_sealed_is_refused(path, nonsense):
    with pytest.raises(SealBrokenError, match="not a sealed value"):
        Sealer(KeyRing.at(path)).unseal(nonsense, **PLACE)


def test_rotation_is_seen_by_running_processes_and_keeps_old_values(path):
    running = Sealer(KeyRing.at(path))
    old = running.seal("x", **PLACE)
    assert KeyRing.at(path).rotate() == "k2"
    new = running.seal("x", **PLACE)
    assert (running.outdated(old), running.outdated(new)) == (True, False)
    assert running.unseal(old, **PLACE) == running.unseal(new, **PLACE) == "x"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_purposes_have_keys_of_their_own(path):
    ring = KeyRing.at(path)
    sealed = ring.cipher("k1", "cmdb").encrypt(b"n" * 12, b"x", b"")
    assert ring.cipher("k1", "engine").encrypt(b"n" * 12, b"x", b"") != sealed


def test_a_missing_key_is_named(path, tmp_path):
    sealed = Sealer(KeyRing.at(path)).seal("x", **PLACE)
    other = tmp_path / "other.json"
    ring = json.loads(path.read_text())
    other.write_text(json.dumps({"current": "k9", "keys": {"k9": ring["keys"]["k1"]}}))
    with pytest.raises(KeyRingError, match="'k1' is not on the ring"):
        Sealer(KeyRing(other)).unseal(sealed, **PLACE)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"current": "k1", "keys": {}}', '{"current": "k1", "keys": {"k1": "YQ=="}}', '{"keys": 3}']
)
def test_a_broken_ring_is_refused(path, content):
    path.write_text(content)
    with pytest.raises(KeyRingError, match="backup"):
        KeyRing.at(path)


def test_a_lost_ring_is_told(path):
    ring = KeyRing.at(path)
    path.unlink()
    with pytest.raises(KeyRingError, match="cannot read the key ring"):
        ring.cipher("k1", "cmdb")


def _first(path, barrier, keys):
    barrier.wait()
    KeyRing.at(path)
    keys.put(path.read_text())


def test_of_several_first_processes_one_makes_the_ring(path):
    context = multiprocessing.get_context("spawn")
    barrier, keys = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_first, args=(path, barrier, keys)) for _ in range(4)]
    for process in processes:
        process.start()
    seen = {keys.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    assert seen == {path.read_text()}
