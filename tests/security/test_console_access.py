"""Event streams and consoles, at the real process: who may listen, and how soon that ends."""

import contextlib
import http.client
import json
import sys
import time
from datetime import timedelta

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from sirocco.cmdb.models import Machine, Ticket
from sirocco.connectors.fake import connect as open_fake
from sirocco.connectors.fake import control
from sirocco.connectors.ports import DiskSpec, ImageSpec, MachineSpec, ProviderSettings
from sirocco.contracts.states import MachineState, Role
from sirocco.domain.principal import SYSTEM, Principal
from sirocco.identity import sessions
from sirocco.services import events, machines, providers, tenants, users
from tests.installation import Installation, free_port, until
from tests.world import GIB, MIB, populate


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    installation = Installation(tmp_path_factory.mktemp("console"))
    installation.console_port, installation.portal_port = free_port(), free_port()
    ports = {"SIROCCO_CONSOLE_PORT": str(installation.console_port), "SIROCCO_PORT": str(installation.portal_port)}
    installation.spawn("console", [sys.executable, "-m", "sirocco.console"], **ports)
    until(lambda: answers(installation), "the console process answers")
    yield installation
    installation.stop()


def answers(house):
    with contextlib.suppress(OSError):
        connection = http.client.HTTPConnection("127.0.0.1", house.console_port, timeout=2)
        with contextlib.closing(connection):
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
    return False


@pytest.fixture(scope="module")
def world(house):
    made = populate(house.cmdb)
    store = house.settings.fake / "console.sqlite"
    disk = house.settings.images / "disk.raw"
    disk.write_bytes(bytes(MIB))
    cloud = open_fake(ProviderSettings("p1", {"store": str(store)}))
    image = cloud.create(ImageSpec("i", str(disk), "raw"), token="image").ref.native_id
    wanted = MachineSpec("web", 1, 128 * MIB, (DiskSpec(GIB, image),), host="fake-1")
    native = cloud.create(wanted, token="machine").ref.native_id
    with made.writing() as tx:
        made.machine_id = machines.create(tx, made.machine(name="web"))[0].id
    with made.writing(SYSTEM) as tx:
        providers.update(tx, made.provider_id, {"settings": {"store": str(store)}})
        row = tx.session.get_one(Machine, made.machine_id)
        row.provider_id, row.native_id, row.state, row.job_id = made.provider_id, native, MachineState.STARTED, None
    return made


@pytest.fixture
def cookie(world):
    with world.writing(SYSTEM) as tx:
        return sessions.open_session(tx, users.get(tx, world.user_id))


def ticket(world, cookie, machine_id=""):
    with world.writing() as tx:
        signed = sessions.signed_in(tx, cookie)
        return sessions.issue_ticket(tx, signed.session_id, machine_id or world.machine_id)


def origin(house):
    return f"http://127.0.0.1:{house.portal_port}"


def dial(house, machine_id, pass_, *, site="", language="en"):
    address = f"ws://127.0.0.1:{house.console_port}/console/{machine_id}?language={language}&ticket={pass_}"
    return connect(address, origin=site or origin(house), open_timeout=10)


def closed_with(socket):
    try:
        while True:
            socket.recv(timeout=10)
    except ConnectionClosed as ended:
        return ended.rcvd.code


@pytest.fixture
def stream(house):
    """Opens event streams, and closes them after the test."""
    opened = []

    def open_stream(cookie, *, site="", last=""):
        connection = http.client.HTTPConnection("127.0.0.1", house.console_port, timeout=10)
        headers = {"Cookie": f"sirocco_session={cookie}", "Origin": site or origin(house)}
        connection.request("GET", f"/events?last={last}", headers=headers)
        opened.append((connection, answer := connection.getresponse()))
        return answer

    yield open_stream
    for connection, answer in opened:
        answer.close()
        connection.close()


FIGURES = {"resource_kind": "figures", "resource_id": ""}


def next_message(answer):
    while line := answer.readline().decode():
        if line.startswith("data: "):
            return json.loads(line.removeprefix("data: "))
    return None


def next_event(answer):
    """The next message but news of figures: those of the test before may be told to the first who listens again."""
    while (message := next_message(answer)) == FIGURES:
        pass
    return message


def happen(world, who, name):
    with world.writing(who) as tx:
        return machines.create(tx, world.machine(name=name, nics=()))[0].id


def test_a_ticket_opens_one_console_once(house, world, cookie):
    pass_ = ticket(world, cookie)
    with dial(house, world.machine_id, pass_) as socket:
        socket.send(b"hostname\r")
        heard = b""
        while b"web" not in heard.partition(b"hostname")[2]:
            heard += socket.recv(timeout=10)
    with dial(house, world.machine_id, pass_) as second:
        assert closed_with(second) == 4403


