"""Steps on machines at their provider."""

from collections.abc import Callable
from typing import Any

import structlog
from temporalio import activity

from activities import specs
from activities.calls import Plant, Step, complete, remove
from sirocco.cmdb import capacity
from sirocco.cmdb.models import Host, Image, Job, Machine, Provider, ProviderImage
from sirocco.cmdb.transaction import Transaction
from sirocco.connectors import ports
from sirocco.connectors.clouds import Cloud
from sirocco.connectors.ports import ConnectorError, Fault, Kind, Observed, Ref
from sirocco.contracts.engine import JobOrder
from sirocco.contracts.ids import step_token
from sirocco.contracts.states import MachineState
from sirocco.domain.principal import SYSTEM
from sirocco.services.observed import keep_facts, settled_state
from sirocco.services.providers import shares_storage

log = structlog.get_logger(__name__)


class MachineSteps:
    """Each step loads what it needs by the job's id, acts once per token, and writes what it learnt."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._cmdb, self._clouds = plant.cmdb, plant.clouds

    def all(self) -> list[Callable[..., Any]]:
        """The activities of this class."""
        return [self.create, self.remove, self.perform, self.revert, self.migrate, self.settle_host, self.delete]

    def _target(self, tx: Transaction, job_id: str) -> tuple[Job, Machine]:
        job = tx.session.get_one(Job, job_id)
        return job, tx.session.get_one(Machine, job.target_id)

    def _at(self, step: Step, machine: Machine) -> tuple[Cloud, Ref]:
        """Where the machine is, and what it is called there."""
        cloud = self._clouds.of(machine.provider_id or "")
        step.provider = cloud.name
        return cloud, Ref(Kind.MACHINE, machine.native_id or "")

    @activity.defn(name="machine.create", no_thread_cancel_exception=True)
    def create(self, order: JobOrder) -> None:
        """Make the machine on the host that placement chose."""
        with self._plant.step(order, "create") as step:
            with step.first() as tx:
                _, machine = self._target(tx, order.job_id)
                (cloud, _), host_id, image_id = self._at(step, machine), machine.host_id or "", machine.image_id or ""
                paused = machine.initial_state == MachineState.PAUSED
                spec, image = specs.machine_spec(tx, machine), specs.native_image(tx, image_id, cloud.provider_id)
                token = self._plant.intend(
                    tx, order.job_id, Kind.MACHINE, machine.id, cloud.provider_id, host_id=host_id
                )
            whole = specs.on_image(spec, image or self._bring_image(cloud, image_id))
            ref = complete(cloud, cloud.connector.create(whole, token=token))
            if paused:
                complete(cloud, cloud.connector.act(ref, ports.Pause(), token=step_token(token, "pause")))
            seen = cloud.connector.observe(ref)
            with step.last() as tx:
                self._keep(tx, order.job_id, seen)

    def _bring_image(self, cloud: Cloud, image_id: str) -> str:
        """Bring an image to the provider, once for all machines; its native id there."""
        with self._cmdb.writing(SYSTEM) as tx:
            spec = specs.image_spec(tx.session.get_one(Image, image_id))
            token = self._plant.intend(tx, image_id, Kind.IMAGE, image_id, cloud.provider_id)
        ref = complete(cloud, cloud.connector.create(spec, token=token))
        self._place_image(image_id, cloud, ref)
        return ref.native_id

    def _place_image(self, image_id: str, cloud: Cloud, ref: Ref) -> None:
        with self._cmdb.writing(SYSTEM) as tx:
            tx.session.get_one(Image, image_id, with_for_update=True)
            if tx.session.get(ProviderImage, (image_id, cloud.provider_id)) is None:
                tx.add(ProviderImage(image_id=image_id, provider_id=cloud.provider_id, native_id=ref.native_id))

    def _keep(self, tx: Transaction, job_id: str, observed: Observed) -> None:
        _, machine = self._target(tx, job_id)
        keep_facts(tx, machine, observed)
        machine.native_id = observed.ref.native_id

    @activity.defn(name="machine.remove", no_thread_cancel_exception=True)
    def remove(self, order: JobOrder) -> None:
        """Undo a creation: whatever was made is removed, and the host has its capacity back."""
        with self._plant.step(order, "undo create") as step:
            self._remove_machine(step)
            with step.last() as tx:
                _, machine = self._target(tx, order.job_id)
                capacity.release(tx, machine.id)
                machine.host_id = machine.native_id = None

    def _remove_machine(self, step: Step) -> None:
        with step.first() as tx:
            _, machine = self._target(tx, step.job_id)
        self._plant.remove(machine.id, Kind.MACHINE)
        if machine.native_id and machine.provider_id:
            remove(self._clouds.of(machine.provider_id), Ref(Kind.MACHINE, machine.native_id), step.job_id)

    @activity.defn(name="machine.perform", no_thread_cancel_exception=True)
    def perform(self, order: JobOrder) -> None:
        """Do to the machine what the job says."""
        with self._plant.step(order, "perform") as step:
            with step.first() as tx:
                job, machine = self._target(tx, order.job_id)
                step.name = job.action
                action = specs.action(tx, machine, job.action, job.arguments)
                cloud, ref = self._at(step, machine)
                token = step_token(job.id, job.action)
                if isinstance(action, ports.Capture):
                    token = self._plant.intend(tx, job.id, Kind.IMAGE, action.name, cloud.provider_id)
            made = complete(cloud, cloud.connector.act(ref, action, token=token))
            if isinstance(action, ports.Capture):
                self._place_image(action.name, cloud, made)
            seen = cloud.connector.observe(ref)
            with step.last() as tx:
                self._keep(tx, order.job_id, seen)

    @activity.defn(name="machine.revert", no_thread_cancel_exception=True)
    def revert(self, order: JobOrder) -> None:
        """Take back what an action may have added, and note the state and size that the machine really has."""
        with self._plant.step(order, "undo") as step:
            with step.first() as tx:
                job, machine = self._target(tx, order.job_id)
                step.name = f"undo {job.action}"
                undo = self._undoing(tx, job, machine)
                cloud, ref = self._at(step, machine)
            if job.action == "capture":
                self._plant.remove(job.arguments["image_id"], Kind.IMAGE)
            if undo is not None:
                self._unless_gone(cloud, ref, undo, step_token(job.id, "undo"))
            seen = cloud.connector.observe(ref)
            with step.last() as tx:
                job, machine = self._target(tx, order.job_id)
                state = settled_state(seen.state)
                job.arguments = job.arguments | ({"before": state} if state else {})
                if job.action == "resize" and isinstance(seen.facts, ports.MachineFacts):
                    machine.cpu, machine.memory = seen.facts.cpu, seen.facts.memory  # what it could not lose counts

    def _undoing(self, tx: Transaction, job: Job, machine: Machine) -> ports.Action | None:
        match job.action:
            case "snapshot":
                return ports.DropSnapshot(job.arguments["image_id"])
            case "attach-volume":
                use = next(use for use in machine.volumes if use.volume_id == job.arguments["volume_id"])
                return ports.DetachVolume(specs.volume_use(tx, use).volume)
            case "attach-nic":
                return ports.DetachNic(machine.nics[-1].mac)
            case "resize":
                return ports.Resize(machine.cpu, machine.memory)
            case _:
                return None

    def _unless_gone(self, cloud: Cloud, ref: Ref, action: ports.Action, token: str) -> None:
        try:
            complete(cloud, cloud.connector.act(ref, action, token=token))
        except ConnectorError as error:
            if error.fault not in {Fault.NOT_FOUND, Fault.CONFLICT, Fault.INVALID, Fault.UNSUPPORTED}:
                raise
            log.info("nothing to undo", action=type(action).__name__, why=error.message)

    @activity.defn(name="machine.migrate", no_thread_cancel_exception=True)
    def migrate(self, order: JobOrder) -> None:
        """Move the machine to the host that was claimed for it."""
        with self._plant.step(order, "migrate") as step:
            with step.first() as tx:
                job, machine = self._target(tx, order.job_id)
                cloud, ref = self._at(step, machine)
                target = tx.session.get_one(Host, job.arguments["target_host"])
                copy = not shares_storage(tx.session.get_one(Provider, machine.provider_id))
            action = ports.Migrate(target.name, copy_storage=copy)
            complete(cloud, cloud.connector.act(ref, action, token=step_token(job.id, f"migrate/{target.id}")))
            seen = cloud.connector.observe(ref)
            with step.last() as tx:
                self._keep(tx, order.job_id, seen)

    @activity.defn(name="machine.settle-host", no_thread_cancel_exception=True)
    def settle_host(self, order: JobOrder) -> None:
        """After a failed move: the record says where the machine really is."""
        with self._plant.step(order, "undo migrate") as step:
            with step.first() as tx:
                _, machine = self._target(tx, order.job_id)
                cloud, ref = self._at(step, machine)
            seen = cloud.connector.observe(ref)
            with step.last() as tx:
                self._keep(tx, order.job_id, seen)

    @activity.defn(name="machine.delete", no_thread_cancel_exception=True)
    def delete(self, order: JobOrder) -> None:
        """Remove the machine for good; one that never came to be is gone already."""
        with self._plant.step(order, "delete") as step:
            self._remove_machine(step)
