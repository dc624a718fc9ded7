"""What the clouds show, brought into the CMDB: capabilities, hosts, states, addresses, usage; and what nobody owns."""

import queue
import threading
import time
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from activities.calls import Plant
from sirocco.cmdb.models import Image, Intent, Job, Machine, Network, Nic, Provider, Volume, VolumeImage
from sirocco.connectors.clouds import Cloud
from sirocco.connectors.ports import Cap, ConnectorError, Fault, HostFacts, Kind, Observed, Ref, Watch
from sirocco.contracts import capabilities as cap
from sirocco.contracts.states import JobState, MachineState
from sirocco.domain.principal import SYSTEM
from sirocco.housekeeping.leadership import lead
from sirocco.services import faults, hosts, observed, providers, retention

_PROBE_EVERY = 15.0
_LIST_EVERY = 10.0
_SWEEP_EVERY = 30.0
_YOUNG = timedelta(minutes=10)
_LEFT_OVER = timedelta(minutes=2)
_GONE_AFTER = timedelta(seconds=30)
_TURN = 0.5
_AT_ONCE = 20
"""Machines looked after in one transaction: few enough to keep no other writer waiting."""

_FORGETS = 20
"""Transactions after one another that delete what is old; more would keep the leader from saying that it lives."""

log = structlog.get_logger(__name__)


class Observer:
    """One thread that leads, and one thread a provider; it stops when the leadership is lost."""

    def __init__(self, plant: Plant, holder: str) -> None:
        self._plant, self._holder = plant, holder
        self._stop = threading.Event()
        self._eyes: dict[str, Eye] = {}

    def run(self) -> None:
        """Lead while possible, until ``stop``."""
        swept = 0.0
        while not self._stop.wait(_TURN):
            try:
                if not lead(self._plant.cmdb, "observe", self._holder):
                    self._close_all()
                    continue
                self._keep_eyes()
                if time.monotonic() - swept > _SWEEP_EVERY:
                    swept = time.monotonic()
                    self._sweep()
                    self._forget()
            except Exception:
                log.exception("observer turn failed")
        self._close_all()

    def stop(self) -> None:
        """End the thread at its next turn."""
        self._stop.set()

    def _keep_eyes(self) -> None:
        with self._plant.cmdb.reading(SYSTEM) as tx:
            wanted = set(tx.session.scalars(select(Provider.id).where(Provider.enabled)))
        for provider_id in wanted - self._eyes.keys():
            self._eyes[provider_id] = Eye(self._plant, provider_id)
            self._eyes[provider_id].start()
        for provider_id in self._eyes.keys() - wanted:
            self._eyes.pop(provider_id).close()

    def _close_all(self) -> None:
        for eye in self._eyes.values():
            eye.close()
        self._eyes.clear()

    def _sweep(self) -> None:
        """Remove what was made for a resource that no longer exists: its job ended before it could."""
        for intent in self._left_over():
            try:
                self._plant.remove(intent.resource_id, Kind(intent.kind))
                log.warning("removed a leftover", kind=intent.kind, resource=intent.resource_id)
            except ConnectorError as error:
                log.warning("leftover stays", kind=intent.kind, resource=intent.resource_id, why=error.message)

    def _forget(self) -> None:
        for _ in range(_FORGETS):
            with self._plant.cmdb.writing(SYSTEM) as tx:
                if not retention.forget(tx):
                    return

    def _left_over(self) -> list[Intent]:
        models = (Machine, Volume, Network, Image, VolumeImage)
        with self._plant.cmdb.reading(SYSTEM) as tx:
            old = select(Intent).where(Intent.created < tx.now - _LEFT_OVER)
            for model in models:
                old = old.where(~select(model.id).where(model.id == Intent.resource_id).exists())
            working = select(Job.id).where(
                Job.id == Intent.job_id, Job.state.in_([JobState.QUEUED, JobState.RUNNING, JobState.STOPPING])
            )
            return list(tx.session.scalars(old.where(~working.exists()).limit(100)))


