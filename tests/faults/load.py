"""Clients at work, what they were promised, and whether the promises were kept."""

import contextlib
import random
import threading
import time
from dataclasses import dataclass, field

from sqlalchemy import select

from sirocco.cmdb.models import Claim, Intent, Job, Machine, Quota
from sirocco.connectors.fake import control
from sirocco.connectors.ports import Kind
from sirocco.contracts.states import JobState
from sirocco.domain.principal import SYSTEM
from sirocco.services import jobs
from tests.faults.cimi_client import CimiClient, last, machine_create
from tests.installation import Installation, until

SEED = 20261121
CLIENTS = 3


@dataclass
class Ledger:
    """What clients were promised."""

    created: dict[str, tuple[str, str]] = field(default_factory=dict)
    jobs: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)


def work(plant, image_id, ledger, number, stopped):
    """One client: create, act, delete, for ever."""
    chance = random.Random(SEED + number)
    client = CimiClient([plant.url(name) for name in plant.web_ports])
    mine: list[str] = []
    for turn in range(100_000):
        if stopped.is_set():
            return
        name = f"m-{number}-{turn}"
        if len(mine) < 3 or (len(mine) < 12 and chance.random() < 0.5):
            answer = client.ask("POST", "machines", machine_create(name, image_id, url=plant.url()))
            if answer.status == 202:
                machine_id = last(answer.headers["Location"])
                with ledger.guard:
                    assert name not in ledger.created
                    ledger.created[name] = (machine_id, last(answer.headers["CIMI-Job-URI"]))
                    ledger.jobs.add(last(answer.headers["CIMI-Job-URI"]))
                mine.append(machine_id)
            else:
                ledger.refused.append(f"create: {answer.status} {answer.body.get('statusMessage')}")
        else:
            act(client, chance, mine, ledger)


def act(client, chance, mine, ledger):
    machine_id = chance.choice(mine)
    verb = chance.choice(["stop", "start", "pause", "delete"])
    if verb == "delete":
        answer = client.ask("DELETE", f"machines/{machine_id}")
    else:
        answer = client.ask("POST", f"machines/{machine_id}/{verb}", _action(verb))
    with ledger.guard:
        if answer.status in {200, 202}:
            ledger.jobs.add(last(answer.headers["CIMI-Job-URI"]))
            if verb == "delete":
                mine.remove(machine_id)
                ledger.deleted.add(machine_id)
        elif answer.status != 409:
            ledger.refused.append(f"{verb}: {answer.status} {answer.body.get('statusMessage')}")
    time.sleep(0.05)


def _action(verb):
    return {
        "resourceURI": "http://schemas.dmtf.org/cimi/1/Action",
        "action": f"http://schemas.dmtf.org/cimi/1/action/{verb}",
    }


def restart(plant: Installation, name: str) -> None:
    plant.kill(name)
    if name == "engine":
        plant.start_engine()
    elif name == "solver":
        plant.start_solver()
    elif name.startswith("web"):
        plant.start_web(name)
    else:
        plant.start_worker(name)


def ended_count(plant):
    with plant.cmdb.reading(SYSTEM) as tx:
        ended = [state for state in JobState if state.ended]
        return len(tx.session.scalars(select(Job.id).where(Job.state.in_(ended))).all())


def unfinished(plant):
    with plant.cmdb.reading(SYSTEM) as tx:
        rows = tx.session.scalars(select(Job).where(Job.state.in_([state for state in JobState if not state.ended])))
        return [f"{row.name} {row.state}" for row in rows]


def judge(plant, world, ledger):
    with plant.cmdb.reading(SYSTEM) as tx:
        for job_id in ledger.jobs:
            assert JobState(jobs.get(tx, job_id).state).ended
        creates = {job: jobs.get(tx, job).state for _, job in ledger.created.values()}
        assert set(creates.values()) == {JobState.SUCCESS}
        rows = tx.session.scalars(select(Machine)).all()
        names = [row.name for row in rows]
        assert len(names) == len(set(names)), "a name was acknowledged once and made twice"
        promised = {machine for machine, _ in ledger.created.values()}
        assert {row.id for row in rows} <= promised
        gone = promised - {row.id for row in rows}
        assert gone <= ledger.deleted
        held = control.inventory(plant.settings.fake / "p1.sqlite")[Kind.MACHINE]
        assert {seen.ref.native_id for seen in held} == {row.native_id for row in rows}
        assert {claim.holder_id for claim in tx.session.scalars(select(Claim))} == {row.id for row in rows}
        intents = tx.session.scalars(select(Intent).where(Intent.kind == Kind.MACHINE)).all()
        assert {intent.resource_id for intent in intents} == {row.id for row in rows}
        used = tx.session.get_one(Quota, (world.tenant_id, "machines")).used
        assert used == len(rows)


@contextlib.contextmanager
def clients_at_work(plant, world):
    """Clients that create, act and delete until the block ends; then all jobs end, and all promises are checked."""
    ledger, stopped = Ledger(), threading.Event()
    arguments = [(plant, world.image_id, ledger, number, stopped) for number in range(CLIENTS)]
    clients = [threading.Thread(target=work, args=one) for one in arguments]
    for client in clients:
        client.start()
    try:
        until(lambda: ended_count(plant) > 5, "work is in flight")
        yield ledger
    finally:
        stopped.set()
        for client in clients:
            client.join()
    assert ledger.refused == []
    until(lambda: unfinished(plant) == [], "all jobs end", patience=180)
    judge(plant, world, ledger)


def progress(plant: Installation, why: str) -> float:
    """Wait until a job ends that had not ended before: the seconds that took."""
    before, begun = ended_count(plant), time.monotonic()
    until(lambda: ended_count(plant) > before, why, patience=60)
    return time.monotonic() - begun
