"""The portal's words for what the CMDB keeps in codes: states, operations, kinds, roles, resources."""

import re
from collections import ChainMap
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from sirocco.contracts import capabilities as cap
from sirocco.services import providers


@dataclass(frozen=True, slots=True)
class Sign:
    """How a state looks: its word, the tone of its badge, its icon."""

    word: Any
    tone: str
    icon: str


STATES = {
    "CREATING": Sign(_l("Creating"), "wait", "wait"),
    "STARTING": Sign(_l("Starting"), "wait", "wait"),
    "STARTED": Sign(_l("Started"), "good", "good"),
    "STOPPING": Sign(_l("Stopping"), "wait", "wait"),
    "STOPPED": Sign(_l("Stopped"), "off", "off"),
    "PAUSING": Sign(_l("Pausing"), "wait", "wait"),
    "PAUSED": Sign(_l("Paused"), "warn", "pause"),
    "SUSPENDING": Sign(_l("Suspending"), "wait", "wait"),
    "SUSPENDED": Sign(_l("Suspended"), "warn", "suspend"),
    "CAPTURING": Sign(_l("Capturing"), "wait", "wait"),
    "RESTORING": Sign(_l("Restoring"), "wait", "wait"),
    "DELETING": Sign(_l("Deleting"), "wait", "wait"),
    "ERROR": Sign(_l("Error"), "bad", "bad"),
    "AVAILABLE": Sign(_l("Available"), "good", "good"),
    "QUEUED": Sign(_l("Queued"), "off", "queued"),
    "RUNNING": Sign(_l("Running"), "wait", "wait"),
    "RETRYING": Sign(_l("Trying again"), "wait", "wait"),
    "SUCCESS": Sign(_l("Success"), "good", "good"),
    "FAILED": Sign(_l("Failed"), "bad", "bad"),
    "ONLINE": Sign(_l("Online"), "good", "good"),
    "DRAINING": Sign(_l("Draining"), "wait", "wait"),
    "MAINTENANCE": Sign(_l("Maintenance"), "warn", "warn"),
    "OFFLINE": Sign(_l("Offline"), "bad", "bad"),
    "ENABLED": Sign(_l("Enabled"), "good", "good"),
    "DISABLED": Sign(_l("Disabled"), "off", "off"),
}


def sign(state: object) -> Sign:
    """The look of a state; one that nobody named shows its code."""
    return STATES.get(str(state), Sign(str(state), "off", "info"))


ACTIONS = {
    "add": _l("Create"),
    "start": _l("Start"),
    "stop": _l("Stop"),
    "force-stop": _l("Power off"),
    "restart": _l("Restart"),
    "force-restart": _l("Reset"),
    "pause": _l("Pause"),
    "suspend": _l("Suspend to disk"),
    "snapshot": _l("Take a snapshot"),
    "restore": _l("Restore a snapshot"),
    "capture": _l("Capture as an image"),
    "resize": _l("Resize"),
    "attach-volume": _l("Attach a volume"),
    "detach-volume": _l("Detach a volume"),
    "attach-nic": _l("Add an interface"),
    "detach-nic": _l("Remove an interface"),
    "migrate": _l("Migrate"),
    "delete": _l("Delete"),
    "edit": _l("Edit"),
    "update": _l("Edit"),
    "grow": _l("Grow"),
    "drain": _l("Drain"),
    "enable": _l("Enable"),
    "console": _l("Console"),
    "attach": _l("Attach"),
}

ICONS = {
    "add": "plus",
    "start": "play",
    "stop": "stop",
    "force-stop": "power",
    "restart": "restart",
    "force-restart": "power",
    "pause": "pause",
    "suspend": "suspend",
    "snapshot": "snapshot",
    "restore": "restore",
    "capture": "capture",
    "resize": "resize",
    "attach-volume": "attach",
    "detach-volume": "detach",
    "attach-nic": "network",
    "detach-nic": "detach",
    "migrate": "migrate",
    "delete": "delete",
    "edit": "edit",
    "grow": "resize",
    "drain": "drain",
    "enable": "enable",
}

KINDS = {
    "machine": _l("machine"),
    "volume": _l("volume"),
    "image": _l("image"),
    "volume image": _l("volume image"),
    "attached volume": _l("attached volume"),
    "interface": _l("interface"),
    "page": _l("page"),
    "network": _l("network"),
    "network port": _l("network port"),
    "address": _l("address"),
    "credential": _l("credential"),
    "api key": _l("API key"),
    "job": _l("job"),
    "provider": _l("provider"),
    "host": _l("host"),
    "tenant": _l("tenant"),
    "user": _l("user"),
    "template": _l("template"),
    "MachineTemplate": _l("machine template"),
    "VolumeTemplate": _l("volume template"),
    "MachineConfiguration": _l("size"),
    "account": _l("account"),
    "location": _l("location"),
    "quota": _l("quota"),
    "event log": _l("event log"),
    "resource": _l("resource"),
    "resource metadata": _l("resource metadata"),
}

ROLES = {
    "operator": _l("operator"),
    "tenant-admin": _l("tenant administrator"),
    "member": _l("member"),
    "viewer": _l("viewer"),
}

RESOURCES = {
    "machines": _l("Machines"),
    "cores": _l("Cores"),
    "memory": _l("Memory"),
    "volumes": _l("Volumes"),
    "capacity": _l("Volume capacity"),
    "addresses": _l("Addresses"),
    "images": _l("Images"),
}

CHANGES = {
    "create": _l("created"),
    "update": _l("edited"),
    "delete": _l("deleted"),
    "set-password": _l("password changed"),
}

