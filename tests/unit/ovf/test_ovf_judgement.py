"""Each rule of the catalogue is broken once, by a change to a descriptor that breaks none."""

import pytest

from ovf import judge
from ovf.findings import acceptable
from ovf.limits import Limits
from ovf.model import Content, Package, PlacementGroupSection, ScaleOutSection
from ovf.reader import read
from ovf.rules import RULES, Severity
from tests.unit.ovf.making import descriptor, found, item

WEB = "<!--web-->"
DB = "<!--db hardware-->"
ENVELOPE = "<!--envelope-->"
COLLECTION = "<!--collection-->"
CPU = "<rasd:VirtualQuantity>4</rasd:VirtualQuantity>"
MEMORY = "<rasd:VirtualQuantity>512</rasd:VirtualQuantity>"
DISK = '<Disk ovf:diskId="disk1"'
SIZE = 'ovf:key="size" ovf:type="uint32"'
UNITS = 'ovf:capacityAllocationUnits="byte * 2^20"'
FORMAT = 'ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"'
SCALE = (
    '<ovf2:ScaleOutSection ovf2:id="{id}"><Info>Copies</Info>'
    '<ovf2:InstanceCount ovf2:minimum="{low}" ovf2:default="{default}" ovf2:maximum="{high}"/></ovf2:ScaleOutSection>'
)
GROUP = (
    '<ovf2:PlacementGroupSection ovf2:id="{id}" ovf2:policy="{policy}"><Info>Group</Info></ovf2:PlacementGroupSection>'
)
RULE = "<rsrvr:Rule><rsrvr:KPIName>{kpi}</rsrvr:KPIName><rsrvr:Quota>{quota}</rsrvr:Quota></rsrvr:Rule>"


def section(name: str, body: str = "", attributes: str = "") -> str:
    return f"<{name} {attributes}><Info>x</Info>{body}</{name}>"


def elastic(body: str) -> str:
    return section("rsrvr:ElasticArraySection", body)


