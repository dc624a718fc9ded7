"""Steps on networks at their provider."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from activities import specs
from activities.calls import Plant, Step, complete, remove
from sirocco.cmdb.models import Job, Network
from sirocco.cmdb.transaction import Transaction
from sirocco.connectors.clouds import Cloud
from sirocco.connectors.ports import Kind, Ref, Start, Stop
from sirocco.contracts.engine import JobOrder
from sirocco.contracts.ids import step_token
from sirocco.contracts.states import NetworkState


class NetworkSteps:
    """Each step loads what it needs by the job's id, acts once per token, and writes what it learnt."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._cmdb, self._clouds = plant.cmdb, plant.clouds

    def all(self) -> list[Callable[..., Any]]:
        """The activities of this class."""
        return [self.create, self.remove, self.perform, self.delete]

    def _target(self, tx: Transaction, job_id: str) -> tuple[Job, Network]:
        job = tx.session.get_one(Job, job_id)
        return job, tx.session.get_one(Network, job.target_id)

    def _at(self, step: Step, network: Network) -> Cloud:
        cloud = self._clouds.of(network.provider_id or "")
        step.provider = cloud.name
        return cloud

    @activity.defn(name="network.create", no_thread_cancel_exception=True)
    def create(self, order: JobOrder) -> None:
        """Make the network, started or stopped."""
        with self._plant.step(order, "create") as step:
            with step.first() as tx:
                job, network = self._target(tx, order.job_id)
                cloud, spec = self._at(step, network), specs.network_spec(network)
                token = self._plant.intend(tx, job.id, Kind.NETWORK, network.id, cloud.provider_id)
            ref = complete(cloud, cloud.connector.create(spec, token=token))
            if job.arguments["after"] == NetworkState.STOPPED:
                complete(cloud, cloud.connector.act(ref, Stop(), token=step_token(job.id, "stop")))
            with step.last() as tx:
                _, network = self._target(tx, order.job_id)
                network.native_id = ref.native_id

    @activity.defn(name="network.perform", no_thread_cancel_exception=True)
    def perform(self, order: JobOrder) -> None:
        """Start or stop the network."""
        with self._plant.step(order, "perform") as step:
            with step.first() as tx:
                job, network = self._target(tx, order.job_id)
                step.name = job.action
                cloud, ref = self._at(step, network), Ref(Kind.NETWORK, network.native_id or "")
            action = Start() if job.action == "start" else Stop()
            complete(cloud, cloud.connector.act(ref, action, token=step_token(job.id, job.action)))

    @activity.defn(name="network.remove", no_thread_cancel_exception=True)
    def remove(self, order: JobOrder) -> None:
        """Undo a creation."""
        with self._plant.step(order, "undo create") as step:
            self._remove(step)

    @activity.defn(name="network.delete", no_thread_cancel_exception=True)
    def delete(self, order: JobOrder) -> None:
        """Remove the network for good."""
        with self._plant.step(order, "delete") as step:
            self._remove(step)

    def _remove(self, step: Step) -> None:
        with step.first() as tx:
            _, network = self._target(tx, step.job_id)
        self._plant.remove(network.id, Kind.NETWORK)
        if network.native_id and network.provider_id:
            remove(self._clouds.of(network.provider_id), Ref(Kind.NETWORK, network.native_id), step.job_id)
