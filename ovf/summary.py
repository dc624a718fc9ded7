"""What a person or a program is told about a package: what is in it, what it needs, what it would become."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ovf import model
from ovf.findings import Finding, acceptable
from ovf.hardware import HardwareSection
from ovf.loss import adapt
from ovf.machine import Deployment, Machine
from ovf.messages import Messages
from ovf.model import Package
from ovf.opened import OpenPackage
from ovf.parts import UnknownSection
from ovf.products import ProductSection
from ovf.profiles import EXPORTS, PROFILES

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(count: int) -> str:
    """A number of bytes for people.

    >>> size(512), size(3 * 2**30)
    ('512 bytes', '3 GiB')
    """
    amount = float(count)
    for unit in _UNITS:
        if amount < 1024 or unit == _UNITS[-1]:
            return f"{amount:g} {unit}" if amount == int(amount) else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError


def printable(text: str) -> str:
    """Text from a stranger, safe for a terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)


def as_text(opened: OpenPackage, deployment: Deployment | None, findings: list[Finding]) -> Iterator[str]:
    """The lines of ``inspect``."""
    package = opened.package
    texts = Messages(package, bundles=opened.bundles())
    yield f"package     {opened.descriptor_name}, OVF {package.version}"
    for content in package.walk():
        for product in content.of(ProductSection):
            named = (texts.say(product.product), product.version, texts.say(product.vendor_name))
            if any(named):
                yield f"product     {' '.join(filter(None, named))}"
    for file in package.files:
        stated = size(file.size) if file.size is not None else "size not stated"
        yield f"file        {file.href} ({stated})"
    for one in package.configurations:
        yield f"option      {one.id}: {texts.say(one.label)}{' (default)' if one.default else ''}"
    yield from _needs(package)
    if deployment is not None:
        yield from _becomes(deployment)
    for name in EXPORTS:
        losses = adapt(package, PROFILES[name])[1]
        yield f"export      {name}: {f'{len(losses)} item(s) lost' if losses else 'nothing lost'}"
    for finding in findings:
        yield f"problem     {finding}"
    yield f"verdict     {'acceptable' if acceptable(findings) else 'not acceptable'}"


def _needs(package: Package) -> Iterator[str]:
    for content in package.walk():
        for section in content.of(HardwareSection):
            if section.transport:
                yield f"needs       environment by {', '.join(section.transport)} for {content.label}"
        for product in content.of(ProductSection):
            for prop in product.properties:
                if prop.user_configurable and not prop.value:
                    yield f"needs       a value for {product.full_key(prop)} ({prop.type})"
        if content.of(model.EulaSection):
            yield f"needs       acceptance of the licence of {content.label}"
        for unknown in content.of(UnknownSection):
            yield f"keeps       {unknown.xml.tag} of {content.label}"


def _becomes(deployment: Deployment) -> Iterator[str]:
    for choice in deployment.choices:
        yield f"becomes     {choice.subject} {choice.value or 'none'} ({choice.reason})"
    for machine in deployment.machines:
        yield from _machine(machine)
    for plan in deployment.start_plans:
        groups = " then ".join("+".join(start.id for start in group) for group in plan.groups)
        rest = f"; at any time: {', '.join(plan.anytime)}" if plan.anytime else ""
        yield f"starts      {plan.collection}: {groups or 'in any order'}{rest} ({plan.reason})"


def _machine(machine: Machine) -> Iterator[str]:
    low, default, high = machine.copies
    copies = f", {default} copies ({low} to {high})" if machine.copies != (1, 1, 1) else ""
    yield f"machine     {machine.name}: {machine.processors} CPU, {size(machine.memory_bytes)}{copies}"
    for disk in machine.disks:
        origin = f"from {', '.join(disk.files)}" if disk.files else "empty"
        yield f"  disk      {disk.id}: {size(disk.size_bytes)}, {origin}"
    for nic in machine.nics:
        yield f"  network   {nic.name}: {', '.join(nic.networks) or 'not connected'} ({' '.join(nic.models) or 'any'})"
    for choice in machine.choices:
        yield f"  because   {choice.subject} = {choice.value}: {choice.reason}"


def as_data(opened: OpenPackage, deployment: Deployment | None, findings: list[Finding]) -> dict[str, Any]:
    """The same for programs. Values of passwords are never shown."""
    package = opened.package
    return {
        "descriptor": opened.descriptor_name,
        "version": package.version,
        "acceptable": acceptable(findings),
        "files": [{"id": file.id, "href": file.href, "size": file.size} for file in package.files],
        "configurations": [{"id": one.id, "default": one.default} for one in package.configurations],
        "deployment": None if deployment is None else _deployment(deployment),
        "losses": {name: [asdict(loss) for loss in adapt(package, PROFILES[name])[1]] for name in PROFILES},
        "findings": [finding_data(finding) for finding in findings],
    }


def _deployment(deployment: Deployment) -> dict[str, Any]:
    data = asdict(deployment)
    for machine in data["machines"]:
        for prop in machine["properties"]:
            prop["value"] = None if prop["password"] else prop["value"]
    return data


def finding_data(finding: Finding) -> dict[str, Any]:
    """A finding for programs."""
    return asdict(finding) | {"severity": finding.severity.value}
