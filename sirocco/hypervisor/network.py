"""The private network namespace: bridges, dnsmasq and rules stay inside; one link leads to the machine."""

import ipaddress
import json
import os
import subprocess
from collections.abc import Sequence

from sirocco.hypervisor.layout import HypervisorError, Layout, State

# Sirocco gives networks ranges of the first one; the others serve further hypervisors on the same machine.
RANGES = ("10.96.0.0/12", *(f"10.{octet}.0.0/16" for octet in range(64, 96)))


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise HypervisorError("{what}: {cause}", what=" ".join(("ip", *arguments)), cause=done.stderr.strip())
    return done.stdout


def exists(layout: Layout) -> bool:
    """Whether the namespace is there."""
    return any(line.split()[:1] == [layout.namespace] for line in _ip("netns", "list").splitlines())


def processes(layout: Layout) -> tuple[int, ...]:
    """Processes inside the namespace: all ours, as nobody else enters it."""
    return tuple(map(int, _ip("netns", "pids", layout.namespace).split())) if exists(layout) else ()


def routes() -> list[str]:
    """Destinations this machine has routes to."""
    return [route["dst"] for route in json.loads(_ip("-j", "-4", "route", "show"))]


def is_free(candidate: str, avoid: Sequence[str]) -> bool:
    """Whether a range touches none of these destinations."""
    taken = [ipaddress.ip_network(route, strict=False) for route in avoid if route != "default"]
    return not any(network.overlaps(ipaddress.ip_network(candidate)) for network in taken)


def free_range(avoid: Sequence[str]) -> str:
    """The first of ``RANGES`` that none of the destinations in ``avoid`` touches."""
    for candidate in RANGES:
        if is_free(candidate, avoid):
            return candidate
    raise HypervisorError("no address range is free in 10.64.0.0/10: remove a route, or stop another hypervisor")


def create(layout: Layout, state: State) -> None:
    """Make the namespace, the link and the rules; what is there already stays."""
    if exists(layout):
        return
    outer, inner = layout.link
    namespace = layout.namespace
    _ip("netns", "add", namespace)
    _ip("-n", namespace, "link", "set", "lo", "up")
    _ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", namespace)
    _ip("addr", "add", f"{state.outside}/30", "dev", outer)
    _ip("link", "set", outer, "up")
    _ip("-n", namespace, "addr", "add", f"{state.inside}/30", "dev", inner)
    _ip("-n", namespace, "link", "set", inner, "up")
    _ip("-n", namespace, "route", "add", "default", "via", state.outside)
    _ip("route", "add", state.addresses, "via", state.inside)
    _rules(namespace, inner)


def _rules(namespace: str, link: str) -> None:
    """Between guests' networks nothing passes; between them and the machine all does; outwards by address translation.

    libvirt's own ``nat`` mode would refuse the machine's connections to guests, hence the connector's ``open`` mode.
    """
    inside = ["netns", "exec", namespace]
    rules = (
        ["-P", "FORWARD", "DROP"],
        ["-A", "FORWARD", "-i", link, "-j", "ACCEPT"],
        ["-A", "FORWARD", "-o", link, "-j", "ACCEPT"],
        ["-t", "nat", "-A", "POSTROUTING", "-o", link, "-j", "MASQUERADE"],
    )
    for rule in rules:
        _ip(*inside, "iptables", *rule)
    _ip(*inside, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")


def remove(layout: Layout) -> None:
    """Remove namespace and link; the bridges and rules inside go with them."""
    outer, _ = layout.link
    if os.path.exists(f"/sys/class/net/{outer}"):  # noqa: PTH110 - a kernel interface, not a file of ours
        _ip("link", "del", outer)
    if exists(layout):
        _ip("netns", "del", layout.namespace)
