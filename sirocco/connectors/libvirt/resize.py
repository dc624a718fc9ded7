"""Another size: any while the machine is stopped; a larger one, up to a stated maximum, while it runs.

A running machine never shrinks: QEMU has been seen to die of a processor that its guest was slow to give back.
"""

from dataclasses import replace
from typing import Any

import libvirt

from sirocco.connectors.libvirt import agent, xml
from sirocco.connectors.libvirt.tasks import Progress
from sirocco.connectors.ports import ConnectorError, Fault, Resize

_MIB = 1 << 20
STEP = 128 * _MIB  # bytes: Linux takes memory in blocks of this size
_LOOKS, _LOOK = 50, 0.2  # seconds between looks at a guest that has been given something


def resize(domain: libvirt.virDomain, action: Resize, progress: Progress) -> None:
    """Change processors and memory; CONFLICT for what needs the machine stopped."""
    progress.check()
    if domain.isActive():
        _grow(domain, action)
    elif domain.hasManagedSaveImage(0):
        raise _conflict(why="the machine is suspended and its memory has the old size: start it first, or stop it")
    stored = xml.parse(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE | libvirt.VIR_DOMAIN_XML_INACTIVE))
    domain.connect().defineXML(xml.sized(stored, action.cpu, action.memory))
    if domain.isActive():
        _hand_over(domain, action, progress)


def _conflict(**details: object) -> ConnectorError:
    return ConnectorError(Fault.CONFLICT, **details)


def _grow(domain: libvirt.virDomain, action: Resize) -> None:
    """Plug in what is lacking, memory first: the host may not have it."""
    description = xml.parse(domain.XMLDesc(0))
    cpu, memory = xml.size(description)
    action = replace(action, memory=-(-(action.memory // 1024) // 1024) * _MIB)  # as libvirt rounds
    _check(description, action, cpu, memory)
    if action.memory > memory:
        domain.attachDeviceFlags(xml.piece(action.memory - memory), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    if action.cpu > cpu:
        domain.setVcpusFlags(action.cpu, libvirt.VIR_DOMAIN_AFFECT_LIVE)


def _check(description: Any, action: Resize, cpu: int, memory: int) -> None:
    most, largest = int(description.findtext("vcpu")), int(description.findtext("maxMemory") or 0) * 1024 or memory
    if action.cpu < cpu or action.memory < memory:
        why = "a running machine keeps its {cores} processors and {memory} bytes of memory: stop it to shrink"
        raise _conflict(why=why, cores=cpu, memory=memory)
    if action.cpu > most or action.memory > largest:
        why = (
            "while it runs the machine can have up to {most} processors and {largest} bytes of memory:"
            " stop it to give it more"
        )
        raise _conflict(why=why, most=most, largest=largest)
    if (action.memory - memory) % STEP:
        why = "a running machine takes memory in steps of {step} bytes over its {memory}: stop it for others"
        raise _conflict(why=why, step=STEP, memory=memory)
    if action.memory > memory and len(description.findall("devices/memory")) >= xml.SLOTS:
        why = "the machine was given memory {times} times since it was started: stop it to give it more"
        raise _conflict(why=why, times=xml.SLOTS)


def _hand_over(domain: libvirt.virDomain, action: Resize, progress: Progress) -> None:
    """Have the guest use what it was given; one without an agent sees to that by itself, or not."""
    for _ in range(_LOOKS):
        if not agent.listens(xml.parse(domain.XMLDesc(0))):
            return
        if agent.use_processors(domain, action.cpu) and agent.use_memory(domain, action.memory):
            return
        progress.stopping.wait(_LOOK)
