"""Networks: ports and addresses in /1, segments, endpoints and interfaces in /2 (DSP0263 2.0.0, 5.16)."""

from dataclasses import replace

from api.cimi.model.attribute import (
    ONLY_1,
    ONLY_2,
    Access,
    boolean,
    collection,
    integer,
    mapping,
    reference,
    text,
)
from api.cimi.model.kind import SHARED, Kind
from sirocco.contracts.states import NetworkState

CREATE, EDIT = Access.CREATE, Access.EDIT
_STATES = tuple(NetworkState)
_MTU = {"minimum": 68, "maximum": 65535}
_CIDR = text("sirocco_cidr", access=EDIT, longest=43, description="IPv4 range in CIDR notation; absent: chosen.")
_NAT = boolean("sirocco_nat", access=EDIT, description="Whether machines on it reach the outside.")

NETWORK = Kind(
    "Network",
    "networks",
    "networks",
    (
        text("state", column="state", values=_STATES),
        text("networkType", column="network_type", versions=ONLY_1),
        integer("mtu", column="mtu", versions=ONLY_1),
        text("classOfService", column="class_of_service", access=EDIT, longest=64, versions=ONLY_1),
        collection("networkPorts", "NetworkNetworkPort", versions=ONLY_1),
        collection("segments", "ProtocolSegment", versions=ONLY_2),
        reference("eventLog", "EventLog"),
        reference("resourceMetadata", "ResourceMetadata", versions=ONLY_2),
        text("sirocco_cidr", column="cidr"),
        boolean("sirocco_nat", column="nat"),
        replace(SHARED, access=CREATE),
        reference("sirocco_provider", "Provider", column="provider_id"),
        reference("sirocco_job", "Job", column="job_id"),
        text("sirocco_fault", column="fault"),
    ),
    template="networkTemplate",
    description="A network.",
)

NETWORK_NETWORK_PORT = Kind(
    "NetworkNetworkPort",
    "",
    "networkPorts",
    (reference("networkPort", "NetworkPort"),),
    operations_inlined=False,
    versions=ONLY_1,
    description="A port of a network.",
)

NETWORK_TEMPLATE = Kind(
    "NetworkTemplate",
    "networkTemplates",
    "networkTemplates",
    (
        text("initialState", access=EDIT, values=("STARTED", "STOPPED")),
        reference("networkConfig", "NetworkConfiguration", access=EDIT, embeddable=True, versions=ONLY_1),
        _CIDR,
        _NAT,
        reference("sirocco_provider", "Provider", access=EDIT, description="Make it there."),
        SHARED,
    ),
    description="How to make a network.",
)

NETWORK_CONFIGURATION = Kind(
    "NetworkConfiguration",
    "networkConfigs",
    "networkConfigurations",
    (
        text("networkType", access=EDIT, longest=16),
        integer("mtu", access=EDIT, **_MTU),
        text("classOfService", access=EDIT, longest=64),
        _CIDR,
        _NAT,
        SHARED,
    ),
    versions=ONLY_1,
    description="Qualities of networks.",
)

NETWORK_PORT = Kind(
    "NetworkPort",
    "networkPorts",
    "networkPorts",
    (
        text("state", column="state", values=_STATES),
        reference("network", "Network", column="network_id"),
        text("portType", column="port_type", access=EDIT, longest=64),
        text("classOfService", column="class_of_service", access=EDIT, longest=64),
        reference("eventLog", "EventLog"),
    ),
    template="networkPortTemplate",
    versions=ONLY_1,
    description="A place on a network where an interface can be plugged in.",
)

NETWORK_PORT_TEMPLATE = Kind(
    "NetworkPortTemplate",
    "networkPortTemplates",
    "networkPortTemplates",
    (
        reference("network", "Network", access=EDIT),
        reference("networkPortConfig", "NetworkPortConfiguration", access=EDIT, embeddable=True),
        SHARED,
    ),
    versions=ONLY_1,
    description="How to make a port.",
)

