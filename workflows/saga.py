"""Steps with their undoing: what every lifecycle does when it fails or is stopped.

The undoing is registered before its step runs, since a step that failed may have happened; it does nothing when there
is nothing to undo; and it is shielded from a second stop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from sirocco.contracts import steps
    from sirocco.contracts.engine import JobFailure, JobOrder
    from sirocco.contracts.steps import Step

_FIRST_WAIT = timedelta(milliseconds=500)
_LONGEST_WAIT = timedelta(seconds=15)


async def run(step: Step, argument: Any) -> Any:
    """Carry out one step with its own limits."""
    retries = RetryPolicy(initial_interval=_FIRST_WAIT, maximum_interval=_LONGEST_WAIT, maximum_attempts=step.tries)
    if step.local:
        return await workflow.execute_local_activity(
            step.name, argument, schedule_to_close_timeout=step.limit, retry_policy=retries
        )
    return await workflow.execute_activity(
        step.name,
        argument,
        task_queue=step.queue,
        schedule_to_close_timeout=step.limit,
        start_to_close_timeout=step.once,
        heartbeat_timeout=step.heartbeat,
        retry_policy=retries,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )


class Saga:
    """One job's steps so far, and what would undo them."""

    def __init__(self, order: JobOrder) -> None:
        self.order = order
        self._undoing: list[Step] = []

    async def do(self, step: Step, *, undo: Step | None = None, argument: Any = None) -> Any:
        """Run a step; ``undo`` is run should this or a later step fail."""
        if undo is not None and undo not in self._undoing:
            self._undoing.append(undo)
        return await run(step, argument or self.order)

    async def finish(self, step: Step, *, undo: Step | None = None) -> None:
        """Run the job's last step: the success of the job is written with its own, or not at all."""
        await self.do(step, undo=undo, argument=replace(self.order, final=True))

    async def undo(self) -> None:
        """Undo in reverse, and forget what was undone."""
        while self._undoing:
            await run(self._undoing[-1], self.order)
            self._undoing.pop()


async def carry_out(order: JobOrder, lifecycle: Callable[[Saga], Awaitable[None]]) -> None:
    """Run a lifecycle, which ends with ``finish``; when it fails or is stopped, undo it and write that outcome."""
    saga = Saga(order)
    try:
        await lifecycle(saga)
    except BaseException as error:
        if not (isinstance(error, ActivityError) or is_cancelled_exception(error)):
            raise  # evictions and bugs of ours never compensate
        await shielded(saga.undo())
        await shielded(_conclude(order, error))
        raise


async def _conclude(order: JobOrder, error: BaseException) -> None:
    if is_cancelled_exception(error):
        await run(steps.JOB_STOPPED, order)
    else:
        await run(steps.JOB_FAILED, failure(order, error))


async def shielded(work: Coroutine[Any, Any, Any]) -> None:
    """Finish ``work`` whatever stops arrive meanwhile."""
    task = asyncio.create_task(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
    task.result()


def failure(order: JobOrder, error: BaseException) -> JobFailure:
    """The problem behind an activity's failure, as the catalogue names it."""
    cause = error.__cause__
    if isinstance(cause, ApplicationError) and cause.details:
        return JobFailure(order.job_id, cause.type or "engine-failed", dict(cause.details[0]))
    if isinstance(cause, ApplicationError):
        why = "Sirocco met an error of its own: {error}"
        return JobFailure(order.job_id, "engine-failed", {"why": why, "error": cause.message})
    return JobFailure(order.job_id, "provider-silent", {"provider": order.provider_id or "-"})


def elsewhere(error: ActivityError) -> bool:
    """Whether another host may do what this one refused."""
    cause = error.__cause__
    return isinstance(cause, ApplicationError) and bool(cause.details) and cause.details[0].get("elsewhere") == "yes"