STEPS = {
    "place": _l("Choose a place"),
    "create": _l("Create at the provider"),
    "undo create": _l("Undo the creation"),
    "undo snapshot": _l("Undo the copy"),
    "undo migrate": _l("Undo the migration"),
    "nested jobs": _l("Its jobs"),
}

PLACES = {
    "name": _l("Name"),
    "description": _l("Description"),
    "cpu": _l("Cores"),
    "memory": _l("Memory"),
    "disks": _l("Disks"),
    "boot_disk": _l("Boot disk"),
    "disk": _l("Disk"),
    "capacity": _l("Capacity"),
    "filesystem": _l("File system"),
    "format": _l("File system"),
    "sirocco_format": _l("Format"),
    "digest": _l("Checksum"),
    "url": _l("Address"),
    "imageLocation": _l("Address"),
    "cidr": _l("Address range"),
    "mtu": _l("MTU"),
    "ip": _l("Address"),
    "address": _l("Address"),
    "network": _l("Network"),
    "image": _l("Image"),
    "machineImage": _l("Image"),
    "machineConfig": _l("Size"),
    "volumeImage": _l("Image"),
    "sirocco_provider": _l("Provider"),
    "sirocco_host": _l("Host"),
    "host": _l("Host"),
    "userData": _l("User data"),
    "initialState": _l("State after creation"),
    "credential": _l("Credential"),
    "key": _l("Public SSH key"),
    "password": _l("Password"),
    "current password": _l("Current password"),
    "role": _l("Role"),
    "roles": _l("Roles"),
    "user": _l("User"),
    "enabled": _l("Enabled"),
    "placement": _l("Placement"),
    "overbooking": _l("Virtual cores per core"),
    "country": _l("Country"),
    "kind": _l("Kind"),
    "settings": _l("Further settings (JSON)"),
    "secrets": _l("Secrets"),
    "machines": _l("Machines"),
    "days": _l("Days"),
    "action": _l("Action"),
}
"""Fields, as refusals name them, by the label of the form."""

MANY = {
    "machines": _l("machines"),
    "volumes": _l("volumes"),
    "networks": _l("networks"),
    "images": _l("images"),
    "interfaces": _l("interfaces"),
    "ports": _l("ports"),
    "addresses": _l("addresses"),
    "credentials": _l("credentials"),
}

CAPABILITIES = {
    cap.PAUSE: _l("pause"),
    cap.SUSPEND: _l("suspend to disk"),
    cap.RESTART: _l("restart"),
    cap.STOP_FORCE: _l("power off"),
    cap.SNAPSHOT: _l("snapshots"),
    cap.RESTORE: _l("restore from snapshots"),
    cap.CAPTURE: _l("capture as an image"),
    cap.RESIZE: _l("resize"),
    cap.RESIZE_LIVE: _l("resize while running"),
    cap.MIGRATE: _l("live migration"),
    cap.MIGRATE_COPY: _l("migration copies disks"),
    cap.CONSOLE: _l("serial console"),
    cap.USAGE: _l("figures of use"),
    cap.USER_DATA: _l("user data"),
    cap.VOLUME: _l("volumes"),
    cap.VOLUME_HOTPLUG: _l("volumes attached while running"),
    cap.VOLUME_GROW: _l("volumes grow"),
    cap.VOLUME_CAPTURE: _l("images of volumes"),
    cap.NIC_HOTPLUG: _l("interfaces added while running"),
    cap.NETWORK_ISOLATED: _l("isolated networks"),
    cap.NETWORK_NAT: _l("networks with NAT"),
    cap.IMAGE_FORMATS: _l("image formats"),
    cap.HOSTS: _l("hosts"),
    cap.WATCH: _l("tells what happens"),
}

DONE = {
    "created": _l("Created."),
    "saved": _l("Saved."),
    "deleted": _l("Deleted."),
    "password": _l("The password was changed; all other sessions have ended."),
    "signed-out": _l("You are signed out."),
    "everywhere": _l("You are signed out everywhere."),
    "expired": _l("Your session has ended. What you sent was not done: sign in and send it again."),
}

CALLS = {
    "create": _l("Create"),
    "take-snapshot": _l("Take a snapshot"),
    "drop-snapshot": _l("Drop a snapshot"),
    "restore-snapshot": _l("Restore a snapshot"),
    "grow-volume": _l("Grow"),
}
"""What connectors are asked to do, where that has no name of an operation."""

_WORDS = ChainMap(ACTIONS, KINDS, ROLES, RESOURCES, CALLS)


def word(code: object) -> Any:
    """The portal's word for an operation, a kind, a role or a resource, or the code."""
    return _WORDS.get(str(code), str(code))


def step(name: str) -> Any:
    """What a job's step does."""
    if name not in STEPS and name.startswith("undo "):
        return gettext("Undo: %(step)s", step=step(name.removeprefix("undo ")))
    return STEPS.get(name, word(name))


def change(code: str) -> Any:
    """What happened to a record."""
    return CHANGES.get(code, code)


def capability(name: str) -> Any:
    """What a provider can do."""
    return CAPABILITIES.get(name, name)


def place(field: str) -> str:
    """The field that a refusal is about: ``disks[0].capacity`` is a disk's, ``quota.cores`` the cores'."""
    declared = (one for kind in providers.kinds().values() for one in kind.settings)
    if label := next((one.label for one in declared if one.where == field), ""):
        return str(gettext(label))
    last = re.sub(r"\[\d+\]", "", field).rpartition(".")[2]
    return str(PLACES.get(last) or RESOURCES.get(last, field))


def users(text: str) -> str:
    """Who uses a thing: ``3 machines`` or ``machine <id>``."""
    first, _, second = text.partition(" ")
    return f"{first} {MANY.get(second, second)}" if first.isdigit() else f"{word(first)} {second}"
