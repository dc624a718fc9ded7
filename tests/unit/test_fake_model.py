"""The pretend cloud against a model: never over capacity, one object per token, nothing left behind."""

import tempfile
from collections import Counter
from ipaddress import ip_address, ip_network
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sirocco.connectors.ports import (
    AttachVolume,
    ConnectorError,
    DetachVolume,
    DiskSpec,
    Kind,
    MachineSpec,
    Migrate,
    NetworkSpec,
    NicSpec,
    Pause,
    Resize,
    Start,
    Stop,
    VolumeSpec,
    VolumeUse,
)
from tests.unit.fake_cloud import MIB, FakeCloud

HOSTS = [{"name": name, "cores": 4, "memory": 4 * MIB, "disk": 8 * MIB} for name in ("a", "b")]
CIDR = "10.0.0.0/29"
SMALL = st.integers(1, 4)
ANY = st.integers(0, 99)
HOST = st.sampled_from(["", "a", "b"])


class Life(RuleBasedStateMachine):
    """Requests in any order, at any time, with delays."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.cloud = FakeCloud(Path(self.folder.name), {"hosts": HOSTS, "delays": {"*": 3, "create.network": 0}})
        self.network = self.cloud.create(NetworkSpec("n", CIDR)).native_id
        self.calls = {}
        self.macs = 0

    def attempt(self, call, *arguments):
        token = self.cloud.token()
        try:
            op = call(*arguments, token=token)
        except ConnectorError:
            return
        self.calls[token] = (call, arguments, op.ref)

    def some(self, kind, number):
        seen = list(self.cloud.connector.list(kind))
        return seen[number % len(seen)].ref if seen else None

    @rule(cpu=SMALL, memory=SMALL, disk=SMALL, host=HOST, start=st.booleans())
    def create_machine(self, cpu, memory, disk, host, start):
        self.macs += 1
        nics = (NicSpec(self.network, f"52:54:00:00:00:{self.macs:02x}"),)
        spec = MachineSpec("m", cpu, memory * MIB, (DiskSpec(disk * MIB),), nics, host=host, start=start)
        self.attempt(self.cloud.connector.create, spec)

    @rule(size=SMALL, host=HOST)
    def create_volume(self, size, host):
        self.attempt(self.cloud.connector.create, VolumeSpec("v", size * MIB, host=host))

    @rule(number=ANY, other=ANY, cpu=SMALL, memory=SMALL, host=HOST, choice=st.integers(0, 6))
    def act(self, number, other, cpu, memory, host, choice):
        machine, volume = self.some(Kind.MACHINE, number), self.some(Kind.VOLUME, other)
        if machine is None or volume is None:
            return
        actions = (
            Start(),
            Stop(),
            Pause(),
            Resize(cpu, memory * MIB),
            Migrate(host),
            AttachVolume(VolumeUse(volume.native_id)),
            DetachVolume(volume.native_id),
        )
        self.attempt(self.cloud.connector.act, machine, actions[choice])

    @rule(kind=st.sampled_from([Kind.MACHINE, Kind.VOLUME]), number=ANY)
    def delete(self, kind, number):
        ref = self.some(kind, number)
        if ref is not None:
            self.attempt(self.cloud.connector.delete, ref)

    @precondition(lambda self: self.calls)
    @rule(number=ANY)
    def repeat(self, number):
        token = list(self.calls)[number % len(self.calls)]
        call, arguments, ref = self.calls[token]
        assert call(*arguments, token=token).ref == ref

    @rule(seconds=st.integers(1, 4))
    def wait(self, seconds):
        self.cloud.clock.now += seconds

    @invariant()
    def no_host_holds_more_than_it_has(self):
        cores, memory = Counter(), Counter()
        for seen in self.cloud.connector.list(Kind.MACHINE):
            cores[seen.facts.host] += seen.facts.cpu
            memory[seen.facts.host] += seen.facts.memory
        for host in self.cloud.connector.hosts():
            assert cores[host.name] <= round(host.load * host.cores) <= host.cores
            assert memory[host.name] <= host.memory_used <= host.memory

    @invariant()
    def tokens_and_addresses_are_unique(self):
        for kind in (Kind.MACHINE, Kind.VOLUME):
            tokens = [seen.token for seen in self.cloud.connector.list(kind)]
            assert len(tokens) == len(set(tokens))
        nics = [nic for seen in self.cloud.connector.list(Kind.MACHINE) for nic in seen.facts.nics]
        addresses = [address for nic in nics for address in nic.addresses]
        assert len(addresses) == len(set(addresses))
        assert all(ip_address(address) in ip_network(CIDR) for address in addresses)

    @invariant()
    def a_volume_belongs_to_one_machine(self):
        uses = Counter(use.volume for m in self.cloud.connector.list(Kind.MACHINE) for use in m.facts.volumes)
        assert all(count == 1 for count in uses.values())

    def teardown(self):
        try:
            self.cloud.clock.now += 10
            for kind in (Kind.MACHINE, Kind.VOLUME):
                for seen in list(self.cloud.connector.list(kind)):
                    self.cloud.delete(seen.ref)
                self.cloud.clock.now += 10
            assert [(host.load, host.memory_used) for host in self.cloud.connector.hosts()] == [(0, 0)] * 2
            for host in ("a", "b"):
                self.cloud.volume(8 * MIB, host=host)
        finally:
            self.cloud.connector.close()
            self.folder.cleanup()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
