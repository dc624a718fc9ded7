"""The command line against a real web server, worker and fake provider."""

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sirocco_client.nouns import RESOURCES

from sirocco.connectors.fake import control
from sirocco.connectors.fake.control import Trouble
from sirocco.connectors.ports import Kind
from tests.installation import an_installation

pytestmark = pytest.mark.timeout(300)
COMMAND = Path(sys.executable).with_name("sirocco")


class Shell:
    """Runs ``sirocco`` as somebody."""

    def __init__(self, home, url, user, password):
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "SIROCCO_URL": url,
            "SIROCCO_USER": user,
            "SIROCCO_PASSWORD": password,
            "LANG": "C.UTF-8",
        }

    def run(self, *words, **environment):
        given = {name: value for name, value in (self.environment | environment).items() if value}
        return subprocess.run([COMMAND, *words], env=given, capture_output=True, text=True, check=False, timeout=90)

    def __call__(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def json(self, *words):
        return json.loads(self(*words, "-o", "json"))


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    with an_installation(tmp_path_factory.mktemp("cli"), webs=1, workers=1) as installation:
        yield installation


@pytest.fixture(scope="module")
def world(plant):
    return plant.populate()


@pytest.fixture(scope="module")
def bob(plant, world, tmp_path_factory):
    return Shell(tmp_path_factory.mktemp("bob"), plant.url(), "bob", "correct horse")


@pytest.fixture(scope="module")
def admin(plant, world, tmp_path_factory):
    from sirocco.domain.principal import SYSTEM  # noqa: PLC0415
    from sirocco.services import users  # noqa: PLC0415

    with plant.cmdb.writing(SYSTEM) as tx:
        users.create(tx, "root", "correct horse", operator=True)
    shell = Shell(tmp_path_factory.mktemp("root"), plant.url(), "root", "correct horse")
    shell.environment["SIROCCO_TENANT"] = "acme"
    return shell


@pytest.fixture
def machine(bob, request):
    name = f"m-{abs(hash(request.node.name)) % 10**8}"
    bob("machine", "create", "--name", name, "--image", "tiny", "--cpu", "1", "--memory", "128MiB", "--wait")
    return name


def test_sign_in_keeps_a_key_and_not_the_password(bob, plant):
    clean = {"SIROCCO_URL": "", "SIROCCO_USER": ""}
    done = bob.run("login", plant.url(), "--user", "bob", **clean)
    assert done.returncode == 0, done.stderr
    kept = Path(bob.environment["HOME"]) / ".config/sirocco/login.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "correct horse" not in kept.read_text()
    assert bob.run("machine", "list", SIROCCO_PASSWORD="", **clean).returncode == 0
    assert bob.run("logout", **clean).returncode == 0
    left = bob.run("machine", "list", SIROCCO_PASSWORD="", **clean)
    assert (left.returncode, "not signed in" in left.stderr) == (2, True)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.command)
def test_every_noun_is_listed_and_shown(admin, machine_of_all, resource):
    items = admin.json(resource.command, "list")
    assert isinstance(items, list)
    table = admin(resource.command, "list", "--ids", "--limit", "5")
    assert "\x1b" not in table
    if items and resource.command != "api-key":
        item_id = items[0]["id"].rsplit("/", 1)[-1]
        assert admin.json(resource.command, "show", item_id)["id"] == items[0]["id"]


@pytest.fixture(scope="module")
def machine_of_all(bob):
    bob("machine", "create", "--name", "of-all", "--image", "tiny", "--cpu", "1", "--memory", "128MiB", "--wait")
    bob("volume", "create", "--name", "vol", "--capacity", "8MiB", "--wait")


def test_the_life_of_a_machine(bob, machine):
    assert bob.json("machine", "show", machine)["state"] == "STARTED"
    for verb, state in (("pause", "PAUSED"), ("start", "STARTED"), ("stop", "STOPPED")):
        assert bob.json("machine", verb, machine, "--wait")["state"] == state
    assert bob.json("machine", "update", machine, "--memory", "256MiB", "--wait")["memory"] == 262144
    image = bob.json("machine", "capture", machine, "--name", "kept", "--wait")
    assert (image["name"], image["state"]) == ("kept", "AVAILABLE")
    bob("machine", "snapshot", machine, "--name", "shot", "--wait")
    assert len(bob.json("machine", "snapshots", machine)) == 1
    assert bob.json("machine", "events", machine)
    assert "256 MiB" in bob("machine", "list")
    assert bob("machine", "delete", machine, "--wait").strip() == f"{machine}  deleted"
    assert bob.run("machine", "show", machine).returncode == 2


def test_volumes_and_interfaces_come_and_go(bob, machine):
    bob("volume", "create", "--name", "data", "--capacity", "8MiB", "--wait")
    bob("machine", "attach-volume", machine, "data", "--device", "vdx", "--wait")
    assert bob.json("machine", "volumes", machine)[0]["initialLocation"] == "vdx"
    bob("machine", "detach-volume", machine, "data", "--wait")
    assert bob.json("machine", "volumes", machine) == []
    bob("network", "create", "--name", "second", "--mtu", "1400", "--wait")
    assert bob.json("network", "show", "second")["mtu"] == 1400
    bob("machine", "attach-interface", machine, "second", "--wait")
    assert len(bob.json("machine", "interfaces", machine)) == 2
    bob("machine", "detach-interface", machine, "second", "--wait")
    assert len(bob.json("machine", "interfaces", machine)) == 1
    bob("port", "create", "--name", "plug", "--network", "second", "--wait")
    bob("machine", "attach-port", machine, "plug", "--wait")
    assert bob.run("network", "delete", "second").returncode == 1
    bob("machine", "detach-port", machine, "plug", "--wait")
    assert len(bob.json("machine", "interfaces", machine)) == 1
    words = ("--image", "tiny", "--cpu", "1", "--memory", "128MiB", "--network", "second", "--port", "plug")
    bob("machine", "create", "--name", "plugged", *words, "--wait")
    assert ["networkPort" in one for one in bob.json("machine", "interfaces", "plugged")] == [False, True]
    image = bob.json("volume", "capture", "data", "--name", "of data", "--wait")
    assert image["state"] == "AVAILABLE"


