"""Claim the larger size on the host, then resize."""

from temporalio import workflow

from workflows.saga import Saga, carry_out

with workflow.unsafe.imports_passed_through():
    from sirocco.contracts import steps
    from sirocco.contracts.engine import JobOrder


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
