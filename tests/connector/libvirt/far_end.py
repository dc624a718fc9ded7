"""What the tests know of the private hypervisor behind the connector's back."""

import base64
import ipaddress
import json
import time
import uuid
from pathlib import Path

import libvirt
import libvirt_qemu

from sirocco.connectors.libvirt import xml
from sirocco.connectors.ports import ImageSpec, KernelBoot, Kind, ProviderSettings, Ref
from tests.connector.conformance.endpoint import MIB, Endpoint

QUESTIONS = {
    "hostname": "hostname",
    "counter": "cut -d. -f1 /proc/uptime",
    "userdata": "mkdir -p /run/seed; mount -o ro /dev/sr0 /run/seed 2>/dev/null; cat /run/seed/user-data",
    "volumes": "cd /sys/block; ls -d vd[b-z] 2>/dev/null; true",
    "addresses": "until ip -4 -o addr show | grep eth; do sleep 0.2; done",
}


def fetching(ip, port=80, path=""):
    """A guest's command that prints the page at an address, or nothing; its own wget dies under emulation."""
    return f"printf 'GET /{path} HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {ip} {port} | sed '1,/^.$/d'"


def image_spec(tiny, name="tiny"):
    """The tiny image as a connector takes it."""
    return ImageSpec(name, str(tiny.disk), "qcow2", KernelBoot(str(tiny.kernel), str(tiny.initrd), tiny.cmdline))


def separate(hypervisor):
    """Settings of the same two hosts as a provider whose hosts share no disks."""
    settings = json.loads(json.dumps(hypervisor["provider"]["settings"]))
    for host in settings["hosts"]:
        folder = Path(hypervisor["root"], f"pool-{host['name']}")
        host |= {"pool": "apart", "pool_path": str(folder)}
    return settings | {"shared_storage": False}


def ranges(hypervisor, start):
    """Ranges for networks that the machine has a route to, from the one numbered ``start``."""
    blocks = list(ipaddress.ip_network(hypervisor["addresses"]).subnets(new_prefix=24))
    return map(str, blocks[start:-1])


class LibvirtEndpoint(Endpoint):
    """Asks guests through their agent, and makes strangers with libvirt itself."""

    @property
    def uris(self):
        return [host["uri"] for host in self.opening[1].settings["hosts"]]

    def ask(self, ref, question):
        return self.command(ref, QUESTIONS[question])

    def command(self, ref, line):
        """What a shell in the guest says, waited for."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return self._shell(ref, line)
            except libvirt.libvirtError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def domain(self, ref):
        """The running machine, as libvirt knows it."""
        for uri in self.uris:
            try:
                domain = libvirt.open(uri).lookupByUUIDString(ref.native_id)
            except libvirt.libvirtError:
                continue
            if domain.isActive():
                return domain
        raise AssertionError(f"{ref} runs nowhere")

    def begin(self, ref, line):
        """Have a shell in the guest begin something whose end nobody can tell, as the guest's own."""
        return _agent(self.domain(ref), "guest-exec", path="/bin/sh", arg=["-c", line], **{"capture-output": True})[
            "pid"
        ]

    def _shell(self, ref, line):
        pid, domain = self.begin(ref, line), self.domain(ref)
        while not (done := _agent(domain, "guest-exec-status", pid=pid))["exited"]:
            time.sleep(0.05)
        return base64.b64decode(done.get("out-data", "")).decode().strip()

    def make_stranger(self, kind):
        connection, unique = libvirt.open(self.uris[0]), str(uuid.uuid4())
        match kind:
            case Kind.MACHINE:
                memory, system = "<memory>65536</memory>", "<os><type arch='x86_64'>hvm</type></os>"
                connection.defineXML(
                    f"<domain type='qemu'><name>stranger</name><uuid>{unique}</uuid>{memory}{system}</domain>"
                )
            case Kind.NETWORK:
                connection.networkDefineXML(f"<network><name>stranger</name><uuid>{unique}</uuid></network>")
            case _:
                unique = f"image-{unique}" if kind is Kind.IMAGE else "stranger.qcow2"
                name = unique if unique.endswith("qcow2") else f"{unique}.qcow2"
                form = "<target><format type='qcow2'/></target>"
                pool = self.opening[1].settings["hosts"][0]["pool"]
                connection.storagePoolLookupByName(pool).createXML(
                    f"<volume><name>{name}</name><capacity>{MIB}</capacity>{form}</volume>"
                )
        return Ref(kind, unique)

    def unmake_stranger(self, ref):
        connection = libvirt.open(self.uris[0])
        match ref.kind:
            case Kind.MACHINE:
                connection.lookupByUUIDString(ref.native_id).undefine()
            case Kind.NETWORK:
                connection.networkLookupByUUIDString(ref.native_id).undefine()
            case _:
                pool = connection.storagePoolLookupByName(self.opening[1].settings["hosts"][0]["pool"])
                name = ref.native_id if ref.native_id.endswith(".qcow2") else f"{ref.native_id}.qcow2"
                pool.storageVolLookupByName(name).delete()


def _agent(domain, command, **arguments):
    request = json.dumps({"execute": command, "arguments": arguments})
    return json.loads(libvirt_qemu.qemuAgentCommand(domain, request, 5, 0))["return"]


def endpoint_of(name, settings, tiny, cidrs):
    """A conformance endpoint on these hosts."""
    far = LibvirtEndpoint(
        name=name,
        evidence="proven",
        opening=("libvirt", ProviderSettings(name, settings)),
        image=image_spec(tiny),
        memory=112 * MIB,
        patience=120.0,
        cidrs=cidrs,
    )
    far.guest, far.stranger, far.remove_stranger = far.ask, far.make_stranger, far.unmake_stranger
    return far


def leftovers(settings):
    """Everything that the hosts hold."""
    found = []
    for host in settings["hosts"]:
        connection = libvirt.open(host["uri"])
        found += [domain.name() for domain in connection.listAllDomains()]
        for network in connection.listAllNetworks():
            found += [network.name(), *xml.reservations(network.XMLDesc(0)).values()]
        found += sorted(path.name for path in Path(host["pool_path"]).glob("*"))
    return found