def test_the_servers_refusal_is_shown_with_code_and_remedy_in_the_readers_language(bob, admin):
    words = ("machine", "create", "--name", "x", "--image", "tiny", "--cpu", "5000", "--memory", "128MiB")
    english, french = bob.run(*words), bob.run(*words, LANG="fr_FR.UTF-8")
    assert (english.returncode, french.returncode) == (1, 1)
    for said, word in ((english.stderr, "Error ["), (french.stderr, "Erreur [")):
        assert said.startswith(word)
        assert len(said.strip().splitlines()) >= 2
        assert "Traceback" not in said
        assert "\x1b" not in said
    assert english.stderr != french.stderr
    refused = bob.run("tenant", "create", "--name", "mine")
    assert (refused.returncode, "Error [forbidden]" in refused.stderr) == (1, True)


def test_a_job_that_fails_says_why(bob, plant):
    store = plant.settings.fake / "p1.sqlite"
    control.inject(store, Trouble.FAIL, verb="create", kind=Kind.VOLUME, times=50)
    try:
        done = bob.run("volume", "create", "--name", "never", "--capacity", "8MiB", "--wait")
    finally:
        control.reset(store)
    assert done.returncode == 3, done.stderr
    assert "job failed" in done.stderr
    assert "sirocco job show" in done.stderr


def test_quotas_by_tenant_and_resource(admin):
    admin("quota", "update", "acme.addresses", "--ceiling", "77")
    assert admin.json("quota", "show", "acme.addresses")["ceiling"] == 77
    admin("quota", "update", "acme.addresses", "--ceiling", "unlimited")
    assert "ceiling" not in admin.json("quota", "show", "acme.addresses")


def test_people_and_places_of_the_operator(admin):
    admin("tenant", "create", "--name", "dev")
    admin("user", "create", "--name", "eve", "--password", "long enough", "--role", "dev=member")
    admin("user", "update", "eve", "--language", "fr")
    admin("tenant", "update", "dev", "--placement", "pack")
    admin("location", "create", "--name", "here", "--provider", "p1", "--country", "FR")
    admin("account", "create", "--name", "a", "--provider", "p1", "--login", "l", "--secret", "s")
    admin("host", "update", "fake-4", "--overbooking", "2")
    admin("host", "drain", "fake-4", "--wait")
    admin("host", "enable", "fake-4")
    for noun, name in (("user", "eve"), ("tenant", "dev"), ("location", "here")):
        admin(noun, "delete", name)
    done = admin.run("account", "delete", "a", SIROCCO_TENANT="")
    assert done.returncode == 0, done.stderr


def test_documents_credentials_and_keys(bob, tmp_path):
    bob("machine-config", "create", "--name", "small", "--content", '{"cpu": 1, "memory": 131072}')
    bob("machine", "create", "--name", "by-size", "--image", "tiny", "--size", "small", "--wait")
    bob("machine-config", "update", "small", "--description", "Least.", "--content", '{"cpu": 2}')
    bob("credential", "create", "--name", "c", "--user-name", "root", "--password", "secret")
    bob("credential", "delete", "c")
    bob("address", "create", "--name", "fixed", "--network", "default")
    key = bob.json("api-key", "create", "--name", "ci", "--days", "3")
    found = bob.run("machine", "list", SIROCCO_KEY=key["token"], SIROCCO_USER="", SIROCCO_PASSWORD="")
    assert found.returncode == 0
    bob("api-key", "delete", "ci")


def test_the_shell_completes_names(bob, machine_of_all):
    words = {"_SIROCCO_COMPLETE": "bash_complete", "COMP_WORDS": "sirocco machine show of", "COMP_CWORD": "3"}
    assert bob.run(**words).stdout.strip() == "plain,of-all"
    words |= {"COMP_WORDS": "sirocco machine create --image t", "COMP_CWORD": "4"}
    assert bob.run(**words).stdout.strip() == "plain,tiny"
    for shell in ("bash", "zsh", "fish"):
        assert "_SIROCCO_COMPLETE" in bob("completion", shell)


@contextmanager
def a_cut(url):
    """A way to the server that carries the first write but loses its answer."""
    lost = []
    far = url.removeprefix("http://")

    class Way(BaseHTTPRequestHandler):
        def _pass(self):
            connection = HTTPConnection(far, timeout=30)
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection.request(self.command, self.path, content, dict(self.headers))
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            if self.command == "POST" and not lost:
                lost.append(self.headers["Idempotency-Key"])
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "connection", "content-length", "date", "server"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815 - the names that the base class calls

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Way)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", lost
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_write_whose_answer_is_lost_happens_once(bob, plant):
    with a_cut(plant.url()) as (url, lost):
        words = ("--name", "once", "--image", "tiny", "--cpu", "1", "--memory", "128MiB", "--wait")
        done = bob.run("--url", url, "machine", "create", *words)
    assert done.returncode == 0, done.stderr
    assert len(lost) == 1
    assert len(bob.json("machine", "list", "--filter", "name='once'")) == 1


def test_nobody_there_is_told_quickly_and_clearly(bob):
    done = bob.run("--url", "http://127.0.0.1:9", "machine", "list")
    assert (done.returncode, "no answer from http://127.0.0.1:9" in done.stderr) == (2, True)
