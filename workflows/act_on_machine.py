"""One action on a machine at its provider."""

from temporalio import workflow

from workflows.saga import Saga, carry_out

with workflow.unsafe.imports_passed_through():
    from sirocco.contracts import steps
    from sirocco.contracts.engine import JobOrder


@workflow.defn(name="ActOnMachine")
class ActOnMachine:
    """One action on a machine at its provider."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._act)

    async def _act(self, saga: Saga) -> None:
        await saga.finish(steps.MACHINE_PERFORM, undo=steps.MACHINE_REVERT)
