"""The private network namespace: bridges, dnsmasq and rules stay inside; one link leads to the machine."""

import ipaddress
import json
import os
import subprocess
from collections.abc import Sequence

from sirocco.hypervisor.layout import HypervisorError, Layout, State

_SUBNETS = range(78, 128)  # second octets of 10.x.0.0/16 to choose from


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise HypervisorError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def exists(layout: Layout) -> bool:
    """Whether the namespace is there."""
    return any(line.split()[:1] == [layout.namespace] for line in _ip("netns", "list").splitlines())


def processes(layout: Layout) -> tuple[int, ...]:
    """Processes inside the namespace: all ours, as nobody else enters it."""
    return tuple(map(int, _ip("netns", "pids", layout.namespace).split())) if exists(layout) else ()


def free_subnet(avoid: Sequence[str] | None = None) -> int:
    """The second octet of a 10.x.0.0/16 that no route of this machine (``avoid``, for tests) touches."""
    routes = avoid if avoid is not None else [route["dst"] for route in json.loads(_ip("-j", "-4", "route", "show"))]
    taken = [ipaddress.ip_network(route, strict=False) for route in routes if route != "default"]
    for octet in _SUBNETS:
        if not any(network.overlaps(ipaddress.ip_network(f"10.{octet}.0.0/16")) for network in taken):
            return octet
    raise HypervisorError("no free address range 10.78.0.0/16 to 10.127.0.0/16: remove a route, or stop a hypervisor")


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
