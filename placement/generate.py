"""Instances from a seed: the distribution of the published TDSC 2013 benchmarks of BtrPlace, and harder ones.

Hosts have 1600 of memory and 200 of uCpu, in groups of 250. Applications of three tiers (6 to 29 VMs, each tier at
least 2) live in one group; a tier has one size: memory 100, 200 or 300, processor weight 3 to 6 times the load level of
the application. Constrained applications have a continuous spread on each tier and a continuous among on one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from placement.constraints.among import Among
from placement.constraints.base import Constraint
from placement.constraints.fence import Fence
from placement.constraints.offline import Offline
from placement.constraints.online import Online
from placement.constraints.preserve import Preserve
from placement.constraints.running import Running
from placement.constraints.spread import Spread
from placement.errors import InputError
from placement.instance import Instance
from placement.model import VM_KINDS, BoolArray, Hosts, IntArray, Kind, Model, Vms, VmState

SCENARIOS = ("li", "nr", "drain", "pack", "flavours", "shuffle")
"""Load increase, node failure, drain of live hosts, energy, energy with ten VM sizes, random permutation."""
MEMORY = (100, 200, 300)
MEMORY_SHARE = (0.374, 0.357, 0.269)
CLASSES = ((1600, 200, 110, 280, 120, 30), (3200, 400, 180, 480, 150, 30), (2400, 200, 125, 260, 120, 30))
"""Kinds of host: memory, uCpu, idle W, maximum W, boot s, shutdown s; the first is TDSC's."""
CLASS_SHARE = (0.5, 0.25, 0.25)
FLAVOURS = ((1, 2), (1, 4), (2, 4), (2, 8), (4, 8), (4, 16), (8, 16), (8, 32), (12, 24), (16, 32))
"""Cores and GB of the ten VM sizes."""
FLAVOUR_SHARE = (0.18, 0.12, 0.18, 0.12, 0.14, 0.1, 0.07, 0.04, 0.03, 0.02)
SERVERS = ((32, 128, 110, 280), (48, 256, 150, 420), (64, 256, 180, 520))
"""Cores, GB, idle W and maximum W of the three kinds of server that go with them."""


@dataclass(frozen=True)
class Recipe:
    """What to draw; see the names of the scenarios. `load` is the share of capacity used (flavours, shuffle)."""

    scenario: str = "li"
    hosts: int = 5000
    ratio: int = 6
    constrained: int = 100
    group: int = 250
    raised: float = 0.097
    down: float = 0.05
    scale: float = 1.0
    mixed: bool = False
    load: float = 0.45
    moves: int = 1400
    seed: int = 1

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise InputError(f"scenario {self.scenario!r} is unknown; choose from {', '.join(SCENARIOS)}")
        if not (1 <= self.hosts <= 200_000 and 1 <= self.ratio <= 50 and self.group >= 2):
            raise InputError("hosts must be 1 to 200000, ratio 1 to 50 and group at least 2")
        if not (0 <= self.constrained <= 100 and 0 <= self.raised <= 1 and 0 <= self.down < 1):
            raise InputError("constrained is a percentage, raised and down are shares from 0 to 1")
        if not (0 < self.scale <= 10 and 0 < self.load <= 1 and self.moves >= 0 and self.seed >= 0):
            raise InputError(
                "scale must be above 0 and at most 10, load above 0 and at most 1, moves and seed from 0 up"
            )


@dataclass(frozen=True)
class Drawn:
    """Hosts, VMs and applications before they become an instance; an application is a list of tiers of VM numbers."""

    capacity: IntArray
    kind: IntArray
    group: IntArray
    demand: IntArray
    raised: IntArray
    host: IntArray
    applications: list[list[IntArray]]


def generate(recipe: Recipe) -> Instance:
    """The instance of a recipe: the same recipe gives the same instance. InputError where the VMs do not fit."""
    if recipe.scenario == "flavours":
        return _flavours(recipe)
    if recipe.scenario == "shuffle":
        return _shuffle(recipe)
    return _applications(recipe)


def draw_tiers(random: np.random.Generator, count: int, largest: int) -> list[list[int]]:
    """Sizes of the tiers of applications until `count` VMs are drawn; the last application takes what is left."""
    sizes: list[list[int]] = []
    left = count
    while left > 0:
        size = int(random.integers(6, largest + 1))
        if left < 12:
            size = left
        elif left - size < 6:
            size = 6
        left -= size
        if size < 6:
            sizes.append([size])
            continue
        low, high = sorted(int(x) for x in random.integers(0, size - 5, 2))
        sizes.append([2 + low, 2 + high - low, 2 + size - 6 - high])
    return sizes