BREACHES = {
    "content.multiple": ("  <Strings ", '<VirtualSystem ovf:id="more"><Info>x</Info></VirtualSystem>\n  <Strings '),
    "content.id-missing": ('<VirtualSystem ovf:id="db">', "<VirtualSystem>"),
    "content.id-duplicate": ('<VirtualSystem ovf:id="db">', '<VirtualSystem ovf:id="web">'),
    "content.too-deep": (
        COLLECTION,
        '<VirtualSystemCollection ovf:id="c{}"><Info>x</Info>' * 20 + "</VirtualSystemCollection>" * 20,
    ),
    "section.misplaced": (COLLECTION, section("VirtualHardwareSection")),
    "section.repeated": (COLLECTION, section("StartupSection")),
    "section.repeated-harmless": (ENVELOPE, section("NetworkSection")),
    "section.unknown-required": (WEB, section("x:Odd")),
    "section.unknown-kept": (WEB, section("x:Odd", attributes='ovf:required="false"')),
    "section.version": (COLLECTION, SCALE.format(id="web", low=1, default=2, high=3)),
    "element.unknown-required": (DB, '<x:Thing ovf:required="true"/>'),
    "element.unexpected": (DB, "<Odd/>"),
    "element.repeated": ("<Product>Shop</Product>", "<Product>Shop</Product><Product>Two</Product>"),
    "attribute.unqualified": ('ovf:href="icon.png"', 'href="icon.png"'),
    "info.missing": ("<Info>Disks</Info>", ""),
    "references.missing": (
        "<References>",
        "",
        '<File ovf:id="file1" ovf:href="disk1.vmdk" ovf:size="65536"/>',
        "",
        '<File ovf:id="icon1" ovf:href="icon.png"/>',
        "",
        "</References>",
        "",
    ),
    "value.boolean": ('ovf:default="true"', 'ovf:default="perhaps"'),
    "value.boolean-spelling": ('ovf:default="true"', 'ovf:default="True"'),
    "value.number": ('ovf:order="2"', 'ovf:order="-2"'),
    "value.number-harmless": ('<Icon ovf:fileRef="icon1"', '<Icon ovf:fileRef="icon1" ovf:height="big"'),
    "value.unlimited": ("<rasd:Limit>2000</rasd:Limit>", "<rasd:Limit>-1</rasd:Limit>"),
    "file.id-missing": ('ovf:id="icon1"', 'ovf:id=""'),
    "file.id-duplicate": ('ovf:id="icon1"', 'ovf:id="file1"'),
    "file.href-missing": ('ovf:href="icon.png"', ""),
    "file.href-unsafe": ('ovf:href="icon.png"', 'ovf:href="../icon.png"'),
    "file.href-remote": ('ovf:href="icon.png"', 'ovf:href="https://example.org/icon.png"'),
    "file.href-duplicate": ('ovf:href="icon.png"', 'ovf:href="disk1.vmdk"'),
    "file.size-impossible": ('ovf:size="65536"', 'ovf:size="9223372036854775807"'),
    "file.compression-unknown": ('ovf:size="65536"', 'ovf:compression="bzip2"'),
    "file.chunks-too-many": ('ovf:size="65536"', 'ovf:size="65536" ovf:chunkSize="1"'),
    "file.encrypted": (ENVELOPE, section("ovf2:EncryptionSection")),
    "file.bundle-unknown": ("<Strings ", '<Strings ovf:fileRef="nowhere" '),
    "disk.id-missing": ('ovf:diskId="disk2"', ""),
    "disk.id-duplicate": ('ovf:diskId="disk2"', 'ovf:diskId="disk1"'),
    "disk.capacity-missing": ('ovf:capacity="10"', ""),
    "disk.capacity-malformed": ('ovf:capacity="10"', 'ovf:capacity="ten"'),
    "disk.capacity-suffix": ('ovf:capacity="10"', 'ovf:capacity="10MB"'),
    "disk.capacity-zero": ('ovf:capacity="10"', 'ovf:capacity="0"'),
    "disk.capacity-impossible": ('ovf:capacity="10"', 'ovf:capacity="999999999999"'),
    "disk.capacity-property-unknown": ("${size}", "${other}"),
    "disk.capacity-property-value": ('ovf:value="5"', 'ovf:value="5.5"'),
    "disk.file-ref-unknown": ('ovf:fileRef="file1"', 'ovf:fileRef="file9"'),
    "disk.parent-unknown": (DISK, f'{DISK} ovf:parentRef="nobody"'),
    "disk.parent-cycle": (DISK, f'{DISK} ovf:parentRef="disk1"'),
    "disk.parent-capacity": (DISK, f'<Disk ovf:diskId="p" ovf:capacity="11" {UNITS}/>{DISK} ovf:parentRef="p"'),
    "disk.populated-impossible": ('ovf:populatedSize="4096"', 'ovf:populatedSize="9223372036854775807"'),
    "disk.populated-larger": ('ovf:populatedSize="4096"', 'ovf:populatedSize="99999999"'),
    "disk.format-missing": (FORMAT, ""),
    "disk.unused": (DISK, f'<Disk ovf:diskId="idle" ovf:capacity="11"/>{DISK}'),
    "disk.shared-implicitly": (DB, item(1, 17, "<rasd:HostResource>ovf:/disk/disk1</rasd:HostResource>")),
    "unit.malformed": (UNITS, 'ovf:capacityAllocationUnits="byte * 2^^20"'),
    "unit.spelling": (UNITS, 'ovf:capacityAllocationUnits="MegaBytes"'),
    "unit.kind": (UNITS, 'ovf:capacityAllocationUnits="hertz"'),
    "network.name-missing": ('<Network ovf:name="net">', "<Network>"),
    "network.duplicate": ('<Network ovf:name="net">', '<Network ovf:name="net"/><Network ovf:name="net">'),
    "network.undeclared": ("<rasd:Connection>net<", "<rasd:Connection>other<"),
    "hardware.missing": (COLLECTION, '<VirtualSystem ovf:id="bare"><Info>x</Info></VirtualSystem>'),
    "hardware.type-missing": ("<vssd:VirtualSystemType>vmx-13 kvm</vssd:VirtualSystemType>", ""),
    "item.id-missing": ("<rasd:InstanceID>7</rasd:InstanceID>", ""),
    "item.id-duplicate": ("<rasd:InstanceID>7</rasd:InstanceID>", "<rasd:InstanceID>6</rasd:InstanceID>"),
    "item.name-missing": ("<rasd:ElementName>NIC</rasd:ElementName>", ""),
    "item.type-missing": ("<rasd:ResourceType>10</rasd:ResourceType>", ""),
    "item.type-missing-optional": ("<rasd:ResourceType>15</rasd:ResourceType>", ""),
    "item.type-unknown": ("<rasd:ResourceType>15</rasd:ResourceType>", "<rasd:ResourceType>99</rasd:ResourceType>"),
    "item.parent-unknown": ("<rasd:Parent>3</rasd:Parent>", "<rasd:Parent>33</rasd:Parent>"),
    "item.parent-unknown-optional": (DB, item(1, 15, "<rasd:Parent>8</rasd:Parent>", 'ovf:required="false"')),
    "item.parent-zero": ("<rasd:Parent>3</rasd:Parent>", "<rasd:Parent>0</rasd:Parent>"),
    "item.parent-cycle": ("<rasd:Parent>3</rasd:Parent>", "<rasd:Parent>4</rasd:Parent>"),
    "item.address-taken": ("<rasd:AddressOnParent>1<", "<rasd:AddressOnParent>0<"),
    "item.host-resource-malformed": ("ovf:/disk/disk1<", "disk1<"),
    "item.host-resource-odd": ("ovf:/disk/disk1<", "/disk/disk1<"),
    "item.host-resource-foreign": (DB, item(1, 15, "<rasd:HostResource>/dev/cdrom</rasd:HostResource>")),
    "item.host-resource-disk": ("ovf:/disk/disk1<", "ovf:/disk/nowhere<"),
    "item.host-resource-file": (DB, item(1, 15, "<rasd:HostResource>ovf:/file/nowhere</rasd:HostResource>")),
    "item.disk-empty": (DB, item(1, 17)),
    "item.quantity-missing": (MEMORY, ""),
    "item.quantity-assumed": (CPU, ""),
    "item.quantity-zero": (CPU, "<rasd:VirtualQuantity>0</rasd:VirtualQuantity>"),
    "item.quantity-impossible": (CPU, "<rasd:VirtualQuantity>99999999</rasd:VirtualQuantity>"),
    "item.memory-unit": (DB, item(1, 4, "<rasd:VirtualQuantity>512</rasd:VirtualQuantity>")),
    "item.reservation": ("<rasd:Reservation>500<", "<rasd:Reservation>5000<"),
    "item.bound-unknown": ('ovf:bound="min"', 'ovf:bound="least"'),
    "item.bound-order": (MEMORY, "<rasd:VirtualQuantity>2048</rasd:VirtualQuantity>"),
    "item.configuration-unknown": ('<Item ovf:configuration="small">', '<Item ovf:configuration="tiny">'),
    "item.legacy": ("<rasd:Address>0</rasd:Address>", "<rasd:BusNumber>0</rasd:BusNumber>"),
    "item.config-filtered": (DB, '<vmw:ExtraConfig ovf:required="false" vmw:key="isolation.x" vmw:value="1"/>'),
    "configuration.id-missing": ('<Configuration ovf:id="large"', '<Configuration ovf:id=""'),
    "configuration.id-duplicate": ('<Configuration ovf:id="large"', '<Configuration ovf:id="small"'),
    "configuration.default-twice": ('ovf:id="small"', 'ovf:id="small" ovf:default="true"'),
    "configuration.text-missing": ("<Label>Small</Label>", ""),
    "configuration.none": (ENVELOPE, section("DeploymentOptionSection")),
    "product.duplicate": (WEB, section("ProductSection", attributes='ovf:class="org.example" ovf:instance="1"')),
    "product.icon-unknown": ('ovf:fileRef="icon1"', 'ovf:fileRef="icon9"'),
    "property.key-missing": ('ovf:key="mode"', 'ovf:key=""'),
    "property.key-odd": ('ovf:key="mode"', 'ovf:key="a.b"'),
    "property.key-duplicate": ('ovf:key="mode"', 'ovf:key="size"'),
    "property.type-missing": (SIZE, 'ovf:key="size"'),
    "property.type-unknown": (SIZE, 'ovf:key="size" ovf:type="int"'),
    "property.qualifiers-malformed": ("MinValue(1),MaxValue(100)", "MinValue(1"),
    "property.qualifiers-unknown": ("MinValue(1),MaxValue(100)", "Required"),
    "property.qualifiers-empty": ("MinValue(1),MaxValue(100)", "MinValue(9),MaxValue(1)"),
    "property.value-type": ('ovf:value="5"', 'ovf:value="five"'),
    "property.value-blanks": ('ovf:value="5"', 'ovf:value=" 5 "'),
    "property.value-qualifiers": ('ovf:value="5"', 'ovf:value="500"'),
    "property.value-missing": ('ovf:userConfigurable="true" ovf:value="5"', ""),
    "property.configuration-unknown": ('ovf:configuration="small"/>', 'ovf:configuration="tiny"/>'),
    "property.configuration-twice": (
        '<Value ovf:value="slow, but safe" ovf:configuration="small"/>',
        '<Value ovf:value="fast" ovf:configuration="small"/>' * 2,
    ),
    "property.password-inside": ('ovf:key="secret"', 'ovf:key="secret" ovf:value="hunter2"'),
    "eula.empty": ("<License>Be good.</License>", "<License/>"),
    "startup.id-missing": ('<Item ovf:id="web" ovf:order="2"', '<Item ovf:order="2"'),
    "startup.order-missing": ('ovf:order="2"', ""),
    "startup.unknown": ('<Item ovf:id="web" ovf:order="2"', '<Item ovf:id="mail" ovf:order="2"'),
    "startup.duplicate": ('<Item ovf:id="web" ovf:order="2"', '<Item ovf:id="db" ovf:order="2"'),
    "startup.action": ('ovf:stopAction="guestShutdown"', 'ovf:stopAction="suspend"'),
    "startup.zero-first": ('ovf:order="1"', 'ovf:order="0"'),
    "os.id-missing": ('<OperatingSystemSection ovf:id="96">', "<OperatingSystemSection>"),
    "scale.count-missing": (COLLECTION, section("ovf2:ScaleOutSection", attributes='ovf2:id="web"')),
    "scale.count-order": (COLLECTION, SCALE.format(id="web", low=3, default=2, high=4)),
    "scale.count-impossible": (COLLECTION, SCALE.format(id="web", low=1, default=2, high=10**9)),
    "scale.unknown": (COLLECTION, SCALE.format(id="mail", low=1, default=2, high=3)),
    "scale.duplicate": (COLLECTION, SCALE.format(id="web", low=1, default=2, high=3) * 2),
    "placement.id-missing": (ENVELOPE, GROUP.format(id="", policy="affinity")),
    "placement.id-duplicate": (ENVELOPE, GROUP.format(id="g", policy="Affinity") * 2),
    "placement.policy": (ENVELOPE, GROUP.format(id="g", policy="together")),
    "placement.unknown": (WEB, section("ovf2:PlacementSection", attributes='ovf2:group="g"')),
    "boot.unknown": (WEB, section("vmw:BootOrderSection", attributes='vmw:instanceId="77" vmw:type="disk"')),
    "vendor.group-id-missing": (ENVELOPE, section("vmw:StorageGroupSection")),
    "vendor.group-id-duplicate": (ENVELOPE, section("vmw:TagBasedPlacementGroupSection", attributes='vmw:id="g"') * 2),
    "vendor.group-unknown": (WEB, section("vmw:StorageSection", attributes='vmw:group="g"')),
    "environment.file-unknown": (
        WEB,
        section("ovf2:EnvironmentFilesSection", '<ovf2:File ovf2:fileRef="nowhere" ovf2:path="a.txt"/>'),
    ),
    "environment.path-unsafe": (
        WEB,
        section("ovf2:EnvironmentFilesSection", '<ovf2:File ovf2:fileRef="icon1" ovf2:path="/etc/a"/>'),
    ),
    "message.unknown": ('ovf:msgid="web.name">Web', 'ovf:msgid="web.title">Web'),
    "service.copies": ('<VirtualSystem ovf:id="db">', '<VirtualSystem ovf:id="db" rsrvr:min="3" rsrvr:max="2">'),
    "service.number": (WEB, elastic(RULE.format(kpi="load", quota="much"))),
    "service.incomplete": (WEB, elastic(RULE.format(kpi="", quota="1"))),
    "service.member-unknown": (
        COLLECTION,
        section(
            "rsrvr:AffinitySection",
            "<rsrvr:Affinity><rsrvr:VirtualSystemId>mail</rsrvr:VirtualSystemId></rsrvr:Affinity>",
        ),
    ),
    "service.choice": (COLLECTION, section("rsrvr:AffinitySection", '<rsrvr:Affinity rsrvr:scope="galaxy"/>')),
}

