"""The portal's words for what the CMDB keeps in codes: states, operations, kinds, roles, resources."""

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l


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
    "import": _l("Import"),
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
    "account": _l("account"),
    "location": _l("location"),
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

DONE = {
    "created": _l("Created."),
    "saved": _l("Saved."),
    "deleted": _l("Deleted."),
    "password": _l("The password was changed; all other sessions have ended."),
    "signed-out": _l("You are signed out."),
    "everywhere": _l("You are signed out everywhere."),
}

WORDS = (ACTIONS, KINDS, ROLES, RESOURCES, CHANGES, STEPS)


def word(code: object) -> Any:
    """The portal's word for a code, or the code."""
    text = str(code)
    known = next((table[text] for table in WORDS if text in table), None)
    if known is None and text.startswith("undo "):
        return gettext("Undo: %(step)s", step=word(text.removeprefix("undo ")))
    return known if known is not None else text
