"""Volumes and what they are made from (DSP0263 2.0.0, 5.15)."""

from api.cimi.model.attribute import KB, ONLY_1, ONLY_2, Access, boolean, collection, integer, reference, text, uri
from api.cimi.model.kind import SHARED, Kind
from sirocco.contracts.states import ImageState, VolumeState

CREATE, EDIT = Access.CREATE, Access.EDIT

_VOLUME = (
    text("state", column="state", values=tuple(VolumeState)),
    uri("type", column="type"),
    integer(
        "capacity", column="capacity", factor=KB, access=EDIT, kept=True, minimum=1, maximum=1 << 50, description="kB"
    ),
    boolean("bootable", column="bootable"),
    collection("images", "VolumeVolumeImage", versions=ONLY_1),
    collection("images", "VolumeImage", versions=ONLY_2),
    reference("eventLog", "EventLog"),
    reference("resourceMetadata", "ResourceMetadata", versions=ONLY_2),
    reference("sirocco_machine", "Machine", description="The machine it is attached to."),
    reference("sirocco_provider", "Provider", column="provider_id"),
    reference("sirocco_job", "Job", column="job_id"),
    text("sirocco_fault", column="fault"),
)

VOLUME = Kind("Volume", "volumes", "volumes", _VOLUME, template="volumeTemplate", description="A disk of its own.")

LOCATED_VOLUME = Kind(
    "locatedVolume",
    "",
    "locatedVolume",
    (text("initialLocation", access=CREATE, longest=64), reference("volume", "Volume", access=CREATE, required=True)),
    versions=ONLY_2,
    description="A volume as a machine sees it.",
)

VOLUME_VOLUME_IMAGE = Kind(
    "VolumeVolumeImage",
    "",
    "volumeVolumeImages",
    (reference("volumeImage", "VolumeImage"),),
    operations_inlined=False,
    versions=ONLY_1,
    description="An image made of a volume.",
)

VOLUME_TEMPLATE = Kind(
    "VolumeTemplate",
    "volumeTemplates",
    "volumeTemplates",
    (
        reference("volumeConfig", "VolumeConfiguration", access=EDIT, embeddable=True),
        reference("volumeImage", "VolumeImage", access=EDIT),
        reference("sirocco_provider", "Provider", access=EDIT, description="Keep it there."),
        SHARED,
    ),
    description="How to make a volume.",
)

VOLUME_CONFIGURATION = Kind(
    "VolumeConfiguration",
    "volumeConfigs",
    "volumeConfigurations",
    (
        uri("type", access=EDIT, longest=255),
        text("format", access=EDIT, longest=16, description="File system; absent: none."),
        integer("capacity", access=EDIT, minimum=1, maximum=1 << 50, description="kB"),
        SHARED,
    ),
    description="Sizes for volumes.",
)

VOLUME_IMAGE = Kind(
    "VolumeImage",
    "volumeImages",
    "volumeImages",
    (
        text("state", column="state", values=tuple(ImageState)),
        uri("imageLocation", column="location", access=CREATE, longest=4096),
        boolean("bootable", column="bootable", access=CREATE),
        integer("sirocco_capacity", column="capacity", factor=KB, description="kB"),
        reference("sirocco_volume", "Volume", column="volume_id", description="The volume it was made of."),
        reference("sirocco_job", "Job", column="job_id"),
        text("sirocco_fault", column="fault"),
    ),
    description="The content of a volume at one moment.",
)

KINDS = (VOLUME, VOLUME_TEMPLATE, VOLUME_CONFIGURATION, VOLUME_IMAGE, VOLUME_VOLUME_IMAGE, LOCATED_VOLUME)
