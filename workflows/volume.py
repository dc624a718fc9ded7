"""The life of a volume: create, grow, capture, delete."""

from temporalio import workflow

from workflows.saga import Saga, carry_out

with workflow.unsafe.imports_passed_through():
    from sirocco.contracts import steps
    from sirocco.contracts.engine import JobOrder


@workflow.defn(name="CreateVolume")
class CreateVolume:
    """Choose where the volume lies, then make it."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._steps)

    async def _steps(self, saga: Saga) -> None:
        await saga.do(steps.VOLUME_PLACE, undo=steps.VOLUME_REMOVE)
        await saga.finish(steps.VOLUME_CREATE)


@workflow.defn(name="ActOnVolume")
class ActOnVolume:
    """Grow a volume."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._steps)

    async def _steps(self, saga: Saga) -> None:
        await saga.finish(steps.VOLUME_GROW)


@workflow.defn(name="CaptureVolume")
class CaptureVolume:
    """Copy a volume's content into an image."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._steps)

    async def _steps(self, saga: Saga) -> None:
        await saga.finish(steps.VOLUME_CAPTURE, undo=steps.VOLUME_UNCAPTURE)


@workflow.defn(name="DeleteVolume")
class DeleteVolume:
    """Remove a volume."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        """Carry out the job."""
        await carry_out(order, self._steps)

    async def _steps(self, saga: Saga) -> None:
        await saga.finish(steps.VOLUME_DELETE)
