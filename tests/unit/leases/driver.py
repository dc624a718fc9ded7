"""Random operations on a scheduler, with the promises that must hold whatever comes later checked at every step."""

import itertools
import json
import random
from collections import Counter
from dataclasses import dataclass, field, replace

from placement.leases import (
    FINAL,
    Accepted,
    Action,
    Exclusion,
    Happening,
    Host,
    Image,
    Kind,
    LeaseError,
    LeaseState,
    NodeGroup,
    Policies,
    Refused,
    Request,
    Scheduler,
    Settings,
    Site,
    resources,
)

OVER = {Happening.END, Happening.CANCELLED, Happening.REJECTED, Happening.FAILED}


def mixed_site() -> Site:
    """Plain hosts, hosts with two CPUs each, and one whole cloud seen as a host."""
    plain = [Host(f"plain-{n}", resources(cpu=(100,), memory=1024)) for n in range(4)]
    twin = [Host(f"twin-{n}", resources(cpu=(100, 100), memory=2048)) for n in range(2)]
    return Site((*plain, *twin, Host("far-away", resources(cpu=(200,), memory=4096), "far")))


@dataclass
class Driver:
    seed: int
    settings: Settings
    policies: Policies = field(default_factory=Policies)
    site: Site = field(default_factory=mixed_site)
    failures: bool = False

    def __post_init__(self):
        self.random = random.Random(self.seed)
        self.scheduler = Scheduler(self.site, self.settings, self.policies)
        self.now = 0
        self.made = 0
        self.operations = 0
        self.seen = {}
        self.live = {}
        self.promises = {}
        self.trusted = True
        self.errors = Counter()
        self.done = dict.fromkeys(self.names(), 0)

    def names(self):
        found = ["submit"] * 10 + ["tick"] * 10 + ["finish"] * 4 + ["cancel", "extend", "shrink", "move", "release"]
        return found + ["fail", "repair", "repair"] * self.failures

    def step(self):
        name = self.random.choice(self.names())
        self.operations += 1
        self.done[name] += 1
        try:
            getattr(self, name)()
        except LeaseError as error:
            if type(error) is not LeaseError:
                raise
            self.errors[str(error).partition(self.names()[-1])[0][-50:]] += 1
        self.collect()

    def run(self, steps, look=1):
        for number in range(steps):
            self.step()
            if number % look == 0:
                self.check_table()
        self.drain()

    def check_table(self):
        table, overheads = self.scheduler.table, self.settings.overheads
        assert table.overbooked() == []
        if overheads.between_leases:
            assert overlapping_state(table, everywhere=overheads.exclusion is Exclusion.GLOBAL) == []

    def drain(self):
        """Give failed hosts back and let everything that is planned come to its end."""
        for host in self.site.hosts:
            self.scheduler.host_repaired(host.name, self.now)
        for lease in self.scheduler.leases():
            if lease.state not in FINAL and lease.request.duration is None:
                self.scheduler.cancel(lease.id, self.now)
        while (time := self.scheduler.next_time()) is not None:
            self.now = time
            self.scheduler.tick(time)
            self.collect()
        self.check_promises()

    def pick(self):
        return self.random.choice(list(self.live)) if self.live else None

    def request(self):
        r = self.random
        self.made += 1
        kind = r.choice(
            [Kind.ADVANCE, Kind.BEST_EFFORT, Kind.BEST_EFFORT, Kind.DEADLINE, Kind.IMMEDIATE, Kind.FLEXIBLE]
        )
        duration = r.randint(1, 60) * r.choice([1, 20, 60])
        start = deadline = None
        if kind is Kind.ADVANCE:
            start = self.now + r.randint(0, 3000)
        if kind in {Kind.DEADLINE, Kind.FLEXIBLE}:
            start = r.choice([None, self.now + r.randint(0, 2000)])
            deadline = (start or self.now) + int(duration * r.choice([1, 1.2, 2, 4, 10]))
        return Request(
            id=f"L{self.made}",
            kind=kind,
            groups=tuple(self.group() for _ in range(r.choice([1, 1, 1, 2]))),
            duration=None if r.random() < 0.02 and kind in {Kind.BEST_EFFORT, Kind.IMMEDIATE} else duration,
            start=start,
            deadline=deadline,
            preemptible=r.random() < 0.7,
            image=r.choice([None, Image("a", 500), Image("b", 1000), Image("c", 2000)]),
            user=r.choice(["ann", "bob"]),
            clouds=r.choice([(), (), (), ("local",), ("far",)]),
            highest_rate=r.choice([None, None, None, None, 0.5, 2.0]),
        )

    def group(self):
        r = self.random
        cpu = r.choice([25, 50, 100, 100, (100, 100), (50, 25)])
        return NodeGroup(r.choice([1, 1, 2, 3, 4]), resources(cpu=cpu, memory=r.choice([128, 256, 512, 1024])))

    def submit(self):
        request = self.request()
        answer = self.scheduler.submit(request, self.now, offers=False)
        if isinstance(answer, Accepted) and request.kind is not Kind.BEST_EFFORT:
            self.promises[request.id] = replace(request, start=answer.start)
        return answer

    def tick(self):
        self.now += self.random.choice([0, 1, 7, 20, 60, 200])
        self.scheduler.tick(self.now)

    def finish(self):
        active = [name for name in self.live if self.scheduler.lease(name).state is LeaseState.ACTIVE]
        self.now += self.random.randint(0, 30)
        if active:
            name = self.random.choice(active)
            self.scheduler.tick(self.now, finished=[name])
            self.promises.pop(name, None)

    def release(self):
        name = self.pick()
        if name and self.scheduler.lease(name).state is LeaseState.ACTIVE:
            self.promises.pop(name, None)
            self.scheduler.release(name, self.now)

    def cancel(self):
        name = self.pick()
        if name:
            self.promises.pop(name, None)
            self.scheduler.cancel(name, self.now)

    def extend(self):
        name = self.pick()
        if name:
            wanted = (self.scheduler.lease(name).request.duration or 0) + self.random.randint(1, 600)
            self.note_change(name, self.scheduler.extend(name, wanted, self.now))

    def shrink(self):
        name = self.pick()
        if not name:
            return
        request = self.scheduler.lease(name).request
        if self.random.random() < 0.5:
            wanted = self.random.randint(1, max(1, request.duration or 1))
            self.note_change(name, self.scheduler.shrink(name, self.now, duration=wanted))
        else:
            counts = [self.random.randint(1, group.count) for group in request.groups]
            self.note_change(name, self.scheduler.shrink(name, self.now, nodes=counts))

    def move(self):
        name = self.pick()
        if name:
            self.note_change(name, self.scheduler.move(name, self.now + self.random.randint(0, 3000), self.now))

    def note_change(self, name, answer):
        if isinstance(answer, Accepted) and name in self.promises:
            self.promises[name] = self.scheduler.lease(name).request
            if answer.start is not None:
                self.promises[name] = replace(self.promises[name], start=answer.start)

    def fail(self):
        self.trusted = False
        self.scheduler.host_failed(self.random.choice(self.site.hosts).name, self.now)

    def repair(self):
        self.scheduler.host_repaired(self.random.choice(self.site.hosts).name, self.now)

    def reload(self):
        """Save as text, load, and go on with what was loaded."""
        loaded = Scheduler.load(json.loads(json.dumps(self.scheduler.save())), self.policies)
        assert loaded == self.scheduler
        self.scheduler = loaded

    def collect(self):
        for event in self.scheduler.take_events():
            self.seen.setdefault(event.lease, []).append(event)
            if event.happening in OVER:
                self.live.pop(event.lease, None)
            else:
                self.live[event.lease] = None

    def check_promises(self):
        """Accepted leases with a time ran exactly then, those with a deadline in time, and all of them in full."""
        for lease in self.scheduler.leases():
            if lease.state is LeaseState.DONE and lease.id not in self.promises:
                continue
            if not self.trusted or lease.id not in self.promises:
                continue
            request = self.promises[lease.id]
            if lease.request.duration is None:
                continue
            assert lease.state is LeaseState.DONE, (lease, self.seen[lease.id])
            assert lease.accumulated == request.duration, lease
            if request.kind is not Kind.DEADLINE:
                assert lease.runs == ((request.start, request.start + request.duration),), lease
            if request.deadline is not None and request.kind is Kind.DEADLINE:
                assert lease.runs[-1][1] <= request.deadline, lease