NEEDS_OTHER_MEANS = {"content.missing", "schema.invalid", "schema.none"}


def test_the_base_breaks_no_rule_even_in_strict_mode():
    assert found(descriptor(), strict=True) == {}


def test_every_rule_about_descriptors_is_broken_by_a_test():
    tested = {*BREACHES, *NEEDS_OTHER_MEANS}
    assert {code for code in RULES if not code.startswith("package.")} == tested


@pytest.mark.parametrize("code", sorted(BREACHES))
def test_rule(code):
    texts = BREACHES[code]
    data = descriptor(*zip(texts[::2], texts[1::2], strict=True))
    finding = found(data)[code]
    rule = RULES[code]
    assert finding.severity is (Severity.ERROR if rule.kind == "E" else Severity.WARNING)
    assert finding.line > 1
    assert finding.column > 0
    assert finding.clause
    assert finding.remedy
    strict = found(data, strict=True)[code]
    assert strict.severity is (Severity.WARNING if rule.kind == "W" else Severity.ERROR)


@pytest.mark.parametrize("code", sorted(code for code in BREACHES if RULES[code].kind != "E"))
def test_what_is_only_odd_is_accepted(code):
    texts = BREACHES[code]
    findings = judge.findings(read(descriptor(*zip(texts[::2], texts[1::2], strict=True))))
    assert acceptable(findings) or code in ACCOMPANIED, [str(one) for one in findings if one.severity is Severity.ERROR]


