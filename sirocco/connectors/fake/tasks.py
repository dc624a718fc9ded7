"""Operations by token: begun once, polled by the clock, ended early on request."""

import hashlib
import sqlite3
from dataclasses import dataclass

from sirocco.connectors.fake.capacity import release_instead
from sirocco.connectors.fake.objects import MachineBody, Step, conflict, ending, load, put_back, snapshot_of, spoil
from sirocco.connectors.ports import ConnectorError, Done, Fault, Kind, Op, Ref

CANCELLABLE = frozenset(
    {"start", "stop", "restart", "pause", "suspend", "take-snapshot", "restore-snapshot", "migrate"}
)
LONGEST_WAIT = 0.5


@dataclass(frozen=True, slots=True)
class Doom:
    """How an accepted operation is going to fail when its time has come."""

    fault: Fault
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """How an operation stands, as it travels; ``fault`` names a ``Fault`` when it failed."""

    done: Done
    progress: float
    fault: str
    message: str
    poll_after: float


def fingerprint(request: object) -> str:
    """Tells requests apart without keeping them."""
    return hashlib.sha256(repr(request).encode()).hexdigest()


def _op(row: tuple[str, str, str, str, float], now: float) -> Op:
    verb, token, kind, native_id, ready = row
    done = Done.OK if ready <= now else Done.PENDING
    return Op(verb, token, Ref(Kind(kind), native_id), token, done)


def known(step: Step, verb: str, request: str) -> Op | None:
    """What this token began before; CONFLICT when it was another request."""
    row = step.db.execute(
        "SELECT verb, token, kind, id, ready, request, fault FROM task WHERE token = ?", (step.token,)
    ).fetchone()
    if row is None:
        return None
    if (row[0], row[5]) != (verb, request):
        raise conflict(
            "TokenReused", why="the token {token} was used for another request ({verb})", token=step.token, verb=row[0]
        )
    op = _op(row[:5], step.now)
    return op if row[6] is None else _failed(op)


def _failed(op: Op) -> Op:
    return Op(op.verb, op.token, op.ref, op.native_task, Done.PENDING if op.done is Done.PENDING else Done.FAILED)


def before(step: Step, ref: Ref, verb: str) -> str | None:
    """What has to be put back if the operation is cancelled."""
    return snapshot_of(step, ref) if verb in CANCELLABLE else None


def begin(step: Step, verb: str, ref: Ref, request: str, *, undo: str | None = None, doom: Doom | None = None) -> Op:
    """Record an operation that has been accepted."""
    fault, message = (doom.fault.name, doom.message) if doom else (None, "")
    step.db.execute(
        "INSERT INTO task (token, verb, kind, id, request, started, ready, before, fault, message)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (step.token, verb, ref.kind, ref.native_id, request, step.now, step.ready, undo, fault, message),
    )
    op = _op((verb, step.token, ref.kind, ref.native_id, step.ready), step.now)
    return _failed(op) if doom else op


def report(db: sqlite3.Connection, op: Op, now: float) -> Report:
    """How an operation stands; NOT_FOUND when nobody has heard of it."""
    row = db.execute("SELECT started, ready, fault, message FROM task WHERE token = ?", (op.native_task,)).fetchone()
    if row is None:
        raise ConnectorError(Fault.NOT_FOUND, "NotFound", why="there is no operation {id}", id=op.native_task)
    started, ready, fault, message = row
    if now < ready:
        left = ready - now
        return Report(Done.PENDING, min(0.99, (now - started) / (ready - started)), "", "", min(left, LONGEST_WAIT))
    if fault:
        return Report(Done.FAILED, 1.0, fault, message, 0.0)
    return Report(Done.OK, 1.0, "", "", 0.0)


def supersede(step: Step, ref: Ref) -> None:
    """Operations under way on an object that is being deleted fail now."""
    why = "the object was deleted meanwhile"
    step.db.execute(
        "UPDATE task SET ready = :now, fault = 'CONFLICT', message = :why"
        " WHERE id = :id AND ready > :now AND verb <> 'delete'",
        {"now": step.now, "id": ref.native_id, "why": why},
    )


def cancel(step: Step, op: Op) -> None:
    """End an operation that can still be ended; one that has ended, or cannot be, is left alone."""
    row = step.db.execute(
        "SELECT verb, kind, id, before FROM task WHERE token = ? AND ready > ? AND fault IS NULL",
        (op.native_task, step.now),
    ).fetchone()
    if row is None or ending(step.db, row[2]) is not None:
        return
    verb, ref = row[0], Ref(Kind(row[1]), row[2])
    why = "the operation was cancelled"
    if verb in {"create", "capture"}:
        spoil(step, ref, why)
    elif verb in CANCELLABLE:
        if verb == "migrate":
            meant = load(step.db, MachineBody, ref.native_id, step.now, final=True).body
            release_instead(step.db, op.native_task, meant.facts.host, step.now)
        put_back(step, ref, row[3])
    else:
        return
    step.db.execute(
        "UPDATE task SET ready = ?, fault = 'CONFLICT', message = ? WHERE token = ?",
        (step.now, why, op.native_task),
    )
