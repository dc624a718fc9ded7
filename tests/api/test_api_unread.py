"""What is no request at all, sent to a real web process: it is answered as every other refusal is."""

import json
import os
import socket
import subprocess
import sys

import pytest

from sirocco.ops import listen
from sirocco.ops.first_start import prepare
from sirocco.ops.settings import load

SECONDS = 60


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A web process behind a port that is open already: who asks too early waits."""
    home = tmp_path_factory.mktemp("home")
    prepare(load(home=home, provider="fake"), lambda _text: None)
    with listen.open_socket("127.0.0.1", 0) as opened:
        own = {**os.environ, "SIROCCO_HOME": str(home), "SIROCCO_PROVIDER": "fake", **listen.environment(opened)}
        with (home / "web.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "sirocco.server"], pass_fds=[opened.fileno()], env=own, stdout=log, stderr=log
            )
        yield opened.getsockname()
        process.terminate()
        process.wait(SECONDS)


def answer(address, sent: bytes):
    """Status, headers and document of what comes back."""
    with socket.create_connection(address, timeout=SECONDS) as wire:
        wire.sendall(sent)
        got = b"".join(iter(lambda: wire.recv(65536), b""))
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert int(headers["content-length"]) == len(body)
    return int(first.split()[1]), headers, json.loads(body)


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET /cimi/machines?$filter=" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri-too-long"),
        (b"this is no request\r\n\r\n", 400, "malformed-body"),
        (b"GET /cimi/machines HTTP/9.9\r\nHost: a\r\n\r\n", 400, "malformed-body"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: 1\r\n\r\n", 400, "malformed-body"),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n", 431, "headers-too-large"),
    ],
)
def test_what_is_no_request_is_refused_in_the_products_own_form(address, sent, status, code):
    told, headers, document = answer(address, sent)
    assert (told, document["sirocco_code"]) == (status, code)
    assert headers["content-type"].startswith("application/json")
    assert headers["connection"] == "close"
    assert document["resourceURI"] == "http://schemas.dmtf.org/cimi/1/Job"
    assert document["sirocco_remedy"]
    assert document["sirocco_request"] == headers["x-request-id"]


def test_the_process_goes_on_answering(address):
    answer(address, b"\x16\x03\x01 what is this\r\n\r\n")
    with socket.create_connection(address, timeout=SECONDS) as wire:
        wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert wire.recv(65536).startswith(b"HTTP/1.1 200 ")
