"""Which addresses machines have: the networks' leases first, then the guest's own word."""

from typing import Any

import libvirt

from sirocco.connectors.libvirt import agent
from sirocco.connectors.libvirt.networks import Networks


class Addresses:
    """Finds the addresses of machines."""

    def __init__(self, networks: Networks) -> None:
        self.networks = networks

    def leases(self) -> dict[str, list[str]]:
        """Addresses given out by the provider's networks, by MAC address."""
        return self.networks.leases()

    @staticmethod
    def guest(domain: libvirt.virDomain, description: Any) -> dict[str, list[str]]:
        """Addresses as the guest agent tells, by MAC address; none when no agent is connected."""
        if not agent.listens(description):
            return {}
        try:
            interfaces = domain.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, 0)
        except libvirt.libvirtError:
            return {}  # an agent that has hung is no reason to hide the machine
        found: dict[str, list[str]] = {}
        for interface in interfaces.values():
            addresses = [entry["addr"] for entry in interface["addrs"] or () if not entry["addr"].startswith("fe80:")]
            if interface["hwaddr"] and addresses:
                found[interface["hwaddr"].lower()] = addresses
        return found
