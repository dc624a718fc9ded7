"""The steps that workflows are made of: name, queue, how long each may take and how often it is tried."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sirocco.contracts.engine import PLACEMENT_QUEUE, TASK_QUEUE


@dataclass(frozen=True, slots=True)
class Step:
    """An activity as workflows call it.

    ``limit`` bounds all tries together; a worker that dies costs a try too. It is noticed by its missing heartbeats,
    or, for a quick step that sends none, by ``once``: the time that one try may take. A record step is a local
    activity.
    """

    name: str
    limit: timedelta
    tries: int = 30
    queue: str = TASK_QUEUE
    local: bool = False
    heartbeat: timedelta | None = timedelta(seconds=5)
    once: timedelta | None = None


def _work(name: str, minutes: int, tries: int = 30) -> Step:
    return Step(name, timedelta(minutes=minutes), tries)


def _choice(name: str) -> Step:
    return Step(name, timedelta(hours=1), queue=PLACEMENT_QUEUE, heartbeat=None, once=timedelta(seconds=5))


def _undo(name: str) -> Step:
    """What undoes must not give up: it is tried for an hour, then the reconciler has to."""
    return Step(name, timedelta(hours=1), tries=0)


def _record(name: str) -> Step:
    return Step(name, timedelta(hours=1), tries=0, local=True, heartbeat=None)


JOB_FAILED: Final = _record("job.failed")
JOB_STOPPED: Final = _record("job.stopped")

MACHINE_PLACE: Final = _choice("machine.place")
MACHINE_PLACE_TARGET: Final = _choice("machine.place-target")
MACHINE_DROP_VOLUMES: Final = _record("machine.drop-volumes")
MACHINE_CREATE: Final = _work("machine.create", 30)
MACHINE_REMOVE: Final = _undo("machine.remove")
MACHINE_PERFORM: Final = _work("machine.perform", 30)
MACHINE_REVERT: Final = _undo("machine.revert")
MACHINE_CLAIM_SIZE: Final = _record("machine.claim-size")
MACHINE_MIGRATE: Final = _work("machine.migrate", 120)
MACHINE_SETTLE_HOST: Final = _undo("machine.settle-host")
MACHINE_DELETE: Final = _work("machine.delete", 60, tries=0)

VOLUME_PLACE: Final = _choice("volume.place")
VOLUME_CREATE: Final = _work("volume.create", 60)
VOLUME_REMOVE: Final = _undo("volume.remove")
VOLUME_GROW: Final = _work("volume.grow", 30)
VOLUME_CAPTURE: Final = _work("volume.capture", 120)
VOLUME_UNCAPTURE: Final = _undo("volume.uncapture")
VOLUME_DELETE: Final = _work("volume.delete", 60, tries=0)

IMAGE_FETCH: Final = _work("image.fetch", 300)
IMAGE_DISCARD: Final = _undo("image.discard")
IMAGE_DELETE: Final = _work("image.delete", 60, tries=0)

NETWORK_CREATE: Final = _work("network.create", 15)
NETWORK_REMOVE: Final = _undo("network.remove")
NETWORK_PERFORM: Final = _work("network.perform", 15)
NETWORK_DELETE: Final = _work("network.delete", 15, tries=0)

HOST_PLAN_DRAIN: Final = _record("host.plan-drain")
JOB_AWAIT_NESTED: Final = Step("job.await-nested", timedelta(days=2), tries=0)