class Eye:
    """Looks at one provider from a thread of its own: a slow cloud keeps nobody else waiting."""

    def __init__(self, plant: Plant, provider_id: str) -> None:
        self._plant, self._provider_id = plant, provider_id
        self._changed: queue.Queue[Ref] = queue.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"observe {provider_id}", daemon=True)
        self._watch: Watch | None = None
        self._next = {"probe": 0.0, "list": 0.0}
        self._shown: dict[Ref, Observed] = {}

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(_TURN):
            try:
                self._turn()
            except ConnectorError as error:
                self._keep_fault(error)
            except Exception:
                log.exception("provider cannot be observed", provider=self._provider_id)
        if self._watch is not None:
            self._watch.close()

    def _turn(self) -> None:
        cloud = self._plant.clouds.of(self._provider_id)
        now = time.monotonic()
        if now >= self._next["probe"]:
            self._next["probe"] = now + _PROBE_EVERY
            self._probe(cloud)
        self._reconcile([seen for ref in self._at_rest(self._hints()) if (seen := self._look(cloud, ref))])
        if now >= self._next["list"]:
            self._next["list"] = now + _LIST_EVERY
            self._list(cloud)

    def _probe(self, cloud: Cloud) -> None:
        descriptor, facts = cloud.connector.describe(), cloud.connector.hosts()
        with self._plant.cmdb.writing(SYSTEM) as tx:
            provider = tx.get(Provider, self._provider_id, lock=True)
            providers.probed(tx, provider, descriptor.api_version, [_stated(one) for one in descriptor.caps])
            hosts.seen(tx, provider, [_inventory(host) for host in facts])
        if self._watch is None and any(one.name == cap.WATCH for one in descriptor.caps):
            self._watch = cloud.connector.watch(self._changed.put)

    def _keep_fault(self, error: ConnectorError) -> None:
        log.warning("provider fails", provider=self._provider_id, fault=error.fault.name, why=error.message)
        with self._plant.cmdb.writing(SYSTEM) as tx:
            provider = tx.session.get(Provider, self._provider_id)
            if provider is not None:
                faults.unreachable(provider, error)
        self._stop.wait(1.0)

    def _hints(self) -> set[Ref]:
        """Objects that may have changed, and new machines that have no address yet."""
        refs = set(self._young())
        while not self._changed.empty():
            refs.add(self._changed.get_nowait())
        return {ref for ref in refs if ref.kind is Kind.MACHINE}

    def _young(self) -> list[Ref]:
        with self._plant.cmdb.reading(SYSTEM) as tx:
            rows = tx.session.scalars(
                select(Machine.native_id).where(
                    Machine.provider_id == self._provider_id,
                    Machine.state == MachineState.STARTED,
                    Machine.native_id.is_not(None),
                    Machine.created > tx.now - _YOUNG,
                    Machine.nics.any(),
                    ~Machine.nics.any(Nic.addresses.any()),
                )
            )
            return [Ref(Kind.MACHINE, name or "") for name in rows]

    def _at_rest(self, refs: set[Ref]) -> list[Ref]:
        """Those of our machines that no job works on: a job writes itself what it learns."""
        if not refs:
            return []
        with self._plant.cmdb.reading(SYSTEM) as tx:
            rows = select(Machine.native_id).where(
                Machine.provider_id == self._provider_id,
                Machine.native_id.in_([ref.native_id for ref in refs]),
                Machine.job_id.is_(None),
            )
            return [Ref(Kind.MACHINE, name or "") for name in tx.session.scalars(rows)]

    def _look(self, cloud: Cloud, ref: Ref) -> Observed | None:
        try:
            return cloud.connector.observe(ref)
        except ConnectorError as error:
            if error.fault is not Fault.NOT_FOUND:
                raise
            return None

    def _list(self, cloud: Cloud) -> None:
        started = time.monotonic()
        seen = list(cloud.connector.list(Kind.MACHINE))
        self._reconcile(self._news(seen))
        self._note_vanished({one.ref.native_id for one in seen}, time.monotonic() - started)
        self._sample(cloud, [one.ref for one in seen if one.state == "STARTED"])

    def _news(self, seen: list[Observed]) -> list[Observed]:
        """Our machines at rest that are shown otherwise than last time, or otherwise than they are recorded."""
        with self._plant.cmdb.reading(SYSTEM) as tx:
            rows = select(Machine.native_id, Machine.state).where(
                Machine.provider_id == self._provider_id, Machine.native_id.is_not(None), Machine.job_id.is_(None)
            )
            recorded = dict(tx.session.execute(rows).all())
        self._shown = {one.ref: self._shown[one.ref] for one in seen if one.ref in self._shown}
        ours = [one for one in seen if one.ref.native_id in recorded]
        return [one for one in ours if self._shown.get(one.ref) != one or recorded[one.ref.native_id] != one.state]

    def _reconcile(self, seen: list[Observed]) -> None:
        for start in range(0, len(seen), _AT_ONCE):
            shown = {one.ref.native_id: one for one in seen[start : start + _AT_ONCE]}
            with self._plant.cmdb.writing(SYSTEM) as tx:
                rows = (
                    select(Machine)
                    .where(Machine.provider_id == self._provider_id, Machine.native_id.in_(shown))
                    .options(selectinload(Machine.nics).selectinload(Nic.addresses))
                    .with_for_update()
                )
                for machine in tx.session.scalars(rows):
                    one = shown[machine.native_id or ""]
                    if machine.job_id is None:
                        observed.reconcile(tx, machine, one)
                        self._shown[one.ref] = one

    def _note_vanished(self, present: set[str], took: float) -> None:
        with self._plant.cmdb.writing(SYSTEM) as tx:
            settled = tx.now - _GONE_AFTER - timedelta(seconds=took)
            rows = select(Machine.id, Machine.native_id).where(
                Machine.provider_id == self._provider_id, Machine.native_id.is_not(None), Machine.created < settled
            )
            for machine_id, native_id in tx.session.execute(rows).all():
                if native_id not in present:
                    observed.vanished(tx, tx.session.get_one(Machine, machine_id))

    def _sample(self, cloud: Cloud, refs: list[Ref]) -> None:
        if not refs:
            return
        usage = cloud.connector.usage(refs)
        with self._plant.cmdb.writing(SYSTEM) as tx:
            rows = select(Machine.id, Machine.native_id).where(
                Machine.provider_id == self._provider_id, Machine.native_id.in_(usage)
            )
            observed.sample(tx, {machine_id: usage[name or ""] for machine_id, name in tx.session.execute(rows)})


def _stated(one: Cap) -> dict[str, object]:
    value = sorted(one.value) if isinstance(one.value, frozenset) else one.value
    return {"name": one.name, "value": value, "scope": one.scope}


def _inventory(host: HostFacts) -> hosts.HostInventory:
    return hosts.HostInventory(
        name=host.name,
        cores=host.cores,
        memory=host.memory,
        disk=host.disk,
        load=host.load,
        memory_used=host.memory_used,
        accelerator=host.accelerator,
        reason=host.reason,
        cause=host.cause,
    )