ACCOMPANIED = {"references.missing", "configuration.none"}


def test_an_envelope_without_content_is_refused():
    empty = '<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"><References/></Envelope>'
    assert set(found(empty.encode())) == {"content.missing"}


def test_finding_names_line_and_column_of_the_element():
    data = descriptor(('ovf:order="2"', 'ovf:order="x"'))
    finding = found(data)["value.number"]
    line = next(number for number, text in enumerate(data.decode().splitlines(), 1) if 'ovf:order="x"' in text)
    assert (finding.line, finding.column) == (line, 7)


def test_a_rule_broken_everywhere_is_told_a_bounded_number_of_times():
    many = "".join(item(number, 99) for number in range(100, 300))
    findings = judge.findings(read(descriptor(("<!--db hardware-->", many))))
    assert sum(one.code == "item.type-unknown" for one in findings) == 50


def test_details_from_strangers_stay_on_one_printable_line():
    data = descriptor(
        ('ovf:id="icon1"', 'ovf:id="file1&#10;\x9b31m"'), ('ovf:href="icon.png"', 'ovf:href="../a&#10;b"')
    )
    assert "\n" not in str(found(data)["file.href-unsafe"])


@pytest.mark.parametrize(
    "capacity",
    ["-1", "9223372036854775807", "9223372036854775808", "99999999999999999999999999999999999", "0x10", "1e3", " "],
)
def test_capacities_that_lie_are_refused(capacity):
    reading = read(descriptor(('ovf:capacity="10"', f'ovf:capacity="{capacity}"')))
    assert not acceptable(judge.findings(reading))