def draw(recipe: Recipe) -> Drawn:
    """Draw hosts, applications and a dense placement that violates nothing."""
    random = np.random.default_rng(recipe.seed)
    count = recipe.hosts * recipe.ratio
    kind = (
        random.choice(len(CLASSES), recipe.hosts, p=CLASS_SHARE)
        if recipe.mixed
        else np.zeros(recipe.hosts, dtype=np.int64)
    )
    capacity = np.array([CLASSES[k][:2] for k in kind], dtype=np.int64)
    group = np.arange(recipe.hosts) // min(recipe.group, recipe.hosts)
    demand = np.zeros((count, 2), dtype=np.int64)
    raised = np.zeros(count, dtype=np.int64)
    applications, first = [], 0
    for tiers in draw_tiers(random, count, max(6, min(29, int(np.bincount(group).min()) + 3))):
        level = random.uniform(2.1, 9.0)
        higher = level + (random.uniform(2.0, 3.2) if random.random() < recipe.raised else 0.0)
        members = []
        for size in tiers:
            vms = np.arange(first, first + size)
            first += size
            weight = int(random.integers(3, 7))
            demand[vms, 0] = random.choice(MEMORY, p=MEMORY_SHARE)
            demand[vms, 1] = max(1, round(weight * level * recipe.scale))
            raised[vms] = max(int(demand[vms[0], 1]), round(weight * higher * recipe.scale))
            members.append(vms)
        applications.append(members)
    return Drawn(
        capacity, kind, group, demand, raised, _settle(random, capacity, group, demand, applications), applications
    )


def _settle(
    random: np.random.Generator,
    capacity: IntArray,
    group: IntArray,
    demand: IntArray,
    applications: list[list[IntArray]],
) -> IntArray:
    """Hosts of all VMs: each application in one group, its tiers spread, the least loaded host that fits."""
    free = capacity.copy()
    host = np.full(len(demand), -1, dtype=np.int64)
    members = [np.flatnonzero(group == g) for g in range(int(group[-1]) + 1)]
    order = random.permutation(len(members))
    for number, tiers in enumerate(applications):
        usual = int(order[number % len(members)])
        rooms = [-int(free[hosts, 0].sum()) for hosts in members]
        for g in sorted(range(len(members)), key=lambda g: (g != usual, rooms[g], g)):
            if _settle_in(random, free, host, members[g], demand, tiers):
                break
        else:
            raise InputError(f"application {number} does not fit on the hosts: lower the ratio or the scale")
    return host


def _settle_in(  # noqa: PLR0917
    random: np.random.Generator,
    free: IntArray,
    host: IntArray,
    hosts: IntArray,
    demand: IntArray,
    tiers: Sequence[IntArray],
) -> bool:
    trial = free[hosts]
    chosen: dict[int, int] = {}
    for tier in sorted(tiers, key=lambda t: -int(demand[t[0], 0])):
        need = demand[tier[0]]
        room = ((trial >= need).all(axis=1)) * (trial[:, 0] / 1600 + 0.35 * random.random(len(hosts)))
        best = np.argsort(-room, kind="stable")[: len(tier)]
        if len(best) < len(tier) or (room[best] <= 0).any():
            return False
        trial[best] -= need
        chosen.update(zip(tier.tolist(), hosts[best].tolist(), strict=True))
    free[hosts] = trial
    for vm, at in chosen.items():
        host[vm] = at
    return True


def _applications(recipe: Recipe) -> Instance:
    drawn = draw(recipe)
    random = np.random.default_rng([recipe.seed, 7])
    constraints: list[Constraint] = []
    running = np.ones(len(drawn.host), dtype=np.bool_)
    online = np.ones(recipe.hosts, dtype=np.bool_)
    if recipe.scenario in ("nr", "drain"):
        down = np.sort(random.choice(recipe.hosts, round(recipe.down * recipe.hosts), replace=False))
        constraints += [Offline(int(h)) for h in down]
        if recipe.scenario == "nr":
            online[down] = False
            running = online[drawn.host]
            constraints += [Running(int(v)) for v in np.flatnonzero(~running)]
    if recipe.scenario == "li":
        grown = np.flatnonzero(drawn.raised > drawn.demand[:, 1])
        constraints += [Preserve(int(v), 1, int(drawn.raised[v])) for v in grown]
        constraints += [Online(h) for h in range(recipe.hosts)]
    model = _model(drawn, random, running, online)
    constraints += _application_rules(recipe, drawn, random, model)
    return Instance(model, tuple(constraints), "minimizePower" if recipe.scenario == "pack" else "minimizeMTTR")


