"""One call from instance to checked plan, with a bound, an explanation of refusals, and improvements as they come."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from placement.answer import Answer, Status, detours
from placement.balance import Balance
from placement.balance_search import BalanceSearch
from placement.checker import check_plan
from placement.costs import Costs, combined, costs_of, least_slowest
from placement.draft import Draft
from placement.energy import Energy
from placement.errors import PlanningError
from placement.explain import explain
from placement.found import Found
from placement.instance import DEFAULT_TERM, Instance, Mode, Objective, Term
from placement.mixture import Mixture
from placement.model import LARGEST, Kind, Model, Plan
from placement.planner import Planned, make_plan
from placement.problem import Problem
from placement.repair import SMALL, Repair
from placement.settle import settled

PLACEMENTS = 6
"""Placements for which a plan is sought before giving up."""
Progress = Callable[[int | None, int | None, float], None]
"""Called with each improvement: cost, bound, seconds since the start."""


@dataclass(frozen=True)
class Options:
    """How to search: seed, wall-clock limit in s (none: as long as it takes), cancellation, progress, clock.

    Without a limit the answer depends on the instance and the seed alone.
    """

    seed: int = 0
    time_limit: float | None = None
    cancelled: Callable[[], bool] = bool
    progress: Progress | None = None
    clock: Callable[[], float] = time.monotonic


def solve(instance: Instance, mode: Mode, objective: Objective | None = None, options: Options | None = None) -> Answer:
    """Search for a placement and its plan; the checker's verdict is part of the answer."""
    return _Run(instance, mode, objective or Objective((DEFAULT_TERM[mode],)), options or Options()).answer()


