"""All activities, by the queue that serves them."""

from collections.abc import Callable
from typing import Any

from activities.calls import Plant
from activities.images import ImageSteps
from activities.imports import ImportSteps
from activities.machines import MachineSteps
from activities.many import ManySteps
from activities.networks import NetworkSteps
from activities.placement import PlacementSteps
from activities.records import RecordSteps
from activities.volumes import VolumeSteps
from sirocco.images.intake import Intake

Activities = list[Callable[..., Any]]


def work(plant: Plant, intake: Intake) -> Activities:
    """What the workers of the main queue do."""
    rooms = (MachineSteps, VolumeSteps, ImageSteps, NetworkSteps, ManySteps, RecordSteps)
    return [*ImportSteps(plant, intake).all(), *(step for room in rooms for step in room(plant).all())]


def choices(plant: Plant) -> Activities:
    """What the solver does."""
    return PlacementSteps(plant).all()
