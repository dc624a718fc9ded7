"""Descriptors that try to read files, to use the network, or to exhaust the parser."""

import resource
import time

import pytest

from ovf import judge, safe_xml
from ovf.cli import main
from ovf.errors import UnreadableError
from ovf.findings import acceptable
from ovf.limits import Limits
from ovf.names import CLAUDIA, ENVELOPE_1, RASD
from ovf.reader import read, read_strings
from ovf.resolve import resolve
from tests.unit.ovf.making import descriptor

OPEN = '<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1">'
CLOSE = "</Envelope>"


def refused(data: bytes | str, match: str, limits: Limits | None = None) -> None:
    data = data.encode() if isinstance(data, str) else data
    started = time.process_time()
    with pytest.raises(UnreadableError, match=match):
        read(data, limits or Limits())
    assert time.process_time() - started < 10  # a guard against hanging; the fuzz targets hold to one second


@pytest.mark.parametrize(
    "dtd",
    [
        '<!DOCTYPE Envelope [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Envelope SYSTEM "http://127.0.0.1:9/evil.dtd">',
        '<!DOCTYPE Envelope [<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;]>',
        "<!DOCTYPE Envelope>",
        "<!-- a --> <?pi x?> <!DOCTYPE Envelope []>",
    ],
)
def test_document_types(dtd):
    refused(f'<?xml version="1.0"?>{dtd}{OPEN}&x;{CLOSE}', "document type declaration")


def test_a_billion_laughs():
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    refused(f'<!DOCTYPE Envelope [<!ENTITY l0 "lol">{entities}]>{OPEN}&l9;{CLOSE}', "document type declaration")


def test_a_document_type_in_another_encoding():
    text = f'<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE Envelope [<!ENTITY x "y">]>{OPEN}{CLOSE}'
    refused(text.encode("utf-16"), "document type declaration")


@pytest.mark.parametrize("encoding", ["UTF-7", "UTF-32", "EBCDIC-CP-US", "utf-16", "Shift_JIS", "x" * 30])
def test_unusual_encodings(encoding):
    refused(f'<?xml version="1.0" encoding="{encoding}"?>{OPEN}{CLOSE}', "encoding")


def test_bytes_that_are_not_the_encoding_they_claim():
    refused(b'<?xml version="1.0" encoding="UTF-8"?><a>\xff</a>', "not valid utf-8")
    refused(b"\xff\xfe\x00", "not valid utf-16")


@pytest.mark.parametrize(
    "text", ["", "hello", "<html><body>Not found", "\0\0\0", "<a><b></a>", "<a x:y='1'/>", "<", "<!"]
)
def test_what_is_no_xml(text):
    with pytest.raises(UnreadableError):
        read(text.encode())


def test_entities_nobody_declared():
    refused(f"{OPEN}&secret;{CLOSE}", "not well-formed")


def test_depth():
    refused(OPEN + "<a>" * 5000 + "</a>" * 5000 + CLOSE, "deep|well-formed")
    refused(OPEN + "<a>" * 150 + "</a>" * 150 + CLOSE, "deeper than 100")


def test_floods_of_elements():
    refused(OPEN + "<a/>" * 900_000 + CLOSE, "elements")
    refused(OPEN + "<a/>" * 60_000 + CLOSE, "more than 30000 elements")


def test_floods_of_attributes():
    refused(OPEN + "<a " + " ".join(f'a{n}="x"' for n in range(100_000)) + "/>" + CLOSE, "attributes")


def test_endless_texts():
    refused(f"{OPEN}<a>{'x' * (2**20 + 1)}</a>{CLOSE}", "text of more than")


def test_descriptors_too_large_to_be_one():
    refused(OPEN + " " * (5 * 2**20) + CLOSE, "at most")


def test_memory_stays_bounded():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for text in ("<a/>" * 29_000, "<a b='c'/>" * 29_000, "<a>x</a>" * 29_000):
        try:
            judge.findings(read((OPEN + text + CLOSE).encode()))
        except UnreadableError:
            continue
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200 * 1024


