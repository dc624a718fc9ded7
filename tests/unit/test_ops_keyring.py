import json
import multiprocessing
import stat
from base64 import b64decode, b64encode

import pytest

from sirocco.ops.keyring import KeyRing, KeyRingError, SealBrokenError, Sealer

PLACE = ("t1", "provider/p1", "password")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keyring.json"


def test_only_the_owner_can_read_the_ring(path):
    KeyRing.at(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["keyring.json"]


def test_sealed_and_unsealed(path):
    sealer = Sealer(KeyRing.at(path))
    sealed = sealer.seal("gehéim", *PLACE)
    assert "geh" not in sealed
    assert Sealer(KeyRing.at(path)).open(sealed, *PLACE) == "gehéim"


def test_the_same_secret_never_looks_the_same(path):
    sealer = Sealer(KeyRing.at(path))
    assert sealer.seal("x", *PLACE) != sealer.seal("x", *PLACE)


@pytest.mark.parametrize(
    "moved",
    [
        ("t2", "provider/p1", "password"),
        ("t1", "provider/p2", "password"),
        ("t1", "provider/p1", "key"),
        ("t1provider", "/p1", "password"),
        ("t1", "provider/p1password"),
        (),
    ],
)
def test_a_sealed_value_works_only_in_its_place(path, moved):
    sealer = Sealer(KeyRing.at(path))
    with pytest.raises(SealBrokenError, match="sealed for another place"):
        sealer.open(sealer.seal("x", *PLACE), *moved)


def test_every_altered_byte_is_noticed(path):
    sealer = Sealer(KeyRing.at(path))
    key_id, _, text = sealer.seal("secret", *PLACE).partition(".")
    sealed = b64decode(text)
    for position in range(len(sealed)):
        altered = sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :]
        with pytest.raises(SealBrokenError):
            sealer.open(f"{key_id}.{b64encode(altered).decode()}", *PLACE)


@pytest.mark.parametrize("nonsense", ["", "plain", "k1", "k1.", "k1.YQ==", "k1.é", "k1.?", "k1." + "A" * 40])
def test_what_was_never_sealed_is_refused(path, nonsense):
    with pytest.raises(ValueError, match=r"altered|not on the ring"):
        Sealer(KeyRing.at(path)).open(nonsense, *PLACE)


def test_rotation_is_seen_by_running_processes_and_keeps_old_values(path):
    running = Sealer(KeyRing.at(path))
    old = running.seal("x", *PLACE)
    assert KeyRing.at(path).rotate() == "k2"
    new = running.seal("x", *PLACE)
    assert (running.outdated(old), running.outdated(new)) == (True, False)
    assert running.open(old, *PLACE) == running.open(new, *PLACE) == "x"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_purposes_have_keys_of_their_own(path):
    ring = KeyRing.at(path)
    sealed = ring.cipher("k1", "cmdb").encrypt(b"n" * 12, b"x", b"")
    assert ring.cipher("k1", "engine").encrypt(b"n" * 12, b"x", b"") != sealed


def test_a_missing_key_is_named(path, tmp_path):
    sealed = Sealer(KeyRing.at(path)).seal("x", *PLACE)
    other = tmp_path / "other.json"
    ring = json.loads(path.read_text())
    other.write_text(json.dumps({"current": "k9", "keys": {"k9": ring["keys"]["k1"]}}))
    with pytest.raises(KeyRingError, match="'k1' is not on the ring"):
        Sealer(KeyRing(other)).open(sealed, *PLACE)


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
