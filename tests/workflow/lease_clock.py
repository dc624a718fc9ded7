"""A workflow whose clock drives the lease scheduler: nothing in it but the library and the workflow's own time."""

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from placement.leases import Kind, NodeGroup, Request, Scheduler, Settings, Suspension, equal_hosts, resources


@workflow.defn(name="LeaseClock")
class LeaseClock:
    """A lease of an hour that gives way to another for half an hour, both asked for at the start."""

    @workflow.run
    async def run(self) -> list[str]:
        """What happened when, in seconds from the start."""
        begun, full = workflow.now(), resources(cpu=100, memory=1024)
        scheduler = Scheduler(equal_hosts(4, full), Settings(suspension=Suspension.ALL))
        scheduler.submit(Request("low", Kind.BEST_EFFORT, (NodeGroup(1, full),), 3600, preemptible=True), now=0)
        scheduler.submit(Request("high", Kind.ADVANCE, (NodeGroup(4, full),), 1800, start=1800), now=0)
        while (due := scheduler.next_time()) is not None:
            passed = (workflow.now() - begun).total_seconds()
            await asyncio.sleep(max(due - passed, 0.001))
            scheduler.tick(round((workflow.now() - begun).total_seconds()))
        return [f"{event.time} {event.lease} {event.happening.name}" for event in scheduler.take_events()]
