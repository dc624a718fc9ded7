import pytest

from placement.leases import Kind, NodeGroup, Request, Scheduler, equal_hosts, resources

FULL = resources(cpu=100, memory=1024)


@pytest.fixture
def site():
    """Four hosts of 100 CPU and 1,024 MB, as in the worked examples."""
    return equal_hosts(4, FULL)


@pytest.fixture
def make(site):
    """A scheduler on four hosts with these settings and policies."""

    def build(settings=None, policies=None, hosts=None):
        return Scheduler(hosts or site, settings, policies)

    return build


@pytest.fixture
def ask():
    """A request of full hosts; ask(id, nodes, duration, kind, ...)."""

    def build(name, nodes=1, duration=3600, kind=Kind.BEST_EFFORT, **more):
        groups = (NodeGroup(nodes, more.pop("needs", FULL)),)
        return Request(str(name), kind, groups, duration, **more)

    return build


@pytest.fixture
def finish():
    """Let everything that is planned happen; returns all leases by id."""

    def run(scheduler, until=10**7):
        while (time := scheduler.next_time()) is not None and time <= until:
            scheduler.tick(time)
        assert scheduler.table.overbooked() == []
        return {lease.id: lease for lease in scheduler.leases()}

    return run
