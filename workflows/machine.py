"""The life of a machine: create, act, resize, migrate, delete."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.saga import Saga, carry_out, elsewhere, shielded

with workflow.unsafe.imports_passed_through():
    from sirocco.contracts import steps
    from sirocco.contracts.engine import JobOrder, PlaceOrder

_HOSTS_TRIED = 3


@workflow.defn(name="CreateMachine")
class CreateMachine:
    """Choose a host, bring the image there, make the machine; a host that refuses is left out and another chosen."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._create)

    async def _create(self, saga: Saga) -> None:
        refused: list[str] = []
        while True:
            place = PlaceOrder(saga.order.job_id, tuple(refused))
            host = await saga.do(steps.MACHINE_PLACE, undo=steps.MACHINE_REMOVE, argument=place)
            try:
                await saga.finish(steps.MACHINE_CREATE)
            except ActivityError as error:
                if not elsewhere(error) or len(refused) + 1 >= _HOSTS_TRIED:
                    raise
                refused.append(host)
                await shielded(saga.undo())
            else:
                return


@workflow.defn(name="CreateMachineWithVolumes")
class CreateMachineWithVolumes:
    """Choose a host, let the nested jobs make the volumes there, then make the machine."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._create)

    async def _create(self, saga: Saga) -> None:
        place = PlaceOrder(saga.order.job_id)
        await saga.do(steps.MACHINE_PLACE, undo=steps.MACHINE_DROP_VOLUMES, argument=place)
        await saga.do(steps.JOB_AWAIT_NESTED, undo=steps.MACHINE_REMOVE)
        await saga.finish(steps.MACHINE_CREATE)


@workflow.defn(name="ActOnMachine")
class ActOnMachine:
    """One action on a machine at its provider."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._act)

    async def _act(self, saga: Saga) -> None:
        await saga.finish(steps.MACHINE_PERFORM, undo=steps.MACHINE_REVERT)


@workflow.defn(name="ResizeMachine")
class ResizeMachine:
    """Claim the larger size on the host, then resize."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._resize)

    async def _resize(self, saga: Saga) -> None:
        await saga.do(steps.MACHINE_CLAIM_SIZE)
        await saga.finish(steps.MACHINE_PERFORM, undo=steps.MACHINE_REVERT)


@workflow.defn(name="MigrateMachine")
class MigrateMachine:
    """Claim capacity on another host, move there, give the old capacity back."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._migrate)

    async def _migrate(self, saga: Saga) -> None:
        place = PlaceOrder(saga.order.job_id)
        await saga.do(steps.MACHINE_PLACE_TARGET, undo=steps.MACHINE_SETTLE_HOST, argument=place)
        await saga.finish(steps.MACHINE_MIGRATE)


@workflow.defn(name="DeleteMachine")
class DeleteMachine:
    """Remove a machine; tried until it is gone, since half a deletion helps nobody."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._delete)

    async def _delete(self, saga: Saga) -> None:
        await saga.finish(steps.MACHINE_DELETE)
