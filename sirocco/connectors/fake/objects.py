"""What the pretend cloud holds: bodies by kind, and how they change at a moment that may lie ahead.

Nothing runs in the background. An operation writes at its beginning both what an object is until it ends and what it
is from then on; whoever looks later sees the one or the other by the clock.
"""

import sqlite3
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, cast

from pydantic import TypeAdapter

from sirocco.connectors.ports import (
    ConnectorError,
    DiskSpec,
    Fault,
    ImageFacts,
    Kind,
    MachineFacts,
    NetworkFacts,
    Observed,
    Ref,
    State,
    VolumeFacts,
)

KEPT_CHANGES = 100_000


@dataclass(frozen=True, slots=True)
class Run:
    """How long a machine has run since its boot: seconds of ended stretches, and the start of the present one."""

    ran: float = 0.0
    since: float | None = None

    def seconds(self, now: float) -> float:
        """Seconds run since boot."""
        return self.ran + (max(0.0, now - self.since) if self.since is not None else 0.0)

    def halted(self, at: float) -> "Run":
        """The same run, standing still from a moment on."""
        return Run(self.seconds(at))

    def going(self, at: float) -> "Run":
        """The same run, going on from a moment on."""
        return self if self.since is not None else Run(self.ran, at)


@dataclass(frozen=True, slots=True)
class Shot:
    """A snapshot: the machine's state and how long it had run."""

    name: str
    state: State
    run: Run


