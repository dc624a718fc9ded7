"""The far end: it takes requests, trusts nobody, and answers in JSON."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import TypeAdapter

from sirocco.connectors.fake import tasks
from sirocco.connectors.fake.actions import act
from sirocco.connectors.fake.capacity import host_facts
from sirocco.connectors.fake.creation import create
from sirocco.connectors.fake.objects import MachineBody, Step, by_token, count, invalid, listed, load, observed, spoil
from sirocco.connectors.fake.removal import delete
from sirocco.connectors.fake.settings import FakeSettings
from sirocco.connectors.fake.store import Store
from sirocco.connectors.fake.tasks import Doom, Report, fingerprint
from sirocco.connectors.ports import (
    Action,
    ConnectorError,
    Fault,
    HostFacts,
    Kind,
    Observed,
    Op,
    Ref,
    Spec,
    State,
    Usage,
)

Clock = Callable[[], float]

OBSERVED = TypeAdapter(Observed)
MAYBE_OBSERVED: TypeAdapter[Observed | None] = TypeAdapter(Observed | None)
OP = TypeAdapter(Op)
REPORT = TypeAdapter(Report)
HOSTS = TypeAdapter(tuple[HostFacts, ...])
USAGE = TypeAdapter(dict[str, Usage])


def _json(adapter: TypeAdapter[Any], value: object) -> str:
    return adapter.dump_json(value).decode()


class Cloud:
    """Requests against the store, by the wall clock that all processes share."""

    def __init__(self, store: Store, settings: FakeSettings, clock: Clock = time.time) -> None:
        self._store, self._settings, self._clock = store, settings, clock

    def create(self, spec: Spec, kind: Kind, token: str, doom: Doom | None) -> str:
        """Make an object, once per token."""
        request = fingerprint(spec)
        with self._store.write() as db:
            now = self._clock()
            step = Step(db, now, now + self._settings.delay("create", kind), _checked(token))
            op = tasks.known(step, "create", request)
            if op is None:
                self._refuse_if_full(step, kind)
                ref = create(step, spec)
                if doom:
                    spoil(step, ref, doom.message)
                op = tasks.begin(step, "create", ref, request, doom=doom)
        return _json(OP, op)

    def _refuse_if_full(self, step: Step, kind: Kind) -> None:
        most = (self._settings.capacity or {}).get(kind)
        if most is not None and count(step.db, kind, step.now) >= most:
            raise ConnectorError(
                Fault.QUOTA, "Limit", why="the limit is reached: {most} of {kind}", most=most, kind=kind
            )

    def act(self, ref: Ref, action: Action, verb: str, token: str, doom: Doom | None) -> str:
        """Do something, once per token."""
        request = fingerprint((ref, action))
        with self._store.write() as db:
            now = self._clock()
            step = Step(db, now, now + self._settings.delay(verb, ref.kind), _checked(token))
            op = tasks.known(step, verb, request)
            if op is None:
                observed(db, ref, now)
                undo = tasks.before(step, ref, verb)
                made = ref if doom else act(step, ref, action)
                op = tasks.begin(step, verb, made, request, undo=undo, doom=doom)
        return _json(OP, op)

    def delete(self, ref: Ref, token: str, doom: Doom | None) -> str:
        """Remove an object; success when it is gone already."""
        request = fingerprint(ref)
        with self._store.write() as db:
            now = self._clock()
            step = Step(db, now, now + self._settings.delay("delete", ref.kind), _checked(token))
            op = tasks.known(step, "delete", request)
            if op is None:
                self._remove(step, ref, doom)
                op = tasks.begin(step, "delete", ref, request, doom=doom)
        return _json(OP, op)

    def _remove(self, step: Step, ref: Ref, doom: Doom | None) -> None:
        if doom:
            return
        try:
            delete(step, ref)
        except ConnectorError as error:
            if error.fault is not Fault.NOT_FOUND:
                raise
            return
        tasks.supersede(step, ref)

    def cancel(self, op: Op) -> None:
        """Ask an operation to end early."""
        with self._store.write() as db:
            now = self._clock()
            tasks.cancel(Step(db, now, now, op.token), op)

    def poll(self, op: Op) -> str:
        """How an operation stands."""
        with self._store.read() as db:
            return _json(REPORT, tasks.report(db, op, self._clock()))

    def find(self, kind: Kind, token: str) -> str:
        """The object that a token made."""
        with self._store.read() as db:
            return _json(MAYBE_OBSERVED, by_token(db, kind, token, self._clock()))

    def observe(self, ref: Ref) -> str:
        """An object as it is now."""
        with self._store.read() as db:
            return _json(OBSERVED, observed(db, ref, self._clock()))

    def listing(self, kind: Kind, *, owned: bool) -> list[str]:
        """All objects of a kind, one answer each."""
        with self._store.read() as db:
            entries = listed(db, kind, self._clock(), owned=owned)
        return [_json(OBSERVED, entry) for entry in entries]

    def hosts(self) -> str:
        """The hypervisors."""
        with self._store.read() as db:
            return _json(HOSTS, host_facts(db, self._clock()))

    def usage(self, refs: Iterable[Ref]) -> str:
        """Counters of the machines that run."""
        found: dict[str, Usage] = {}
        for ref in refs:
            try:
                body, seconds = self.inside(ref)
            except ConnectorError:
                continue
            if body.state is State.STARTED:
                found[ref.native_id] = _counters(body, seconds)
        return _json(USAGE, found)

    def inside(self, ref: Ref) -> tuple[MachineBody, float]:
        """What a machine's guest would know, and the seconds it has run."""
        with self._store.read() as db:
            now = self._clock()
            body = load(db, MachineBody, ref.native_id, now).body
        return body, body.run.seconds(now)


def _checked(token: str) -> str:
    if not token:
        raise invalid(why="a token is needed")
    return token


def _counters(body: MachineBody, seconds: float) -> Usage:
    """A guest that keeps a tenth of its processors busy and talks a little: growing, and always the same."""
    cpu = int(seconds * body.facts.cpu * 100_000_000)
    return Usage(cpu, body.facts.memory // 2, *(int(seconds * rate) for rate in (4096, 2048, 1500, 900)))
