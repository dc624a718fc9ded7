"""Claim capacity on another host, move there, give the old capacity back."""

from temporalio import workflow

from workflows.saga import Saga, carry_out

with workflow.unsafe.imports_passed_through():
    from sirocco.contracts import steps
    from sirocco.contracts.engine import JobOrder, PlaceOrder


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