@pytest.mark.parametrize("size", ["-1", "9223372036854775807", "9223372036854775808", "-9223372036854775807", "1.5"])
@pytest.mark.parametrize("attribute", ["size", "populatedSize"])
def test_sizes_that_lie_are_refused(attribute, size):
    old = {"size": 'ovf:size="65536"', "populatedSize": 'ovf:populatedSize="4096"'}[attribute]
    assert not acceptable(judge.findings(read(descriptor((old, f'ovf:{attribute}="{size}"')))))


def test_duplicate_numbers_in_different_configurations_are_fine():
    both = item(9, 1, attributes='ovf:configuration="small"') + item(9, 1, attributes='ovf:configuration="large"')
    assert "item.id-duplicate" not in found(descriptor(("<!--db hardware-->", both)))


def test_duplicate_numbers_in_overlapping_configurations_are_refused():
    both = item(9, 1, attributes='ovf:configuration="small large"') + item(9, 1, attributes='ovf:configuration="large"')
    assert "item.id-duplicate" in found(descriptor(("<!--db hardware-->", both)))


def test_documents_of_claudia_may_use_a_number_twice():
    twice = item(9, 1) * 2
    service = elastic("<rsrvr:Rule/>")
    assert "item.id-duplicate" not in found(descriptor((DB, twice), (WEB, service)))