NETWORK_PORT_CONFIGURATION = Kind(
    "NetworkPortConfiguration",
    "networkPortConfigs",
    "networkPortConfigurations",
    (text("portType", access=EDIT, longest=64), text("classOfService", access=EDIT, longest=64), SHARED),
    versions=ONLY_1,
    description="Qualities of ports.",
)

ADDRESS = Kind(
    "Address",
    "addresses",
    "addresses",
    (
        text("ip", column="ip"),
        text("hostname", column="hostname", access=EDIT, longest=255),
        text("allocation", column="allocation", values=("dynamic", "fixed")),
        text("defaultGateway", column="default_gateway"),
        text("protocol", column="protocol"),
        text("mask", column="mask"),
        reference("network", "Network", column="network_id"),
        reference("resource", "Machine", column="machine_id"),
    ),
    template="addressTemplate",
    versions=ONLY_1,
    description="An IP address on a network.",
)

ADDRESS_TEMPLATE = Kind(
    "AddressTemplate",
    "addressTemplates",
    "addressTemplates",
    (
        text("ip", access=EDIT, longest=45, description="Absent: the next free one."),
        text("hostname", access=EDIT, longest=255),
        text("allocation", access=EDIT, values=("dynamic", "fixed")),
        text("defaultGateway", access=EDIT, longest=45),
        text("dns", access=EDIT, many=True, element="dns", longest=45),
        text("protocol", access=EDIT, values=("IPv4",)),
        text("mask", access=EDIT, longest=45),
        reference("network", "Network", access=EDIT),
        SHARED,
    ),
    versions=ONLY_1,
    description="How to take an address.",
)

PROTOCOL_SEGMENT = Kind(
    "ProtocolSegment",
    "segments",
    "segments",
    (
        text("state", column="state", values=_STATES),
        text("protocol", values=("Ethernet", "IPv4", "IPv6")),
        boolean("noDefaultRouting", description="True when nothing on it reaches the outside."),
        collection("endpoints", "ProtocolEndpoint"),
        mapping("parameters"),
        reference("eventLog", "EventLog"),
    ),
    versions=ONLY_2,
    description="The addresses of a network that reach each other directly.",
)

PROTOCOL_ENDPOINT = Kind(
    "ProtocolEndpoint",
    "endpoints",
    "endpoints",
    (
        text("state", values=("ENABLED", "DISABLED")),
        text("protocol", column="protocol"),
        text("address", column="ip", access=CREATE, longest=45, description="Absent: the next free one."),
        text("origin", access=CREATE, values=("STATIC", "DYNAMIC")),
        reference("interface", "NetworkInterface"),
        mapping("parameters", access=EDIT, description="hostname"),
    ),
    versions=ONLY_2,
    description="An address that traffic comes from and goes to.",
)

NETWORK_INTERFACE = Kind(
    "NetworkInterface",
    "interfaces",
    "interfaces",
    (
        text("state", values=("ENABLED", "DISABLED")),
        collection("endpoints", "ProtocolEndpoint"),
        integer("mtu"),
        text("sirocco_mac", column="mac"),
        reference("sirocco_network", "Network", column="network_id", access=CREATE, required=True),
        reference("sirocco_machine", "Machine", column="machine_id"),
        reference("sirocco_endpoint", "ProtocolEndpoint", access=CREATE, description="A fixed address to use."),
    ),
    versions=ONLY_2,
    description="An interface of a machine.",
)

KINDS = (
    NETWORK,
    NETWORK_TEMPLATE,
    NETWORK_CONFIGURATION,
    NETWORK_PORT,
    NETWORK_PORT_TEMPLATE,
    NETWORK_PORT_CONFIGURATION,
    ADDRESS,
    ADDRESS_TEMPLATE,
    PROTOCOL_SEGMENT,
    PROTOCOL_ENDPOINT,
    NETWORK_INTERFACE,
    NETWORK_NETWORK_PORT,
)
