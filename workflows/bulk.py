"""Let the nested jobs work, a few at a time, until all have ended."""

from temporalio import workflow

from workflows.saga import Saga, carry_out

with workflow.unsafe.imports_passed_through():
    from sirocco.contracts import steps
    from sirocco.contracts.engine import JobOrder


@workflow.defn(name="Bulk")
class Bulk:
    """Let the nested jobs work, a few at a time, until all have ended."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._steps)

    async def _steps(self, saga: Saga) -> None:
        await saga.finish(steps.JOB_AWAIT_NESTED)
