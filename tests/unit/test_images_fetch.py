"""The downloader: whole, resumed, bounded, and never reaching into the house."""

import hashlib
import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sirocco.contracts.errors import SiroccoError
from sirocco.domain.sources import FORMATS, Source, Trust, outside, source
from sirocco.images import inspect
from sirocco.images.fetch import Limits, SilentSourceError, discard, fetch
from sirocco.images.inspect import ImageError

CONTENT = bytes(range(256)) * 4096
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
HERE = Limits(trust=Trust.of(["127.0.0.0/8", "::1/128"]))


class Origin(ThreadingHTTPServer):
    """A server of one image; what it does wrong is told by its attributes."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.tag, self.breaks_after, self.moves_to, self.status, self.length = '"v1"', 0, "", 0, True
        self.packed, self.asked = "", []

    def handle_error(self, request, client_address):
        """A client that hangs up is no fault of ours."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/images/disk.raw?key=secret"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        origin, wanted = self.server, self.headers.get("Range", "")
        origin.asked.append((self.path, wanted, self.headers.get("Host")))
        if origin.moves_to:
            return self._only(302, Location=origin.moves_to)
        if origin.status:
            return self._only(origin.status)
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        same = first and self.headers.get("If-Range") == origin.tag
        body = CONTENT[first:] if same else CONTENT
        self.send_response(206 if same else 200)
        if same:
            self.send_header("Content-Range", f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if origin.length:
            self.send_header("Content-Length", str(len(body)))
        if origin.tag:
            self.send_header("ETag", origin.tag)
        if origin.packed:
            self.send_header("Content-Encoding", origin.packed)
        self.end_headers()
        self.wfile.write(body[: origin.breaks_after] if origin.breaks_after else body)
        return None

    def _only(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args):
        pass


def serving(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def origin():
    yield from serving(Origin())


@pytest.fixture
def target(tmp_path):
    return tmp_path / "incoming" / "disk.download"


def left(target):
    return sorted(path.name for path in target.parent.iterdir())


def test_the_whole_image_comes_and_tells_its_progress(origin, target):
    shares = []
    fetch(source(origin.url, DIGEST), target, HERE, shares.append)
    assert target.read_bytes() == CONTENT
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert origin.asked == [("/images/disk.raw?key=secret", "", f"127.0.0.1:{origin.server_port}")]
    discard(target)
    assert left(target) == []


def test_a_broken_try_is_gone_on_with(origin, target):
    origin.breaks_after = 300_000
    with pytest.raises(SilentSourceError, match=r"292.9 KiB \(300000 bytes\) of 1 MiB"):
        fetch(source(origin.url, DIGEST), target, HERE)
    origin.breaks_after = 0
    fetch(source(origin.url, DIGEST), target, HERE)
    assert target.read_bytes() == CONTENT
    assert [asked[1] for asked in origin.asked] == ["", "bytes=300000-"]


@pytest.mark.parametrize("change", ["another version", "no version", "another address"])
def test_another_image_is_never_mixed_with_what_is_there(origin, target, change):
    origin.breaks_after, origin.tag = 1000, "" if change == "no version" else '"v1"'
    with pytest.raises(SilentSourceError):
        fetch(source(origin.url, DIGEST), target, HERE)
    target.write_bytes(b"x" * 1000)
    origin.breaks_after = 0
    origin.tag = '"v2"' if change == "another version" else origin.tag
    fetch(source(origin.url + ("2" if change == "another address" else ""), DIGEST), target, HERE)
    assert target.read_bytes() == CONTENT


def test_two_tries_at_once_do_not_write_the_same_file(origin, target):
    refused = []

    def again(_share):
        with pytest.raises(SilentSourceError, match="still at work"):
            fetch(source(origin.url, DIGEST), target, HERE)
        refused.append(True)

    fetch(source(origin.url, DIGEST), target, HERE, again)
    assert refused
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("setting", "limits", "why"),
    [
        ({}, Limits(largest=1000, trust=HERE.trust), "are the most"),
        ({"length": False}, Limits(largest=1000, trust=HERE.trust), "larger than 1000"),
        ({}, Limits(seconds=-1, trust=HERE.trust), "takes longer"),
        ({"packed": "gzip"}, HERE, "packed"),
        ({"status": 404}, HERE, "answered 404"),
        ({"status": 204}, HERE, "answered 204"),
        ({"moves_to": "file:///etc/passwd"}, HERE, "https or http"),
        ({"moves_to": "//user:word@127.0.0.1/"}, HERE, "neither user nor password"),
        ({"moves_to": "/again"}, HERE, "more than 5 times"),
    ],
)
def test_what_is_refused_leaves_nothing(origin, target, setting, limits, why):
    for name, value in setting.items():
        setattr(origin, name, value)
    with pytest.raises(ImageError, match=why):
        fetch(source(origin.url, DIGEST), target, limits)
    assert left(target) == []


def test_other_content_than_the_digest_says_is_refused(origin, target):
    with pytest.raises(ImageError, match="not what was asked for"):
        fetch(source(origin.url, "sha512:" + "0" * 128), target, HERE)
    assert left(target) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_source_in_trouble_may_be_asked_again(origin, target, status):
    origin.status = status
    with pytest.raises(SilentSourceError, match=str(status)):
        fetch(source(origin.url, DIGEST), target, HERE)
    origin.status = 0
    fetch(source(origin.url, DIGEST), target, HERE)
    assert target.read_bytes() == CONTENT


def test_a_source_that_is_not_there_may_be_asked_again(target):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(SilentSourceError):
        fetch(source(f"http://127.0.0.1:{port}/x", DIGEST), target, HERE)


def test_a_redirect_is_judged_anew(origin, target):
    for other in serving(Origin()):
        other.moves_to = origin.url
        trust = Trust.of([f"127.0.0.1:{other.server_port}"])
        with pytest.raises(ImageError, match="port"):
            fetch(source(other.url, DIGEST), target, Limits(trust=trust))
        assert origin.asked == []
        trust = Trust.of([f"127.0.0.1:{other.server_port}", f"127.0.0.1:{origin.server_port}"])
        fetch(source(other.url, DIGEST), target, Limits(trust=trust))
        assert target.read_bytes() == CONTENT


def certificate(folder, name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


@pytest.mark.parametrize(("name", "believed"), [("localhost", True), ("localhost", False), ("other.example", True)])
def test_https_needs_a_source_that_proves_who_it_is(target, tmp_path, monkeypatch, name, believed):
    file, server = certificate(tmp_path, name), Origin()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(file if believed else tmp_path / "none.pem"))
    for origin in serving(server):
        wanted = source(f"https://localhost:{origin.server_port}/disk.raw")
        if name == "localhost" and believed:
            fetch(wanted, target, HERE)
            assert target.read_bytes() == CONTENT
        else:
            with pytest.raises(ImageError, match="cannot prove who it is"):
                fetch(wanted, target, HERE)
            assert origin.asked == []


# --- into the house: nothing gets there ---

HOSTS = (
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.1.", "0",
    "0.0.0.0", "localhost", "LOCALHOST", "localhost.", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]",
    "[2001:0:7f00:1::]", "127.255.255.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254",
    "100.64.0.1", "198.18.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "[fe80::1]", "[fc00::1]",
    "[fd00:ec2::254]", "[ff02::1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]", "[100::1]", "[2001:db8::1]",
)  # fmt: skip
SHAPES = ("http://{h}:{p}/", "https://{h}:{p}/x", "HTTP://{h}:{p}/a?b=c", "http://{h}:{p}#f", "http://{h}:{p}/%2e%2e/")
ODD = (
    "file:///etc/passwd", "gopher://{h}:{p}/", "ftp://{h}:{p}/", "dict://{h}:{p}/", "data:,x",
    "jar:http://{h}:{p}/!/", "http://user@{h}:{p}/", "http://user:word@{h}:{p}/",
    "http://{h}:{p}@example.org:80@{h}:{p}/", "//{h}:{p}/", "{h}:{p}/", "http:///{h}:{p}/", "http://{h}:99999/",
    "http://{h}:-1/", "http://{h}:{p}\\@example.org/", "http://{h}:{p}/\r\nX: y", "http://{h} :{p}/",
    "http://[{h}/", "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3:{p}/", "", "http://",
)  # fmt: skip