def _application_rules(recipe: Recipe, drawn: Drawn, random: np.random.Generator, model: Model) -> list[Constraint]:
    parts = tuple(frozenset(hosts) for hosts in model.groups.values())
    constraints: list[Constraint] = []
    for tiers in drawn.applications[: round(len(drawn.applications) * recipe.constrained / 100)]:
        constraints += [Spread(tuple(t.tolist()), continuous=True) for t in tiers]
        tier = tiers[int(random.integers(len(tiers)))]
        if len(parts) > 1:
            constraints.append(Among(tuple(tier.tolist()), parts, continuous=True))
    return constraints


def _model(drawn: Drawn, random: np.random.Generator, running: BoolArray, online: BoolArray) -> Model:
    table = np.array([CLASSES[k] for k in drawn.kind], dtype=np.int64)
    count = len(drawn.host)
    seconds: dict[Kind, IntArray | int] = {Kind.MIGRATE: drawn.demand[:, 0] // 100 * 9, Kind.BOOT: 15, Kind.SHUTDOWN: 8}
    groups = {
        f"group{g + 1}": tuple(np.flatnonzero(drawn.group == g).tolist()) for g in range(int(drawn.group[-1]) + 1)
    }
    vms = _vms(
        drawn.demand.T.copy(),
        np.where(running, int(VmState.RUNNING), int(VmState.READY)),
        np.where(running, drawn.host, -1),
        drawn.demand[:, 0] * 10,
        np.round(random.gamma(1.5, 1.2, count), 2),
        seconds,
    )
    return Model(("memory", "uCpu"), _hosts(table[:, :2].T, online, table[:, 2:]), vms, groups)


def _hosts(capacity: IntArray, online: BoolArray, figures: IntArray) -> Hosts:
    """Hosts with columns of idle W, maximum W, boot s and shutdown s in `figures`."""
    count = capacity.shape[1]
    zeros = np.zeros(count, dtype=np.int64)
    return Hosts(
        ids=tuple(range(count)),
        capacity=np.ascontiguousarray(capacity),
        ratio=np.ones(capacity.shape),
        reserve=np.zeros(capacity.shape, dtype=np.int64),
        online=online,
        idle_power=figures[:, 0] * 1000,
        max_power=figures[:, 1] * 1000,
        boot=figures[:, 2].copy(),
        shutdown=figures[:, 3].copy(),
        bandwidth=zeros,
        parallel=zeros.copy(),
        site=zeros.copy(),
    )


def _vms(  # noqa: PLR0917
    demand: IntArray,
    state: IntArray,
    host: IntArray,
    memory: IntArray,
    cold_rate: np.ndarray,
    seconds: dict[Kind, IntArray | int],
) -> Vms:
    count = demand.shape[1]
    zeros = np.zeros(count, dtype=np.int64)
    return Vms(
        ids=tuple(range(count)),
        demand=demand,
        want=demand.copy(),
        state=state.astype(np.int64),
        host=host.astype(np.int64),
        memory=memory.astype(np.int64),
        hot_size=zeros,
        hot_seconds=zeros.copy(),
        cold_rate=cold_rate,
        seconds=np.array([np.broadcast_to(seconds.get(kind, 1), count) for kind in VM_KINDS], dtype=np.int64),
    )


def _flavours(recipe: Recipe) -> Instance:
    """Servers of three kinds with VMs of ten sizes up to the load, scattered at random, nothing constrained."""
    random = np.random.default_rng(recipe.seed)
    servers = np.array(SERVERS, dtype=np.int64)[random.integers(0, len(SERVERS), recipe.hosts)]
    capacity = servers[:, :2].T.copy()
    budget = recipe.load * capacity[0].sum()
    sizes = np.array(FLAVOURS, dtype=np.int64)
    drawn = sizes[random.choice(len(sizes), int(budget) + 1, p=FLAVOUR_SHARE)]
    drawn = drawn[np.cumsum(drawn[:, 0]) <= budget]
    host = _scatter(random, capacity, drawn.T)
    figures = np.column_stack([servers[:, 2:], np.full(recipe.hosts, 120), np.full(recipe.hosts, 30)])
    memory = drawn[:, 1] * 1024
    vms = _vms(
        drawn.T.copy(),
        np.full(len(drawn), int(VmState.RUNNING)),
        host,
        memory,
        np.zeros(len(drawn)),
        {Kind.MIGRATE: np.maximum(1, drawn[:, 1] * 9), Kind.BOOT: 15, Kind.SHUTDOWN: 8},
    )
    online = np.ones(recipe.hosts, dtype=np.bool_)
    return Instance(Model(("cpu", "memory"), _hosts(capacity, online, figures), vms), (), "minimizePower")


def _scatter(random: np.random.Generator, capacity: IntArray, demand: IntArray) -> IntArray:
    """A random host with room for each VM."""
    free = capacity.copy()
    hosts = np.full(demand.shape[1], -1, dtype=np.int64)
    for vm in np.argsort(-demand.sum(axis=0), kind="stable").tolist():
        need = demand[:, vm]
        for _ in range(30):
            host = int(random.integers(capacity.shape[1]))
            if (free[:, host] >= need).all():
                break
        else:
            room = np.flatnonzero((free >= need[:, None]).all(axis=0))
            if not len(room):
                raise InputError("the VMs do not fit on the hosts: lower the load")
            host = int(random.choice(room))
        free[:, host] -= need
        hosts[vm] = host
    return hosts


def _shuffle(recipe: Recipe) -> Instance:
    """Two random placements of the same VMs: each VM that differs is fenced to its second host."""
    random = np.random.default_rng(recipe.seed)
    capacity = np.tile(np.array([[1600], [200]], dtype=np.int64), recipe.hosts)
    sizes = np.column_stack(
        [random.choice(MEMORY, 40 * recipe.hosts, p=MEMORY_SHARE), random.integers(6, 54, 40 * recipe.hosts)]
    )
    used = np.maximum(np.cumsum(sizes[:, 0]) / capacity[0].sum(), np.cumsum(sizes[:, 1]) / capacity[1].sum())
    demand = sizes[used <= recipe.load].T.copy()
    host = _scatter(random, capacity, demand)
    target = _permute(random, capacity, demand, host, recipe.moves)
    vms = _vms(
        demand,
        np.full(demand.shape[1], int(VmState.RUNNING)),
        host,
        demand[0] * 10,
        np.zeros(demand.shape[1]),
        {Kind.MIGRATE: demand[0] // 100 * 9},
    )
    figures = np.tile(np.array([CLASSES[0][2:]], dtype=np.int64), (recipe.hosts, 1))
    model = Model(("memory", "uCpu"), _hosts(capacity, np.ones(recipe.hosts, dtype=np.bool_), figures), vms)
    moved = np.flatnonzero(host != target).tolist()
    return Instance(model, tuple(Fence(v, frozenset((int(target[v]),))) for v in moved))


def _permute(random: np.random.Generator, capacity: IntArray, demand: IntArray, host: IntArray, moves: int) -> IntArray:
    """Another placement that fits: some VMs are taken out together and scattered again."""
    chosen = np.sort(random.choice(len(host), min(moves, len(host)), replace=False))
    free = capacity.copy()
    stay = np.setdiff1d(np.arange(len(host)), chosen)
    for row, need in zip(free, demand, strict=True):
        np.subtract.at(row, host[stay], need[stay])
    target = host.copy()
    try:
        target[chosen] = _scatter(random, free, demand[:, chosen])
    except InputError:
        _swap_all(random, free, demand, target, chosen)
    return target


def _swap_all(
    random: np.random.Generator, free: IntArray, demand: IntArray, target: IntArray, chosen: IntArray
) -> None:
    """Exchange pairs of VMs where both fit in the other's place: possible at any load."""
    for row, need in zip(free, demand, strict=True):
        np.subtract.at(row, target[chosen], need[chosen])
    for vm in chosen.tolist():
        for other in random.choice(chosen, 40).tolist():
            change = demand[:, other] - demand[:, vm]
            one, two = int(target[vm]), int(target[other])
            if one != two and (free[:, one] >= change).all() and (free[:, two] >= -change).all():
                free[:, one] -= change
                free[:, two] += change
                target[vm], target[other] = two, one
                break