def test_a_chain_of_disks_with_one_capacity_is_fine():
    parent = '<Disk ovf:diskId="p" ovf:capacity="10240" ovf:capacityAllocationUnits="byte * 2^10"/>'
    chain = f'{parent}{DISK} ovf:parentRef="p"'
    assert not {code for code in found(descriptor((DISK, chain))) if code.startswith("disk.")}


def test_capacity_of_a_parent_given_by_a_property_is_not_compared_with_text():
    chain = f'<Disk ovf:diskId="p" ovf:capacity="${{size}}"/>{DISK} ovf:parentRef="p"'
    assert "disk.parent-capacity" in found(descriptor((DISK, chain)))


def test_groups_of_vmware_that_exist_are_fine():
    groups = section("vmw:StorageGroupSection", attributes='vmw:id="g"')
    groups += section("vmw:TagBasedPlacementGroupSection", attributes='vmw:id="g" ovf:required="true"')
    members = section("vmw:StorageSection", attributes='vmw:group="g"')
    members += section("vmw:TagBasedPlacementSection", attributes='vmw:group="g"')
    codes = set(found(descriptor((ENVELOPE, groups), (WEB, members))))
    assert codes == {"section.unknown-kept"}


def test_a_second_list_of_references_is_read_too():
    more = '<References><File ovf:id="file2" ovf:href="more.vmdk"/></References>'
    data = descriptor(("<DiskSection>", f"{more}<DiskSection>"), ('ovf:fileRef="file1"', 'ovf:fileRef="file2"'))
    assert set(found(data)) == {"element.repeated"}


def test_an_empty_string_may_be_the_value_of_a_string():
    assert "property.value-missing" not in found(
        descriptor(('ovf:value="fast" ovf:qualifiers=\'ValueMap{"fast","slow, but safe"}\'', 'ovf:value=""'))
    )


