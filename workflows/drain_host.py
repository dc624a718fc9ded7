"""Plan a migration for each machine on the host, and wait for all of them."""

from temporalio import workflow

from workflows.saga import Saga, carry_out

with workflow.unsafe.imports_passed_through():
    from sirocco.contracts import steps
    from sirocco.contracts.engine import JobOrder


@workflow.defn(name="DrainHost")
class DrainHost:
    """Plan a migration for each machine on the host, and wait for all of them."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._steps)

    async def _steps(self, saga: Saga) -> None:
        await saga.do(steps.HOST_PLAN_DRAIN)
        await saga.finish(steps.JOB_AWAIT_NESTED)
