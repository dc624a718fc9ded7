"""What Sirocco writes on a domain: token, name, how far its creation is, and the last action that must not repeat."""

from dataclasses import dataclass, replace

import libvirt

from sirocco.connectors.libvirt import xml
from sirocco.connectors.libvirt.records import Phase


@dataclass(frozen=True, slots=True)
class Note:
    """A machine's note; all empty for a stranger's machine."""

    token: str = ""
    name: str = ""
    phase: Phase = Phase.READY
    last: str = ""

    def at(self, phase: Phase) -> "Note":
        """The same machine in another phase."""
        return replace(self, phase=phase)

    def pack(self, *, bare: bool = False) -> str:
        """As XML."""
        return xml.metadata(self.token, self.name, self.phase.value, self.last, bare=bare)


def read(domain: libvirt.virDomain) -> Note:
    """The note on a domain."""
    try:
        text = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, xml.METADATA, 0)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            return Note()
        raise
    element = xml.parse(text)
    phase = Phase(element.get("phase") or Phase.READY)
    return Note(element.get("token") or "", element.get("name") or "", phase, element.get("last") or "")


def write(domain: libvirt.virDomain, note: Note) -> None:
    """Put a note on a domain, on its running and its stored form."""
    flags = libvirt.VIR_DOMAIN_AFFECT_CONFIG | (libvirt.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0)
    kind = libvirt.VIR_DOMAIN_METADATA_ELEMENT
    domain.setMetadata(kind, note.pack(bare=True), xml.METADATA_PREFIX, xml.METADATA, flags)
