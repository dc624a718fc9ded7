"""A workflow in a file of its own, as the sandbox imports the file anew for each run."""

from datetime import timedelta

from temporalio import workflow

_LIMIT = timedelta(seconds=10)


@workflow.defn(name="Empty")
class Empty:
    """Two activities that do nothing."""

    @workflow.run
    async def run(self) -> None:
        """Do nothing twice."""
        for _ in range(2):
            await workflow.execute_activity("nothing", start_to_close_timeout=_LIMIT)
