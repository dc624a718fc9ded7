"""Resolves a package for one configuration and given values (DSP0243 2.1, clauses 8, 9 and 11).

Nothing is guessed silently: what the descriptor leaves open is decided by a rule and told as a choice.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ovf import model
from ovf.devices import controller, cores, device, is_other, normal
from ovf.errors import RefusedError
from ovf.hardware import CONTROLLERS, DISKS, HardwareSection, Item, ResourceType
from ovf.machine import Choice, Deployment, Machine, MachineDisk, Nic, Range
from ovf.messages import Messages
from ovf.model import Content, Disk, Package
from ovf.names import VIRTUALBOX, VMWARE, clark, split
from ovf.parts import UnknownSection
from ovf.property_values import Assigned, assign, by_name, unused
from ovf.services import MalformedError, copies
from ovf.sizes import capacity_bytes, memory_bytes, property_key
from ovf.startup import plans

ALLOWED_SETTINGS = frozenset(
    {
        "bootOptions.efiSecureBootEnabled",
        "cpuHotAddEnabled",
        "cpuHotRemoveEnabled",
        "firmware",
        "memoryHotAddEnabled",
        "nestedHVEnabled",
        "tools.syncTimeWithHost",
    }
)


def resolve(
    package: Package, configuration: str = "", values: Mapping[str, str] | None = None, families: Sequence[str] = ()
) -> Deployment:
    """The machines a package stands for.

    Args:
        package: a package that judgement accepts.
        configuration: id of a deployment option; empty takes the package's default.
        values: property values by key, see ``property_values.assign``.
        families: prefixes of VirtualSystemType the target can do, best first (``vmx``, ``virtualbox``, ``kvm``).

    Raises:
        RefusedError: unknown configuration or property, a value that breaks its qualifiers, an unusable capacity.
    """
    given = dict(values or {})
    strangers = unused(package.walk(), given)
    if strangers:
        raise RefusedError(f"no property is called {', '.join(strangers)}", remedy="inspect lists the properties")
    chosen, why = _configuration(package, configuration)
    run = _Run(package, chosen, given, tuple(families))
    machines = tuple(run.machines(package.content, "", ())) if package.content else ()
    connected = [name for machine in machines for nic in machine.nics for name in nic.networks]
    networks = dict.fromkeys([*(network.name for network in package.networks), *connected])
    licences = [run.texts.say(one.license) for content in package.walk() for one in content.of(model.EulaSection)]
    return Deployment(
        chosen, machines, plans(package), tuple(networks), tuple(licences), (Choice("configuration", chosen, why),)
    )


def _configuration(package: Package, wanted: str) -> tuple[str, str]:
    """The chosen configuration and why: the one asked for, the default, the first (clause 9.8)."""
    known = package.configurations
    if wanted:
        if wanted not in {one.id for one in known}:
            names = ", ".join(one.id for one in known) or "none"
            raise RefusedError(f"there is no configuration {wanted!r}", remedy=f"choose from: {names}")
        return wanted, "asked for"
    default = next((one.id for one in known if one.default), "")
    if default:
        return default, "marked as default"
    return (known[0].id, "the first, none is marked as default") if known else ("", "the package has none")


@dataclass
class _Run:
    package: Package
    configuration: str
    given: Mapping[str, str]
    families: tuple[str, ...]

    @cached_property
    def disks(self) -> dict[str, Disk]:
        """The declared disks by id."""
        return {disk.id: disk for disk in self.package.disks}

    @cached_property
    def shared(self) -> frozenset[str]:
        """Ids of the disks that several systems may open at once (clause 9.13)."""
        return frozenset(disk.id for one in self.package.of(model.SharedDiskSection) for disk in one.disks)

    @cached_property
    def networks(self) -> frozenset[str]:
        """Names of the declared networks."""
        return frozenset(network.name for network in self.package.networks)

    @cached_property
    def texts(self) -> Messages:
        """The package's texts."""
        return Messages(self.package)

    @cached_property
    def counts(self) -> dict[str, model.InstanceCount]:
        """The numbers of copies by id of the child (clause 9.14)."""
        sections = [one for content in self.package.walk() for one in content.of(model.ScaleOutSection)]
        return {one.id: one.count for one in reversed(sections) if one.count is not None}

    def machines(self, content: Content, collection: str, inherited: tuple[Assigned, ...]) -> list[Machine]:
        """The machines of a content element, in the order of the descriptor."""
        own = assign(content, self.configuration, self.given)
        if not content.collection:
            return [_Builder(self, content, own, inherited).machine(collection)]
        return [one for inner in content.contents for one in self.machines(inner, content.id, (*inherited, *own))]

    def disk(self, name: str) -> Disk:
        """The declared disk with this id."""
        found = self.disks.get(name)
        if found is not None:
            return found
        raise RefusedError("the disk is not declared", where=f"disk {name}", remedy="validate the package")

    def size(self, disk: Disk, values: Mapping[str, str]) -> tuple[int, str]:
        """A disk's size in bytes and where it comes from (clause 9.1)."""
        key = property_key(disk.capacity)
        if key is None:
            amount, reason = disk.capacity, "stated capacity"
        else:
            amount, reason = values.get(key, ""), f"value of property {key}"
        if not amount.strip().isdecimal():
            raise RefusedError(f"the capacity {amount!r} is no whole number", where=f"disk {disk.id}")
        return capacity_bytes(amount.strip(), disk.units), reason

    def chain(self, disk: Disk) -> tuple[str, ...]:
        """The files of a disk and its parents, base first."""
        files: list[str] = []
        seen: set[str] = set()
        current: Disk | None = disk
        while current is not None and current.id not in seen:
            seen.add(current.id)
            files += [current.file_ref] if current.file_ref else []
            current = self.disk(current.parent_ref) if current.parent_ref else None
        return tuple(reversed(files))