def corpus(port):
    yield from (shape.format(h=host, p=port) for host in HOSTS for shape in SHAPES)
    yield from (odd.format(h="127.0.0.1", p=port) for odd in ODD)


def test_no_address_leads_into_the_house(origin, target, monkeypatch):
    """The canary listens on a permitted port: nothing but the judgement of addresses protects it."""
    monkeypatch.setattr("sirocco.images.fetch.PORTS", frozenset({origin.server_port}))
    urls = list(corpus(origin.server_port))
    reached = []
    for url in urls:
        try:
            fetch(source(url, DIGEST), target, Limits())
            reached.append(url)
        except (SiroccoError, ImageError, SilentSourceError):
            pass
    assert len(urls) >= 200
    assert reached == []
    assert origin.asked == []


def test_a_name_that_changes_its_meaning_is_connected_where_it_was_judged(target, monkeypatch):
    """DNS rebinding: the name is asked once, and the connection goes to that answer."""
    answers = iter(["93.184.215.14", "127.0.0.1"])
    connected = []

    def resolve(_host, port, **_more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address, *_more):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(SilentSourceError):
        fetch(source("https://rebinding.example/x"), target, Limits())
    assert connected == [("93.184.215.14", 443)]
    with pytest.raises(ImageError, match="inside the house"):
        fetch(source("https://rebinding.example/x"), target, Limits())


