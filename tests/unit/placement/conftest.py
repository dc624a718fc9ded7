"""Small models in few words, and random ones."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from placement.answer import Answer
from placement.checker import check_plan
from placement.constraints.base import Constraint
from placement.engine import solve
from placement.instance import DEFAULT_TERM, Instance, Mode, Objective, Term
from placement.model import VM_KINDS, Action, Hosts, Kind, Model, Plan, Vms, VmState, action_order


def build(
    capacity: Sequence[Sequence[int]],
    demand: Sequence[Sequence[int]],
    host: Sequence[int],
    *,
    want: Sequence[Sequence[int]] | None = None,
    state: Sequence[VmState] | None = None,
    online: Sequence[bool] | None = None,
    migrate: int | Sequence[int] = 10,
    memory: Sequence[int] | None = None,
    idle: int | Sequence[int] = 100_000,
    most: int | Sequence[int] = 200_000,
    bandwidth: int | Sequence[int] = 0,
    parallel: int | Sequence[int] = 0,
    reserve: Sequence[Sequence[int]] | None = None,
    ratio: Sequence[Sequence[float]] | None = None,
    resources: Sequence[str] = ("cpu", "memory"),
    **more: object,
) -> Model:
    """A model from one tuple of capacities per host and one of demands per VM; host -1 means ready."""
    caps = np.array(capacity, dtype=np.int64).reshape(len(capacity), -1).T.copy()
    names = tuple(resources)[: len(caps)] if len(capacity) else tuple(resources)
    needs = np.array(demand, dtype=np.int64).reshape(len(demand), len(names)).T.copy()
    h, v = len(capacity), len(demand)

    def column(value: object, count: int) -> np.ndarray:
        return np.broadcast_to(np.array(value, dtype=np.int64), count).copy()

    seconds = np.ones((len(VM_KINDS), v), dtype=np.int64)
    seconds[VM_KINDS.index(Kind.MIGRATE)] = column(migrate, v)
    seconds[VM_KINDS.index(Kind.BOOT)] = 5
    seconds[VM_KINDS.index(Kind.SUSPEND)] = 4
    states = [VmState.RUNNING if at >= 0 else VmState.READY for at in host] if state is None else state
    hosts = Hosts(
        ids=tuple(range(100, 100 + h)),
        capacity=caps.reshape(len(names), h),
        ratio=np.ones((len(names), h)) if ratio is None else np.array(ratio, dtype=float),
        reserve=np.zeros((len(names), h), dtype=np.int64) if reserve is None else np.array(reserve),
        online=np.array([True] * h if online is None else online, dtype=np.bool_),
        idle_power=column(idle, h),
        max_power=column(most, h),
        boot=column(60, h),
        shutdown=column(20, h),
        bandwidth=column(bandwidth, h),
        parallel=column(parallel, h),
        site=column(0, h),
    )
    vms = Vms(
        ids=tuple(range(v)),
        demand=needs,
        want=needs.copy() if want is None else np.array(want, dtype=np.int64).reshape(v, len(names)).T.copy(),
        state=np.array([int(s) for s in states], dtype=np.int64),
        host=np.array(host, dtype=np.int64),
        memory=np.array(memory, dtype=np.int64) if memory is not None else needs[-1] * 10,
        hot_size=column(0, v),
        hot_seconds=column(0, v),
        cold_rate=np.zeros(v),
        seconds=seconds,
    )
    return Model(names, hosts, vms, **more)  # type: ignore[arg-type]


@pytest.fixture(name="build")
def build_fixture() -> Callable[..., Model]:
    return build


class Act:
    """Actions in few words; hosts and VMs by number."""

    @staticmethod
    def migrate(vm: int, source: int, target: int, start: int = 0, end: int | None = None) -> Action:
        return Action(Kind.MIGRATE, vm, source, target, start, start + 10 if end is None else end)

    @staticmethod
    def boot(vm: int, target: int, start: int = 0) -> Action:
        return Action(Kind.BOOT, vm, -1, target, start, start + 5)

    @staticmethod
    def stop(vm: int, source: int, start: int = 0) -> Action:
        return Action(Kind.SHUTDOWN, vm, source, -1, start, start + 1)

    @staticmethod
    def suspend(vm: int, source: int, start: int = 0) -> Action:
        return Action(Kind.SUSPEND, vm, source, -1, start, start + 4)

    @staticmethod
    def resume(vm: int, source: int, target: int, start: int = 0) -> Action:
        return Action(Kind.RESUME, vm, source, target, start, start + 1)

    @staticmethod
    def kill(vm: int, source: int, start: int = 0) -> Action:
        return Action(Kind.KILL, vm, source, -1, start, start + 1)

    @staticmethod
    def allocate(vm: int, host: int, resource: int, amount: int, start: int = 0) -> Action:
        return Action(Kind.ALLOCATE, vm, host, host, start, start + 1, 0, ((resource, amount),))

    @staticmethod
    def host_on(host: int, start: int = 0) -> Action:
        return Action(Kind.BOOT_HOST, -1, host, host, start, start + 60)

    @staticmethod
    def host_off(host: int, start: int = 0) -> Action:
        return Action(Kind.SHUTDOWN_HOST, -1, host, host, start, start + 20)


@pytest.fixture(name="act")
def act_fixture() -> type[Act]:
    return Act


@pytest.fixture
def place() -> Callable[..., Model]:
    """A model of four hosts of 10 cpu and 10 memory with VMs of 2 and 2 at the given hosts (-1: ready)."""

    def make(*host: int, **more: object) -> Model:
        more.setdefault("hosts", 4)
        count = int(more.pop("hosts"))  # type: ignore[call-overload]
        return build([(10, 10)] * count, [(2, 2)] * len(host), host, **more)  # type: ignore[arg-type]

    return make


@pytest.fixture
def faults() -> Callable[..., list[int]]:
    """Times at which a plan breaks a constraint, as the checker sees it."""

    def judge(model: Model, constraint: Constraint, *actions: Action) -> list[int]:
        plan = Plan(model, tuple(sorted(actions, key=action_order)))
        verdict = check_plan(Instance(model, (constraint,)), plan)
        wrong = [v for v in verdict.violations if v.rule in ("action", "duration", "origin")]
        assert not wrong, wrong
        return [v.time for v in verdict.violations if v.rule == constraint.id]

    return judge


@pytest.fixture
def solved() -> Callable[..., Answer]:
    """The answer to a request; the plan of an answer is always legal."""

    def run(model: Model, *constraints: Constraint, mode: Mode = Mode.REPAIR, term: Term | None = None) -> Answer:
        objective = Objective((term or DEFAULT_TERM[mode],))
        answer = solve(Instance(model, constraints), mode, objective)
        assert not answer.violations, answer.violations
        return answer

    return run
