"""Remove a machine; tried until it is gone, since half a deletion helps nobody."""

from temporalio import workflow

from workflows.saga import Saga, carry_out

with workflow.unsafe.imports_passed_through():
    from sirocco.contracts import steps
    from sirocco.contracts.engine import JobOrder


@workflow.defn(name="DeleteMachine")
class DeleteMachine:
    """Remove a machine; tried until it is gone, since half a deletion helps nobody."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._delete)

    async def _delete(self, saga: Saga) -> None:
        await saga.finish(steps.MACHINE_DELETE)
