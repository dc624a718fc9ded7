"""Repair and start: move as little as possible until every constraint holds, with a bound on how little that can be."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from placement.constraints.base import Constraint
from placement.constraints.lonely import Lonely
from placement.constraints.split import Split
from placement.costs import Costs
from placement.cpsat import Translation, default_power
from placement.draft import Draft
from placement.evictions import Eviction, evictions, troubled
from placement.exchange import Exchange
from placement.found import Found, satisfied
from placement.greedy import Greedy
from placement.model import FloatArray
from placement.packing import Packing
from placement.pools import Pools
from placement.problem import Problem
from placement.roles import GIVEN, simpler
from placement.shortage import shortages

SMALL = 15_000
"""Pairs of VM and host up to which the whole problem is given to CP-SAT."""
LARGE = 80_000
"""Pairs beyond which no part of a problem is given to CP-SAT."""
FEW_HOSTS = 200
"""Up to so many hosts pools of like hosts are asked for a contradiction."""
PACKED = 10_000_000
"""Pairs up to which VMs are packed where chains miss."""
ORDERS = 2
"""Orders in which VMs are placed before the best result is taken."""
CLIMBS = 8
"""CP-SAT runs that raise a bound step by step."""
CLIMBED = 15_000
"""Pairs beyond which they do not."""
EFFORT = 6.0
"""Deterministic effort of one CP-SAT run."""


Report = Callable[[list[int], list[bool], int], None]
"""Called with each better placement: host of each VM, which hosts are online, bound."""


def no_report(host: list[int], online: list[bool], bound: int) -> None:
    """Tell nobody."""


@dataclass
class Repair:
    """One search; `stop` is asked between steps whether to be content with what there is.

    `avoid` lists placements that are known not to be reachable.
    """

    problem: Problem
    costs: Costs
    seed: int = 0
    stop: Callable[[], bool] = bool
    report: Report = no_report
    seconds: Callable[[], float | None] = lambda: None
    avoid: tuple[tuple[int, ...], ...] = ()
    roles: bool = True
    """Whether sets of VMs may be given hosts of their own before the search."""

    def __post_init__(self) -> None:
        self._given: Found | None = None
        self._packed = False

    def run(self) -> Found:
        """The cheapest placement that was found, and the bound."""
        problem = self.problem
        draft = Draft(problem, self._staying())
        if problem.conflicts:
            return self._nothing("contradictory constraints", problem.running)
        if not problem.moves:
            trouble = self._trouble_of_fixed(draft)
            if trouble:
                return self._nothing(trouble, draft.waiting())
        found = self.quick(draft)
        if found.host is not None and tuple(found.host) in self.avoid:
            found = Found(None, [], found.bound, found.proof)
        if found.infeasible or self._closed(found) or self.stop():
            return found
        if self._small():
            return self._exact(found)
        if self._few() and any(type(rule).pool is not Constraint.pool for rule in self.problem.constraints):
            found = self._pooled(self._exchanged(self._with_roles(found)))
        return found if self._closed(found) or self.stop() else self._exact(found)

    def quick_start(self) -> Found:
        """A placement that is found quickly, if any; VMs that may not move stay."""
        return self.quick(Draft(self.problem, self._staying()))

    def least(self) -> int:
        """A bound without a search."""
        draft = Draft(self.problem, self._staying())
        return self._bound(evictions(self.problem, self.costs, draft)[0] if self.problem.moves else [])

    def _with_roles(self, found: Found) -> Found:
        """A placement, or a cheaper one in which sets of VMs were given hosts of their own first."""
        if not self._wants_roles(*GIVEN) or not self._by_roles() or not self._given:
            return found
        given = replace(self._given, bound=found.bound)
        return given if self._better(given, found) else found

    def _exchanged(self, found: Found) -> Found:
        """A placement, or a cheaper one after exchanges."""
        if found.host is None:
            return found
        draft = Draft(self.problem.without(~np.array(found.online)), found.host)
        Exchange(draft.problem, draft, self.costs).run(self.stop)
        closer = replace(found, host=draft.host)
        return closer if satisfied(self.problem, draft, found.online) and self._better(closer, found) else found

    def _pooled(self, found: Found) -> Found:
        """Raise the bound by what pools of like hosts know."""
        pooled = Pools(self.problem, self.costs).solve(self.seconds())
        if pooled is None:
            return found
        constant, step = self.costs.constant, self.costs.step
        bound = constant + -((constant - int(np.ceil(pooled.bound))) // step) * step
        return found if bound <= found.bound else replace(found, bound=bound, proof="pools of like hosts")

    def _few(self) -> bool:
        return self.problem.moves and self.problem.model.n_hosts <= FEW_HOSTS

    def _staying(self) -> list[int]:
        """Where VMs are that run now and at the end; -1 for the others."""
        return [h if runs else -1 for h, runs in zip(self.problem.start, self.problem.runs.tolist(), strict=True)]

    def _trouble_of_fixed(self, draft: Draft) -> str:
        """What is wrong with VMs that may not move, empty where nothing is."""
        forced, _ = troubled(self.problem, draft)
        model = self.problem.model
        for host, vms in sorted(forced.items()):
            name = model.hosts.ids[host]
            if self.problem.must_be_off[host]:
                return f"VMs that may not move run on host {name}, which is to go offline: repair would move them"
            if vms:
                return f"VM {model.vms.ids[min(vms)]} may not be on host {name} and may not move: repair would move it"
            return f"VMs that may not move overload host {name}: repair would move them"
        return ""

    def _closed(self, found: Found) -> bool:
        return found.host is not None and self.costs.of(found.placed, found.online) <= found.bound

    def _nothing(self, proof: str, missing: Iterable[int]) -> Found:
        return Found(None, [], 0, proof, tuple(missing), infeasible=True)

    def quick(self, draft: Draft) -> Found:
        """Evict the cheapest sets, place what has no host, push others aside where needed; again in other orders."""
        problem = self.problem
        leaving, suspects = evictions(problem, self.costs, draft) if problem.moves else ([], set())
        self._leaving = leaving
        for eviction in leaving:
            for vm in eviction.options[0][1]:
                draft.remove(vm)
        for vm in self._leaving_first(draft, suspects):
            if draft.host[vm] >= 0 and not self._may_stay(draft, vm):
                draft.remove(vm)
        bound = self._bound(leaving)
        random = np.random.default_rng(self.seed)
        best = Found(None, [], bound, "evictions", tuple(draft.waiting()))
        for attempt in range(ORDERS):
            noise = random.uniform(0.8, 1.25, problem.model.n_vms) if attempt else None
            current = self._attempt(draft.copy(), leaving, bound, noise)
            if not attempt or self._better(current, best):
                best = current
                if best.host is not None:
                    self.report(best.host, best.online, bound)
            if best.infeasible or self._given or self._packed or self._closed(best) or self.stop():
                break
        return best

    def _leaving_first(self, draft: Draft, suspects: set[int]) -> list[int]:
        """VMs of violated constraints; where a sum is too large those first that can go elsewhere, for little."""
        problem, price = self.problem, self.costs.move - self.costs.stay
        nobody = Draft(problem, [-1] * problem.model.n_vms)
        rank = dict.fromkeys(sorted(suspects), (0, 0.0))
        for total in problem.totals:
            if total.of(draft.host) <= total.high:
                continue
            for vm in suspects:
                if draft.host[vm] >= 0 and total.members[draft.host[vm]]:
                    elsewhere = nobody.permit(vm, ~problem.must_be_off & ~total.members).any()
                    rank[vm] = (-int(elsewhere), float(price[vm]) / max(1, int(total.need[vm])))
        return sorted(rank, key=lambda vm: (*rank[vm], vm))

    def _better(self, one: Found, other: Found) -> bool:
        if one.host is None or other.host is None:
            return one.host is not None or (other.host is None and len(one.missing) < len(other.missing))
        return self.costs.of(one.host, one.online) < self.costs.of(other.host, other.online)

    def _attempt(self, draft: Draft, leaving: list[Eviction], bound: int, noise: FloatArray | None) -> Found:
        problem = self.problem
        greedy = Greedy(problem, draft, self.costs, noise)
        left = greedy.place_all(draft.waiting())
        few = problem.model.n_hosts <= FEW_HOSTS
        proof = self._refuted(draft) if few and noise is None and (left or not self._keeps_rules(draft)) else ""
        if proof:
            return self._nothing(proof, left)
        if left and self._wants_roles(Lonely, Split) and self._by_roles() and self._given:
            return replace(self._given, bound=bound)
        pushed = [v for v in left if not greedy.push(v)]
        if pushed and problem.moves:
            pushed = self._other_options(greedy, leaving, pushed)
        if left and problem.moves:
            greedy.send_home()
        proof = self._refuted(draft) if pushed and not few and noise is None else ""
        if proof:
            return self._nothing(proof, pushed)
        if (pushed or self._astray(draft)) and problem.moves and self._pack(draft):
            pushed = []
        online = self._power(draft)
        if pushed or not self._keeps_rules(draft):
            if self._wants_roles(*GIVEN) and self._by_roles() and self._given:
                return replace(self._given, bound=bound)
            return Found(None, online, bound, "evictions", tuple(pushed))
        return Found(draft.host.copy(), online, bound, "evictions")

    def _astray(self, draft: Draft) -> bool:
        """Whether a sum over hosts is too large or too small."""
        return any(total.astray(np.array(total.of(draft.host))) for total in self.problem.totals)

    def _keeps_rules(self, draft: Draft) -> bool:
        return satisfied(self.problem, draft, self._power(draft))

    def _refuted(self, draft: Draft) -> str:
        """A proof that there is no placement at all, empty where none was found."""
        fixed = [-1] * len(draft.host) if self.problem.moves else self._staying()
        proofs = shortages(self.problem, Draft(self.problem, fixed))
        if proofs:
            return str(proofs[0])
        if self._few() and Pools(self.problem, self.costs * 0).contradictory(self.seconds()):
            return "pools of like hosts"
        return ""

    def _wants_roles(self, *rules: type[Constraint]) -> bool:
        """Whether there is a rule of some types on sets of VMs that have not been given hosts yet."""
        return self._few() and self.roles and any(isinstance(rule, rules) for rule in self.problem.constraints)

    def _by_roles(self) -> bool:
        """Look for a placement where sets of VMs are given their hosts first; it is kept in `_given`."""
        self.roles = False
        for problem in simpler(self.problem, self.costs, self.seconds()):
            if problem.conflicts or self.stop():
                continue
            search = Repair(problem, self.costs, self.seed, self.stop, seconds=self.seconds, roles=False)
            found = search.quick(Draft(problem, self._staying()))
            if found.host is not None and satisfied(self.problem, Draft(self.problem, found.host), found.online):
                self._given = Found(found.host, found.online, 0, "evictions")
                return True
        return False

    def _pack(self, draft: Draft) -> bool:
        """Find a placement where chains have found none, then move as much of it home as can be exchanged."""
        size = len(self.problem.running) * self.problem.model.n_hosts
        packed = draft.copy()
        self._packed |= LARGE < size <= PACKED
        if size > PACKED or not Packing(self.problem, packed, np.random.default_rng(self.seed)).run(self.stop):
            return False
        closer = packed.copy()
        Exchange(self.problem, closer, self.costs).run(self.stop)
        packed = packed if self._astray(closer) else closer
        for vm, host in enumerate(packed.host):
            if draft.host[vm] != host and draft.host[vm] >= 0:
                draft.remove(vm)
        for vm, host in enumerate(packed.host):
            if draft.host[vm] != host:
                draft.put(vm, host)
        return True

    def _bound(self, leaving: list[Eviction]) -> int:
        """Costs of staying, plus what must move at least, plus what starts and what hosts cost at least."""
        problem, costs = self.problem, self.costs
        stays = problem.stays_possible
        total = costs.constant + int(costs.stay[stays].sum()) + sum(eviction.bound for eviction in leaving)
        total += int(costs.move[problem.runs & ~stays].sum())
        on = np.where(problem.must_be_off, 0, np.where(problem.must_be_on, costs.on, np.minimum(costs.on, 0)))
        least_rate = int(costs.rate.min(initial=1 << 40)) if costs.rate.any() else 0
        return total + int(on.sum()) + least_rate * int(costs.load[problem.runs].sum())

    def _may_stay(self, draft: Draft, vm: int) -> bool:
        host = draft.host[vm]
        allowed = np.zeros(self.problem.model.n_hosts, dtype=np.bool_)
        allowed[host] = True
        draft.remove(vm)
        draft.permit(vm, allowed)
        draft.put(vm, host)
        return bool(allowed[host])

    def _other_options(self, greedy: Greedy, leaving: list[Eviction], left: list[int]) -> list[int]:
        """Evict another set from the hosts whose VMs found no place."""
        by_vm = {v: eviction for eviction in leaving for v in eviction.options[0][1]}
        remaining = []
        for vm in left:
            eviction = by_vm.get(vm)
            if greedy.draft.host[vm] < 0 and (eviction is None or not self._swap(greedy, eviction)):
                remaining.append(vm)
        return [v for v in remaining if greedy.draft.host[v] < 0]

    def _swap(self, greedy: Greedy, eviction: Eviction) -> bool:
        draft = greedy.draft
        before = {v: draft.host[v] for _, vms in eviction.options for v in vms}
        for _, vms in eviction.options[1:]:
            for vm in before:
                if draft.host[vm] >= 0:
                    draft.remove(vm)
            for vm in before.keys() - set(vms):
                draft.put(vm, eviction.host)
            if not greedy.place_all(vms):
                return True
        for vm, host in before.items():
            if draft.host[vm] >= 0:
                draft.remove(vm)
            if host >= 0:
                draft.put(vm, host)
        return False

    def _power(self, draft: Draft) -> list[bool]:
        return [default_power(self.problem, h, used=bool(guests)) for h, guests in enumerate(draft.guests)]

    def _free(self) -> list[int]:
        problem = self.problem
        return problem.running if problem.moves else [v for v in problem.running if problem.start[v] < 0]

    def _small(self) -> bool:
        return len(self._free()) * self.problem.model.n_hosts <= SMALL

    def _exact(self, found: Found) -> Found:
        """CP-SAT on the whole problem, or on the VMs that a better placement can move."""
        running = self._free()
        size = len(running) * self.problem.model.n_hosts
        if self._small():
            return self._search(found, running)
        if found.host is None:
            return self._search(found, running) if size <= LARGE else found
        return self.climb(found)

    def climb(self, found: Found) -> Found:
        """Raise the bound of a placement step by step.

        A placement of cost B only moves VMs whose extra cost is within B less what evictions cost at least.
        """
        cost = self.costs.of(found.placed, found.online)
        step, forced = self.costs.step, self._bound(self._leaving)
        for _ in range(CLIMBS):
            if found.bound >= cost or self.stop():
                break
            budget = min(found.bound, cost - step)
            free = self._candidates(budget - forced)
            if budget < found.bound or len(free) * self.problem.model.n_hosts > CLIMBED:
                return found
            outcome = self._search(found, free, ceiling=budget)
            if outcome.infeasible:
                found = Found(found.host, found.online, budget + step, "evictions and CP-SAT")
                continue
            return outcome if outcome.host is not None and self._closed(outcome) else found
        return found

    def _candidates(self, slack: int) -> list[int]:
        """VMs that may move in a placement that costs no more than the bound plus some slack."""
        extra: dict[int, int] = {}
        for eviction in self._leaving:
            extra |= eviction.extra
        price = (self.costs.move - self.costs.stay).tolist()
        return [v for v in self.problem.running if self.problem.start[v] < 0 or extra.get(v, price[v]) <= slack]

    def _search(self, found: Found, free: list[int], ceiling: int | None = None) -> Found:
        translation = Translation(Draft(self.problem, self._staying()), free)
        for placement in self.avoid:
            translation.forbid(placement)
        translation.minimize(self.costs)
        if ceiling is not None:
            translation.limit_cost(ceiling)
        elif found.host is not None:
            translation.hint(found.host)
        solved = translation.solve(EFFORT, self.seed, self.seconds())
        if solved.infeasible:
            return Found(None, [], found.bound, "CP-SAT", found.missing, infeasible=True)
        bound = max(found.bound, solved.bound) if ceiling is None else found.bound
        if solved.host is None:
            return Found(found.host, found.online, bound, found.proof, found.missing)
        if found.host is not None and self.costs.of(found.placed, found.online) <= self.costs.of(
            solved.host, solved.online
        ):
            return Found(found.host, found.online, bound, "CP-SAT")
        if solved.optimal:
            bound = max(bound, self.costs.of(solved.host, solved.online)) if ceiling is None else bound
        self.report(solved.host, solved.online, bound)
        return Found(solved.host, solved.online, bound, "CP-SAT" if ceiling is None else found.proof)
