"""Generates packages of every shape for Hypothesis."""

from hypothesis import strategies as st

from ovf import model
from ovf.hardware import HardwareSection, Item, ResourceAllocationSection, ResourceType, System
from ovf.names import ENVELOPE_1, VIRTUALBOX, VMWARE, clark
from ovf.parts import Node, Text, UnknownSection
from ovf.products import ConfiguredValue, Icon, ProductSection, Property

LETTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
FREE = st.text(st.one_of(LETTERS, st.sampled_from("\t\n\r<>&'\"")), max_size=12)
NAMES = st.text("abcXYZ019-_.", min_size=1, max_size=6)
WORDS = st.lists(NAMES, max_size=2, unique=True).map(tuple)
PLAIN = st.text(LETTERS, max_size=8).map(str.strip)
attributes = st.sampled_from([(), ((clark(VMWARE, "osType"), "debian12_64Guest"),), (("{urn:example:x}k", "v"),)])
TEXTS = st.builds(Text, FREE, st.just("") | NAMES, attributes)
MAYBE_TEXT = st.none() | TEXTS
SMALL = st.none() | st.integers(0, 60_000)
LARGE = st.none() | st.integers(0, 2**62)
FLAGS = st.booleans()
REQUIRED = st.sampled_from([None, True, False])
HEAD = {"required": REQUIRED, "info": TEXTS}
UNITS = st.sampled_from(["byte", "byte * 2^20", "byte * 2^30", "byte * 10^6", "byte * 3"])

foreign = st.recursive(
    st.builds(
        Node,
        st.sampled_from([clark("urn:example:x", "thing"), clark(VMWARE, "Config"), clark("urn:example:y", "other")]),
        st.fixed_dictionaries(
            {},
            optional={
                "plain": PLAIN,
                clark(VMWARE, "key"): PLAIN,
                clark(ENVELOPE_1, "required"): st.sampled_from(["true", "false"]),
            },
        ).map(lambda found: tuple(sorted(found.items()))),
        PLAIN,
    ),
    lambda inner: st.builds(
        Node, st.just(clark("urn:example:x", "outer")), children=st.lists(inner, max_size=2).map(tuple)
    ),
    max_leaves=3,
)
extras = st.lists(foreign, max_size=1).map(tuple)
unknown = st.builds(
    lambda flag, info, inner: UnknownSection(
        required=None if flag is None else flag == "true",
        xml=Node(
            clark(VIRTUALBOX, "Machine"),
            () if flag is None else ((clark(ENVELOPE_1, "required"), flag),),
            "",
            (Node(clark(ENVELOPE_1, "Info"), (), info), *inner),
        ),
    ),
    st.sampled_from([None, "true", "false"]),
    PLAIN,
    extras,
)


def tuples(strategy, most=3, key=None):
    unique = {"unique_by": key} if key else {}
    return st.lists(strategy, max_size=most, **unique).map(tuple)


files = tuples(
    st.builds(model.File, id=NAMES, href=NAMES, size=LARGE, compression=st.sampled_from(["", "gzip", "identity"])),
    key=lambda file: file.id,
)
disks = tuples(
    st.builds(
        model.Disk,
        id=NAMES,
        file_ref=NAMES | st.just(""),
        capacity=st.integers(0, 2**60).map(str) | st.just("${size}"),
        units=UNITS,
        format=st.just("") | st.just("http://www.vmware.com/interfaces/specifications/vmdk.html#sparse"),
        populated_size=LARGE,
        parent_ref=NAMES | st.just(""),
        extras=extras,
        extra_attributes=attributes,
    ),
    key=lambda disk: disk.id,
)
items = st.builds(
    Item,
    required=FLAGS,
    configuration=WORDS,
    bound=st.sampled_from(["", "min", "max", "normal"]),
    address=PLAIN,
    address_on_parent=PLAIN,
    allocation_units=st.sampled_from(["", "byte * 2^20", "hertz * 10^6"]),
    automatic_allocation=st.none() | FLAGS,
    caption=PLAIN,
    connections=WORDS,
    description=PLAIN,
    element_name=PLAIN.filter(bool),
    host_resources=st.sampled_from([(), ("ovf:/disk/a",), ("ovf:/file/b", "other")]),
    instance_id=NAMES,
    limit=LARGE,
    parent=NAMES | st.just(""),
    reservation=LARGE,
    resource_subtypes=WORDS,
    resource_type=st.sampled_from([None, *map(int, ResourceType)]),
    virtual_quantity=LARGE,
    virtual_quantity_units=st.sampled_from(["", "count"]),
    weight=SMALL,
    extras=extras,
    extra_attributes=attributes,
    leaf_attributes=st.sampled_from([(), (("InstanceID", 0, "{urn:example:x}k", "v"),)]),
)
item_lists = tuples(items, 4, lambda item: (item.instance_id, item.configuration, item.bound)).map(
    lambda found: tuple(sorted(found, key=lambda item: item.group))
)
values = tuples(st.builds(ConfiguredValue, value=FREE, configuration=NAMES), 2, lambda value: value.configuration)
properties = st.builds(
    Property,
    label=MAYBE_TEXT,
    description=MAYBE_TEXT,
    values=values,
    key=NAMES,
    type=st.sampled_from(["string", "uint8", "boolean", "int", "ip", "password(8..)"]),
    qualifiers=st.sampled_from(["", "MinLen(1),MaxLen(8)", 'ValueMap{"a","b, c"}']),
    user_configurable=FLAGS,
    value=st.none() | FREE,
    password=FLAGS,
    configuration=WORDS,
    extra_attributes=attributes,
)