@pytest.mark.parametrize("pass_", ["", "made-up", "a" * 5000])
def test_no_ticket_no_console(house, world, pass_):
    with dial(house, world.machine_id, pass_) as socket:
        assert closed_with(socket) == 4403


def test_a_ticket_is_for_its_machine_only(house, world, cookie):
    with dial(house, "another-machine", ticket(world, cookie)) as socket:
        assert closed_with(socket) == 4403


def test_a_ticket_runs_out(house, world, cookie):
    pass_ = ticket(world, cookie)
    with world.writing(SYSTEM) as tx:
        for row in tx.session.query(Ticket):
            row.expires = tx.now - timedelta(seconds=1)
    with dial(house, world.machine_id, pass_) as socket:
        assert closed_with(socket) == 4403


@pytest.mark.parametrize(
    ("language", "why"),
    [
        ("en", "the cloud's answer makes no sense"),
        ("fr", "la réponse du nuage n'a pas de sens"),
        ("../../x", "the cloud's answer makes no sense"),
    ],
)
def test_why_a_provider_gives_no_console_is_told_in_the_readers_language(house, world, cookie, language, why):
    control.inject(house.settings.fake / "console.sqlite", control.Trouble.GARBAGE, verb="console")
    with dial(house, world.machine_id, ticket(world, cookie), language=language) as socket:
        assert socket.recv(timeout=10) == why
        assert closed_with(socket) == 4409


def test_another_site_gets_no_console(house, world, cookie):
    with pytest.raises(InvalidStatus):
        dial(house, world.machine_id, ticket(world, cookie), site="http://evil.example")


def test_signing_out_cuts_an_open_console(house, world, cookie):
    with dial(house, world.machine_id, ticket(world, cookie)) as socket:
        socket.send(b"\r")
        assert socket.recv(timeout=10)
        with world.writing(SYSTEM) as tx:
            sessions.close_all_sessions(tx, world.user_id)
        assert closed_with(socket) == 4401


def test_a_stream_needs_a_session_and_the_portals_origin(house, stream, cookie):
    assert stream("nobody").status == 401
    assert stream(cookie, site="http://evil.example").status == 401
    answer = stream(cookie)
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin(house)


def test_a_stream_shows_ones_own_tenant_only(stream, world, cookie):
    with world.writing(SYSTEM) as tx:
        other = tenants.create(tx, "other").id
        last = events.newest(tx)
    answer = stream(cookie, last=last)
    happen(world, Principal("eve", "eve", other, Role.MEMBER), "theirs")
    happen(world, world.member, "ours")
    seen = next_event(answer)
    assert (seen["resource_name"], seen["content"]) == ("ours", {"change": "create"})


def test_what_operators_do_is_not_for_tenants(world):
    with world.writing(SYSTEM) as tx:
        before = events.newest(tx)
        tenants.create(tx, "secret")
        users.create(tx, "mallory", "correct horse")
    with world.reading() as tx:
        assert events.since(tx, before) == []
    with world.reading(world.operator) as tx:
        assert len(events.since(tx, before)) == 2


def test_a_stream_is_taken_up_where_it_ended(stream, world, cookie):
    with world.reading(SYSTEM) as tx:
        last = events.newest(tx)
    names = [f"missed-{number}" for number in range(3)]
    for name in names:
        happen(world, world.member, name)
    answer = stream(cookie, last=last)
    assert [next_event(answer)["resource_name"] for _ in names] == names


def test_new_figures_are_announced_to_everybody_and_are_no_event(stream, world, cookie):
    with world.reading(SYSTEM) as tx:
        last = events.newest(tx)
    answer = stream(cookie, last=last)
    happen(world, world.member, "before")
    assert next_event(answer)["resource_name"] == "before"
    with world.writing(SYSTEM) as tx:
        provider = providers.get(tx, world.provider_id)
        providers.probed(tx, provider, provider.api_version, provider.capabilities)
    assert next_message(answer) == FIGURES
    happen(world, world.member, "after")
    assert next_event(answer)["resource_name"] == "after"


def test_signing_out_ends_a_stream(stream, world, cookie):
    answer = stream(cookie)
    with world.writing(SYSTEM) as tx:
        sessions.close_all_sessions(tx, world.user_id)
    begun = time.monotonic()
    while answer.readline():
        assert time.monotonic() - begun < 10


def test_a_user_has_eight_streams_at_most(stream, world):
    with world.writing(SYSTEM) as tx:
        carol = users.create(tx, "carol", "correct horse", roles={world.tenant_id: Role.VIEWER})
        cookie = sessions.open_session(tx, carol)
    assert [stream(cookie).status for _ in range(8)] == [200] * 8
    until(lambda: stream(cookie).status == 429, "the ninth stream is refused", patience=10)
