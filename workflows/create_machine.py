"""Choose a host, bring the image there, make the machine; a host that refuses is left out and another chosen."""

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
