"""From a package to machines: configurations, values, devices, order, copies, each with its reason."""

import pytest

from ovf import environment, services
from ovf.environment import Platform, for_machine, guestinfo, iso, parse, read_guestinfo, read_iso, render
from ovf.errors import OvfError, RefusedError, UnreadableError
from ovf.machine import Range
from ovf.messages import Messages
from ovf.parts import Text
from ovf.reader import read
from ovf.resolve import resolve
from ovf.safe_xml import parse as parse_xml
from ovf.startup import plans
from ovf.units import Unit, parse_unit, split_suffixed
from ovf.validity import environment_errors
from ovf.values import fits_type, meets, parse_qualifiers, standard_type
from tests.unit.ovf.making import descriptor, item
from tests.unit.ovf.test_ovf_judgement import COLLECTION, DB, SCALE, WEB, section

MIB, GIB = 2**20, 2**30


def deployment(*changes, **options):
    return resolve(read(descriptor(*changes)).package, **options)


def web(*changes, **options):
    return next(one for one in deployment(*changes, **options).machines if one.id == "web")


def reasons(machine):
    return {choice.subject: (choice.value, choice.reason) for choice in machine.choices}


def test_the_default_configuration_decides():
    done = deployment()
    assert (done.configuration, done.networks, done.licences) == ("large", ("net",), ("Be good.",))
    machine = done.machines[0]
    assert (machine.name, machine.collection, machine.processors) == ("Web", "all", 4)
    assert machine.memory_bytes == 512 * MIB
    assert machine.memory_range == Range(256 * MIB, 1024 * MIB)
    assert [(disk.id, disk.size_bytes, disk.files, disk.controller, disk.address) for disk in machine.disks] == [
        ("disk1", 10 * MIB, ("file1",), "3", 0),
        ("disk2", 5 * GIB, (), "3", 1),
    ]
    assert [(nic.networks, nic.models) for nic in machine.nics] == [(("net",), ("VmxNet3",))]
    assert [(one.id, one.models) for one in machine.controllers] == [("3", ("VirtualSCSI", "lsilogic"))]
    assert [(one.name, one.required) for one in machine.devices] == [("CD", False)]
    assert machine.boot == ("4", "5", "6", "7")
    assert machine.install_boot_seconds == 300
    assert machine.operating_system == "cim:96"
    assert machine.transports == ("iso", "com.vmware.guestInfo")
    assert reasons(machine)["disk disk2"] == (str(5 * GIB), "value of property size")
    assert done.choices[0].reason == "marked as default"


def test_another_configuration_replaces_devices_and_values():
    machine = web(configuration="small")
    assert machine.processors == 1
    assert {one.key: one.value for one in machine.properties}["org.example.mode.1"] == "slow, but safe"
    assert reasons(machine)["item 1"] == ("1 CPU", "belongs to configuration small")


def test_given_values_are_held_against_their_qualifiers():
    machine = web(values={"size": "7", "org.example.mode.1": "slow, but safe", "web/org.example.secret.1": "x"})
    assert machine.disks[1].size_bytes == 7 * GIB
    assert "hidden" not in repr(machine)
    assert "value='***'" in repr(machine)
    for values, match in (
        ({"size": "0"}, "below 1"),
        ({"size": "five"}, "does not fit the type"),
        ({"mode": "other"}, "none of the values"),
        ({"nobody": "1"}, "no property is called nobody"),
    ):
        with pytest.raises(RefusedError, match=match):
            web(values=values)


def test_only_users_values_may_be_given():
    with pytest.raises(RefusedError, match="may not be set"):
        web(('ovf:userConfigurable="true" ovf:value="5"', 'ovf:value="5"'), values={"size": "7"})


def test_unknown_configurations_are_refused_with_the_known_ones():
    with pytest.raises(RefusedError) as caught:
        deployment(configuration="huge")
    assert "small, large" in caught.value.remedy


def test_without_a_mark_the_first_configuration_counts():
    assert deployment(('ovf:default="true"', "")).choices[0].reason == "the first, none is marked as default"


def test_alternatives_are_chosen_by_what_the_target_can_do():
    other = section(
        "VirtualHardwareSection",
        "<System><vssd:ElementName>x</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>"
        "<vssd:VirtualSystemType>xen-3</vssd:VirtualSystemType></System>"
        + item(1, 3, "<rasd:VirtualQuantity>9</rasd:VirtualQuantity>"),
    )
    assert web((WEB, other), families=("xen", "vmx")).processors == 9
    assert web((WEB, other), families=("kvm",)).processors == 4
    machine = web((WEB, other), families=("hyperv",))
    assert reasons(machine)["hardware"][1] == "none is known to the target, the first is taken"


