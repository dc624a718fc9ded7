"""What a guest reads at its first boot: a cloud-init NoCloud disc, labelled ``cidata``."""

import io
import json

import pycdlib

from sirocco.connectors.ports import Seed

_LABEL = "cidata"


def _meta_data(seed: Seed, instance: str) -> bytes:
    lines = [f"instance-id: {instance}", f"local-hostname: {seed.hostname}"]
    if seed.ssh_keys:
        lines.append("public-keys:")
        lines += [f"  - {json.dumps(key)}" for key in seed.ssh_keys]  # JSON strings are YAML strings
    return ("\n".join(lines) + "\n").encode()


def _network_config(macs: tuple[str, ...]) -> str:
    """Version 2, which is YAML, of which JSON is a part; without it cloud-init sets up the first interface alone."""
    nics = {f"nic{n}": {"match": {"macaddress": mac.lower()}, "dhcp4": True} for n, mac in enumerate(macs)}
    return json.dumps({"version": 2, "ethernets": nics}, indent=1) if nics else ""


def disc(seed: Seed, instance: str, macs: tuple[str, ...] = ()) -> bytes:
    """An ISO 9660 image with Joliet and Rock Ridge names; ``instance`` tells one machine's first boot from others.

    Interfaces, by their MAC addresses, ask for theirs by DHCP unless the seed has a configuration of its own.
    """
    files = {"meta-data": _meta_data(seed, instance), "user-data": seed.user_data}
    if network := seed.network_config or _network_config(macs):
        files["network-config"] = network.encode()
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=_LABEL)
    for name, data in files.items():
        short = f"/{name.upper().replace('-', '_')}.;1"
        iso.add_fp(io.BytesIO(data), len(data), short, rr_name=name, joliet_path=f"/{name}")
    target = io.BytesIO()
    iso.write_fp(target)
    iso.close()
    return target.getvalue()
