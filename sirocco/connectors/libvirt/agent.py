"""What only the guest knows or can do, asked of the agent that may run in it; never more than a help."""

import json
from typing import Any

import libvirt
import libvirt_qemu

_CHANNEL = "devices/channel/target[@name='org.qemu.guest_agent.0'][@state='connected']"
_SECONDS = 5  # that an agent may take to answer


def listens(description: Any) -> bool:
    """Whether an agent has opened its channel."""
    return description.find(_CHANNEL) is not None


def use_processors(domain: libvirt.virDomain, count: int) -> bool:
    """Have the guest use so many processors; whether it does."""
    try:
        domain.setVcpusFlags(count, libvirt.VIR_DOMAIN_VCPU_GUEST)
    except libvirt.libvirtError:
        return False  # the guest has not noticed all of them yet, or cannot
    return True


def use_memory(domain: libvirt.virDomain, size: int) -> bool:
    """Have the guest use all blocks of memory it sees; whether they hold ``size`` bytes at least."""
    try:
        blocks = _ask(domain, "guest-get-memory-blocks")
        if idle := [{**block, "online": True} for block in blocks if not block["online"]]:
            _ask(domain, "guest-set-memory-blocks", **{"mem-blks": idle})
        return len(blocks) * int(_ask(domain, "guest-get-memory-block-info")["size"]) >= size and not idle
    except libvirt.libvirtError:
        return False


def _ask(domain: libvirt.virDomain, command: str, **arguments: Any) -> Any:
    """The answer to a command of the guest agent's own protocol (QEMU, qga-qapi)."""
    order = {"execute": command, "arguments": arguments} if arguments else {"execute": command}
    return json.loads(libvirt_qemu.qemuAgentCommand(domain, json.dumps(order), _SECONDS, 0))["return"]
