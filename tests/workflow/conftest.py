"""Workflows on the real engine in virtual time, with steps of the test's own."""

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from sirocco.contracts.engine import PLACEMENT_QUEUE, TASK_QUEUE
from sirocco.ops.settings import load
from sirocco.ops.temporal_server import program
from workflows.catalogue import WORKFLOWS


class Script:
    """Steps that answer as a test says: a value, an error, or a function; each call is noted by name.

    ``final`` has the steps that were asked to write the job's success.
    """

    def __init__(self, **answers):
        self.answers, self.calls, self.final = answers, [], []
        self.called = defaultdict(asyncio.Event)

    def activities(self, names):
        return [self._step(name) for name in names]

    def _step(self, name):
        @activity.defn(name=name)
        async def step(argument: dict) -> str | None:
            self.calls.append(name)
            self.final += [name] if argument.get("final") else []
            self.called[name].set()
            answer = self.answers.get(name.replace(".", "_").replace("-", "_"))
            if isinstance(answer, list):
                answer = answer.pop(0) if answer else None
            if isinstance(answer, Exception):
                raise answer
            return await answer() if callable(answer) else answer

        return step


def refused(*, elsewhere="no", again=False):
    details = {"provider": "p1", "why": "because", "elsewhere": elsewhere}
    return ApplicationError("because", details, type="provider-failed", non_retryable=not again)


@asynccontextmanager
async def an_engine():
    """The only place that knows which virtual-time API is in use."""
    flags = ["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"]
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=program(load()),
        dev_server_extra_args=flags,
        data_converter=pydantic_data_converter,
    ) as environment:
        yield environment


@asynccontextmanager
async def a_worker(client, script, names):
    steps = script.activities(names)
    async with (
        Worker(client, task_queue=TASK_QUEUE, workflows=WORKFLOWS, activities=steps),
        Worker(client, task_queue=PLACEMENT_QUEUE, activities=steps),
    ):
        yield


@pytest.fixture
def run():
    return asyncio.run


@pytest.fixture
def histories():
    return Path(__file__).resolve().parents[1] / "replay" / "histories"
