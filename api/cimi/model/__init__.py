"""The one resource model: every kind with its attributes. Formats, metadata, filters and routes are made from it."""

from api.cimi.model import common, machine, network, sirocco, volume
from api.cimi.model.attribute import BOTH, Attribute, collection, uri
from api.cimi.model.kind import Kind

_ALL = (*common.KINDS, *machine.KINDS, *volume.KINDS, *network.KINDS, *sirocco.KINDS)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
"""Every kind by name."""

_ENTRY_ORDER = (
    "ResourceMetadata",
    "Machine",
    "MachineTemplate",
    "MachineConfiguration",
    "MachineImage",
    "Credential",
    "CredentialTemplate",
    "Volume",
    "VolumeTemplate",
    "VolumeConfiguration",
    "VolumeImage",
    "Network",
    "NetworkTemplate",
    "NetworkConfiguration",
    "NetworkPort",
    "NetworkPortTemplate",
    "NetworkPortConfiguration",
    "Address",
    "AddressTemplate",
    "ProtocolSegment",
    "ProtocolEndpoint",
    "NetworkInterface",
    "Job",
    "EventLog",
    *(kind.name for kind in sirocco.KINDS),
)


def _entry(name: str) -> Attribute:
    kind = KINDS[name]
    return collection(kind.collection, name, versions=kind.versions)


ENTRY_POINT = Kind(
    "CloudEntryPoint",
    "cloudEntryPoint",
    "",
    (uri("baseURI"), *(_entry(name) for name in _ENTRY_ORDER)),
    description="Where everything begins.",
)
KINDS[ENTRY_POINT.name] = ENTRY_POINT

TOP_KINDS = tuple(KINDS[name] for name in _ENTRY_ORDER)
"""The kinds with a collection of their own at the entry point, in its order."""

VERSIONS = tuple(sorted(BOTH))
