"""One pretend cloud, many processes: some of them are killed."""

import multiprocessing
import os
import signal
import time

from sirocco.connectors.fake import connect, control
from sirocco.connectors.ports import (
    ConnectorError,
    DiskSpec,
    Fault,
    Kind,
    MachineSpec,
    NetworkSpec,
    NicSpec,
    ProviderSettings,
    VolumeSpec,
)

MIB = 1 << 20
CORES = 10
SPAWN = multiprocessing.get_context("spawn")


def settings(path):
    hosts = [{"name": "only", "cores": CORES, "memory": 1 << 40, "disk": 1 << 40}]
    return ProviderSettings("fake", {"store": str(path), "hosts": hosts})


def create_for_ever(path, prefix):
    connector = connect(settings(path))
    for number in range(1_000_000):
        connector.create(VolumeSpec(f"{prefix}-{number}", MIB), token=f"{prefix}-{number}")


def take_cores(path, prefix, network, wins):
    connector = connect(settings(path))
    for number in range(CORES):
        mac = f"52:54:00:00:{prefix:02x}:{number:02x}"
        spec = MachineSpec("m", 1, MIB, (DiskSpec(MIB),), (NicSpec(network, mac),))
        try:
            connector.create(spec, token=f"{prefix}-{number}")
        except ConnectorError as error:
            if error.fault is not Fault.CAPACITY:
                raise
        else:
            wins.put(prefix)
    connector.close()


def open_only(path):
    connect(settings(path)).close()


def test_processes_that_are_killed_leave_whole_objects_only(tmp_path):
    path = tmp_path / "cloud.sqlite"
    connector = connect(settings(path))
    for number in range(4):
        process = SPAWN.Process(target=create_for_ever, args=(path, f"p{number}"))
        process.start()
        deadline = time.monotonic() + 60
        while connector.find_by_token(Kind.VOLUME, f"p{number}-20") is None:
            assert process.is_alive()
            assert time.monotonic() < deadline
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    listed = list(connector.list(Kind.VOLUME))
    for prefix in ("p0", "p1", "p2", "p3"):
        numbers = [int(seen.token.split("-")[1]) for seen in listed if seen.token.startswith(prefix)]
        assert numbers == list(range(len(numbers)))
    for seen in listed:
        spec = VolumeSpec(seen.facts.name, MIB)
        assert connector.create(spec, token=seen.token).ref == seen.ref
        connector.delete(seen.ref, token=f"d-{seen.token}")
    assert not any(control.inventory(path).values())
    connector.create(VolumeSpec("all of it", 1 << 40), token="last")
    connector.close()


def test_processes_never_take_more_than_there_is(tmp_path):
    path = tmp_path / "cloud.sqlite"
    connector = connect(settings(path))
    network = connector.create(NetworkSpec("n", "10.0.0.0/24"), token="network").ref.native_id
    wins = SPAWN.Queue()
    processes = [SPAWN.Process(target=take_cores, args=(path, n, network, wins)) for n in range(3)]
    for process in processes:
        process.start()
    won = [wins.get(timeout=60) for _ in range(CORES)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    machines = list(connector.list(Kind.MACHINE))
    assert len(won) == len(machines) == CORES
    assert wins.empty()
    assert connector.hosts()[0].load == 1
    assert len({nic.addresses for seen in machines for nic in seen.facts.nics}) == CORES
    connector.close()


def test_a_new_store_may_be_opened_by_all_at_once(tmp_path):
    processes = [SPAWN.Process(target=open_only, args=(tmp_path / "cloud.sqlite",)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
