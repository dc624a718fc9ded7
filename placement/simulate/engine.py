"""Virtual time: jump from one event to the next, end leases when they really end, and note what can be seen."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from placement.leases import FOREVER, Event, Happening, Lease, LeaseState, Request, Scheduler, Site
from placement.simulate.workload import Workload

_BEGIN = frozenset({Happening.START, Happening.RESUME_END})
_STOP = frozenset({Happening.END, Happening.SUSPEND_START, Happening.PREEMPTED, Happening.CANCELLED, Happening.FAILED})

Steps = list[tuple[int, float]]


@dataclass(slots=True)
class Outcome:
    """What a simulation saw. Steps are (time, value from then on); `busy` is the share of the site's CPU (0 to 1)."""

    workload: Workload
    site: Site
    leases: list[Lease] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    busy: Steps = field(default_factory=list)
    queued: Steps = field(default_factory=list)


class _RealEnds:
    """When active leases really end, which the scheduler is not told before it happens."""

    def __init__(self, workload: Workload) -> None:
        self._real = {a.request.id: a.real for a in workload.arrivals if a.real is not None}
        self._heap: list[tuple[int, str, int]] = []

    def next(self, scheduler: Scheduler) -> int | None:
        """The next real end that still counts."""
        while self._heap and not self._counts(self._heap[0], scheduler):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: int, scheduler: Scheduler) -> list[str]:
        """The leases that really end at `now`."""
        found = []
        while self.next(scheduler) == now:
            found.append(heappop(self._heap)[1])
        return found

    def watch(self, lease: Lease, began: int) -> None:
        """A run began: note when the lease really ends if that is before its time."""
        real, plan = self._real.get(lease.id), lease.plan
        if real is None or plan is None:
            return
        end = began + max(real - lease.accumulated, 0)
        if real < (lease.request.duration or real + 1):
            heappush(self._heap, (end, lease.id, plan.number))

    def _counts(self, entry: tuple[int, str, int], scheduler: Scheduler) -> bool:
        lease = scheduler.lease(entry[1])
        return lease.state is LeaseState.ACTIVE and lease.plan is not None and lease.plan.number == entry[2]


def simulate(workload: Workload, site: Site, scheduler: Scheduler) -> Outcome:
    """Run a workload through a fresh scheduler until nothing more can happen."""
    outcome = Outcome(workload, site)
    ends = _RealEnds(workload)
    probes = _Probes(site)
    for now, requests in _moments(workload, scheduler, ends):
        scheduler.tick(now, requests, ends.due(now, scheduler))
        events = scheduler.take_events()
        outcome.events += events
        for event in events:
            lease = scheduler.lease(event.lease)
            if event.happening in _BEGIN and lease.state is LeaseState.ACTIVE:
                ends.watch(lease, event.time)
            probes.see(event, lease)
        probes.note(now, len(scheduler.queue()), outcome)
    outcome.leases = scheduler.leases()
    return outcome


def _moments(workload: Workload, scheduler: Scheduler, ends: _RealEnds) -> Iterator[tuple[int, list[Request]]]:
    place, arrivals = 0, workload.arrivals
    while True:
        times = [scheduler.next_time(), ends.next(scheduler)]
        times += [arrivals[place].time] if place < len(arrivals) else []
        now = min((time for time in times if time is not None and time < FOREVER), default=None)
        if now is None:
            return
        first = place
        while place < len(arrivals) and arrivals[place].time == now:
            place += 1
        yield now, [arrival.request for arrival in arrivals[first:place]]


class _Probes:
    """CPU in use, from the events alone."""

    def __init__(self, site: Site) -> None:
        self._total = sum(_cpu(host.capacity) for host in site.hosts)
        self._used: dict[str, int] = {}
        self._sum = 0

    def see(self, event: Event, lease: Lease) -> None:
        """Take one event into account."""
        if event.happening in _BEGIN:
            self._used[lease.id] = sum(group.count * _cpu(group.needs) for group in lease.request.groups)
            self._sum += self._used[lease.id]
        elif event.happening in _STOP:
            self._sum -= self._used.pop(lease.id, 0)

    def note(self, now: int, queued: int, outcome: Outcome) -> None:
        """Add a step wherever something has changed."""
        busy = self._sum / self._total if self._total else 0.0
        _step(outcome.busy, now, busy)
        _step(outcome.queued, now, queued)


def _cpu(needs: tuple[tuple[str, tuple[int, ...]], ...]) -> int:
    return sum(dict(needs).get("cpu", ()))


def _step(steps: Steps, now: int, value: float) -> None:
    if not steps or steps[-1][1] != value:
        if steps and steps[-1][0] == now:
            steps.pop()
        steps.append((now, value))