@dataclass
class _Builder:
    run: _Run
    content: Content
    own: tuple[Assigned, ...]
    inherited: tuple[Assigned, ...]
    choices: list[Choice] = field(default_factory=list)
    taken: dict[str, set[int]] = field(default_factory=dict)
    free: Counter[str] = field(default_factory=Counter)

    @cached_property
    def properties(self) -> tuple[Assigned, ...]:
        """The system's own properties, then those of its collections that it does not set itself (clause 11)."""
        keys = {one.key for one in self.own}
        return (*self.own, *(one for one in self.inherited if one.key not in keys))

    def note(self, subject: str, value: object, reason: str) -> None:
        """Tell a decision."""
        self.choices.append(Choice(subject, str(value), reason))

    def machine(self, collection: str) -> Machine:
        """The system with everything decided."""
        content = self.content
        section = self.section()
        items = self.items(section) if section else []
        processors, processor_range = self.amount(items, ResourceType.PROCESSOR)
        memory, memory_range = self.amount(items, ResourceType.MEMORY)
        install = content.of(model.InstallSection)
        disks = tuple(self.disks(items))
        return Machine(
            id=content.id,
            name=self.run.texts.say(content.name) or content.id,
            collection=collection,
            copies=self.copies(),
            processors=processors or self.assume("processors", 1),
            cores_per_socket=cores(section, items),
            memory_bytes=memory,
            processor_range=processor_range,
            memory_range=memory_range,
            controllers=tuple(controller(item) for item in items if item.resource_type in CONTROLLERS),
            disks=disks,
            nics=tuple(self.nic(item) for item in items if item.resource_type == ResourceType.ETHERNET_ADAPTER),
            devices=tuple(device(item) for item in items if is_other(item)),
            boot=self.boot(items),
            operating_system=self.system(),
            transports=section.transport if section else (),
            properties=self.properties,
            placement_groups=tuple(one.group for one in content.of(model.PlacementSection)),
            install_boot_seconds=install[0].initial_boot_stop_delay if install else None,
            settings=tuple(self.settings(section)),
            choices=tuple(self.choices),
        )

    def assume(self, what: str, value: int) -> int:
        """A value nobody stated."""
        self.note(what, value, "not stated, assumed")
        return value

    def section(self) -> HardwareSection | None:
        """The alternative for the target: the first it can do, else the first (clause 8.1)."""
        sections = self.content.of(HardwareSection)
        if not sections:
            self.note("hardware", "none", "the system has no virtual hardware section")
            return None
        for family in self.run.families:
            for section in sections:
                match = next((one for one in _types(section) if one.lower().startswith(family.lower())), None)
                if match:
                    self.note("hardware", match, f"first alternative for {family}")
                    return section
        reason = "none is known to the target, the first is taken" if self.run.families else "the first alternative"
        self.note("hardware", " ".join(_types(sections[0])), reason)
        return sections[0]

    def items(self, section: HardwareSection) -> list[Item]:
        """The devices of the chosen configuration; its items replace base items of the same number (clause 9.8)."""
        chosen = self.run.configuration
        special = [item for item in section.items if chosen and chosen in item.configuration]
        replaced = {item.instance_id for item in special}
        keep = {id(item) for item in special}
        result = [
            item
            for item in section.items
            if id(item) in keep or (not item.configuration and item.instance_id not in replaced)
        ]
        for item in special:
            self.note(f"item {item.instance_id}", item.element_name, f"belongs to configuration {chosen}")
        return self.renumbered(result)

    def renumbered(self, items: list[Item]) -> list[Item]:
        """Items with a number of their own, where a loose document uses one twice."""
        stated = {item.instance_id for item in items}
        uses: Counter[tuple[str, str]] = Counter()
        result = []
        for item in items:
            key, number = (item.instance_id, item.bound or "normal"), item.instance_id
            uses[key] += 1
            while uses[key] > 1 and number in stated:
                number = f"{item.instance_id}-{uses[key]}"
                uses[key] += number in stated
            if number != item.instance_id:
                self.note(f"item {item.instance_id}", number, "its number is used twice, renumbered")
            result.append(item if number == item.instance_id else replace(item, instance_id=number))
        return result

    def amount(self, items: list[Item], kind: ResourceType) -> tuple[int, Range]:
        """Processors as a count or memory in bytes, with the range a user may choose from (clause 8.4)."""
        found = {bound: [] for bound in ("normal", "min", "max")}  # type: dict[str, list[int]]
        for item in items:
            if item.resource_type == kind and item.virtual_quantity is not None:
                value = memory_bytes(item) if kind is ResourceType.MEMORY else item.virtual_quantity
                found.setdefault(item.bound or "normal", []).append(value)
        low = sum(found["min"]) if found["min"] else None
        high = sum(found["max"]) if found["max"] else None
        value = sum(found["normal"]) if found["normal"] else low or high or 0
        name = kind.name.lower()
        if not found["normal"] and value:
            self.note(name, value, "no normal amount is stated, a bound is taken")
        elif value:
            self.note(name, value, "stated amount")
        else:
            self.note(name, 0, "no amount is stated, the deployer chooses")
        return value, Range(low, high)

    def disks(self, items: list[Item]) -> list[MachineDisk]:
        """The disks in the order of the devices (clause 9.1)."""
        result = []
        values = by_name(self.properties)
        for item in normal(items):
            name = next((one[len("ovf:/disk/") :] for one in item.host_resources if one.startswith("ovf:/disk/")), "")
            if not name:
                if item.resource_type in DISKS:
                    self.note(f"disk {item.element_name}", "left out", "it refers to no disk of the package")
                continue
            disk = self.run.disk(name)
            size, reason = self.run.size(disk, values)
            self.note(f"disk {name}", size, reason)
            made = MachineDisk(
                id=name,
                name=item.element_name,
                size_bytes=size,
                files=self.run.chain(disk),
                controller=item.parent,
                address=self.address(item),
                shared=name in self.run.shared,
                required=item.required,
            )
            result.append(made)
        return result

    def address(self, item: Item) -> int:
        """The device's address on its controller: the stated one if free, else the next free one."""
        used = self.taken.setdefault(item.parent, set())
        stated = int(item.address_on_parent) if item.address_on_parent.isdecimal() else None
        if stated is not None and stated not in used:
            address = stated
        else:
            while self.free[item.parent] in used:
                self.free[item.parent] += 1
            address = self.free[item.parent]
            self.note(f"address of {item.element_name}", address, "next free address")
        used.add(address)
        return address

    def nic(self, item: Item) -> Nic:
        """A network port; undeclared networks are created (clause 9.2)."""
        for name in item.connections:
            if name not in self.run.networks:
                self.note(f"network {name}", "created", "the package does not declare it")
        return Nic(
            item.instance_id, item.element_name, item.connections, item.resource_subtypes, item.address, item.required
        )

    def settings(self, section: HardwareSection | None) -> Iterator[tuple[str, str]]:
        """The vendor's settings a target may see: those of the allow list (clause 7.3)."""
        tags = {clark(VMWARE, "Config"), clark(VMWARE, "ExtraConfig")}
        for node in section.extras if section else ():
            if node.tag in tags and node.get("key") in ALLOWED_SETTINGS:
                yield node.get("key"), node.get("value")
            elif node.tag in tags:
                self.note(f"setting {node.get('key')}", "left out", "it is not on the allow list")

    def boot(self, items: list[Item]) -> tuple[str, ...]:
        """Boot devices by InstanceID or kind: what a section says, else disks, CD, network (clause 9.12)."""
        for section in self.content.of(model.BootDeviceSection):
            names = tuple(_boot_sources(section))
            if names:
                self.note("boot order", " ".join(names), "BootDeviceSection")
                return names
        wanted = [one for one in self.content.of(UnknownSection) if one.xml.tag == clark(VMWARE, "BootOrderSection")]
        if wanted:
            names = tuple(one.xml.get("instanceId") or one.xml.get("type") for one in wanted)
            self.note("boot order", " ".join(names), "vmw:BootOrderSection")
            return names
        kinds = [(17, 31), (15, 16), (10,)]
        names = tuple(one.instance_id for kind in kinds for one in normal(items) if one.resource_type in kind)
        self.note("boot order", " ".join(names), "not stated: disks, then CD, then network")
        return names

    def copies(self) -> tuple[int, int, int]:
        """How many copies: of the parent's ScaleOutSection, or of Claudia's attributes (clause 9.14)."""
        count = self.run.counts.get(self.content.id)
        if count is not None:
            default = count.default or 0
            self.note("copies", default, "ScaleOutSection")
            return count.minimum or 0, default, default if count.maximum is None else count.maximum
        try:
            wanted = copies(self.content)
        except MalformedError as error:
            raise RefusedError(f"the numbers of copies cannot be used: {error}", where=self.content.id) from None
        return (wanted.minimum, wanted.initial, wanted.maximum) if wanted else (1, 1, 1)

    def system(self) -> str:
        """The guest system: vendor's name, else the CIM number, else the description (clause 9.9)."""
        for section in self.content.of(model.OperatingSystemSection):
            vendor = section.vendor(VMWARE, "osType")
            vbox = next((one.text for one in section.extras if one.tag == clark(VIRTUALBOX, "OSType")), "")
            number = f"cim:{section.id}" if section.id is not None else ""
            text = section.description.value if section.description else ""
            return vendor or vbox or number or text
        return ""


def _types(section: HardwareSection) -> tuple[str, ...]:
    return section.system.types if section.system else ()


def _boot_sources(section: model.BootDeviceSection) -> list[str]:
    """InstanceID or structured name of each boot source setting, in order."""
    found, waiting = [], list(section.extras)
    while waiting:
        node = waiting.pop(0)
        if split(node.tag)[1].endswith("BootSourceSetting"):
            found.append(node.leaf("InstanceID") or node.leaf("StructuredBootString") or node.leaf("ElementName"))
        else:
            waiting[:0] = node.children
    return [one for one in found if one]
