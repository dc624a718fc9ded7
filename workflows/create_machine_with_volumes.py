"""Choose a host, let the nested jobs make the volumes there, then make the machine."""

from temporalio import workflow

from workflows.saga import Saga, carry_out

with workflow.unsafe.imports_passed_through():
    from sirocco.contracts import steps
    from sirocco.contracts.engine import JobOrder, PlaceOrder


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
