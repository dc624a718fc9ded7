"""Every recorded history replays with today's workflows: what is under way survives an upgrade."""

import asyncio
import dataclasses
import json
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from sirocco.contracts import steps
from sirocco.contracts.engine import JobOrder
from workflows.catalogue import WORKFLOWS
from workflows.saga import Saga, carry_out

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))
CONVERTER = dataclasses.replace(
    DataConverter.default, failure_converter_class=DefaultFailureConverterWithEncodedAttributes
)
SCENARIOS = ("success", "failure", "stop")


def replay(path, workflows=WORKFLOWS):
    replayer = Replayer(workflows=workflows, data_converter=CONVERTER)
    history = WorkflowHistory.from_json(path.stem, path.read_text())
    asyncio.run(replayer.replay_workflow(history))


def test_every_workflow_has_its_histories():
    wanted = {f"{one.__name__}-{scenario}" for one in WORKFLOWS for scenario in SCENARIOS}
    assert {path.stem for path in HISTORIES} == wanted


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_history_replays(path):
    replay(path)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_history_holds_nothing_sealed_and_names_no_machine(path):
    text = path.read_text()
    assert "encryption-key-id" not in text
    assert json.loads(text)["events"]
    assert "/tmp" not in text


@workflow.defn(name="CreateMachine", sandboxed=False)
class Reordered:
    """Creates before it has placed."""

    @workflow.run
    async def run(self, order: JobOrder) -> None:
        await carry_out(order, self._steps)

    async def _steps(self, saga: Saga) -> None:
        await saga.do(steps.MACHINE_CREATE, undo=steps.MACHINE_REMOVE)
        await saga.do(steps.MACHINE_PLACE)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_reordered_steps_are_found_out(scenario):
    path = next(path for path in HISTORIES if path.stem == f"CreateMachine-{scenario}")
    with pytest.raises(NondeterminismError):
        replay(path, (Reordered,))