@st.composite
def products(draw):
    category, listed = None, []
    for one in draw(st.lists(properties, max_size=3, unique_by=lambda prop: prop.key)):
        category = draw(st.just(category) | TEXTS)
        listed.append(Property(**{**vars(one), "category": category}))
    return draw(
        st.builds(
            ProductSection,
            **HEAD,
            product=MAYBE_TEXT,
            vendor_name=MAYBE_TEXT,
            version=PLAIN,
            full_version=PLAIN,
            product_url=PLAIN,
            icons=tuples(st.builds(Icon, height=SMALL, width=SMALL, mime_type=PLAIN, file_ref=NAMES), 1),
            properties=st.just(tuple(listed)),
            product_class=NAMES | st.just(""),
            instance=NAMES | st.just(""),
            extras=extras,
        )
    )


systems = st.builds(
    System, caption=PLAIN, description=PLAIN, element_name=PLAIN, instance_id=NAMES, identifier=PLAIN,
    types=st.sampled_from([(), ("vmx-13",), ("virtualbox-2.2", "kvm")]), extras=extras,
)  # fmt: skip
hardware = st.builds(
    HardwareSection, **HEAD, id=NAMES | st.just(""), transport=WORDS, system=st.none() | systems, items=item_lists,
    extras=extras,
)  # fmt: skip
common = st.one_of(
    products(),
    st.builds(model.EulaSection, **HEAD, license=TEXTS),
    st.builds(model.AnnotationSection, **HEAD, annotation=TEXTS),
    st.builds(model.PlacementSection, **HEAD, group=NAMES),
    unknown,
)
system_sections = st.one_of(
    common,
    hardware,
    st.builds(
        model.OperatingSystemSection, **HEAD, id=st.integers(0, 110), version=PLAIN, description=MAYBE_TEXT,
        extra_attributes=attributes,
    ),
    st.builds(model.InstallSection, **HEAD, initial_boot_stop_delay=st.integers(0, 9)),
    st.builds(model.BootDeviceSection, **HEAD, extras=extras),
    st.builds(
        model.EnvironmentFilesSection, **HEAD, transport=WORDS,
        files=st.lists(st.builds(model.EnvironmentFile, file_ref=NAMES, path=NAMES), min_size=1, max_size=2).map(tuple),
    ),
)  # fmt: skip
collection_sections = st.one_of(
    common,
    st.builds(ResourceAllocationSection, **HEAD, items=item_lists),
    st.builds(
        model.StartupSection, **HEAD,
        items=tuples(
            st.builds(
                model.StartupItem, id=NAMES, order=st.integers(0, 9), start_delay=st.integers(0, 9),
                waiting_for_guest=FLAGS, start_action=st.sampled_from(["powerOn", "none"]),
                stop_delay=st.integers(0, 9), stop_action=st.sampled_from(["powerOff", "none", "suspend"]),
            ),
            key=lambda item: item.id,
        ),
    ),
    st.builds(
        model.ScaleOutSection, **HEAD, id=NAMES, description=MAYBE_TEXT,
        count=st.builds(
            model.InstanceCount, minimum=SMALL, default=st.integers(0, 60_000), maximum=SMALL
        ),
    ),
)  # fmt: skip
envelope_sections = st.one_of(
    st.builds(model.DiskSection, **HEAD, disks=disks, extras=extras),
    st.builds(
        model.SharedDiskSection, **HEAD,
        disks=disks.filter(bool),
    ),
    st.builds(
        model.NetworkSection, **HEAD,
        networks=tuples(
            st.builds(model.Network, name=PLAIN, description=MAYBE_TEXT, extra_attributes=attributes),
            key=lambda network: network.name,
        ),
    ),
    st.builds(
        model.DeploymentOptionSection, **HEAD,
        configurations=tuples(
            st.builds(model.Configuration, id=NAMES, default=FLAGS, label=TEXTS, description=TEXTS),
            key=lambda one: one.id,
        ),
    ),
    st.builds(model.PlacementGroupSection, **HEAD, id=NAMES, policy=st.just("affinity"), description=MAYBE_TEXT),
    st.builds(model.EncryptionSection, **HEAD, extras=extras),
    unknown,
)  # fmt: skip


def content(collection, sections, inner):
    return st.builds(
        model.Content,
        collection=st.just(collection),
        id=NAMES,
        info=TEXTS,
        name=MAYBE_TEXT,
        sections=tuples(sections, 3),
        contents=inner,
        extra_attributes=attributes,
    )


contents = st.recursive(
    content(False, system_sections, st.just(())),
    lambda inner: content(True, collection_sections, tuples(inner, 2, lambda one: one.id)),
    max_leaves=4,
)
bundles = tuples(
    st.builds(
        model.Strings,
        language=st.sampled_from(["fr-FR", "de", "en-US"]),
        file_ref=NAMES | st.just(""),
        messages=tuples(st.builds(model.Message, msgid=NAMES, value=FREE), 2, lambda message: message.msgid),
    ),
    2,
    lambda bundle: bundle.language,
)
packages = st.builds(
    model.Package,
    language=st.sampled_from(["", "en-US", "fr"]),
    files=files,
    sections=tuples(envelope_sections, 3),
    content=contents,
    strings=bundles,
)
