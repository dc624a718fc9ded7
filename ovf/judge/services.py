"""Rules for the service sections of Claudia: numbers that can be used, members that exist."""

from collections.abc import Iterator

from ovf.findings import Issue
from ovf.judge.context import Context
from ovf.model import Content
from ovf.names import CLAUDIA, split
from ovf.parts import UnknownSection
from ovf.services import Affinity, ElasticRule, MalformedError, Place, copies, of_section

_SCOPES = frozenset({"", "physical", "datacenter", "domain"})
_PORTS = frozenset({"ExternalPortStart", "ExternalPortEnd", "InternalPortStart", "InternalPortEnd", "VirtualPort"})


def judge(context: Context) -> Iterator[Issue]:
    """Everything wrong with copies, elasticity, service levels, location and affinity."""
    systems = {content.id for content in context.package.walk()}
    for content in context.package.walk():
        yield from _copies(context, content)
        for section in content.of(UnknownSection):
            if split(section.xml.tag)[0] == CLAUDIA:
                yield from _section(section, systems)


def _copies(context: Context, content: Content) -> Iterator[Issue]:
    try:
        wanted = copies(content)
    except MalformedError as error:
        yield Issue("service.copies", content.at, str(error))
        return
    if wanted and wanted.maximum > context.limits.copies:
        yield Issue("scale.count-impossible", content.at, str(wanted.maximum))


def _section(section: UnknownSection, systems: set[str]) -> Iterator[Issue]:
    try:
        services = list(of_section(section))
    except MalformedError as error:
        yield Issue("service.number", section.at, str(error))
        return
    for service in services:
        if isinstance(service, ElasticRule) and not (service.kpi and service.kpi_type):
            yield Issue("service.incomplete", section.at, service.kpi or "KPIName")
        if isinstance(service, Place) and not service.value and service.kind != "Position":
            yield Issue("service.incomplete", section.at, service.kind)
        if isinstance(service, Affinity):
            yield from _affinity(section, service, systems)
    yield from _ports(section)


def _affinity(section: UnknownSection, affinity: Affinity, systems: set[str]) -> Iterator[Issue]:
    if affinity.scope.lower() not in _SCOPES:
        yield Issue("service.choice", section.at, affinity.scope)
    if len(affinity.systems) < 2:
        yield Issue("service.incomplete", section.at, "fewer than two systems")
    for name in affinity.systems:
        if name not in systems:
            yield Issue("service.member-unknown", section.at, name)


def _ports(section: UnknownSection) -> Iterator[Issue]:
    """Ports of firewall rules and balancers lie between 0 and 65535."""
    for node in section.xml.children:
        for inner in node.children:
            text = inner.text.strip()
            if split(inner.tag)[1] in _PORTS and text and not (text.isdecimal() and int(text[:9]) < 2**16):
                yield Issue("service.number", section.at, f"{split(inner.tag)[1]} is {text!r}")
