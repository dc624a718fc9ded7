"""Templates between two notations: the fields of the portal's forms, and the attributes of CIMI that are kept."""

import base64
from collections.abc import Iterable
from math import ceil
from typing import Any

from sirocco.services.machine_create import MachineRequest
from sirocco.services.volumes import VolumeRequest

_KIB, _MIB, _GIB, _KB = 2**10, 2**20, 2**30, 1000
Fields = dict[str, Any]
"""What a form shows, by the names of its fields; a list where a name has several."""


def of_machine(request: MachineRequest, size_id: str) -> dict[str, Any]:
    """A MachineTemplate that asks for what ``request`` asks for; a size that was chosen is referred to."""
    config: dict[str, Any] = {"href": f"machineConfigs/{size_id}"} if size_id else {}
    config |= {} if size_id else {"cpu": request.cpu, "memory": request.memory // _KIB}
    if request.disks:
        config["disks"] = [{"capacity": ceil(disk.capacity / _KB)} for disk in request.disks]
    content = {
        "machineConfig": config,
        "machineImage": _href("machineImages", request.image_id),
        "networkInterfaces": [{"network": _href("networks", nic.network_id)} for nic in request.nics or ()],
        "volumes": [_href("volumes", use.volume_id) for use in request.volumes],
        "credential": _href("credentials", request.credential_id),
        "userData": base64.b64encode(request.user_data).decode(),
        "initialState": request.initial_state,
        "sirocco_provider": _href("providers", request.provider_id),
        "sirocco_host": _href("hosts", request.host_id),
    }
    return {name: value for name, value in content.items() if value or name == "networkInterfaces"}


def to_machine(content: dict[str, Any]) -> Fields:
    """The form for a machine, filled in as a MachineTemplate says."""
    config = content.get("machineConfig") or {}
    disks = [f"{disk.get('capacity', 0) * _KB / _GIB:g}" for disk in config.get("disks") or ()]
    nics = content.get("networkInterfaces")
    return ({} if nics is None else {"network": _first(_id(nic.get("network")) for nic in nics)}) | {
        "size": _id(config) or "own",
        "cpu": str(config.get("cpu", 1)),
        "memory": f"{config.get('memory', 0) * _KIB / _MIB:g}",
        "boot_disk": disks[0] if disks else "",
        "disk": disks[1:],
        "image": _id(content.get("machineImage")),
        "volume": [_id(volume) for volume in content.get("volumes") or ()],
        "credential": _id(content.get("credential")),
        "user_data": base64.b64decode(content.get("userData") or "").decode(errors="replace"),
        "initial_state": content.get("initialState", "STARTED"),
        "provider": _id(content.get("sirocco_provider")),
        "host": _id(content.get("sirocco_host")),
    }


def of_volume(request: VolumeRequest) -> dict[str, Any]:
    """A VolumeTemplate that asks for what ``request`` asks for."""
    config = {"capacity": ceil(request.capacity / _KB), "format": request.filesystem}
    content = {
        "volumeConfig": {name: value for name, value in config.items() if value},
        "volumeImage": _href("volumeImages", request.volume_image_id),
        "sirocco_provider": _href("providers", request.provider_id),
    }
    return {name: value for name, value in content.items() if value}


def to_volume(content: dict[str, Any]) -> Fields:
    """The form for a volume, filled in as a VolumeTemplate says."""
    config = content.get("volumeConfig") or {}
    capacity = config.get("capacity")
    return {
        "capacity": f"{capacity * _KB / _GIB:g}" if capacity else "",
        "filesystem": config.get("format", ""),
        "image": _id(content.get("volumeImage")),
        "provider": _id(content.get("sirocco_provider")),
    }


def _href(collection: str, record_id: str) -> dict[str, str]:
    return {"href": f"{collection}/{record_id}"} if record_id else {}


def _id(reference: dict[str, Any] | None) -> str:
    return str((reference or {}).get("href", "")).rpartition("/")[2]


def _first(ids: Iterable[str]) -> str:
    return next(iter(ids), "")
