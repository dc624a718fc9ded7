"""Virtual hardware as CIM allocation settings (DSP0243 2.1, clause 8)."""
# ruff: noqa: RUF009 -- the calls declare fields, as dataclasses.field does

from dataclasses import dataclass
from enum import IntEnum

from ovf.fields import U16, Flag, Whole, Words, attribute, child, children, leaf, leaves
from ovf.parts import Part, Section


class ResourceType(IntEnum):
    """CIM_ResourceAllocationSettingData.ResourceType, as OVF uses it."""

    OTHER = 1
    COMPUTER_SYSTEM = 2
    PROCESSOR = 3
    MEMORY = 4
    IDE_CONTROLLER = 5
    PARALLEL_SCSI = 6
    FC_HBA = 7
    ISCSI_HBA = 8
    IB_HCA = 9
    ETHERNET_ADAPTER = 10
    OTHER_NETWORK_ADAPTER = 11
    IO_SLOT = 12
    IO_DEVICE = 13
    FLOPPY_DRIVE = 14
    CD_DRIVE = 15
    DVD_DRIVE = 16
    DISK_DRIVE = 17
    TAPE_DRIVE = 18
    STORAGE_EXTENT = 19
    OTHER_STORAGE_DEVICE = 20
    SERIAL_PORT = 21
    PARALLEL_PORT = 22
    USB_CONTROLLER = 23
    GRAPHICS_CONTROLLER = 24
    IEEE_1394_CONTROLLER = 25
    PARTITIONABLE_UNIT = 26
    BASE_PARTITIONABLE_UNIT = 27
    POWER = 28
    COOLING = 29
    ETHERNET_SWITCH_PORT = 30
    LOGICAL_DISK = 31
    STORAGE_VOLUME = 32
    ETHERNET_CONNECTION = 33
    NON_VOLATILE_MEMORY = 34
    SOUND_CARD = 35


DISKS = frozenset({ResourceType.DISK_DRIVE, ResourceType.LOGICAL_DISK, ResourceType.STORAGE_VOLUME})
REMOVABLE = frozenset({ResourceType.FLOPPY_DRIVE, ResourceType.CD_DRIVE, ResourceType.DVD_DRIVE})
STORAGE = DISKS | REMOVABLE
CONTROLLERS = frozenset(
    {
        ResourceType.IDE_CONTROLLER,
        ResourceType.PARALLEL_SCSI,
        ResourceType.FC_HBA,
        ResourceType.ISCSI_HBA,
        ResourceType.OTHER_STORAGE_DEVICE,
        ResourceType.USB_CONTROLLER,
    }
)


class Group(IntEnum):
    """The lists OVF 2.x sorts devices into: Item, StorageItem, EthernetPortItem, in this order."""

    PLAIN = 0
    STORAGE = 1
    PORT = 2


@dataclass(frozen=True)
class Item(Part):
    """A device or an amount (RASD, SASD or EPASD; clause 8.3).

    Quantities, reservations and limits are whole numbers of ``allocation_units``; a processor's quantity is a count.
    """

    required: bool = attribute("required", Flag(), default=True)
    configuration: tuple[str, ...] = attribute("configuration", Words(","), ())
    bound: str = attribute("bound")
    address: str = leaf("Address")
    address_on_parent: str = leaf("AddressOnParent")
    allocation_units: str = leaf("AllocationUnits")
    automatic_allocation: bool | None = leaf("AutomaticAllocation", Flag(), None)
    automatic_deallocation: bool | None = leaf("AutomaticDeallocation", Flag(), None)
    caption: str = leaf("Caption")
    changeable_type: str = leaf("ChangeableType")
    configuration_name: str = leaf("ConfigurationName")
    connections: tuple[str, ...] = leaves("Connection")
    consumer_visibility: str = leaf("ConsumerVisibility")
    description: str = leaf("Description")
    element_name: str = leaf("ElementName")
    generation: str = leaf("Generation")
    host_resources: tuple[str, ...] = leaves("HostResource")
    instance_id: str = leaf("InstanceID")
    limit: int | None = leaf("Limit", Whole(), None)
    mapping_behavior: str = leaf("MappingBehavior")
    other_resource_type: str = leaf("OtherResourceType")
    parent: str = leaf("Parent")
    pool_id: str = leaf("PoolID")
    reservation: int | None = leaf("Reservation", Whole(), None)
    resource_subtypes: tuple[str, ...] = leaf("ResourceSubType", Words(",;"), ())
    resource_type: int | None = leaf("ResourceType", Whole(0, U16), None)
    virtual_quantity: int | None = leaf("VirtualQuantity", Whole(), None)
    virtual_quantity_units: str = leaf("VirtualQuantityUnits")
    weight: int | None = leaf("Weight", Whole(), None)

    @property
    def group(self) -> "Group":
        """Which of the three lists of OVF 2.x the item belongs to."""
        if self.resource_type in STORAGE:
            return Group.STORAGE
        return Group.PORT if self.resource_type == ResourceType.ETHERNET_ADAPTER else Group.PLAIN


@dataclass(frozen=True)
class System(Part):
    """The family of virtual hardware a section is made for (VSSD; clause 8.1)."""

    caption: str = leaf("Caption")
    description: str = leaf("Description")
    element_name: str = leaf("ElementName")
    instance_id: str = leaf("InstanceID")
    identifier: str = leaf("VirtualSystemIdentifier")
    types: tuple[str, ...] = leaf("VirtualSystemType", Words(",;"), ())


@dataclass(frozen=True)
class HardwareSection(Section):
    """One of the alternatives for a system's virtual hardware (clause 8.1).

    ``items`` come in the order of OVF 2.x: amounts and controllers, then storage, then network ports.
    """

    id: str = attribute("id")
    transport: tuple[str, ...] = attribute("transport", Words(","), ())
    system: System | None = child("System", lambda: System)
    items: tuple[Item, ...] = children("Item", lambda: Item)


@dataclass(frozen=True)
class ResourceAllocationSection(Section):
    """What the systems of a collection share (clause 9.3)."""

    items: tuple[Item, ...] = children("Item", lambda: Item)