def overlapping_state(table, *, everywhere):
    """Pairs of suspensions and resumptions of different leases that share time and, unless `everywhere`, a host."""
    found = [r for r in table if r.action in {Action.SUSPEND, Action.RESUME}]
    return [
        (a.key, b.key)
        for a, b in itertools.combinations(found, 2)
        if a.lease != b.lease and a.start < b.end and b.start < a.end
        if everywhere or {host for host, _ in a.claims} & {host for host, _ in b.claims}
    ]


def offers_hold(scheduler: Scheduler, policies: Policies, request: Request, now: int) -> int:
    """Every alternative offered to a refused request is accepted by a copy of the scheduler; how many there were."""
    answer = scheduler.submit(request, now)
    if not isinstance(answer, Refused):
        return 0
    assert len(answer.alternatives) <= 5
    assert len({offer.change for offer in answer.alternatives}) == len(answer.alternatives)
    for offer in answer.alternatives:
        copy = Scheduler.load(scheduler.save(), policies)
        taken = copy.submit(offer.request, now, offers=False)
        assert isinstance(taken, Accepted), (offer, taken)
        if taken.start is not None and request.kind is not Kind.BEST_EFFORT:
            assert (taken.start, taken.price) == (offer.start, offer.price)
    return len(answer.alternatives)
