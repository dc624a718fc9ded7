"""References and disks that point where they must not: other folders, other hosts, other files."""

import io
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovf import judge
from ovf.checking import check
from ovf.cli import main
from ovf.errors import OvfError, RefusedError
from ovf.findings import acceptable
from ovf.hrefs import Kind, classify
from ovf.opened import open_package
from ovf.reader import read
from ovf.remote import RemotePolicy, fetch
from tests.unit.ovf.making import descriptor, tar_of


@pytest.mark.parametrize(
    "href",
    [
        "/etc/passwd", "../x", "a/../../x", "file:///etc/passwd", "FILE:/etc/passwd", "ftp://h/x",
        "..%2f..%2fetc/passwd", "%2Fetc/passwd", "%2e%2e/x", "\\\\host\\share", "C:\\x", "jar:file:/x!/y", "data:,x",
        "http://", "https:///x", "nbd:unix:/tmp/s", "rbd:pool/x", "//host/x", "http://[", "json:/x", "disk:../../x",
    ],
)  # fmt: skip
def test_references_that_leave_the_package(href):
    text = descriptor(('ovf:href="icon.png"', f'ovf:href="{href}"'))
    assert "file.href-unsafe" in {one.code for one in check_bytes(text)}


def check_bytes(text):
    return judge.findings(read(text))


@pytest.mark.parametrize(
    "href", ["a.vmdk", "disks/a.vmdk", "my disk.vmdk", "a%20b", "50%.vmdk", "VM: 1.vmdk", "./a", "d\u00e9.img"]
)
def test_references_inside_the_package(href):
    assert classify(href) is Kind.LOCAL


@given(st.text(max_size=30))
def test_no_local_reference_ever_leaves_the_folder(href):
    if classify(href) is Kind.LOCAL:
        root = "/package"
        assert os.path.normpath(f"{root}/{href}").startswith(root)


def test_links_in_a_folder_are_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("TOP SECRET")
    place = tmp_path / "p"
    place.mkdir()
    (place / "a.ovf").write_bytes(descriptor(('ovf:href="icon.png"', 'ovf:href="sub/icon.png"')))
    (place / "disk1.vmdk").symlink_to(secret)
    (place / "sub").symlink_to(tmp_path)
    (tmp_path / "icon.png").write_text("outside")
    opened = open_package(place)
    for file in opened.package.files:
        with pytest.raises(RefusedError):
            opened.locate(file)
    assert {one.code for one in check(opened)} >= {"package.file-missing"}
    with pytest.raises(RefusedError, match="cannot be opened"):
        opened.storage.open("disk1.vmdk")


def test_pipes_in_a_folder_do_not_block(tmp_path):
    (tmp_path / "a.ovf").write_bytes(descriptor())
    os.mkfifo(tmp_path / "disk1.vmdk")
    opened = open_package(tmp_path)
    assert opened.storage.size("disk1.vmdk") is None
    with pytest.raises(RefusedError, match="no ordinary file"):
        opened.storage.open("disk1.vmdk")


def test_a_qcow2_header_inside_a_raw_disk_is_refused(tmp_path):
    evil = (b"QFI\xfb\0\0\0\3" + bytes(12) + b"\0\0\0\x10").ljust(4096, b"\0")
    text = descriptor(
        ('ovf:size="65536"', ""), ("http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized", "raw")
    )
    path = tar_of({"a.ovf": text, "disk1.vmdk": evil, "icon.png": b""}, tmp_path / "a.ova")
    findings = check(open_package(path))
    told = next(one for one in findings if one.code == "package.disk-format")
    assert "declares raw" in told.message
    assert not acceptable(findings)


@pytest.mark.parametrize("parent", ["/etc/shadow", "base.qcow2", "json:{}", "nbd://h/x"])
def test_parents_outside_the_package_are_refused(tmp_path, parent):
    image = bytearray(
        (b"QFI\xfb\0\0\0\2" + (512).to_bytes(8, "big") + len(parent).to_bytes(4, "big")).ljust(4096, b"\0")
    )
    image[20:24] = (16).to_bytes(4, "big")
    image[512 : 512 + len(parent)] = parent.encode()
    text = descriptor(
        ('ovf:size="65536"', ""), ("http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized", "qcow2")
    )
    path = tar_of({"a.ovf": text, "disk1.vmdk": bytes(image), "icon.png": b""}, tmp_path / "a.ova")
    told = next(one for one in check(open_package(path)) if one.code == "package.disk-format")
    assert "outside the package" in told.message
    assert main(["convert", str(path), str(tmp_path / "out.ova")]) == 1
    assert not (tmp_path / "out.ova").exists()


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
        elif self.path == "/missing":
            self.send_error(404)
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 5000)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def fetched(url, **options):
    output = io.BytesIO()
    fetch(url, output, RemotePolicy(**options))
    return output.getvalue()


