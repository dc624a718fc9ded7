"""A plan replayed event by event, for the checker."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from placement.model import Action, IntArray, Kind, Model, VmState
from placement.network_use import NetworkUse
from placement.trajectory import BEFORE, FOREVER, LoadChange, State, Stay, Trajectory, initial_state

Limits = Sequence[Sequence[int]]


class Replay:
    """Carries out actions on a model and notes each `faults` entry: (rule, time in s, what is wrong).

    `instant` and `final` are what may be used per resource and host at every instant and at the end. An action that
    cannot be carried out is noted and left out.
    """

    def __init__(self, model: Model, actions: Sequence[Action], instant: Limits, final: Limits) -> None:
        self.model = model
        self.actions = actions
        self.faults: list[tuple[str, int, str]] = []
        self._instant, self._final = instant, final
        self._before = initial_state(model)
        self._at = list(self._before.at)
        self._image = [
            h if s == VmState.SLEEPING else -1
            for h, s in zip(model.vms.host.tolist(), self._before.status, strict=True)
        ]
        self._status = list(self._before.status)
        self._online = list(self._before.online)
        self._open = list(self._before.online)
        self._demand: IntArray = model.vms.demand.copy()
        self._load: list[list[int]] = self._before.load.tolist()
        self._tolerated = [
            [max(a, b) for a, b in zip(limit, load, strict=True)]
            for limit, load in zip(instant, self._load, strict=True)
        ]
        self._guests: dict[int, int] = {}
        for host in [*self._at, *self._image]:
            self._guests[host] = self._guests.get(host, 0) + 1
        self._busy: dict[int, list[Action]] = {}
        self._stays: dict[int, list[list[int]]] = {}
        self._power: dict[int, list[list[int]]] = {}
        self._loads: list[LoadChange] = []
        self._network = NetworkUse(model)

    def run(self) -> Trajectory:
        """Carry out all actions and return what happened."""
        events = []
        for number, action in enumerate(self.actions):
            if self._sound(action):
                events += [(action.end, 0, number), (action.start, 1, number)]
        begun: set[int] = set()
        for time, group in groupby(sorted(events), key=lambda event: event[0]):
            touched: set[int] = set()
            for _, starts, number in group:
                action = self.actions[number]
                if not starts and number in begun:
                    self._end(action, touched)
                elif starts and self._begin(action, touched):
                    begun.add(number)
            self._check_load(time, touched)
            self.faults += [("network", time, text) for text in self._network.excess()]
        self._check_final(max((a.end for a in self.actions), default=0))
        return self._path()

    def _fault(self, rule: str, action: Action, text: str) -> bool:
        subject = f"VM {self.model.vms.ids[action.vm]}" if action.vm >= 0 else f"host {self._host(action.target)}"
        self.faults.append((rule, action.start, f"{action.kind} of {subject}: {text}"))
        return False

    def _host(self, host: int) -> object:
        return self.model.hosts.ids[host] if host >= 0 else "none"

    def _sound(self, action: Action) -> bool:
        """Whether an action makes sense by itself: numbers, times, duration."""
        hosts, vms = self.model.n_hosts, self.model.n_vms
        on_host = action.kind in (Kind.BOOT_HOST, Kind.SHUTDOWN_HOST)
        if not -1 <= action.source < hosts or not -1 <= action.target < hosts or not (on_host or 0 <= action.vm < vms):
            self.faults.append(("action", action.start, f"{action.kind}: the plan names an unknown host or VM"))
            return False
        if (on_host or action.kind in ARRIVING or action.kind is Kind.ALLOCATE) and action.target < 0:
            self.faults.append(("action", action.start, f"{action.kind}: the plan names no host"))
            return False
        if action.start < 0 or action.end <= action.start:
            return self._fault("action", action, f"it lasts from {action.start} to {action.end} s")
        least = self._least_seconds(action)
        if action.end - action.start < least:
            return self._fault("duration", action, f"{action.end - action.start} s are planned, it takes {least} s")
        return True

    def _least_seconds(self, action: Action) -> int:
        if action.kind is Kind.BOOT_HOST:
            return int(self.model.hosts.boot[action.target])
        if action.kind is Kind.SHUTDOWN_HOST:
            return int(self.model.hosts.shutdown[action.target])
        if action.kind is Kind.MIGRATE and action.source >= 0:
            seconds, share = self.model.migration(action.vm, action.source, action.target)
            slower = 0 < action.bandwidth < share and self.model.duration(Kind.MIGRATE, action.vm) == 0
            return self.model.copy_seconds(action.vm, action.bandwidth) if slower else seconds
        return self.model.duration(action.kind, action.vm)

    def _begin(self, action: Action, touched: set[int]) -> bool:
        """Start an action if the state allows it."""
        if action.vm < 0:
            return self._begin_host(action)
        others = self._busy.get(action.vm, [])
        if others and not all(a.kind is action.kind is Kind.ALLOCATE for a in others):
            return self._fault("action", action, "another action on the VM is under way")
        refusal = self._refusal(action)
        if refusal:
            return self._fault("action", action, refusal)
        self._busy.setdefault(action.vm, []).append(action)
        if action.kind is Kind.ALLOCATE:
            self._grow(action, touched, at_start=True)
        elif action.kind in ARRIVING:
            self._arrive(action, touched)
        return True

    def _refusal(self, action: Action) -> str:
        """Why the state does not allow an action on a VM, empty where it does."""
        status, at, image = self._status[action.vm], self._at[action.vm], self._image[action.vm]
        needed = {Kind.BOOT: VmState.READY, Kind.RESUME: VmState.SLEEPING}.get(action.kind, VmState.RUNNING)
        if action.kind is not Kind.KILL and status != needed:
            return f"the VM is {VmState(status).name.lower()}, not {needed.name.lower()}"
        if action.kind is Kind.KILL and status == VmState.KILLED:
            return "the VM is killed already"
        if action.kind is Kind.ALLOCATE:
            return "" if at == action.target else f"the VM is on host {self._host(at)}"
        if action.kind is not Kind.BOOT and action.source != max(at, image):
            return f"the VM is on host {self._host(max(at, image))}, not on {self._host(action.source)}"
        if action.kind in ARRIVING and not self._open[action.target]:
            return f"host {self._host(action.target)} is not online"
        if action.kind is Kind.MIGRATE and action.source == action.target:
            return "source and target are the same host"
        return ""

    def _begin_host(self, action: Action) -> bool:
        host = action.target
        if action.kind is Kind.BOOT_HOST:
            if self._online[host]:
                return self._fault("action", action, "the host is online")
            self._online[host] = True
            self._power.setdefault(host, []).append([action.start, FOREVER])
            return True
        if not self._open[host]:
            return self._fault("action", action, "the host is not online")
        if self._guests.get(host, 0):
            return self._fault("action", action, f"{self._guests[host]} VMs are on the host")
        self._open[host] = False
        self._power.setdefault(host, [[BEFORE, FOREVER]])
        return True

    def _demand_after(self, action: Action) -> list[int]:
        demand: list[int] = self._demand[:, action.vm].tolist()
        for resource, amount in action.allocation:
            demand[resource] = amount
        return demand

    def _arrive(self, action: Action, touched: set[int]) -> None:
        self._guests[action.target] = self._guests.get(action.target, 0) + 1
        self._change(action.start, action.target, self._demand_after(action), touched)
        self._spells(action.vm).append([action.target, action.start, FOREVER])
        if action.kind is Kind.MIGRATE:
            self._network.begin(action)

    def _spells(self, vm: int) -> list[list[int]]:
        if vm not in self._stays:
            self._stays[vm] = [[self._at[vm], BEFORE, FOREVER]] if self._before.at[vm] >= 0 else []
        return self._stays[vm]

    def _change(self, time: int, host: int, delta: Sequence[int], touched: set[int]) -> None:
        for row, amount in zip(self._load, delta, strict=True):
            row[host] += amount
        touched.add(host)
        self._loads.append(LoadChange(time, host, tuple(delta)))

    def _grow(self, action: Action, touched: set[int], *, at_start: bool) -> None:
        """Allocations: more counts from the start of the action, less from its end."""
        now = self._demand[:, action.vm].tolist()
        delta = [after - before for after, before in zip(self._demand_after(action), now, strict=True)]
        part = [d if (d > 0) == at_start else 0 for d in delta]
        self._change(action.start if at_start else action.end, action.target, part, touched)
        self._demand[:, action.vm] += part

    def _end(self, action: Action, touched: set[int]) -> None:
        if action.vm < 0:
            self._end_host(action)
            return
        self._busy[action.vm].remove(action)
        if action.kind is Kind.ALLOCATE:
            self._grow(action, touched, at_start=False)
            return
        if self._at[action.vm] >= 0:
            self._leave(action, touched)
        elif self._image[action.vm] >= 0:
            self._guests[self._image[action.vm]] -= 1
        self._demand[:, action.vm] = self._demand_after(action)
        self._at[action.vm] = action.target if action.kind in ARRIVING else -1
        self._image[action.vm] = action.source if action.kind is Kind.SUSPEND else -1
        self._status[action.vm] = AFTER.get(action.kind, VmState.RUNNING)

    def _leave(self, action: Action, touched: set[int]) -> None:
        host = self._at[action.vm]
        self._change(action.end, host, [-d for d in self._demand[:, action.vm].tolist()], touched)
        self._guests[host] -= action.kind is not Kind.SUSPEND
        spells = self._spells(action.vm)
        last = len(spells) - (2 if action.kind is Kind.MIGRATE else 1)
        spells[last][2] = action.end
        if action.kind is Kind.MIGRATE:
            self._network.end(action)

    def _end_host(self, action: Action) -> None:
        if action.kind is Kind.BOOT_HOST:
            self._open[action.target] = True
        else:
            self._online[action.target] = False
            self._power[action.target][-1][1] = action.end

    def _check_load(self, time: int, touched: set[int]) -> None:
        for host in sorted(touched):
            for resource, row in enumerate(self._load):
                if row[host] > self._tolerated[resource][host]:
                    self._over(time, resource, host, self._instant[resource][host])
                limit = self._instant[resource][host]
                self._tolerated[resource][host] = max(limit, min(self._tolerated[resource][host], row[host]))

    def _over(self, time: int, resource: int, host: int, limit: int) -> None:
        load, name = self._load[resource][host], self.model.resources[resource]
        self.faults.append(("capacity", time, f"host {self._host(host)} carries {load} of {name}, it has {limit}"))

    def _check_final(self, time: int) -> None:
        excess = np.asarray(self._load) > np.asarray(self._final)
        for resource, host in np.argwhere(excess).tolist():
            self._over(time, resource, host, self._final[resource][host])

    def _path(self) -> Trajectory:
        by_vm: dict[int, list[Action]] = {}
        for action in self.actions:
            if action.vm >= 0:
                by_vm.setdefault(action.vm, []).append(action)
        final = State(self.model, self._at, self._status, self._online, self._demand)
        return Trajectory(
            self._before,
            final,
            {vm: tuple(actions) for vm, actions in by_vm.items()},
            {vm: tuple(Stay(*spell) for spell in spells) for vm, spells in self._stays.items()},
            {host: tuple((start, end) for start, end in spells) for host, spells in self._power.items()},
            tuple(self._loads),
        )


ARRIVING = (Kind.BOOT, Kind.RESUME, Kind.MIGRATE)
"""Kinds of action that put a VM on a host."""

AFTER = {Kind.SHUTDOWN: VmState.READY, Kind.SUSPEND: VmState.SLEEPING, Kind.KILL: VmState.KILLED}
"""State of a VM after the actions that stop it."""