class _Run:
    def __init__(self, instance: Instance, mode: Mode, objective: Objective, options: Options) -> None:
        self.instance, self.mode, self.objective, self.options = instance, mode, objective, options
        self._begin = options.clock()
        self.seconds = dict.fromkeys(("solve", "bound", "plan", "check"), 0.0)
        self.problem = Problem(instance, moves=mode is not Mode.PLACE)
        self.costs = combined(self.problem, objective)
        if mode is Mode.REBUILD:
            self.costs = replace(
                self.costs, move=np.where(self.problem.stays_possible, self.costs.stay, self.costs.move)
            )

    def _left(self) -> float | None:
        limit = self.options.time_limit
        return None if limit is None else limit - (self.options.clock() - self._begin)

    def stop(self) -> bool:
        """Whether time is up or the caller has cancelled."""
        left = self._left()
        return self.options.cancelled() or (left is not None and left <= 0)

    def _report(self, host: list[int], online: list[bool], bound: int) -> None:
        if self.options.progress is not None:
            self.options.progress(self.costs.of(host, online), bound, self.options.clock() - self._begin)

    def answer(self) -> Answer:
        """Search, plan and check; other placements are tried where one cannot be reached, or not without detours."""
        if self.objective.mixed:
            return self._mixed_answer()
        avoid: list[list[int]] = []
        started = self.options.clock()
        found = first = self._search(avoid)
        self.seconds["solve"] += self.options.clock() - started - self.seconds["bound"]
        best: tuple[int, Found, Planned] | None = None
        failure = found.proof
        while found.host is not None and (best is None or self.costs.of(found.placed, found.online) < best[0]):
            try:
                reached, planned = self._plan(found, exact=not avoid)
                cost = self._cost(reached, planned.plan)
                best = (cost, reached, planned) if best is None or cost < best[0] else best
            except PlanningError as error:
                failure = str(error)
            if (best and best[0] <= self._bound(first)) or not self._small() or len(avoid) >= PLACEMENTS or self.stop():
                break
            avoid.append(found.placed)
            found = self._search(avoid)
        if best is not None:
            return self._checked(replace(best[1], bound=first.bound, proof=first.proof), best[2])
        if first.host is not None:
            first = replace(first, host=None, proof=failure, infeasible=False)
        return self._refusal(first)

    def _mixed_answer(self) -> Answer:
        """The best of some plans where balance or makespan is part of a weighted sum."""
        started = self.options.clock()
        found = self._search([])
        mixture = Mixture(self.problem, self.objective, self.costs, self.options.seed, self.stop)
        candidates = mixture.candidates(found) if found.host is not None else []
        bound = mixture.bound(found.bound, self._least_makespan()) if candidates else 0
        self.seconds["solve"] += self.options.clock() - started - self.seconds["bound"]
        best: tuple[int, Found, Planned] | None = None
        failure = found.proof
        for one in candidates[:PLACEMENTS]:
            if best is not None and (mixture.cost(one) >= best[0] or best[0] <= bound or self.stop()):
                break
            try:
                reached, planned = self._plan(one, exact=best is None)
            except PlanningError as error:
                failure = str(error)
                continue
            cost = self._cost(reached, planned.plan)
            best = (cost, reached, planned) if best is None or cost < best[0] else best
        if best is not None:
            return self._checked(replace(best[1], bound=bound, proof=f"{found.proof}, terms apart"), best[2])
        unplanned = found.host is not None
        return self._refusal(replace(found, host=None, proof=failure, infeasible=found.infeasible and not unplanned))

    def _plan(self, found: Found, *, exact: bool) -> tuple[Found, Planned]:
        """The plan for a placement, or for one as cheap that takes fewer detours."""
        started = self.options.clock()
        try:
            planned = self._ordered(found, exact=exact)
            steered = Term.BALANCE not in self.objective.terms
            while detours(planned.plan) and steered and not self.stop():
                host = settled(self.problem, self.costs, found.placed, found.online, planned.plan)
                closer = replace(found, host=host)
                shorter = self._ordered(closer, exact=exact) if host != found.placed else planned
                if detours(shorter.plan) >= detours(planned.plan):
                    break
                found, planned = closer, shorter
            return found, planned
        finally:
            self.seconds["plan"] += self.options.clock() - started

    def _ordered(self, found: Found, *, exact: bool) -> Planned:
        return make_plan(self.problem, found.placed, found.online, seed=self.options.seed, stop=self.stop, exact=exact)

    def _small(self) -> bool:
        return len(self.problem.running) * self.problem.model.n_hosts <= SMALL

    def _search(self, avoid: list[list[int]]) -> Found:
        repair_costs = self.costs
        evens = self.objective.terms[0] is Term.BALANCE and not self.objective.mixed
        spread_out = evens or self.mode in (Mode.ENERGY, Mode.REBUILD)
        if spread_out and not self._small():
            repair_costs = costs_of(self.problem, Term.MIGRATED_MEMORY)
        repair = Repair(
            self.problem, repair_costs, self.options.seed, self.stop, self._report, self._left, tuple(map(tuple, avoid))
        )
        found = repair.run()
        if evens and found.host is not None:
            return BalanceSearch(self.problem, self.options.seed, self.stop, self._bounding).run(found)
        if spread_out and found.host is not None and not (self._small() and self._closed(found)):
            search = Energy(self.problem, self.costs, self.options.seed, self.stop, self._left, self._bounding)
            known = (found.bound, found.proof) if self._small() else (-LARGEST * LARGEST, "")
            best = search.run(found, *known)
            self._report(best.placed, best.online, best.bound)
            return best
        return found

    def _closed(self, found: Found) -> bool:
        return found.host is not None and self.costs.of(found.placed, found.online) <= found.bound

    @contextmanager
    def _bounding(self) -> Iterator[None]:
        started = self.options.clock()
        yield
        self.seconds["bound"] += self.options.clock() - started

    def _cost(self, found: Found, plan: Plan) -> int:
        """What the plan really costs: detours and waiting included."""
        first = self.objective.terms[0]
        if self.objective.mixed:
            mixture = Mixture(self.problem, self.objective, self.costs, self.options.seed, self.stop)
            return mixture.full_cost(found, plan) + self._again(plan)
        if first is Term.BALANCE:
            return Balance(self.problem, Draft(self.problem, found.placed), found.online, self.costs * 0).cost()
        if self.objective.terms == (Term.SUM_OF_ENDS,):
            return plan.sum_of_ends
        if first is Term.MAKESPAN:
            return plan.makespan
        return self.costs.of(found.placed, found.online) + self._again(plan)

    def _again(self, plan: Plan) -> int:
        """What migrations cost of VMs that have moved before."""
        moved: dict[int, int] = {}
        for action in plan.actions:
            if action.kind is Kind.MIGRATE:
                moved[action.vm] = moved.get(action.vm, 0) + 1
        return sum(int(self.costs.move[vm]) * (times - 1) for vm, times in moved.items())

    def _checked(self, found: Found, planned: Planned) -> Answer:
        started = self.options.clock()
        verdict = check_plan(self.instance, planned.plan)
        self.seconds["check"] = self.options.clock() - started
        cost = self._cost(found, planned.plan)
        bound = self._bound(found)
        timed = self.objective.terms[0] is Term.MAKESPAN and not self.objective.mixed
        proof = "forced actions" if timed else found.proof
        status = Status.OPTIMAL if cost <= bound else Status.FEASIBLE
        if not verdict.legal:
            status = Status.UNKNOWN
        return Answer(
            status,
            self.mode,
            self.objective,
            cost,
            min(bound, cost),
            proof,
            planned.plan,
            tuple(found.placed),
            tuple(found.online),
            verdict.violations,
            planned.makespan_bound,
            power(self.instance.model),
            self._power_after(found),
            None,
            self.seconds,
        )

    def _bound(self, found: Found) -> int:
        if self.objective.terms[0] is not Term.MAKESPAN or self.objective.mixed:
            return found.bound
        return max(self._least_makespan(), least_slowest(self.problem, self.objective, found.bound))

    def _least_makespan(self) -> int:
        """Starts and changes of state must happen whatever the placement."""
        model, problem = self.instance.model, self.problem
        times = [0]
        for vm in np.flatnonzero(problem.target != model.vms.state).tolist():
            kinds = (Kind.BOOT, Kind.RESUME) if problem.runs[vm] else (Kind.SHUTDOWN, Kind.SUSPEND, Kind.KILL)
            times.append(min(model.duration(kind, vm) for kind in kinds))
        return max(times)

    def _power_after(self, found: Found) -> float:
        load = np.array(found.placed)
        model = self.instance.model
        draw = float(model.hosts.idle_power[np.array(found.online)].sum())
        placed = np.flatnonzero(load >= 0)
        if model.processor >= 0:
            draw += float((model.watts_per_unit[load[placed]] * self.problem.need[model.processor, placed]).sum())
        return round(draw / 1000, 3)

    def _refusal(self, found: Found) -> Answer:
        started = self.options.clock()
        start = [h if runs else -1 for h, runs in zip(self.problem.start, self.problem.runs.tolist(), strict=True)]
        explanation = explain(self.instance, self.problem, found.missing, start)
        self.seconds["solve"] += self.options.clock() - started
        return Answer(
            Status.INFEASIBLE if found.infeasible else Status.UNKNOWN,
            self.mode,
            self.objective,
            proof=found.proof,
            power_before=power(self.instance.model),
            explanation=explanation,
            seconds=self.seconds,
        )


def power(model: Model) -> float:
    """W drawn by the hosts that are online, with the VMs that run now."""
    draw = float(model.hosts.idle_power[model.hosts.online].sum())
    running = np.flatnonzero(model.vms.state == 1)
    if model.processor >= 0:
        draw += float(
            (model.watts_per_unit[model.vms.host[running]] * model.vms.demand[model.processor, running]).sum()
        )
    return round(draw / 1000, 3)


__all__ = ["Answer", "Costs", "Options", "Status", "solve"]