OWN = {"hosts": frozenset({"127.0.0.1"}), "private": True}


def test_allowed_hosts_are_fetched_from(server):
    assert fetched(f"{server}/a", **OWN) == b"x" * 5000
    assert len(fetched(f"{server}/to//b?c=d", **OWN)) == 5000


def test_hosts_nobody_allowed_are_not_asked(server):
    with pytest.raises(RefusedError, match="not allowed"):
        fetched(f"{server}/a")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "[fe80::1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_addresses_that_are_not_public_are_refused_even_if_named(host):
    with pytest.raises(RefusedError, match="not public"):
        fetched(f"http://{host}/x", hosts=frozenset({host.strip("[]")}))


def test_names_that_stand_for_private_addresses_are_refused(monkeypatch):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 80)) for one in ("93.184.216.34", "10.0.0.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: answer)
    with pytest.raises(RefusedError, match="not public"):
        fetched("http://rebinding.example/x", hosts=frozenset({"rebinding.example"}))


def test_redirects_are_checked_again(server):
    with pytest.raises(RefusedError, match="not allowed"):
        fetched(f"{server}/to/http://169.254.169.254/latest", **OWN)
    with pytest.raises(RefusedError, match="plain http"):
        fetched(f"{server}/to/file:///etc/passwd", **OWN)
    with pytest.raises(RefusedError, match="redirects more"):
        fetched(f"{server}/to//to//to//to//to//x", **OWN)


def test_answers_have_their_caps(server):
    with pytest.raises(RefusedError, match="larger or slower"):
        fetched(f"{server}/a", **OWN, most_bytes=100)
    with pytest.raises(RefusedError, match="larger or slower"):
        fetched(f"{server}/a", **OWN, seconds=-1)
    with pytest.raises(OvfError, match="404"):
        fetched(f"{server}/missing", **OWN)


@pytest.mark.parametrize(
    "url",
    ["http://user@127.0.0.1/", "http://127.0.0.1/a b", "http://127.0.0.1:99999/", "gopher://127.0.0.1/", "http://[/"],
)
def test_addresses_that_are_odd_are_refused(url):
    with pytest.raises(RefusedError):
        fetched(url, **OWN)


def test_remote_disks_need_the_operators_word(tmp_path, capsys):
    text = descriptor(('ovf:href="disk1.vmdk" ovf:size="65536"', 'ovf:href="http://127.0.0.1:9/d.vmdk"'))
    (tmp_path / "a.ovf").write_bytes(text)
    (tmp_path / "icon.png").write_bytes(b"")
    assert main(["validate", str(tmp_path / "a.ovf")]) == 0
    assert main(["convert", str(tmp_path / "a.ovf"), str(tmp_path / "b.ova")]) == 1
    assert "not allowed" in capsys.readouterr().err


def test_passwords_are_never_printed(tmp_path, capsys):
    password = 'ovf:key="secret" ovf:value="hunter2" ovf:qualifiers="MaxLen(3)"'
    (tmp_path / "a.ovf").write_bytes(descriptor(('ovf:key="secret"', password)))
    (tmp_path / "b.ovf").write_bytes(descriptor(('ovf:key="secret"', 'ovf:key="secret" ovf:value="correct horse"')))
    for arguments in (
        ["validate", "a.ovf"],
        ["inspect", "a.ovf"],
        ["inspect", "--json", "b.ovf"],
        ["diff", "a.ovf", "b.ovf"],
    ):
        main([str(tmp_path / one) if one.endswith(".ovf") else one for one in arguments])
    printed = capsys.readouterr()
    for secret in ("hunter2", "correct horse"):
        assert secret not in printed.out + printed.err
