"""The API's resources as the command line shows them: one row each, known beforehand so that starting is quick."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Field:
    """An option of ``create`` or ``update``: the attribute it sets, its kind and help.

    Kinds: ``text``, ``int``, ``bool``, ``json``, ``map`` (k=v), ``ref:COLLECTION``, ``size:UNIT`` (1 GiB in KiB or kB),
    ``file`` (Base64 of a file's content).
    """

    option: str
    attribute: str
    kind: str = "text"
    help: str = ""
    required: bool = False
    many: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A verb on one resource, with options."""

    verb: str
    help: str
    fields: tuple[Field, ...] = ()
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """A noun: its command, collection, the items' key in JSON, columns, and what can be done."""

    command: str
    collection: str
    key: str
    columns: tuple[str, ...] = ("name", "state")
    create: tuple[Field, ...] | None = None
    template: str = ""
    update: tuple[Field, ...] | None = None
    delete: bool = True
    actions: tuple[Action, ...] = ()
    help: str = ""
    parts: dict[str, str] = field(default_factory=dict)


_WORDS = (
    Field("name", "name", help="Name."),
    Field("description", "description", help="Description."),
    Field("property", "properties", "map", "KEY=VALUE, as often as wanted.", many=True),
)
_FORCE = Field("force", "force", "bool", "Do not ask the guest: cut the power.")
_NEW_IMAGE = (
    Field("name", "name", help="Name of the image."),
    Field("description", "description", help="Description."),
)

MACHINE = Resource(
    "machine",
    "machines",
    "machines",
    ("name", "state", "cpu", "memory", "addresses", "created"),
    create=(
        *_WORDS,
        Field("image", "machineTemplate.machineImage", "ref:machineImages", "Image to boot.", required=True),
        Field("size", "machineTemplate.machineConfig", "ref:machineConfigs", "A configuration; or --cpu and --memory."),
        Field("cpu", "machineTemplate.machineConfig.cpu", "int", "Virtual cores."),
        Field("memory", "machineTemplate.machineConfig.memory", "size:KiB", "Memory, like 512MiB or 2GiB."),
        Field("disk", "machineTemplate.machineConfig.disks", "disk", "Size of a disk; the first one boots.", many=True),
        Field("network", "machineTemplate.networkInterfaces", "nic", "Network of an interface.", many=True),
        Field("volume", "machineTemplate.volumes", "ref:volumes", "Volume to attach.", many=True),
        Field("credential", "machineTemplate.credential", "ref:credentials", "Key or password for the guest."),
        Field("user-data", "machineTemplate.userData", "file", "File that the guest reads at its first boot."),
        Field("initial-state", "machineTemplate.initialState", help="STARTED (default) or STOPPED."),
        Field("provider", "machineTemplate.sirocco_provider", "ref:providers", "Only on this provider."),
        Field("host", "machineTemplate.sirocco_host", "ref:hosts", "Only on this host (operators)."),
    ),
    update=(
        *_WORDS,
        Field("cpu", "cpu", "int", "Virtual cores: resizes the machine."),
        Field("memory", "memory", "size:KiB", "Memory: resizes the machine."),
    ),
    actions=(
        Action("start", "Boot, or go on after pause or suspension."),
        Action("stop", "Shut down.", (_FORCE,)),
        Action("restart", "Reboot.", (_FORCE,)),
        Action("pause", "Freeze in memory."),
        Action("suspend", "Save memory to disk and release it."),
        Action("capture", "Make an image of the boot disk.", _NEW_IMAGE),
        Action("snapshot", "Record disks and memory.", _NEW_IMAGE),
        Action(
            "restore",
            "Go back to a snapshot.",
            (Field("image", "image", "ref:machineImages", "The snapshot.", required=True),),
        ),
        Action("migrate", "Move to another host (operators).", (Field("host", "host", "ref:hosts", "Which one."),)),
    ),
    help="Virtual machines.",
)
VOLUME = Resource(
    "volume",
    "volumes",
    "volumes",
    ("name", "state", "capacity", "created"),
    template="volumeTemplate",
    create=(
        *_WORDS,
        Field("capacity", "volumeTemplate.volumeConfig.capacity", "size:kB", "Size, like 10GiB."),
        Field("format", "volumeTemplate.volumeConfig.format", help="ext4; blank otherwise."),
        Field("image", "volumeTemplate.volumeImage", "ref:volumeImages", "Content."),
        Field("provider", "volumeTemplate.sirocco_provider", "ref:providers", "Only on this provider."),
    ),
    update=(*_WORDS, Field("capacity", "capacity", "size:kB", "Larger size: grows the volume.")),
    help="Disks that live on their own.",
)
NETWORK = Resource(
    "network",
    "networks",
    "networks",
    ("name", "state", "networkType", "sirocco_cidr"),
    template="networkTemplate",
    create=(
        *_WORDS,
        Field("type", "networkTemplate.networkConfig.networkType", help="nat or isolated (default)."),
        Field("cidr", "networkTemplate.sirocco_cidr", help="Address block; a free one otherwise."),
    ),
    update=_WORDS,
    actions=(Action("start", "Start the network."), Action("stop", "Stop the network.")),
    help="Networks of machines.",
)
_DOCUMENT = (*_WORDS, Field("content", "", "json", "Attributes as JSON, or @FILE.", required=True))


def _document(command: str, collection: str, key: str, text: str) -> Resource:
    return Resource(command, collection, key, ("name", "description"), create=_DOCUMENT, update=_DOCUMENT, help=text)


RESOURCES: tuple[Resource, ...] = (
    MACHINE,
    VOLUME,
    NETWORK,
    Resource(
        "image",
        "machineImages",
        "machineImages",
        ("name", "state", "type", "created"),
        update=_WORDS,
        help="Images and snapshots of machines; make them with `machine capture` and `machine snapshot`.",
    ),
    Resource(
        "volume-image",
        "volumeImages",
        "volumeImages",
        ("name", "state", "created"),
        create=(*_WORDS, Field("volume", "imageLocation", "url:volumes", "Volume to copy.", required=True)),
        update=_WORDS,
        help="Contents of volumes, kept.",
    ),
    Resource(
        "credential",
        "credentials",
        "credentials",
        ("name", "userName"),
        create=(
            *_WORDS,
            Field("user-name", "credentialTemplate.userName", help="User name."),
            Field("password", "credentialTemplate.password", help="Password."),
            Field("public-key", "credentialTemplate.sirocco_publicKey", "content", "File with a public SSH key."),
        ),
        update=_WORDS,
        help="Keys and passwords that machines are given.",
    ),
    Resource(
        "port",
        "networkPorts",
        "networkPorts",
        ("name", "state", "network"),
        create=(*_WORDS, Field("network", "networkPortTemplate.network", "ref:networks", "Network.", required=True)),
        update=_WORDS,
        help="Places on networks.",
    ),
    Resource(
        "address",
        "addresses",
        "addresses",
        ("ip", "allocation", "hostname", "network"),
        create=(
            *_WORDS,
            Field("network", "addressTemplate.network", "ref:networks", "Network.", required=True),
            Field("ip", "addressTemplate.ip", help="The address; a free one otherwise."),
        ),
        update=_WORDS,
        help="IP addresses, learnt or fixed.",
    ),
    Resource(
        "job",
        "jobs",
        "jobs",
        ("name", "state", "progress", "statusMessage", "created"),
        actions=(Action("stop", "End early and undo."),),
        help="What is being done, and was.",
    ),
    Resource(
        "event-log", "eventLogs", "eventLogs", ("name", "summary"), delete=False, help="What happened to a resource."
    ),
    _document("machine-template", "machineTemplates", "machineTemplates", "Templates of machines."),
    _document("machine-config", "machineConfigs", "machineConfigurations", "Sizes of machines."),
    _document("volume-template", "volumeTemplates", "volumeTemplates", "Templates of volumes."),
    _document("volume-config", "volumeConfigs", "volumeConfigurations", "Sizes of volumes."),
    _document("network-template", "networkTemplates", "networkTemplates", "Templates of networks."),
    _document("network-config", "networkConfigs", "networkConfigurations", "Kinds of networks."),
    _document("port-template", "networkPortTemplates", "networkPortTemplates", "Templates of ports."),
    _document("port-config", "networkPortConfigs", "networkPortConfigurations", "Kinds of ports."),
    _document("address-template", "addressTemplates", "addressTemplates", "Templates of addresses."),
    _document("credential-template", "credentialTemplates", "credentialTemplates", "Templates of credentials."),
    Resource(
        "provider",
        "providers",
        "providers",
        ("name", "kind", "enabled", "apiVersion", "fault"),
        create=(
            *_WORDS,
            Field("kind", "kind", help="fake or libvirt.", required=True),
            Field("setting", "settings", "map", "KEY=VALUE; values may be JSON.", many=True),
            Field("secret", "secrets", "map", "KEY=VALUE, sealed at once.", many=True),
        ),
        update=(
            *_WORDS,
            Field("setting", "settings", "map", "KEY=VALUE; replaces all.", many=True),
            Field("enabled", "enabled", "flag", "Whether it is used."),
        ),
        help="Clouds and pools of hosts (operators).",
    ),
    Resource(
        "account",
        "accounts",
        "accounts",
        ("name", "login", "provider"),
        create=(
            *_WORDS,
            Field("provider", "provider", "ref:providers", "Provider.", required=True),
            Field("login", "login", help="Login."),
            Field("secret", "secret", help="Secret, sealed at once."),
        ),
        help="Credentials at providers.",
    ),
    Resource(
        "location",
        "locations",
        "locations",
        ("name", "country", "provider"),
        create=(
            *_WORDS,
            Field("provider", "provider", "ref:providers", "Provider.", required=True),
            Field("country", "country", help="Two letters, ISO 3166-1."),
        ),
        help="Places where providers run machines.",
    ),
    Resource(
        "host",
        "hosts",
        "hosts",
        ("name", "state", "cores", "coresClaimed", "memory", "memoryClaimed", "load", "accelerator"),
        update=(*_WORDS[1:], Field("overbooking", "overbooking", "number", "Virtual cores a core.")),
        delete=False,
        actions=(
            Action("drain", "Move all machines away and keep new ones out."),
            Action("enable", "Let machines in again."),
        ),
        help="Hypervisor hosts (operators).",
    ),
    Resource(
        "tenant",
        "tenants",
        "tenants",
        ("name", "enabled", "placement"),
        create=_WORDS,
        update=(
            *_WORDS,
            Field("placement", "placement", help="spread or pack."),
            Field("enabled", "enabled", "flag", ""),
        ),
        help="Tenants.",
    ),
    Resource(
        "user",
        "users",
        "users",
        ("name", "operator", "enabled", "language"),
        create=(
            *_WORDS[:2],
            Field("password", "password", help="Password, 8 characters or more.", required=True),
            Field("role", "memberships", "role", "TENANT=ROLE (tenant-admin, member, viewer).", many=True),
            Field("operator", "operator", "bool", "May do everything."),
            Field("language", "language", help="en or fr."),
        ),
        update=(
            _WORDS[1],
            Field("password", "password", help="New password."),
            Field("current-password", "currentPassword", help="The current one, to change one's own."),
            Field("role", "memberships", "role", "TENANT=ROLE; replaces all.", many=True),
            Field("enabled", "enabled", "flag", "Whether the user may sign in."),
            Field("language", "language", help="en or fr."),
        ),
        help="Users.",
    ),
    Resource(
        "quota",
        "quotas",
        "quotas",
        ("resource", "used", "ceiling", "tenant"),
        update=(Field("ceiling", "ceiling", "int", "The most that is allowed."),),
        delete=False,
        help="How much a tenant may have.",
    ),
    Resource(
        "api-key",
        "apiKeys",
        "apiKeys",
        ("name", "prefix", "expires"),
        create=(*_WORDS[:2], Field("days", "days", "int", "Valid for so many days (365).")),
        help="Keys for programs.",
    ),
)

BY_COMMAND = {resource.command: resource for resource in RESOURCES}
BY_COLLECTION = {resource.collection: resource for resource in RESOURCES}