def test_xinclude_is_left_alone(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("TOP SECRET")
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/>'
    reading = read(descriptor(("<Info>Everything</Info>", f"<Info>Everything{include}</Info>")))
    assert "TOP SECRET" not in repr(reading.package)


def test_schema_locations_are_not_fetched(tmp_path):
    place = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x http://127.0.0.1:9/x.xsd" '
    text = descriptor(("<Envelope ", f"<Envelope {place}"))
    path = tmp_path / "a.ovf"
    path.write_bytes(text)
    assert main(["validate", "--strict", str(path)]) == 0


def test_stylesheets_and_other_instructions_are_left_alone():
    reading = read(
        b'<?xml version="1.0"?><?xml-stylesheet href="file:///etc/passwd"?>' + descriptor().partition(b"?>")[2]
    )
    assert acceptable(judge.findings(reading))


@pytest.mark.parametrize(
    "declaration", ['<?xml version="1.0"encoding="UTF-8"?>', "<?xml?>", '<?xml version="2.0"?>', "<?xml "]
)
def test_malformed_declarations(declaration):
    refused(declaration + OPEN + CLOSE, "XML")


def test_nothing_may_stand_before_the_declaration():
    refused(f'\n<?xml version="1.0"?>{OPEN}{CLOSE}', "well-formed")


@pytest.mark.parametrize(
    "namespace", ["http://schemas.dmtf.org/ovf/envelope/3", "urn:nobody", "http://www.w3.org/1999/xhtml"]
)
def test_namespaces_of_other_versions_are_named(namespace):
    refused(f'<Envelope xmlns="{namespace}"/>', namespace)


def test_message_bundles_are_as_safe(tmp_path):
    with pytest.raises(UnreadableError, match="document type"):
        read_strings(b"<!DOCTYPE Strings []><Strings/>")
    with pytest.raises(UnreadableError, match="no message bundle"):
        read_strings(b"<Other/>")


def test_byte_order_marks_and_old_encodings_are_read():
    text = descriptor().decode().replace("Debian", "D\u00e9bian")
    latin = text.replace("UTF-8", "ISO-8859-1").encode("latin-1")
    wide = text.replace("UTF-8", "UTF-16").encode("utf-16")
    marked = b"\xef\xbb\xbf" + text.encode()
    packages = {read(data).package == read(text.encode()).package for data in (latin, wide, marked)}
    assert packages == {True}


def test_places_survive_a_declaration_over_two_lines():
    document = safe_xml.parse(b'<?xml version="1.0"\n encoding="UTF-8"?>\n<a>\n  <b/></a>')
    assert document.place(1) == (4, 3)
    assert document.place(99) == (0, 0)


def test_places_count_elements_only():
    text = "<a><!-- <b> -->\r\n<?do <c>?><![CDATA[<d>]]>\n\u00e9\u00e9<e f='>'/><!-- > --></a >"
    document = safe_xml.parse(text.encode())
    assert [document.place(at) for at in range(len(document.index))] == [(1, 1), (3, 3)]


FLOODS = {
    "chains of disks": (
        "<DiskSection>{}</DiskSection>",
        lambda n: f'<Disk ovf:diskId="d{n}" ovf:parentRef="d{n + 1}" ovf:capacity="1"/>',
        20_000,
    ),
    "chains of devices": (
        '<VirtualSystem ovf:id="s"><VirtualHardwareSection>{}</VirtualHardwareSection></VirtualSystem>',
        lambda n: f"<Item><r:InstanceID>{n}</r:InstanceID><r:Parent>{n + 1}</r:Parent></Item>",
        9_000,
    ),
    "one number in many configurations": (
        '<VirtualSystem ovf:id="s"><VirtualHardwareSection>{}</VirtualHardwareSection></VirtualSystem>',
        lambda n: f'<Item ovf:configuration="c{n}"><r:InstanceID>1</r:InstanceID></Item>',
        9_000,
    ),
    "systems": ("<VirtualSystemCollection>{}</VirtualSystemCollection>", lambda _: "<VirtualSystem/>", 20_000),
}


@pytest.mark.parametrize("name", FLOODS)
def test_judgement_does_not_slow_down_with_the_square_of_its_input(name):
    frame, one, count = FLOODS[name]
    grows_evenly(lambda size: judge.findings(read(document(frame.format("".join(map(one, range(size))))))), count)


def document(body):
    head = f'<Envelope xmlns="{ENVELOPE_1}" xmlns:ovf="{ENVELOPE_1}" xmlns:r="{RASD}" xmlns:c="{CLAUDIA}">'
    return (head + body + CLOSE).encode()


def grows_evenly(work, count):
    """Eight times the input costs far less than 64 times the time, each the least of three."""

    def spent(size):
        started = time.process_time()
        work(size)
        return time.process_time() - started

    small, large = (min(spent(size) for _ in range(3)) for size in (count // 8, count))
    assert large < max(small, 0.01) * 32


def many(one, count):
    return "".join(map(one, range(count)))


def disks_sized_by_properties(count):
    """Disks on one controller that gives them no addresses, each of the size another property says."""
    disks = many(lambda n: f'<Disk ovf:diskId="d{n}" ovf:capacity="${{p{n}}}"/>', count)
    values = many(lambda n: f'<Property ovf:key="p{n}" ovf:type="uint32" ovf:value="1"/>', count)
    items = many(
        lambda n: (
            f"<Item><r:HostResource>ovf:/disk/d{n}</r:HostResource><r:InstanceID>{n}</r:InstanceID>"
            "<r:ResourceType>17</r:ResourceType></Item>"
        ),
        count,
    )
    return (
        f'<DiskSection>{disks}</DiskSection><VirtualSystem ovf:id="s"><ProductSection ovf:class="c">{values}'
        f"</ProductSection><VirtualHardwareSection>{items}</VirtualHardwareSection></VirtualSystem>"
    )


def systems_and_translations(count):
    systems = many(lambda n: f'<VirtualSystem ovf:id="s{n}"/>', count)
    messages = many(lambda n: f'<Msg ovf:msgid="{n}">x</Msg>', count)
    collection = f'<VirtualSystemCollection ovf:id="c">{systems}</VirtualSystemCollection>'
    return f'{collection}<Strings xml:lang="en-US">{messages}</Strings>'


def one_number_for_all(count):
    items = "<Item><r:InstanceID>7</r:InstanceID><r:ResourceType>1</r:ResourceType></Item>" * count
    hardware = f"<VirtualHardwareSection>{items}</VirtualHardwareSection>"
    return f'<VirtualSystem ovf:id="s" c:min="1">{hardware}</VirtualSystem>'


@pytest.mark.parametrize("make", [disks_sized_by_properties, systems_and_translations, one_number_for_all])
def test_resolution_does_not_slow_down_with_the_square_of_its_input(make):
    grows_evenly(lambda size: resolve(read(document(make(size))).package), 4_000)
