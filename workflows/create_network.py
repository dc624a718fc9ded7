"""Make a network and bring it to its initial state."""

from temporalio import workflow

from workflows.saga import Saga, carry_out

with workflow.unsafe.imports_passed_through():
    from sirocco.contracts import steps
    from sirocco.contracts.engine import JobOrder


@workflow.defn(name="CreateNetwork")
class CreateNetwork:
    """Make a network and bring it to its initial state."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._steps)

    async def _steps(self, saga: Saga) -> None:
        await saga.finish(steps.NETWORK_CREATE, undo=steps.NETWORK_REMOVE)
