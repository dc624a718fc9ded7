"""The hand behind the pretend cloud: faults, counted calls, strangers and drift, all by the path of its store."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sirocco.connectors.fake import faults, objects
from sirocco.connectors.fake.creation import create
from sirocco.connectors.fake.faults import EVERY, Rule, Trouble
from sirocco.connectors.fake.objects import Step
from sirocco.connectors.fake.removal import delete
from sirocco.connectors.fake.store import Store
from sirocco.connectors.ports import Fault, Kind, Observed, Ref, Spec, State

__all__ = ["EVERY", "Rule", "Trouble", "alter", "calls", "inject", "inventory", "reset", "stranger", "vanish"]


@contextmanager
def _step(store: str | Path) -> Iterator[Step]:
    opened = Store(Path(store))
    try:
        with opened.write() as db:
            now = time.time()
            yield Step(db, now, now, "")
    finally:
        opened.close()


def inject(
    store: str | Path,
    trouble: Trouble,
    *,
    verb: str = EVERY,
    kind: str = EVERY,
    nth: int = 1,
    times: int = 1,
    fault: Fault = Fault.TRANSIENT,
    seconds: float = 0.0,
    message: str = "injected",
) -> None:
    """From the ``nth`` matching call after this one on, ``times`` calls of any process meet the trouble.

    ``verb`` is ``create``, ``delete``, ``observe``, ``find``, ``list``, ``poll``, ``cancel``, ``hosts``, ``describe``,
    ``usage``, ``console``, ``watch`` or an action as in ``Op.verb`` (``start``, ``attach-volume``, ...); ``fault`` is
    what ``ERROR`` raises and what ``FAIL`` ends with; ``seconds`` pass before anything else.
    """
    with _step(store) as step:
        faults.add(step.db, Rule(trouble, verb, kind, nth, times, fault, seconds, message))


def calls(store: str | Path) -> dict[tuple[str, str], int]:
    """External calls so far, by verb and kind (``*`` where there is none)."""
    with _step(store) as step:
        rows = step.db.execute("SELECT verb, kind, count FROM call ORDER BY verb, kind")
        return {(verb, kind): count for verb, kind, count in rows}


def reset(store: str | Path) -> None:
    """Forget all rules and counts; what the cloud holds stays."""
    with _step(store) as step:
        step.db.execute("DELETE FROM rule")
        step.db.execute("DELETE FROM call")


def stranger(store: str | Path, spec: Spec) -> Ref:
    """Make an object that no Sirocco made."""
    with _step(store) as step:
        return create(step, spec)


def alter(store: str | Path, ref: Ref, state: State) -> None:
    """Put an object into a state behind everybody's back."""
    with _step(store) as step:
        body = replace(objects.load(step.db, objects.BODIES[ref.kind], ref.native_id, step.now).body, state=state)
        objects.change(step, ref.native_id, body, body)


def vanish(store: str | Path, ref: Ref) -> None:
    """Remove an object behind everybody's back."""
    with _step(store) as step:
        delete(step, ref)


def inventory(store: str | Path) -> dict[Kind, tuple[Observed, ...]]:
    """All that the cloud holds, uncounted."""
    with _step(store) as step:
        return {kind: tuple(objects.listed(step.db, kind, step.now, owned=False)) for kind in Kind}