def test_a_name_with_one_address_inside_is_refused(target, monkeypatch):
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: both)
    with pytest.raises(ImageError, match="inside the house"):
        fetch(source("https://mixed.example/x"), target, Limits())


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_the_internet_is_outside(address):
    assert outside(ipaddress.ip_address(address))


@pytest.mark.parametrize("entry", ["http://x", "a b", "10.0.0.1/8", "x/24", "*"])
def test_trust_that_means_nothing_is_refused(entry):
    with pytest.raises(ValueError, match=r".+"):
        Trust.of([entry])


def test_trust_is_by_name_by_port_or_by_network():
    trust = Trust.of(["mirror", "store.example:8000", "[fd00::1]:80", "10.0.0.0/8", ""])
    assert trust.knows("Mirror", 1)
    assert trust.knows("store.example", 8000)
    assert not trust.knows("store.example", 80)
    assert trust.knows("fd00::1", 80)
    assert trust.includes(ipaddress.ip_address("10.1.2.3"))
    assert not trust.includes(ipaddress.ip_address("::1"))


def test_an_address_in_its_parts():
    assert source("https://Example.org/a/b?k=1#f", DIGEST.upper().replace("SHA", "sha")) == Source(
        "https://Example.org/a/b?k=1", secure=True, host="example.org", port=443, path="/a/b?k=1", digest=DIGEST
    )
    assert source("https://example.org/a?key=1").shown == "https://example.org/a"


@pytest.mark.parametrize(
    "digest", ["sha256:12", "md5:" + "0" * 32, "0" * 64, "sha256:" + "g" * 64, ":", "sha512:" + "0" * 64]
)
def test_a_digest_that_is_none_is_refused(digest):
    with pytest.raises(SiroccoError, match="digest"):
        source("https://example.org/x", digest)


def test_formats_are_those_that_can_be_looked_at():
    assert inspect.FORMATS == FORMATS