def test_a_system_without_hardware_leaves_everything_to_the_deployer():
    done = deployment((COLLECTION, '<VirtualSystem ovf:id="bare"><Info>x</Info></VirtualSystem>'))
    bare = done.machines[0]
    assert (bare.id, bare.processors, bare.memory_bytes) == ("bare", 1, 0)
    assert reasons(bare)["processors"] == ("1", "not stated, assumed")


def test_taken_addresses_and_undeclared_networks_are_settled():
    machine = web(
        ("<rasd:AddressOnParent>1<", "<rasd:AddressOnParent>0<"), ("<rasd:Connection>net<", "<rasd:Connection>lan<")
    )
    assert [disk.address for disk in machine.disks] == [0, 1]
    assert reasons(machine)["network lan"][0] == "created"


def test_only_harmless_settings_of_vendors_pass():
    settings = '<vmw:Config vmw:key="firmware" vmw:value="efi"/><vmw:ExtraConfig vmw:key="isolation.x" vmw:value="1"/>'
    done = deployment((DB, settings))
    assert done.machines[1].settings == (("firmware", "efi"),)
    assert reasons(done.machines[1])["setting isolation.x"][0] == "left out"


def test_boot_order_of_vmware_and_of_the_standard():
    vmware = section("vmw:BootOrderSection", attributes='vmw:type="cdrom"')
    assert web((WEB, vmware)).boot == ("cdrom",)
    standard = section(
        "ovf2:BootDeviceSection",
        "<x:CIM_BootConfigSetting><x:BootSourceSetting><x:InstanceID>7</x:InstanceID></x:BootSourceSetting>"
        "<x:BootSourceSetting><x:StructuredBootString>CIM:Hard-Disk:1</x:StructuredBootString></x:BootSourceSetting>"
        "</x:CIM_BootConfigSetting>",
    )
    assert web((WEB, standard)).boot == ("7", "CIM:Hard-Disk:1")


def test_copies_of_the_standard_and_of_claudia():
    assert web((COLLECTION, SCALE.format(id="web", low=1, default=2, high=4))).copies == (1, 2, 4)
    change = (
        '<VirtualSystem ovf:id="web">',
        '<VirtualSystem ovf:id="web" rsrvr:min="1" rsrvr:initial="3" rsrvr:max="5">',
    )
    assert web(change).copies == (1, 3, 5)
    with pytest.raises(RefusedError, match="numbers of copies"):
        web(('<VirtualSystem ovf:id="web">', '<VirtualSystem ovf:id="web" rsrvr:min="many">'))


def test_numbers_used_twice_are_settled_in_claudias_documents():
    change = ('<VirtualSystem ovf:id="db">', '<VirtualSystem ovf:id="db" rsrvr:max="1">')
    body = "<rasd:Connection>net</rasd:Connection>"
    done = deployment((DB, item(9, 10, body) + item(9, 10, body)), change)
    assert [nic.id for nic in done.machines[1].nics] == ["9", "9-2"]


def test_vendors_names_of_systems_come_first():
    assert web(('<OperatingSystemSection ovf:id="96">', '<OperatingSystemSection vmw:osType="debian12_64Guest">')
               ).operating_system == "debian12_64Guest"  # fmt: skip
    assert web(('<OperatingSystemSection ovf:id="96">', "<OperatingSystemSection>")).operating_system == "Debian"


def test_the_start_plan_follows_the_order_and_waits():
    [plan] = plans(read(descriptor()).package)
    assert [[start.id for start in group] for group in plan.groups] == [["db"], ["web"]]
    assert plan.groups[0][0].waits_for_guest
    assert (plan.groups[1][0].delay_seconds, plan.groups[1][0].stop_action) == (10, "guestShutdown")


def test_order_zero_is_outside_the_sequence_but_first_for_claudia():
    zero = ('ovf:order="1" ovf:waitingForGuest="true"', 'ovf:order="0" ovf:waitingForGuest="true"')
    [plan] = plans(read(descriptor(zero)).package)
    assert ([[one.id for one in group] for group in plan.groups], plan.anytime) == ([["web"]], ("db",))
    claudia = ('<VirtualSystem ovf:id="db">', '<VirtualSystem ovf:id="db" rsrvr:max="1">')
    [plan] = plans(read(descriptor(zero, claudia)).package)
    assert [[one.id for one in group] for group in plan.groups] == [["db"], ["web"]]
    assert "read as first" in plan.reason


