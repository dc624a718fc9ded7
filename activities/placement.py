"""Steps that choose: the solver process serves them."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from activities.calls import Plant
from sirocco.cmdb.models import Job, Machine, Volume
from sirocco.contracts.engine import JobOrder, PlaceOrder
from sirocco.services import placement


class PlacementSteps:
    """Choice and claim in one transaction; a repeated step finds what it chose before."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def all(self) -> list[Callable[..., Any]]:
        """The activities of this class."""
        return [self.place, self.place_target, self.place_volume]

    @activity.defn(name="machine.place")
    def place(self, order: PlaceOrder) -> str:
        """Choose and claim a host for a new machine; returns its id."""
        with self._plant.step(order, "place") as step, step.last() as tx:
            job = tx.session.get_one(Job, order.job_id)
            machine = tx.session.get_one(Machine, job.target_id)
            host = placement.place_machine(
                tx,
                machine,
                provider_id=job.arguments["provider_id"],
                host_id=job.arguments["host_id"],
                excluded=frozenset(order.excluded),
            )
            job.provider_id = host.provider_id
            return host.id

    @activity.defn(name="machine.place-target")
    def place_target(self, order: PlaceOrder) -> str:
        """Choose and claim where a machine moves to; returns the host's id."""
        with self._plant.step(order, "place") as step, step.last() as tx:
            job = tx.session.get_one(Job, order.job_id)
            machine = tx.session.get_one(Machine, job.target_id)
            host = placement.place_migration(tx, machine, job.arguments.get("host_id", ""))
            job.arguments = job.arguments | {"target_host": host.id}
            return host.id

    @activity.defn(name="volume.place")
    def place_volume(self, order: JobOrder) -> str:
        """Choose and claim where a volume lies; returns the host's id."""
        with self._plant.step(order, "place") as step, step.last() as tx:
            job = tx.session.get_one(Job, order.job_id)
            volume = tx.session.get_one(Volume, job.target_id)
            host = placement.place_volume(tx, volume, provider_id=job.arguments["provider_id"])
            job.provider_id = host.provider_id
            return host.id
