"""VMs that stay for good where a plan would only shelter them: a placement as cheap that needs fewer detours."""

from collections.abc import Sequence

from placement.costs import Costs
from placement.draft import Draft
from placement.model import Kind, Plan
from placement.problem import Problem
from placement.trajectory import State


def settled(problem: Problem, costs: Costs, host: Sequence[int], online: Sequence[bool], plan: Plan) -> list[int]:
    """Hosts of all VMs, those on detours at their shelters where that is legal at the end and costs no more.

    `host` and `online` are the placement to which the plan leads.
    """
    draft = Draft(problem, host)
    for action in plan.actions:
        vm, shelter = action.vm, action.target
        if action.kind is Kind.MIGRATE and shelter != host[vm] == draft.host[vm]:
            draft.remove(vm)
            free = draft.candidates(vm)[shelter] and costs.put(vm, shelter) <= costs.put(vm, host[vm])
            draft.put(vm, shelter if free else host[vm])
    state = State(problem.model, draft.host, problem.target.tolist(), online, problem.need)
    legal = all(next(rule.check(state), None) is None for rule in problem.everywhere)
    return draft.host if legal else list(host)
