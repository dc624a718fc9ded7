"""All workflows that a worker serves."""

from workflows.act_on_machine import ActOnMachine
from workflows.act_on_network import ActOnNetwork
from workflows.act_on_volume import ActOnVolume
from workflows.bulk import Bulk
from workflows.capture_volume import CaptureVolume
from workflows.create_machine import CreateMachine
from workflows.create_machine_with_volumes import CreateMachineWithVolumes
from workflows.create_network import CreateNetwork
from workflows.create_volume import CreateVolume
from workflows.delete_image import DeleteImage
from workflows.delete_machine import DeleteMachine
from workflows.delete_network import DeleteNetwork
from workflows.delete_volume import DeleteVolume
from workflows.delete_volume_image import DeleteVolumeImage
from workflows.drain_host import DrainHost
from workflows.import_image import ImportImage
from workflows.migrate_machine import MigrateMachine
from workflows.resize_machine import ResizeMachine

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
