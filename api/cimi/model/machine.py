"""Machines and what they are made from (DSP0263 2.0.0, 5.14)."""

from api.cimi.model.attribute import (
    KB,
    KIB,
    ONLY_1,
    ONLY_2,
    Access,
    collection,
    integer,
    reference,
    structure,
    text,
    uri,
)
from api.cimi.model.kind import SHARED, Kind
from sirocco.contracts.states import ImageState, MachineState

CREATE, EDIT = Access.CREATE, Access.EDIT
_STATES = tuple(MachineState)
_INITIAL = ("STARTED", "STOPPED", "PAUSED")
_LOCATION = text("initialLocation", access=EDIT, longest=64, flat=True, description="Device name inside the machine.")

MACHINE = Kind(
    "Machine",
    "machines",
    "machines",
    (
        text("state", column="state", values=_STATES),
        integer("cpu", column="cpu", access=EDIT, kept=True, minimum=1, maximum=1024),
        integer(
            "memory", column="memory", factor=KIB, access=EDIT, kept=True, minimum=1, maximum=1 << 36, description="KiB"
        ),
        collection("disks", "Disk"),
        text("cpuArch", column="architecture"),
        collection("volumes", "MachineVolume", versions=ONLY_1),
        collection("volumes", "locatedVolume", versions=ONLY_2),
        collection("networkInterfaces", "MachineNetworkInterface", versions=ONLY_1),
        collection("interfaces", "NetworkInterface", versions=ONLY_2),
        reference("latestSnapshot", "MachineImage", column="latest_snapshot_id"),
        collection("snapshots", "MachineSnapshot", versions=ONLY_1),
        collection("snapshots", "MachineImage", versions=ONLY_2),
        reference("eventLog", "EventLog"),
        reference("resourceMetadata", "ResourceMetadata", versions=ONLY_2),
        reference("sirocco_image", "MachineImage", column="image_id", description="What it was made from."),
        reference("sirocco_credential", "Credential", column="credential_id"),
        reference("sirocco_provider", "Provider", column="provider_id", description="Where it runs."),
        reference("sirocco_host", "Host", column="host_id", description="Shown to operators."),
        reference("sirocco_job", "Job", column="job_id", description="The job that is acting on it."),
        text("sirocco_fault", column="fault", description="Why it is in ERROR."),
    ),
    template="machineTemplate",
    description="A virtual machine.",
)

DISK = Kind(
    "Disk",
    "",
    "disks",
    (
        uri("id", column="id", foreign=True),
        integer("capacity", column="capacity", factor=KB, minimum=1, description="kB"),
        text("initialLocation", column="initial_location"),
    ),
    common=False,
    description="A disk that lives and dies with its machine.",
)

MACHINE_VOLUME = Kind(
    "MachineVolume",
    "",
    "machineVolumes",
    (
        text("initialLocation", column="device", access=CREATE, longest=64),
        reference("volume", "Volume", column="volume_id", access=CREATE, required=True),
    ),
    versions=ONLY_1,
    description="A volume attached to a machine; deleting it detaches the volume.",
)

MACHINE_NETWORK_INTERFACE = Kind(
    "MachineNetworkInterface",
    "",
    "machineNetworkInterfaces",
    (
        collection("addresses", "MachineNetworkInterfaceAddress"),
        reference("network", "Network", column="network_id", access=CREATE, description="Or a port on it."),
        reference("networkPort", "NetworkPort", access=CREATE),
        text("state"),
        text("macAddress", column="mac"),
        integer("mtu"),
        reference("sirocco_address", "Address", access=CREATE, description="A fixed address to use."),
    ),
    versions=ONLY_1,
    description="An interface of a machine on a network.",
)

MACHINE_NETWORK_INTERFACE_ADDRESS = Kind(
    "MachineNetworkInterfaceAddress",
    "",
    "machineNetworkInterfaceAddresses",
    (reference("address", "Address", column="address_id"),),
    versions=ONLY_1,
    description="An address of an interface.",
)

