"""Counters of running machines, one question per host."""

from collections.abc import Mapping

import libvirt

from sirocco.connectors.libvirt.hosts import Hosts
from sirocco.connectors.ports import Usage

_WANTED = (
    libvirt.VIR_DOMAIN_STATS_STATE
    | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)


def usage(hosts: Hosts, machines: set[str]) -> dict[str, Usage]:
    """Counters by machine, of those of ``machines`` that run."""
    found = {}
    for host in hosts:
        for domain, counters in host.connection().getAllDomainStats(
            _WANTED, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE
        ):
            unique = domain.UUIDString()
            if unique in machines:
                found[unique] = _usage(counters)
    return found


def _usage(counters: Mapping[str, int]) -> Usage:
    return Usage(
        cpu_time=counters.get("cpu.time", 0),
        memory=counters.get("balloon.current", 0) * 1024,
        read=_sum(counters, "block", "rd.bytes"),
        written=_sum(counters, "block", "wr.bytes"),
        received=_sum(counters, "net", "rx.bytes"),
        sent=_sum(counters, "net", "tx.bytes"),
    )


def _sum(counters: Mapping[str, int], group: str, counter: str) -> int:
    number = int(counters.get(f"{group}.count", 0))
    return sum(int(counters.get(f"{group}.{index}.{counter}", 0)) for index in range(number))
