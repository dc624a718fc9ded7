"""Remove a volume image."""

from temporalio import workflow

from workflows.saga import Saga, carry_out

with workflow.unsafe.imports_passed_through():
    from sirocco.contracts import steps
    from sirocco.contracts.engine import JobOrder


@workflow.defn(name="DeleteVolumeImage")
class DeleteVolumeImage:
    """Remove a volume image."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._steps)

    async def _steps(self, saga: Saga) -> None:
        await saga.finish(steps.IMAGE_DELETE)
