"""Reconfigurations whose shortest plan is known: random moves played forwards beside a row of moves that takes as long.

The moves are played from a random placement at the given load: at every end what fits is started at random, so that
the placement to which they lead can be reached within the time played. Beside them stands a row of full hosts with
one empty host at the end, where each move waits for the next one; their sum is that same time. No plan in which no VM
moves twice is shorter.
"""

import heapq
from dataclasses import dataclass, replace

import numpy as np

from placement.constraints.fence import Fence
from placement.generate import Recipe, generate
from placement.instance import Instance
from placement.model import VM_KINDS, Kind, Model

ROW = 4
"""Hosts of the row."""
STEP = 9
"""All moves take a multiple of so many seconds."""
TRIALS = 60
"""VMs tried for each host on which there is room."""


@dataclass(frozen=True)
class Planted:
    """An instance whose VMs are fenced to where they end up, and the length of its shortest plan without detours, s."""

    instance: Instance
    optimum: int


class _Play:
    """Moves started at random wherever there is room; a moving VM takes room on both hosts."""

    def __init__(self, model: Model, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._need = model.vms.demand.T.tolist()
        self._seconds = model.vms.seconds[VM_KINDS.index(Kind.MIGRATE)].tolist()
        self._home = model.vms.host.tolist()
        load = np.zeros_like(model.usable)
        for row, need in zip(load, model.vms.demand, strict=True):
            np.add.at(row, model.vms.host, need)
        self._free = (model.usable - load).T.tolist()
        self.target: dict[int, int] = {}

    def run(self, moves: int) -> int:
        """Play so many moves; returns the end of the last one."""
        running: list[tuple[int, int]] = []
        hosts, now = self._random.permutation(len(self._free)).tolist(), 0
        while True:
            for host in hosts:
                for vm in self._arrivals(host, moves):
                    heapq.heappush(running, (now + self._seconds[vm], vm))
            if not running:
                return now
            now, first = heapq.heappop(running)
            ended = [first]
            while running and running[0][0] == now:
                ended.append(heapq.heappop(running)[1])
            hosts = [self._home[vm] for vm in ended]
            for vm in ended:
                self._change(self._home[vm], vm, 1)

    def _arrivals(self, host: int, moves: int) -> list[int]:
        """VMs that set out for a host now."""
        begun = []
        for vm in self._random.integers(len(self._need), size=TRIALS).tolist():
            fits = all(need <= free for need, free in zip(self._need[vm], self._free[host], strict=True))
            if fits and vm not in self.target and self._home[vm] != host and len(self.target) < moves:
                self.target[vm] = host
                self._change(host, vm, -1)
                begun.append(vm)
        return begun

    def _change(self, host: int, vm: int, sign: int) -> None:
        self._free[host] = [free + sign * need for free, need in zip(self._free[host], self._need[vm], strict=True)]


def planted(load: float, moves: int, seed: int, hosts: int = 1000) -> Planted:
    """A reconfiguration of so many hosts, a row of them included, with up to so many random moves."""
    crowd = generate(Recipe("shuffle", hosts=hosts - ROW, load=load, moves=0, seed=seed)).model
    play = _Play(crowd, seed)
    span = play.run(moves)
    model = _with_row(crowd, generate(Recipe("shuffle", hosts=hosts, load=0.01, moves=0, seed=seed)).model, span)
    row = range(crowd.n_vms, model.n_vms)
    targets = play.target | {vm: int(model.vms.host[vm]) + 1 for vm in row}
    return Planted(Instance(model, tuple(Fence(v, frozenset({h})) for v, h in sorted(targets.items()))), span)


def _with_row(crowd: Model, bare: Model, span: int) -> Model:
    """The model with a row of full hosts after its own, of which each move takes an even part of the span, s."""
    count, vms = ROW - 1, crowd.vms
    full = np.repeat(bare.hosts.capacity[:, :1], count, axis=1)
    seconds = np.ones((len(VM_KINDS), count), dtype=np.int64)
    seconds[VM_KINDS.index(Kind.MIGRATE)] = STEP * np.diff(np.arange(count + 1) * (span // STEP) // count)
    zeros = np.zeros(count, dtype=np.int64)
    demand = np.hstack([vms.demand, full])
    both = replace(
        vms, ids=tuple(range(demand.shape[1])), demand=demand, want=demand.copy(),
        state=np.append(vms.state, zeros + 1), host=np.append(vms.host, crowd.n_hosts + np.arange(count)),
        memory=np.append(vms.memory, full[0]), hot_size=np.append(vms.hot_size, zeros),
        hot_seconds=np.append(vms.hot_seconds, zeros), cold_rate=np.append(vms.cold_rate, zeros.astype(float)),
        seconds=np.hstack([vms.seconds, seconds]),
    )  # fmt: skip
    return Model(crowd.resources, bare.hosts, both)
