"""The connector's side: sends requests, meets faults, and believes no answer that it cannot read."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from sirocco import __version__
from sirocco.connectors.fake import faults, offer
from sirocco.connectors.fake.cloud import HOSTS, MAYBE_OBSERVED, OBSERVED, OP, REPORT, USAGE, Clock, Cloud
from sirocco.connectors.fake.faults import EVERY, Met, Trouble
from sirocco.connectors.fake.guest import FakeConsole
from sirocco.connectors.fake.settings import FakeSettings
from sirocco.connectors.fake.store import Store
from sirocco.connectors.fake.tasks import Doom
from sirocco.connectors.fake.watch import FakeWatch
from sirocco.connectors.ports import (
    Action,
    ConnectorError,
    Console,
    Descriptor,
    Done,
    Fault,
    HostFacts,
    ImageFacts,
    ImageSpec,
    Kind,
    MachineFacts,
    MachineSpec,
    NetworkFacts,
    NetworkSpec,
    Observed,
    Op,
    OpStatus,
    Ref,
    Spec,
    State,
    Usage,
    VolumeFacts,
    VolumeSpec,
    Watch,
    verb_of,
)
from sirocco.contracts import capabilities as can

T = TypeVar("T")

_KIND_OF: dict[type, Kind] = {
    MachineSpec: Kind.MACHINE,
    VolumeSpec: Kind.VOLUME,
    ImageSpec: Kind.IMAGE,
    NetworkSpec: Kind.NETWORK,
}
_FACTS_OF: dict[Kind, type] = {
    Kind.MACHINE: MachineFacts,
    Kind.VOLUME: VolumeFacts,
    Kind.IMAGE: ImageFacts,
    Kind.NETWORK: NetworkFacts,
}


def _before(met: Met | None) -> Doom | None:
    """Trouble that comes before the work; the doom of the work if that is the trouble."""
    if met is None:
        return None
    rule = met.rule
    time.sleep(rule.seconds)
    if rule.trouble is Trouble.ERROR:
        raise ConnectorError(rule.fault, "Injected", why=rule.message)
    if rule.trouble is Trouble.TIMEOUT_BEFORE:
        raise ConnectorError(Fault.TRANSIENT, "Timeout", why="no connection in time: nothing was sent")
    return Doom(rule.fault, rule.message) if rule.trouble is Trouble.FAIL else None


def _after(met: Met | None, answer: str, *, changing: bool) -> str:
    """Trouble that comes with the answer."""
    if met is None or met.rule.trouble not in {Trouble.TIMEOUT_AFTER, Trouble.GARBAGE}:
        return answer
    if met.rule.trouble is Trouble.GARBAGE:
        return met.nonsense
    fault = Fault.UNKNOWN_OUTCOME if changing else Fault.TRANSIENT
    raise ConnectorError(fault, "Timeout", why="no answer in time after the request was sent")


def _decode(adapter: TypeAdapter[T], answer: str, *, changing: bool, makes_sense: Callable[[T], bool]) -> T:
    """The answer if it is one: UNKNOWN_OUTCOME for a call that may have changed something, else INTERNAL."""
    nonsense = ConnectorError(
        Fault.UNKNOWN_OUTCOME if changing else Fault.INTERNAL,
        "Garbage",
        why="the cloud's answer makes no sense: {said}",
        said=repr(answer[:80]),
    )
    try:
        value = adapter.validate_json(answer, strict=True)
    except ValidationError as error:
        raise nonsense from error
    if not makes_sense(value):
        raise nonsense
    return value


class FakeConnector:
    """A provider that plays a cloud; see ``docs/guide/fake-provider.md``."""

    def __init__(self, store: Store, settings: FakeSettings, clock: Clock = time.time) -> None:
        self._store, self._clock = store, clock
        self._cloud = Cloud(store, settings, clock)
        self._offered = frozenset(cap for cap in offer.ALL if cap.name not in settings.without)

    def _ask(
        self,
        verb: str,
        kind: str,
        adapter: TypeAdapter[T],
        work: Callable[[], str],
        makes_sense: Callable[[T], bool] = lambda _: True,
    ) -> T:
        met = faults.meet(self._store, verb, kind)
        _before(met)
        return _decode(adapter, _after(met, work(), changing=False), changing=False, makes_sense=makes_sense)

    def _order(self, verb: str, kind: Kind, token: str, work: Callable[[Doom | None], str]) -> Op:
        met = faults.meet(self._store, verb, kind)
        doom = _before(met)
        answer = _after(met, work(doom), changing=True)
        return _decode(OP, answer, changing=True, makes_sense=lambda op: (op.verb, op.token) == (verb, token))

    def describe(self) -> Descriptor:
        """Capabilities; the same ones always, but for those that the settings take away."""
        met = faults.meet(self._store, "describe", EVERY)
        _before(met)
        version = _after(met, __version__, changing=False)
        if version != __version__:
            raise ConnectorError(
                Fault.INTERNAL, why="the cloud's version makes no sense: {said}", said=repr(version[:80])
            )
        return Descriptor("fake", version, self._offered)

    def hosts(self) -> tuple[HostFacts, ...]:
        """The pretend hypervisors, loaded by what has been claimed of their cores."""
        offer.refuse_unless(self._offered, frozenset({can.HOSTS}))
        return self._ask("hosts", EVERY, HOSTS, self._cloud.hosts)

    def find_by_token(self, kind: Kind, token: str) -> Observed | None:
        """What an earlier ``create`` or capture with this token made, unless it is gone."""
        return self._ask(
            "find",
            kind,
            MAYBE_OBSERVED,
            lambda: self._cloud.find(kind, token),
            lambda found: found is None or (_fits(found, kind) and found.token == token),
        )

    def observe(self, ref: Ref) -> Observed:
        """The object as it is now; NOT_FOUND when it is gone."""
        return self._ask(
            "observe",
            ref.kind,
            OBSERVED,
            lambda: self._cloud.observe(ref),
            lambda seen: seen.ref == ref and _fits(seen, ref.kind),
        )

    def list(self, kind: Kind, *, owned: bool = True) -> Iterator[Observed]:
        """All objects of a kind, oldest first."""
        met = faults.meet(self._store, "list", kind)
        _before(met)
        answers = self._cloud.listing(kind, owned=owned)
        tail = _after(met, "", changing=False)
        if met is not None and met.rule.trouble is Trouble.GARBAGE:
            answers.append(tail)
        return iter([self._listed(kind, answer) for answer in answers])

    def _listed(self, kind: Kind, answer: str) -> Observed:
        return _decode(OBSERVED, answer, changing=False, makes_sense=lambda seen: _fits(seen, kind))

    def create(self, spec: Spec, *, token: str) -> Op:
        """Make an object once per token."""
        offer.refuse_unless(self._offered, offer.needed_by(spec))
        kind = _KIND_OF[type(spec)]
        return self._order("create", kind, token, lambda doom: self._cloud.create(spec, kind, token, doom))

    def act(self, ref: Ref, action: Action, *, token: str) -> Op:
        """Do something to an object, once per token."""
        offer.refuse_unless(self._offered, offer.needed_by(action, ref.kind))
        live = offer.needed_while_running(action)
        if not live <= {cap.name for cap in self._offered} and self._runs(ref):
            offer.refuse_unless(self._offered, live)
        verb = verb_of(action)
        return self._order(verb, ref.kind, token, lambda doom: self._cloud.act(ref, action, verb, token, doom))

    def _runs(self, ref: Ref) -> bool:
        return ref.kind is Kind.MACHINE and self.observe(ref).state is not State.STOPPED

    def delete(self, ref: Ref, *, token: str) -> Op:
        """Remove an object; gone already is success."""
        return self._order("delete", ref.kind, token, lambda doom: self._cloud.delete(ref, token, doom))

    def poll(self, op: Op) -> OpStatus:
        """How an operation stands."""
        report = self._ask("poll", op.ref.kind, REPORT, lambda: self._cloud.poll(op))
        failed = report.done is Done.FAILED
        error = ConnectorError(Fault[report.fault], "Failed", why=report.message) if failed else None
        return OpStatus(report.done, report.progress, error, report.poll_after)

    def cancel(self, op: Op) -> None:
        """Ask an operation to end early."""
        met = faults.meet(self._store, "cancel", op.ref.kind)
        _before(met)
        self._cloud.cancel(op)
        if _after(met, "", changing=True):
            raise ConnectorError(Fault.UNKNOWN_OUTCOME, "Garbage", why="the cloud's answer makes no sense")

    def usage(self, refs: Iterable[Ref]) -> Mapping[str, Usage]:
        """Counters of running machines, growing with the time they have run."""
        offer.refuse_unless(self._offered, frozenset({can.USAGE}))
        return self._ask("usage", Kind.MACHINE, USAGE, lambda: self._cloud.usage(refs))

    def console(self, ref: Ref) -> Console:
        """A pretend shell; CONFLICT unless the machine runs."""
        offer.refuse_unless(self._offered, frozenset({can.CONSOLE}))
        met = faults.meet(self._store, "console", ref.kind)
        _before(met)
        console = FakeConsole(lambda: self._cloud.inside(ref))
        if _after(met, "", changing=False):
            raise ConnectorError(Fault.INTERNAL, "Garbage", why="the cloud's answer makes no sense")
        return console

    def watch(self, changed: Callable[[Ref], None]) -> Watch:
        """Changes as they come true, from a thread of the watch's own."""
        offer.refuse_unless(self._offered, frozenset({can.WATCH}))
        _before(faults.meet(self._store, "watch", EVERY))
        return FakeWatch(self._store, self._clock, changed)

    def close(self) -> None:
        """Close the store; what it holds stays."""
        self._store.close()


def _fits(seen: Observed, kind: Kind) -> bool:
    return seen.ref.kind is kind and type(seen.facts) is _FACTS_OF[kind]
