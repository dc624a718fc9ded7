"""The namespaces of OVF and its dialects, and the short keys the reader works with.

Elements are matched by namespace, never by prefix (DSP0243 2.1, clause 6). The three envelope namespaces
count as one vocabulary, as do the allocation classes of CIM with and without ``.xsd`` at the end.
"""

from functools import lru_cache

ENVELOPE_09 = "http://www.vmware.com/schema/ovf/1/envelope"
ENVELOPE_1 = "http://schemas.dmtf.org/ovf/envelope/1"
ENVELOPE_2 = "http://schemas.dmtf.org/ovf/envelope/2"
ENVELOPES = {ENVELOPE_09: "0.9", ENVELOPE_1: "1.1", ENVELOPE_2: "2.0"}

CIM_CLASSES = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
RASD = CIM_CLASSES + "CIM_ResourceAllocationSettingData"
VSSD = CIM_CLASSES + "CIM_VirtualSystemSettingData"
# The other programs that know OVF 2 write and read these two with the ending, and only so.
EPASD = CIM_CLASSES + "CIM_EthernetPortAllocationSettingData.xsd"
SASD = CIM_CLASSES + "CIM_StorageAllocationSettingData.xsd"
CIM = "http://schemas.dmtf.org/wbem/wscim/1/common"
ENVIRONMENT = "http://schemas.dmtf.org/ovf/environment/1"
VMWARE = "http://www.vmware.com/schema/ovf"
VIRTUALBOX = "http://www.virtualbox.org/ovf/machine"
CLAUDIA = "http://schemas.telefonica.com/claudia/ovf"
VCLOUD = "http://www.vmware.com/vcloud/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XML = "http://www.w3.org/XML/1998/namespace"

ALLOCATION_CLASSES = frozenset(
    name.removesuffix(".xsd") + end for name in (RASD, VSSD, EPASD, SASD) for end in ("", ".xsd")
)

PREFIXES = {
    "rasd": RASD,
    "vssd": VSSD,
    "epasd": EPASD,
    "sasd": SASD,
    "cim": CIM,
    "vmw": VMWARE,
    "vbox": VIRTUALBOX,
    "rsrvr": CLAUDIA,
    "xsi": XSI,
}


def clark(namespace: str, name: str) -> str:
    """``{namespace}name``, the form lxml uses."""
    return f"{{{namespace}}}{name}"


@lru_cache(maxsize=4096)
def split(tag: str) -> tuple[str, str]:
    """Namespace (empty when there is none) and local name of a tag in Clark's form."""
    if tag.startswith("{"):
        namespace, _, local = tag[1:].partition("}")
        return namespace, local
    return "", tag


@lru_cache(maxsize=4096)
def key(tag: str) -> str:
    """The local name for the vocabularies of OVF and CIM, Clark's form for every other namespace."""
    namespace, local = split(tag)
    return local if namespace in ENVELOPES or namespace in ALLOCATION_CLASSES else tag


def is_vendor(namespace: str) -> bool:
    """Whether sections of this namespace are known additions of a vendor, kept without being asked."""
    return namespace in {VMWARE, VIRTUALBOX, CLAUDIA} or namespace.startswith(VCLOUD)