def test_an_optional_device_may_lack_its_amount():
    optional = item(9, 4, attributes='ovf:required="false"') + item(10, 3, attributes='ovf:required="false"')
    zero = item(11, 4, "<rasd:VirtualQuantity>0</rasd:VirtualQuantity>", 'ovf:required="false"')
    codes = set(found(descriptor((DB, optional + zero))))
    assert not codes & {"item.quantity-missing", "item.quantity-zero"}


@pytest.mark.parametrize("kind", [3, 4])
def test_required_amounts_must_be_there_and_not_zero(kind):
    codes = set(found(descriptor((DB, item(9, kind, "<rasd:VirtualQuantity>0</rasd:VirtualQuantity>")))))
    assert "item.quantity-zero" in codes


def test_memory_beyond_any_machine_is_refused():
    body = (
        "<rasd:AllocationUnits>byte * 2^40</rasd:AllocationUnits><rasd:VirtualQuantity>9999999</rasd:VirtualQuantity>"
    )
    assert "item.quantity-impossible" in found(descriptor((DB, item(9, 4, body))))


def test_bounds_in_different_units_are_not_compared_blindly():
    small = item(
        9, 4, "<rasd:AllocationUnits>byte * 2^30</rasd:AllocationUnits><rasd:VirtualQuantity>1</rasd:VirtualQuantity>",
        'ovf:bound="min"',
    )  # fmt: skip
    large = item(
        9, 4, "<rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:VirtualQuantity>2</rasd:VirtualQuantity>",
        'ovf:bound="max"',
    )  # fmt: skip
    assert "item.bound-order" in found(descriptor((DB, small + large)))


def test_scale_out_without_maximum_takes_the_default():
    body = '<ovf2:InstanceCount ovf2:default="2"/>'
    assert "scale.count-order" not in found(
        descriptor((COLLECTION, section("ovf2:ScaleOutSection", body, 'ovf2:id="web"')))
    )


def test_too_many_copies_in_claudias_attributes_are_refused():
    data = descriptor(('<VirtualSystem ovf:id="db">', '<VirtualSystem ovf:id="db" rsrvr:max="999999">'))
    assert "scale.count-impossible" in found(data)


def test_ports_of_firewall_rules_are_numbers():
    rule = "<rsrvr:Rule><rsrvr:InternalPortStart>99999</rsrvr:InternalPortStart></rsrvr:Rule>"
    assert "service.number" in found(descriptor((WEB, section("rsrvr:FirewallSection", rule))))
    fine = "<rsrvr:Rule><rsrvr:InternalPortStart>443</rsrvr:InternalPortStart></rsrvr:Rule>"
    assert "service.number" not in found(descriptor((WEB, section("rsrvr:FirewallSection", fine))))


def test_places_without_a_name_are_incomplete():
    place = "<rsrvr:Restriction><rsrvr:Country/></rsrvr:Restriction>"
    assert "service.incomplete" in found(descriptor((WEB, section("rsrvr:DeploymentSection", place))))


def test_a_shared_disk_may_be_attached_twice():
    shared = section("ovf2:SharedDiskSection", '<ovf2:SharedDisk ovf2:diskId="s" ovf2:capacity="1"/>')
    use = item(20, 17, "<rasd:HostResource>ovf:/disk/s</rasd:HostResource>")
    codes = found(descriptor((ENVELOPE, shared), (DB, use + use.replace("20", "21"))))
    assert "disk.shared-implicitly" not in codes


def test_the_first_hardware_decides_which_disks_are_used():
    other = section("VirtualHardwareSection", item(1, 17, "<rasd:HostResource>ovf:/disk/disk1</rasd:HostResource>"))
    assert "disk.shared-implicitly" not in found(descriptor((WEB, other)))


