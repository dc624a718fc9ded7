"""Small models in few words, and random ones."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from placement.model import VM_KINDS, Hosts, Kind, Model, Vms, VmState


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