@dataclass(frozen=True, slots=True)
class MachineBody:
    """A machine with what its guest would know: host name, user data (bytes as Latin-1), time run, snapshots."""

    state: State
    facts: MachineFacts
    disks: tuple[DiskSpec, ...]
    hostname: str
    user_data: str
    run: Run = Run()
    shots: tuple[Shot, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class VolumeBody:
    """A volume and the host whose disk it takes."""

    state: State
    facts: VolumeFacts
    host: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class ImageBody:
    """An image; its content is not kept."""

    state: State
    facts: ImageFacts
    message: str = ""


@dataclass(frozen=True, slots=True)
class NetworkBody:
    """A network."""

    state: State
    facts: NetworkFacts
    message: str = ""


Body = MachineBody | VolumeBody | ImageBody | NetworkBody
B = TypeVar("B", bound=MachineBody | VolumeBody | ImageBody | NetworkBody)

BODIES: dict[Kind, type[Body]] = {
    Kind.MACHINE: MachineBody,
    Kind.VOLUME: VolumeBody,
    Kind.IMAGE: ImageBody,
    Kind.NETWORK: NetworkBody,
}
_KINDS: dict[type, Kind] = {form: kind for kind, form in BODIES.items()}


@dataclass(frozen=True, slots=True)
class Entry(Generic[B]):
    """An object at a moment; ``busy`` while an operation on it has not ended."""

    id: str
    token: str
    body: B
    busy: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One request being carried out: the transaction, now, the moment at which it takes effect, and its token."""

    db: sqlite3.Connection
    now: float
    ready: float
    token: str


_ADAPTERS: dict[type, TypeAdapter[Body]] = {form: TypeAdapter(form) for form in BODIES.values()}


def _text(body: Body) -> str:
    return _ADAPTERS[type(body)].dump_json(body).decode()


def missing(kind: Kind, native_id: str) -> ConnectorError:
    """The refusal for an object that is not there."""
    return ConnectorError(Fault.NOT_FOUND, "NotFound", why="there is no {kind} {id}", kind=kind, id=native_id)


def conflict(native_code: str, /, **details: object) -> ConnectorError:
    """The refusal for a wrong state, something in use, a taken name."""
    return ConnectorError(Fault.CONFLICT, native_code, **details)


def invalid(**details: object) -> ConnectorError:
    """The refusal for a request that makes no sense."""
    return ConnectorError(Fault.INVALID, "Invalid", **details)


_ALIVE = "(ends IS NULL OR ends > :now)"
_NOW = "CASE WHEN ready <= :now THEN next ELSE body END"


def load(db: sqlite3.Connection, form: type[B], native_id: str, now: float, *, final: bool = False) -> Entry[B]:
    """The object as it is now, or as the operation under way leaves it; NOT_FOUND when it never was or is gone."""
    kind = _KINDS[form]
    body = "COALESCE(next, body)" if final else _NOW
    row = db.execute(
        f"SELECT token, {body}, ready > :now OR ends > :now FROM object WHERE id = :id AND kind = :kind AND {_ALIVE}",  # noqa: S608
        {"id": native_id, "kind": kind, "now": now},
    ).fetchone()
    if row is None:
        raise missing(kind, native_id)
    return Entry(native_id, row[0], cast("B", _ADAPTERS[form].validate_json(row[1])), bool(row[2]))


def add(step: Step, native_id: str, during: Body, after: Body) -> None:
    """A new object, shown as ``during`` until the step is ready."""
    kind = _KINDS[type(during)]
    step.db.execute(
        "INSERT INTO object (id, kind, token, body, next, ready) VALUES (?, ?, ?, ?, ?, ?)",
        (native_id, kind, step.token, _text(during), _text(after), step.ready),
    )
    _note(step, kind, native_id)


def change(step: Step, native_id: str, during: Body, after: Body) -> None:
    """Another body from now, and another one from when the step is ready."""
    step.db.execute(
        "UPDATE object SET body = ?, next = ?, ready = ? WHERE id = ?",
        (_text(during), _text(after), step.ready, native_id),
    )
    _note(step, _KINDS[type(during)], native_id)


def end(step: Step, native_id: str, during: Body) -> None:
    """The object is gone when the step is ready."""
    step.db.execute(
        "UPDATE object SET body = ?, next = NULL, ready = NULL, ends = ? WHERE id = ?",
        (_text(during), step.ready, native_id),
    )
    _note(step, _KINDS[type(during)], native_id)


def spoil(step: Step, ref: Ref, message: str) -> None:
    """The object will be in ERROR when the step is ready."""
    body = load(step.db, BODIES[ref.kind], ref.native_id, step.now).body
    change(step, ref.native_id, body, replace(body, state=State.ERROR, message=message))


def snapshot_of(step: Step, ref: Ref) -> str:
    """The object's body as it is now, to be put back later."""
    row = step.db.execute(
        f"SELECT {_NOW} FROM object WHERE id = :id AND {_ALIVE}",  # noqa: S608
        {"id": ref.native_id, "now": step.now},
    ).fetchone()
    if row is None:
        raise missing(ref.kind, ref.native_id)
    return str(row[0])


def put_back(step: Step, ref: Ref, body: str) -> None:
    """The object is again what it was."""
    step.db.execute("UPDATE object SET body = ?, next = NULL, ready = NULL WHERE id = ?", (body, ref.native_id))
    _note(step, ref.kind, ref.native_id)


def _note(step: Step, kind: Kind, native_id: str) -> None:
    for at in {step.now, step.ready}:
        cursor = step.db.execute("INSERT INTO change (kind, id, at) VALUES (?, ?, ?)", (kind, native_id, at))
        number = cursor.lastrowid or 0
        if number % 1000 == 0:
            step.db.execute("DELETE FROM change WHERE seq < ?", (number - KEPT_CHANGES,))


def ending(db: sqlite3.Connection, native_id: str) -> float | None:
    """The moment from which an object is gone, if it has been deleted."""
    row = db.execute("SELECT ends FROM object WHERE id = ?", (native_id,)).fetchone()
    return row[0] if row else None


def count(db: sqlite3.Connection, kind: Kind, now: float) -> int:
    """How many objects of a kind there are."""
    row = db.execute(
        f"SELECT COUNT(*) FROM object WHERE kind = :kind AND {_ALIVE}",  # noqa: S608
        {"kind": kind, "now": now},
    ).fetchone()
    return int(row[0])


def _observed(kind: Kind, row: tuple[str, str, str]) -> Observed:
    body = _ADAPTERS[BODIES[kind]].validate_json(row[2])
    return Observed(Ref(kind, row[0]), body.state, row[1], body.facts, body.message)


def observed(db: sqlite3.Connection, ref: Ref, now: float) -> Observed:
    """What a caller sees of an object; NOT_FOUND when it is gone."""
    row = db.execute(
        f"SELECT id, token, {_NOW} FROM object WHERE id = :id AND kind = :kind AND {_ALIVE}",  # noqa: S608
        {"id": ref.native_id, "kind": ref.kind, "now": now},
    ).fetchone()
    if row is None:
        raise missing(ref.kind, ref.native_id)
    return _observed(ref.kind, row)


def listed(db: sqlite3.Connection, kind: Kind, now: float, *, owned: bool) -> list[Observed]:
    """All objects of a kind, oldest first."""
    only = "AND token <> ''" if owned else ""
    rows = db.execute(
        f"SELECT id, token, {_NOW} FROM object WHERE kind = :kind AND {_ALIVE} {only} ORDER BY rowid",  # noqa: S608
        {"kind": kind, "now": now},
    )
    return [_observed(kind, row) for row in rows]


def by_token(db: sqlite3.Connection, kind: Kind, token: str, now: float) -> Observed | None:
    """The object that a token made, unless it is gone."""
    row = db.execute(
        f"SELECT id, token, {_NOW} FROM object WHERE kind = :kind AND token = :token AND token <> '' AND {_ALIVE}",  # noqa: S608
        {"kind": kind, "token": token, "now": now},
    ).fetchone()
    return _observed(kind, row) if row else None