def test_texts_are_chosen_by_language():
    package = read(descriptor()).package
    name = Text("Web", "web.name")
    assert [Messages(package, one).say(name) for one in ("fr-FR", "fr-CA", "de", "")] == [
        "Toile",
        "Toile",
        "Web",
        "Web",
    ]
    assert Messages(package, "fr").say(Text("Other", "missing")) == "Other"
    assert Messages(package).say(None) == ""


def test_services_are_read_from_what_is_kept():
    rule = (
        "<rsrvr:Rule><rsrvr:KPIName>load</rsrvr:KPIName><rsrvr:KPIType>service</rsrvr:KPIType>"
        '<rsrvr:Window rsrvr:unit="hour">2</rsrvr:Window><rsrvr:Frequency>5</rsrvr:Frequency>'
        "<rsrvr:Quota>80</rsrvr:Quota><rsrvr:Tolerance>2.5</rsrvr:Tolerance></rsrvr:Rule>"
    )
    goal = (
        "<rsrvr:Constraint><rsrvr:Name>fast</rsrvr:Name><rsrvr:KPIName>time</rsrvr:KPIName>"
        '<rsrvr:Range rsrvr:unit="ms"><rsrvr:Min>1</rsrvr:Min><rsrvr:Max>9</rsrvr:Max></rsrvr:Range>'
        "<rsrvr:Percentage>95</rsrvr:Percentage></rsrvr:Constraint>"
    )
    place = (
        '<rsrvr:Restriction><rsrvr:Position rsrvr:inside="false"><rsrvr:Location rsrvr:latitude="1" '
        'rsrvr:longitude="2"/></rsrvr:Position></rsrvr:Restriction>'
        '<rsrvr:Balance rsrvr:prod="40"><rsrvr:Country>FR</rsrvr:Country></rsrvr:Balance>'
    )
    kept = (
        section("rsrvr:ElasticArraySection", rule)
        + section("rsrvr:PerformanceObjectiveSection", goal)
        + section("rsrvr:AvailabilitySection", "<rsrvr:Percentile>99.9</rsrvr:Percentile>")
        + section("rsrvr:DeploymentSection", place)
        + section("rsrvr:AspectsSection")
    )
    content = next(one for one in read(descriptor((WEB, kept))).package.walk() if one.id == "web")

    def said(name):
        return [one for part in services.sections(content, name) for one in services.of_section(part)]

    assert said("ElasticArraySection") == [services.ElasticRule("load", "service", 7200, 5, 80, 2.5)]
    assert said("AvailabilitySection") == [services.Availability(0, 99.9)]
    assert said("PerformanceObjectiveSection") == [services.Objective("fast", "time", 0, 1, 9, "ms", 95)]
    assert said("DeploymentSection") == [
        services.Place("Position", "1,2", inside=False),
        services.Place("Country", "FR", inside=True, percent=40),
    ]
    assert said("AspectsSection") == []


def test_the_environment_holds_own_inherited_and_siblings_values():
    shared = section("ProductSection", '<Property ovf:key="domain" ovf:type="string" ovf:value="example.org"/>')
    mine = section("ProductSection", '<Property ovf:key="port" ovf:type="uint16" ovf:value="5432"/>')
    database = (
        '<VirtualSystem ovf:id="db">\n      <Info>Database</Info>',
        f'<VirtualSystem ovf:id="db"><Info>Database</Info>{mine}',
    )
    done = deployment((COLLECTION, shared), database, values={"secret": "<&\"'>"})
    made = for_machine(done, done.machines[0], Platform("KVM", "8", "Sirocco", "en", -60))
    assert dict(made.properties)["domain"] == "example.org"
    assert dict(made.properties)["org.example.secret.1"] == "<&\"'>"
    assert [(name, dict(pairs)["port"]) for name, pairs in made.entities] == [("db", "5432")]
    assert environment_errors(parse_xml(render(made)).root) == []
    assert parse(render(made)) == made
    assert read_guestinfo(guestinfo(made)) == made
    assert read_guestinfo(guestinfo(made, compressed=True)) == made
    plain = read_iso(iso(made, {"scripts/setup.sh": b"#!/bin/sh\n"}))
    assert (list(plain), parse(plain["ovf-env.xml"])) == (["ovf-env.xml"], made)
    seeded = iso(made, seed={"user-data": b"#cloud-config\n", "meta-data": b"{}"})
    assert seeded[32808:32814] == b"cidata"
    assert sorted(read_iso(seeded)) == ["meta-data", "ovf-env.xml", "user-data"]