def test_an_optional_encryption_section_is_left_alone():
    optional = section("ovf2:EncryptionSection", attributes='ovf:required="false"')
    assert "file.encrypted" not in found(descriptor((ENVELOPE, optional)))


@pytest.mark.parametrize(
    ("name", "required", "refused"),
    [
        ("vmw:BootOrderSection", "", False),
        ("vmw:IpAssignmentSection", 'ovf:required="true"', False),
        ("vmw:BrandNewSection", "", False),
        ("vmw:BrandNewSection", 'ovf:required="true"', True),
        ("rsrvr:AspectsSection", 'ovf:required="true"', False),
        ("x:Odd", 'ovf:required="0"', False),
        ("x:Odd", 'ovf:required="true"', True),
    ],
)
def test_sections_of_vendors(name, required, refused):
    assert ("section.unknown-required" in found(descriptor((WEB, section(name, attributes=required))))) is refused


def test_messages_in_files_are_not_missed():
    in_file = ('<Strings xml:lang="fr-FR">', '<Strings xml:lang="fr-FR" ovf:fileRef="icon1">')
    data = descriptor(in_file, ("web.name", "w"))
    assert "message.unknown" not in found(data)


def test_limits_are_the_operators():
    few = Limits(copies=2)
    content = Content(collection=True, id="c", contents=(Content(id="s"),), sections=(ScaleOutSection(id="s"),))
    package = Package(content=content, sections=(PlacementGroupSection(id="g", policy="affinity"),))
    codes = {issue.code for issue in judge.judge(package, few)}
    assert codes == {"scale.count-missing", "hardware.missing"}


@pytest.mark.parametrize(
    ("unit", "code"), [("byte * 2^^20", "unit.malformed"), ("hertz * 10^6", "unit.kind"), ("percent", "unit.kind")]
)
def test_units_of_memory(unit, code):
    body = f"<rasd:AllocationUnits>{unit}</rasd:AllocationUnits><rasd:VirtualQuantity>5</rasd:VirtualQuantity>"
    assert code in found(descriptor((DB, item(9, 4, body))))


def test_an_empty_value_for_a_configuration_is_not_held_against_the_type():
    empty = descriptor(('<Value ovf:value="slow, but safe"', '<Value ovf:value=""'))
    assert "property.value-qualifiers" not in found(empty)


def test_a_complete_service_is_accepted():
    rule = (
        "<rsrvr:Rule><rsrvr:KPIName>load</rsrvr:KPIName><rsrvr:KPIType>service</rsrvr:KPIType>"
        '<rsrvr:Window rsrvr:unit="minute">5</rsrvr:Window><rsrvr:Frequency>1</rsrvr:Frequency>'
        "<rsrvr:Quota>80</rsrvr:Quota></rsrvr:Rule>"
    )
    place = "<rsrvr:Restriction><rsrvr:Country>FR</rsrvr:Country><rsrvr:Position/></rsrvr:Restriction>"
    both = "<rsrvr:VirtualSystemId>web</rsrvr:VirtualSystemId><rsrvr:VirtualSystemId>db</rsrvr:VirtualSystemId>"
    affinity = section(
        "rsrvr:AffinitySection", f'<rsrvr:AntiAffinity rsrvr:scope="physical">{both}</rsrvr:AntiAffinity>'
    )
    data = descriptor((WEB, elastic(rule) + section("rsrvr:DeploymentSection", place)), (COLLECTION, affinity))
    assert set(found(data)) == {"section.unknown-kept"}


def test_bindings_of_the_boot_order_that_exist_are_fine():
    assert "boot.unknown" not in found(
        descriptor((WEB, section("vmw:BootOrderSection", attributes='vmw:instanceId="4" vmw:type="disk"')))
    )


def test_a_member_of_a_known_placement_group_is_fine():
    group = GROUP.format(id="g", policy="availability")
    member = section("ovf2:PlacementSection", attributes='ovf2:group="g"')
    assert "placement.unknown" not in found(descriptor((ENVELOPE, group), (WEB, member)))
