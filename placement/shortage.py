"""Reasons why no placement can exist: what is short, for which VMs, on which hosts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from placement.draft import Draft
from placement.model import BoolArray, IntArray
from placement.problem import Problem


@dataclass(frozen=True)
class Shortage:
    """VMs that cannot all be placed on the hosts open to them, and why; `resource` is -1 where it is not capacity."""

    vms: tuple[int, ...]
    hosts: tuple[int, ...]
    resource: int
    needed: int
    available: int
    reason: str

    def __str__(self) -> str:
        return self.reason


def shortages(problem: Problem, draft: Draft) -> list[Shortage]:
    """Proofs that the VMs not placed in a draft cannot all be placed; empty where none was found.

    VMs with the same open hosts are looked at together, and so are all VMs whose hosts lie within those.
    """
    waiting = draft.waiting()
    if not waiting:
        return []
    domains: dict[bytes, tuple[BoolArray, list[int]]] = {}
    found: list[Shortage] = []
    everything = draft.problem.must_be_off
    for vm in waiting:
        allowed = draft.permit(vm, ~everything)
        fits = allowed.copy()
        for free, need in zip(draft.free, draft.need(vm), strict=True):
            fits &= free >= need
        if not fits.any():
            found.append(_no_host(problem, draft, vm, allowed))
        domains.setdefault(allowed.tobytes(), (allowed, []))[1].append(vm)
    if found:
        return found
    for hosts, own in domains.values():
        inside = [v for other, vms in domains.values() if vms is own or not (other & ~hosts).any() for v in vms]
        found += _too_little(problem, draft, inside, hosts)
    return found


def _no_host(problem: Problem, draft: Draft, vm: int, allowed: BoolArray) -> Shortage:
    name = problem.model.vms.ids[vm]
    hosts = np.flatnonzero(allowed)
    if not len(hosts):
        return Shortage((vm,), (), -1, 1, 0, f"VM {name}: constraints leave no host")
    for resource, (free, need) in enumerate(zip(draft.free, draft.need(vm), strict=True)):
        largest = int(free[hosts].max())
        if need > largest:
            what = problem.model.resources[resource]
            text = (
                f"VM {name} needs {need} of {what}, the largest room on the {len(hosts)} hosts open to it is {largest}"
            )
            return Shortage((vm,), tuple(hosts.tolist()), resource, need, largest, text)
    text = f"VM {name}: none of the {len(hosts)} hosts open to it has room for all its resources together"
    return Shortage((vm,), tuple(hosts.tolist()), -1, 1, 0, text)


def _too_little(problem: Problem, draft: Draft, vms: Sequence[int], hosts: BoolArray) -> list[Shortage]:
    """Sums, and places for VMs of a size (fragmentation), for each resource."""
    numbers = np.flatnonzero(hosts)
    found = []
    for resource, row in enumerate(draft.free):
        free, need = np.maximum(row[numbers], 0), problem.need[resource, list(vms)]
        what = problem.model.resources[resource]
        if need.sum() > free.sum():
            text = (
                f"{len(vms)} VMs need {need.sum()} of {what}, the {len(numbers)} hosts open to them have {free.sum()}"
            )
            found.append(
                Shortage(tuple(vms), tuple(numbers.tolist()), resource, int(need.sum()), int(free.sum()), text)
            )
            continue
        size, wanted, places = _fragmented(free, need)
        if wanted > places:
            text = f"{wanted} VMs need {size} or more of {what} each, "
            text += f"the {len(numbers)} hosts open to them hold {places} such"
            large = tuple(v for v, n in zip(vms, need.tolist(), strict=True) if n >= size)
            found.append(Shortage(large, tuple(numbers.tolist()), resource, wanted, places, text))
    return found


def _fragmented(free: IntArray, need: IntArray) -> tuple[int, int, int]:
    """(size, VMs at least as large, places of that size) for the first size with too few places; zeros if none."""
    for size in sorted(set(need.tolist()), reverse=True)[:200]:
        if size > 0:
            wanted, places = int((need >= size).sum()), int((free // size).sum())
            if wanted > places:
                return size, wanted, places
    return 0, 0, 0