def test_environments_that_are_none_are_told():
    for call in (
        lambda: parse(b"<Other/>"),
        lambda: parse(b"<!DOCTYPE x []><x/>"),
        lambda: read_iso(b"no disc"),
        lambda: read_guestinfo({}),
        lambda: read_guestinfo({"guestinfo.ovfEnv": "!!!", "guestinfo.ovfEnv.encoding": "gzip+base64"}),
    ):
        with pytest.raises(UnreadableError):
            call()
    with pytest.raises(OvfError, match="cannot carry"):
        render(environment.Environment("a", Platform(), (("k", "\0"),)))
    with pytest.raises(RefusedError):
        iso(environment.Environment("a", Platform(), ()), {"../evil": b""})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("byte * 2^20", Unit("byte", MIB)),
        ("byte * 2 ^ 20", Unit("byte", MIB)),
        ("Bytes*1024*1024", Unit("byte", MIB)),
        ("MegaBytes", Unit("byte", MIB)),
        ("GB", Unit("byte", GIB)),
        ("KiB", Unit("byte", 1024)),
        ("hertz * 10^6", Unit("hertz", 10**6)),
        ("Hertz*10^9", Unit("hertz", 10**9)),
        ("MegaHertz", Unit("hertz", 10**6)),
        ("GHz", Unit("hertz", 10**9)),
        ("percent", Unit("percent", 1)),
        *[
            (bad, None)
            for bad in ("", "byte *", "byte * 2^", "byte * -2", "byte * 2^99", "furlong", "byte 20", "* 2", "byte / 8")
        ],
        *[(bad, None) for bad in ("byte * 0", "b" * 200, "byte * 99999999999999999999^9")],
    ],
)
def test_units(text, expected):
    assert parse_unit(text) == expected
    if expected is not None:
        assert parse_unit(str(expected)) == expected


def test_numbers_with_units_behind_them():
    assert split_suffixed("1536MB") == (1536, Unit("byte", MIB))
    assert split_suffixed("1536") is None
    assert split_suffixed("15 apples") is None


@pytest.mark.parametrize(
    ("stated", "value", "fits"),
    [
        ("uint8", "255", True), ("uint8", "256", False), ("sint8", "-128", True), ("int", " 42 ", True),
        ("boolean", "True", True), ("boolean", "yes", False), ("real32", "1e3", True), ("real64", "1e9999", False),
        ("string(1..3)", "abcd", False), ("password(8..)", "short", False), ("int(1..5)", "6", False),
        ("real(0..1)", "0.5", True), ("ip:net", "anything", True), ("String", "x", True), ("uint8", "", False),
    ],
)  # fmt: skip
def test_types(stated, value, fits):
    assert fits_type(value, stated) is fits


def test_types_and_qualifiers_in_words():
    assert [standard_type(one) for one in ("Integer", "Bool", "double", "expression", "")] == [
        "sint32", "boolean", "real64", "string", "string",
    ]  # fmt: skip
    both = parse_qualifiers('MinLen(2) , MaxLen(3); ValueMap["a b", "c\\"d"]')
    assert (both.min_length, both.max_length, both.choices) == (2, 3, ("a b", 'c"d'))
    assert parse_qualifiers("ValueMap{a, b}").choices == ("a", "b")
    assert meets("x", "string", parse_qualifiers("MinLen(2)")) == "it is shorter than 2"
    assert meets("xxx", "string", parse_qualifiers("MaxLen(2)")) == "it is longer than 2"
    assert meets("7", "uint8", parse_qualifiers("MaxValue(5)")) == "it is above 5"
    assert meets("true", "boolean", parse_qualifiers("MinLen(9)")) == ""
    for bad in ("MinLen(x)", "MinLen", "(", "MinLen(1", 'ValueMap{"a}', "ValueMap{}", "MinValue(a)", "MinLen(-1)"):
        assert parse_qualifiers(bad) is None
