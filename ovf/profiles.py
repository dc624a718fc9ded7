"""What targets can keep: named sets of features, and how each export target wants its packages.

vSphere 5 and 6.0 read version 1.1 with SHA-1 only; vSphere 6.5 to 8 refuse SHA-1; VirtualBox reads 1.x best.
"""

from dataclasses import dataclass
from enum import Enum

from ovf.convert import Target
from ovf.names import ENVELOPE_1, ENVELOPE_2


class Feature(Enum):
    """What a target may or may not be able to keep; the value says it for people."""

    SCALE_OUT = "numbers of copies"
    PLACEMENT = "placement groups"
    SHARED_DISKS = "disks shared between systems"
    BOOT_ORDER = "boot order"
    ENVIRONMENT_FILES = "extra files of the environment"
    ENCRYPTION = "encrypted parts"
    START_ORDER = "start-up order"
    RESOURCE_SHARES = "shared reservations of a collection"
    CONFIGURATIONS = "deployment options"
    ALTERNATIVES = "alternative hardware"
    RANGES = "ranges of amounts"
    PROPERTIES = "properties"
    PROPERTY_TYPES = "property types outside the standard"
    LICENCES = "licences"
    INSTALL = "installation boot"
    TRANSLATIONS = "translations"
    FOREIGN = "sections and elements of vendors"


@dataclass(frozen=True)
class Profile:
    """A target: what it keeps and, for targets that read OVF, how it is written.

    ``digest`` is the algorithm of the manifest, ``family`` the prefix of VirtualSystemType it accepts (any if
    empty) and ``system_type`` what is written where no alternative fits.
    """

    name: str
    features: frozenset[Feature]
    namespace: str = ENVELOPE_2
    digest: str = "SHA256"
    disks: frozenset[Target] = frozenset({Target.STREAM_OPTIMIZED})
    family: str = ""
    system_type: str = ""

    @property
    def disk(self) -> Target:
        """The format disks are written in."""
        return Target.QCOW2 if Target.QCOW2 in self.disks else Target.STREAM_OPTIMIZED


_EVERYTHING = frozenset(Feature)
_MODERN_ONLY = frozenset({Feature.SHARED_DISKS, Feature.BOOT_ORDER, Feature.ENVIRONMENT_FILES, Feature.ENCRYPTION})
_MIXED = frozenset({Feature.SCALE_OUT, Feature.PLACEMENT})
_CLASSIC = _EVERYTHING - _MODERN_ONLY - _MIXED

PROFILES = {
    profile.name: profile
    for profile in (
        Profile("ovf2", _EVERYTHING - {Feature.PROPERTY_TYPES}, disks=frozenset(Target)),
        Profile("vsphere5", _CLASSIC, ENVELOPE_1, "SHA1", family="vmx", system_type="vmx-07"),
        Profile("vsphere", _CLASSIC | _MIXED, ENVELOPE_1, "SHA256", family="vmx", system_type="vmx-13"),
        Profile(
            "virtualbox",
            _CLASSIC - {Feature.PROPERTY_TYPES},
            ENVELOPE_1,
            "SHA256",
            family="virtualbox",
            system_type="virtualbox-2.2",
        ),
        Profile("cloud", frozenset({Feature.FOREIGN, Feature.PROPERTIES, Feature.PROPERTY_TYPES})),
    )
}
EXPORTS = ("ovf2", "vsphere5", "vsphere", "virtualbox")
