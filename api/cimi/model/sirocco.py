"""Sirocco's own resources, in a namespace of their own: clouds, hosts, tenants, users, quotas, keys."""

from api.cimi.model.attribute import (
    KB,
    KIB,
    Access,
    Attribute,
    boolean,
    collection,
    data,
    integer,
    mapping,
    moment,
    number,
    reference,
    structure,
    text,
)
from api.cimi.model.kind import Kind
from sirocco.contracts.states import HostState, Role

CREATE, EDIT = Access.CREATE, Access.EDIT


def _kind(name: str, collection_name: str, items: str, *attributes: Attribute, description: str) -> Kind:
    return Kind(name, f"sirocco_{collection_name}", items, attributes, own=True, description=description)


PROVIDER = _kind(
    "Provider",
    "providers",
    "providers",
    text("kind", column="kind", access=CREATE, required=True, longest=32, description="Which connector reaches it."),
    data(
        "settings",
        column="settings",
        access=EDIT,
        longest=4096,
        description="What the connector needs to know; which there are is told by resourceMetadata/Provider.KIND.",
    ),
    mapping("secrets", access=EDIT, kept=True, secret=True, description="What the connector must prove; never shown."),
    boolean("enabled", column="enabled", access=EDIT, kept=True),
    text("apiVersion", column="api_version"),
    moment("probed", column="probed", description="When it last answered."),
    text("fault", column="fault", description="Why it cannot be used."),
    structure(
        "capabilities",
        text("name", flat=True),
        text("value", flat=True),
        text("scope", flat=True),
        many=True,
        element="capability",
        description="What it can do.",
    ),
    collection("hosts", "Host"),
    collection("locations", "Location"),
    description="A cloud, or a pool of hypervisor hosts.",
)

ACCOUNT = _kind(
    "Account",
    "accounts",
    "accounts",
    reference("provider", "Provider", column="provider_id", access=CREATE, required=True),
    reference("tenant", "Tenant", column="tenant_id", access=CREATE, description="Absent: for all tenants."),
    text("login", column="login", access=EDIT, longest=255),
    text("secret", access=EDIT, kept=True, secret=True, longest=4096, description="Never shown."),
    boolean("enabled", column="enabled", access=EDIT, kept=True),
    description="Credentials of a tenant at a provider.",
)

LOCATION = _kind(
    "Location",
    "locations",
    "locations",
    reference("provider", "Provider", column="provider_id", access=CREATE, required=True),
    text("country", column="country", access=EDIT, longest=2, description="ISO 3166-1 alpha-2."),
    description="A place where a provider runs machines.",
)

HOST = _kind(
    "Host",
    "hosts",
    "hosts",
    text("state", column="state", values=tuple(HostState)),
    reference("provider", "Provider", column="provider_id"),
    reference("location", "Location", column="location_id"),
    integer("cores", column="cores"),
    integer("memory", column="memory", factor=KIB, description="KiB"),
    integer("disk", column="disk", factor=KB, description="kB"),
    number(
        "overbooking", column="overbooking", access=EDIT, kept=True, description="Virtual cores per core.", minimum=1
    ),
    integer("coresClaimed", column="cores_claimed"),
    integer("memoryClaimed", column="memory_claimed", factor=KIB, description="KiB"),
    integer("diskClaimed", column="disk_claimed", factor=KB, description="kB"),
    number("load", column="load", description="Busy part of all cores, 0 to 1."),
    integer("memoryUsed", column="memory_used", factor=KIB, description="KiB"),
    text("accelerator", column="accelerator"),
    text("reason", column="reason", description="Why it is in this state."),
    moment("seen", column="seen", description="When it last answered."),
    reference("job", "Job", column="job_id"),
    description="A hypervisor host.",
)

TENANT = _kind(
    "Tenant",
    "tenants",
    "tenants",
    boolean("enabled", column="enabled", access=EDIT, kept=True),
    text("placement", column="placement", access=EDIT, kept=True, values=("spread", "pack")),
    reference("providers", "Provider", access=EDIT, many=True, element="provider", description="Absent: all."),
    collection("quotas", "Quota"),
    description="A customer, department or project.",
)

USER = _kind(
    "User",
    "users",
    "users",
    text("password", access=EDIT, kept=True, secret=True, longest=1024, description="Never shown."),
    text("currentPassword", access=EDIT, kept=True, secret=True, longest=1024, description="To change one's own."),
    boolean("operator", column="operator", access=EDIT, kept=True),
    boolean("enabled", column="enabled", access=EDIT, kept=True),
    text("language", column="language", access=EDIT, values=("en", "fr")),
    structure(
        "memberships",
        reference("tenant", "Tenant", access=EDIT, required=True),
        text("role", access=EDIT, required=True, values=(Role.TENANT_ADMIN, Role.MEMBER, Role.VIEWER)),
        many=True,
        element="membership",
        access=EDIT,
        kept=True,
    ),
    description="A person or a program.",
)

QUOTA = Kind(
    "Quota",
    "sirocco_quotas",
    "quotas",
    (
        Attribute("id"),
        reference("tenant", "Tenant"),
        text("resource", values=("machines", "cores", "memory", "volumes", "capacity", "addresses", "images")),
        integer("ceiling", access=EDIT, minimum=0, maximum=1 << 60, description="Absent: unlimited. Bytes or pieces."),
        integer("used"),
    ),
    own=True,
    common=False,
    description="How much of one resource a tenant may have.",
)

API_KEY = _kind(
    "ApiKey",
    "apiKeys",
    "apiKeys",
    reference("user", "User", column="user_id"),
    reference("tenant", "Tenant", column="tenant_id"),
    text("prefix", column="prefix", description="How the key begins."),
    moment("expires", column="expires", access=CREATE),
    moment("used", column="used"),
    text("token", description="The key itself; shown once, in the answer that creates it."),
    description="A key for programs.",
)

KINDS = (PROVIDER, ACCOUNT, LOCATION, HOST, TENANT, USER, QUOTA, API_KEY)
