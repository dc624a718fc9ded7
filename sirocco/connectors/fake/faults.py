"""Faults on demand: rules kept in the store, so that they hold and count across processes."""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from sirocco.connectors.fake.store import Store
from sirocco.connectors.ports import Fault

EVERY = "*"
NONSENSE = (
    "<html><head><title>502 Bad Gateway</title></head></html>",
    '{"ref": {"kind": "machine", "native_id": "m-',
    '{"done": 7, "ref": [], "state": null, "name": {}}',
    "",
)


class Trouble(StrEnum):
    """How a call goes wrong."""

    ERROR = "error"
    TIMEOUT_BEFORE = "timeout-before"
    TIMEOUT_AFTER = "timeout-after"
    SLOW = "slow"
    GARBAGE = "garbage"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Rule:
    """From the ``nth`` matching call on, ``times`` calls meet this trouble; verb and kind may be ``*``."""

    trouble: Trouble
    verb: str = EVERY
    kind: str = EVERY
    nth: int = 1
    times: int = 1
    fault: Fault = Fault.TRANSIENT
    seconds: float = 0.0
    message: str = "injected"


@dataclass(frozen=True, slots=True)
class Met:
    """A rule that a call has run into, and which of its hits this is (from 0)."""

    rule: Rule
    hit: int

    @property
    def nonsense(self) -> str:
        """What is answered instead of an answer, another thing each time."""
        return NONSENSE[self.hit % len(NONSENSE)]


def add(db: sqlite3.Connection, rule: Rule) -> None:
    """Keep a rule."""
    db.execute(
        "INSERT INTO rule (trouble, verb, kind, nth, times, fault, seconds, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (rule.trouble, rule.verb, rule.kind, rule.nth, rule.times, rule.fault.name, rule.seconds, rule.message),
    )


def meet(store: Store, verb: str, kind: str) -> Met | None:
    """Count a call and tell which trouble it meets: the oldest rule that is due; all matching rules count it."""
    with store.write() as db:
        db.execute(
            "INSERT INTO call (verb, kind, count) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
            (verb, kind),
        )
        rows = db.execute(
            "UPDATE rule SET seen = seen + 1 WHERE verb IN (?, '*') AND kind IN (?, '*') RETURNING"
            " id, trouble, verb, kind, nth, times, fault, seconds, message, seen",
            (verb, kind),
        ).fetchall()
    due = [row for row in sorted(rows) if row[4] <= row[9] < row[4] + row[5]]
    if not due:
        return None
    _, trouble, rule_verb, rule_kind, nth, times, fault, seconds, message, seen = due[0]
    rule = Rule(Trouble(trouble), rule_verb, rule_kind, nth, times, Fault[fault], seconds, message)
    return Met(rule, seen - nth)
