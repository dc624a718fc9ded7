"""What a search answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from placement.checker import Violation
from placement.explain import Explanation
from placement.instance import Mode, Objective
from placement.model import Kind, Plan


class Status(StrEnum):
    """How good an answer is; INFEASIBLE is proved, UNKNOWN means that nothing was found and nothing proved."""

    OPTIMAL = "OPTIMAL"
    FEASIBLE = "FEASIBLE"
    INFEASIBLE = "INFEASIBLE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Answer:
    """Status, plan and proof; `cost` and `bound` are in the unit of the objective, power in W, times in s."""

    status: Status
    mode: Mode
    objective: Objective
    cost: int | None = None
    bound: int | None = None
    proof: str = ""
    plan: Plan | None = None
    host: tuple[int, ...] = ()
    online: tuple[bool, ...] = ()
    violations: tuple[Violation, ...] = ()
    makespan_bound: int = 0
    power_before: float = 0.0
    power_after: float | None = None
    explanation: Explanation | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def gap(self) -> float | None:
        """(cost - bound) / cost, 0 where both are equal."""
        if self.cost is None or self.bound is None:
            return None
        return 0.0 if self.cost <= self.bound else (self.cost - self.bound) / max(1, self.cost)

    def summary(self) -> dict[str, Any]:
        """The answer as a JSON object, without the plan."""
        plan = self.plan
        result: dict[str, Any] = {
            "status": self.status.value,
            "mode": self.mode.value,
            "objective": str(self.objective),
            "cost": self.cost,
            "bound": self.bound,
            "gap": self.gap,
            "proof": self.proof,
            "violations": [str(v) for v in self.violations],
            "hosts_online": sum(self.online) if plan else None,
            "migrations": plan.migrations if plan else None,
            "migrated_memory": plan.migrated_memory if plan else None,
            "detours": detours(plan) if plan else None,
            "makespan": plan.makespan if plan else None,
            "makespan_bound": self.makespan_bound if plan else None,
            "sum_of_ends": plan.sum_of_ends if plan else None,
            "power_before": self.power_before,
            "power_after": self.power_after,
            "seconds": {name: round(value, 4) for name, value in self.seconds.items()},
        }
        if self.explanation is not None:
            result["explanation"] = self.explanation.as_json()
        return result


def detours(plan: Plan) -> int:
    """Number of VMs that move twice, or are suspended and resumed, to get out of the way."""
    seen: set[int] = set()
    twice = 0
    for action in plan.actions:
        if action.kind in (Kind.MIGRATE, Kind.SUSPEND, Kind.RESUME):
            twice += action.vm in seen
            seen.add(action.vm)
    return twice
