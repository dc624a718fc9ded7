"""All workflows that a worker serves."""

from workflows.image import DeleteImage, DeleteVolumeImage, ImportImage
from workflows.machine import (
    ActOnMachine,
    CreateMachine,
    CreateMachineWithVolumes,
    DeleteMachine,
    MigrateMachine,
    ResizeMachine,
)
from workflows.many import Bulk, DrainHost
from workflows.network import ActOnNetwork, CreateNetwork, DeleteNetwork
from workflows.volume import ActOnVolume, CaptureVolume, CreateVolume, DeleteVolume

WORKFLOWS: tuple[type, ...] = (
    ActOnMachine,
    ActOnNetwork,
    ActOnVolume,
    Bulk,
    CaptureVolume,
    CreateMachine,
    CreateMachineWithVolumes,
    CreateNetwork,
    CreateVolume,
    DeleteImage,
    DeleteMachine,
    DeleteNetwork,
    DeleteVolume,
    DeleteVolumeImage,
    DrainHost,
    ImportImage,
    MigrateMachine,
    ResizeMachine,
)