MACHINE_SNAPSHOT = Kind(
    "MachineSnapshot",
    "",
    "machineSnapshots",
    (reference("snapshot", "MachineImage", element="shapshot"),),  # codespell:ignore shapshot
    operations_inlined=False,
    versions=ONLY_1,
    description="A snapshot of a machine.",
)

MACHINE_IMAGE = Kind(
    "MachineImage",
    "machineImages",
    "machineImages",
    (
        text("state", column="state", values=tuple(ImageState)),
        text("type", column="type", access=CREATE, values=("IMAGE", "SNAPSHOT", "PARTIAL_SNAPSHOT")),
        uri("imageLocation", column="location", access=CREATE, longest=4096),
        reference("relatedImage", "MachineImage", column="related_image_id"),
        text("sirocco_format", column="format", access=CREATE, longest=16, description="Of an image that is fetched."),
        text("sirocco_digest", access=CREATE, longest=160, description="sha256: or sha512: of what is fetched."),
        integer("sirocco_capacity", column="capacity", factor=KB, description="kB"),
        reference("sirocco_machine", "Machine", column="machine_id", description="The machine a snapshot is of."),
        SHARED,
        reference("sirocco_job", "Job", column="job_id"),
        text("sirocco_fault", column="fault"),
    ),
    description="What machines boot from, or a snapshot of one.",
)

MACHINE_CONFIGURATION = Kind(
    "MachineConfiguration",
    "machineConfigs",
    "machineConfigurations",
    (
        integer("cpu", access=EDIT, minimum=1, maximum=1024),
        integer("memory", access=EDIT, minimum=1, maximum=1 << 36, description="KiB"),
        structure(
            "disks",
            integer("capacity", access=EDIT, required=True, minimum=1, maximum=1 << 50, always=True, description="kB"),
            text("format", access=EDIT, longest=16, always=True),
            text("initialLocation", access=EDIT, longest=64),
            many=True,
            element="disk",
            access=EDIT,
        ),
        text("cpuArch", access=EDIT, longest=16),
        integer("cpuSpeed", access=EDIT, minimum=1, maximum=1_000_000, description="MHz"),
        SHARED,
    ),
    description="Sizes for machines.",
)

MACHINE_TEMPLATE = Kind(
    "MachineTemplate",
    "machineTemplates",
    "machineTemplates",
    (
        text("initialState", access=EDIT, values=_INITIAL),
        reference("machineConfig", "MachineConfiguration", access=EDIT, embeddable=True),
        reference("machineImage", "MachineImage", access=EDIT),
        reference("credential", "Credential", access=EDIT, embeddable=True),
        reference("volumes", "Volume", access=EDIT, many=True, element="volume", parts=(_LOCATION,)),
        reference(
            "volumeTemplates",
            "VolumeTemplate",
            access=EDIT,
            many=True,
            element="volumeTemplate",
            embeddable=True,
            parts=(_LOCATION,),
        ),
        structure(
            "networkInterfaces",
            reference("addresses", "Address", access=EDIT, many=True, element="address"),
            reference("network", "Network", access=EDIT, always=True),
            reference("networkPort", "NetworkPort", access=EDIT, description="Its network need not be named then."),
            text("state", access=EDIT, longest=16, always=True),
            many=True,
            element="networkInterface",
            access=EDIT,
        ),
        text("userData", access=EDIT, longest=90_000, description="Base64 (RFC 4648) of what the machine is given."),
        reference("sirocco_provider", "Provider", access=EDIT, description="Run it there."),
        reference("sirocco_host", "Host", access=EDIT, description="Operators only."),
        SHARED,
    ),
    description="How to make a machine.",
)

KINDS = (
    MACHINE,
    MACHINE_TEMPLATE,
    MACHINE_CONFIGURATION,
    MACHINE_IMAGE,
    DISK,
    MACHINE_VOLUME,
    MACHINE_NETWORK_INTERFACE,
    MACHINE_NETWORK_INTERFACE_ADDRESS,
    MACHINE_SNAPSHOT,
)
