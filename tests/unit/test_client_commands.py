"""The command line without a server: sizes, start-up, coverage of the API, what is told about failures."""

import ast
import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from inspect import cleandoc
from pathlib import Path
from string import Formatter

import click
import pytest
from sirocco_client import french, french_help, login, output, words
from sirocco_client.catalogue import operations
from sirocco_client.cli import sirocco
from sirocco_client.errors import ClientError
from sirocco_client.nouns import RESOURCES
from sirocco_client.requests import limit, size
from sirocco_client.wire import Api, Login

from api.routes import routes
from tools import cli_page

HEAVY = ("httpx", "pydantic", "rich", "yaml", "sirocco", "flask")
ELSEWHERE = {
    ("GET", "cloudEntryPoint"): "entry-point",
    ("GET", "machines/{id}/networkInterfaces/{item}/addresses"): "address list",
}


@pytest.mark.parametrize(
    ("text", "unit", "told"),
    [
        ("512MiB", "KiB", 524288),
        ("1G", "kB", 1073742),
        ("10GB", "kB", 10_000_000),
        ("1", "KiB", 1),
        ("1.5GiB", "KiB", 1572864),
        ("16GiB", "B", 2**34),
        ("7", "B", 7),
    ],
)
def test_sizes(text, unit, told):
    assert size(text, unit) == told


@pytest.mark.parametrize(("text", "told"), [("unlimited", None), ("7", 7), ("16GiB", 2**34)])
def test_ceilings(text, told):
    assert limit(text) == told


@pytest.mark.parametrize("text", ["", "none", "-1"])
def test_what_is_no_ceiling_is_refused(text):
    with pytest.raises(ClientError, match="is no ceiling"):
        limit(text)


@pytest.mark.parametrize("text", ["", "much", "-1GiB", "1XB", "1 2"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ClientError, match="is no size"):
        size(text, "kB")


def test_amounts_are_told_as_people_say_them():
    assert [output.amount(n) for n in (0, 1023, 1024, 1536 * 2**20, 2**50)] == [
        "0 B",
        "1023 B",
        "1 KiB",
        "1.5 GiB",
        "1 PiB",
    ]


OTHER_WAY_IN_2 = ("interfaces", "volumes/", "connectvolume", "networks/{id}/segments", "segments/{id}/endpoints")


def wants_a_command(route, of_both):
    """Not an action named in the body, one item of what a list shows whole, or /2's other way to what /1 has."""
    if route.method == "POST" and route.path.endswith("/{id}"):
        return False
    if route.method == "GET" and route.path.endswith(("{item}", "{entry}")):
        return False
    return route.version == 1 or not (route.path in of_both or any(part in route.path for part in OTHER_WAY_IN_2))


def test_every_operation_of_the_api_has_a_command():
    known = {one for resource in RESOURCES for one in operations(resource)} | set(ELSEWHERE)
    of_both = {route.path for route in routes() if route.version == 1}
    wanted = {
        (route.method, route.path if route.version == 1 else f"2/{route.path}")
        for route in routes()
        if wants_a_command(route, of_both)
    }
    assert wanted - known == set()


def test_no_command_calls_what_the_api_has_not():
    served = {(route.method, route.path if route.version == 1 else f"2/{route.path}") for route in routes()}
    events = {("GET", f"eventLogs/{one}.{{id}}/events") for one in ("machines", "volumes", "networks", "machineImages")}
    called = {one for resource in RESOURCES for one in operations(resource)}
    assert called - served - events == set()


def test_every_command_has_help():
    context = click.Context(sirocco)
    for noun in sirocco.list_commands(context):
        group = sirocco.get_command(context, noun)
        for command in [group, *(group.commands.values() if isinstance(group, click.Group) else ())]:
            assert command.help, command.name
            assert all(option.help for option in command.params if isinstance(option, click.Option)), command.name


def test_starting_loads_little_and_is_quick():
    script = (
        "import sys, time\n"
        "import sirocco_client.cli\n"
        "sirocco_client.cli.sirocco(['machine', 'list', '--help'], standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], time.process_time(), file=sys.stderr)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in range(3)
    ]
    loaded, _, _ = runs[0].stderr.rpartition(" ")
    assert loaded == "[]"
    assert min(float(run.stderr.rpartition(" ")[2]) for run in runs) < 0.3


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "fr", "LC_ALL": "en_GB"}, "en"),
        ({}, "en"),
        ({"LANG": "POSIX"}, "en"),
    ],
)
def test_the_readers_language(monkeypatch, values, told):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert words.language() == told


def test_the_reference_page_is_up_to_date():
    assert cli_page.PAGE.read_text() == cli_page.page(), "run python -m tools.cli_page"


def sentences():
    """Every sentence that the client's sources tell by itself, with the places it has."""
    for source in Path(words.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(source.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in {"say", "ClientError"}:
                yield from (arg.value for arg in call.args[:2] if isinstance(arg, ast.Constant) and arg.value)
            match call:
                case ast.Assign(targets=[ast.Name(id="remedy")], value=ast.Constant(value=str(text))):
                    yield text


def test_every_sentence_of_the_client_is_told_in_french():
    told = set(sentences())
    assert len(told) > 30
    assert told - set(words.known("fr")) == set()


def test_french_sentences_have_the_same_places():
    def places(text):
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert [text for text, told in words.known("fr").items() if places(text) < places(told)] == []
    assert [text for text, told in french.SENTENCES.items() if places(text) != places(told)] == []


def helps(command, context):
    """What ``--help`` tells of a command and of all below it, and what its options ask for."""
    yield cleandoc(command.help or "")
    for option in command.params:
        yield from filter(None, (getattr(option, name, "") for name in ("help", "prompt")))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from helps(command.get_command(context, name), context)


def test_all_help_of_the_client_is_told_in_french_and_nothing_else_is_kept():
    told = set(helps(sirocco, click.Context(sirocco)))
    assert told - set(words.known("fr")) == set()
    assert set(french_help.HELP) - told == set()


CLICK_FOR_PROGRAMMERS = {
    "_termui_impl.py",
    "_winconsole.py",
    "utils.py",
}


def said_by_click():
    """What click asks its translations for, but for what only a mistake in our own declarations could raise."""
    for source in Path(click.__file__).parent.glob("*.py"):
        if source.name in CLICK_FOR_PROGRAMMERS:
            continue
        for call in ast.walk(ast.parse(source.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in {"_", "ngettext"}:
                yield from (one.value for one in call.args[:2] if isinstance(one, ast.Constant))


NEVER_SAID = (
    *("declaration", "flag for true/false", "defined twice", "Did you mean to", "iterable", "DeprecationWarning"),
    *("Confirm the action", "Do you want", "Could not open file", "unknown error", "start character", "Press any"),
    *("color", "Choice(", "directory", "file", "path", "{name} {filename", "match the format", "UUID", "values are"),
)


def test_what_click_says_is_told_in_french():
    said = {text for text in said_by_click() if not any(part in text for part in NEVER_SAID)}
    assert len(said) > 30
    assert said - set(french.OF_CLICK) == set()


ENGLISH = re.compile(
    r"\b(the|this|and|of|to|for|with|show|error|usage|missing|no such|invalid|required)\b", re.IGNORECASE
)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("--help", "Utilisation : sirocco [OPTIONS] COMMANDE"),
        ("machine create --help", "--cpu ENTIER"),
        ("machine create", "Il manque l'option '--image'"),
        ("machine lst", "Vouliez-vous dire 'list' ?"),
        ("machine list --limit many", "'many' n'est pas un nombre"),
        ("machine list one two", "Arguments en trop (one two)"),
        ("completion ksh", "'ksh' n'est pas parmi 'bash', 'zsh', 'fish'."),
    ],
)
def test_the_command_line_speaks_french(tmp_path, asked, told):
    program = str(Path(sys.executable).with_name("sirocco"))
    surroundings = {"HOME": str(tmp_path), "PATH": "", "LANG": "fr_FR.UTF-8"}
    done = subprocess.run(
        [program, *asked.split()], capture_output=True, text=True, env=surroundings, check=False, encoding="utf-8"
    )
    assert told in done.stdout + done.stderr
    assert not ENGLISH.search(done.stdout + done.stderr)


def test_a_refusal_is_told_in_the_readers_language(tmp_path):
    asked = [str(Path(sys.executable).with_name("sirocco")), "machine", "list"]
    surroundings = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PATH": "", "LANG": "fr_FR.UTF-8"}
    done = subprocess.run(asked, capture_output=True, text=True, env=surroundings, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "Erreur : vous n'êtes pas connecté"


@pytest.mark.parametrize("url", ["http://host:many", "http://[::1", "ftp://host", "host:8080", "http://host:0", ""])
def test_what_is_no_address_of_a_server_is_said_so(url):
    with pytest.raises(ClientError, match="is no address of a server"):
        Api(Login(url))


@pytest.fixture
def stranger():
    """Somebody else's server, which answers with what the test sets."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(self.server.status)
            for name, value in self.server.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(self.server.body)))
            self.end_headers()
            self.wfile.write(self.server.body)

        do_POST = do_GET  # noqa: N815 - the name that http.server asks for

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"Content-Type": "text/html"}, b"<html>hello</html>"),
        (200, {"Content-Type": "application/json"}, b"{broken"),
        (301, {"Location": "https://elsewhere/"}, b""),
    ],
)
def test_another_server_is_not_taken_for_an_empty_list(stranger, status, headers, body):
    stranger.status, stranger.headers, stranger.body = status, headers, body
    with pytest.raises(ClientError, match="does not answer as Sirocco does"):
        Api(Login(f"http://127.0.0.1:{stranger.server_port}")).get("machines")


def test_a_sign_in_that_gives_no_key_is_said_so(stranger):
    stranger.status, stranger.headers, stranger.body = 200, {"Content-Type": "application/json"}, b'{"a": 1}'
    with pytest.raises(ClientError, match="gave no key"):
        login.sign_in(Login(f"http://127.0.0.1:{stranger.server_port}", user="u", password="p"), "name")


def test_a_tenant_that_cannot_be_a_header_is_refused_and_one_in_any_script_is_sent(stranger):
    stranger.status, stranger.headers, stranger.body = 200, {"Content-Type": "application/json"}, b'{"a": 1}'
    url = f"http://127.0.0.1:{stranger.server_port}"
    assert Api(Login(url, key="k", tenant="équipe 東")).get("machines") == {"a": 1}
    with pytest.raises(ClientError, match="this cannot be sent"):
        Api(Login(url, key="k", tenant="a\r\nb")).get("machines")


def test_a_login_that_cannot_be_kept_or_read_is_said_so(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(ClientError, match="cannot be written"):
        login.keep(Login("http://host", key="k"))
    with pytest.raises(ClientError, match="cannot be read"):
        login.kept()


def test_cells_are_for_people():
    state = {"resName": "web", "resource": "http://h/cimi/machines/1", "resType": "machine", "state": "STARTED"}
    told = {
        "http://schemas.dmtf.org/cimi/1/action/attach-volume": "attach-volume",
        "http://sirocco.ow2.org/cimi/1/action/resize": "resize",
        "http://schemas.dmtf.org/cimi/1/event/state": "state",
        "http://schemas.dmtf.org/elsewhere": "http://schemas.dmtf.org/elsewhere",
        "2026-11-21T17:25:51.472219+00:00": "2026-11-21T17:25:51Z",
        "2026-11-21T17:25:51+00:00": "2026-11-21T17:25:51Z",
    }
    assert {text: output.cell(text) for text in told} == told
    assert output.cell({**state, "previous": "CREATING"}, "content") == "state=STARTED, previous=CREATING"
    assert output.cell({"a": 1}, "properties") == '{"a": 1}'


def test_quotas_of_bytes_have_units_and_names_are_aligned(capsys):
    rows = [{"resource": "memory", "used": 2**28, "ceiling": 2**38}, {"resource": "machines", "used": 2}]
    output.many(rows, ("resource", "used", "ceiling"), "table")
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["memory", "256", "MiB", "256", "GiB"],
        ["machines", "2"],
    ]
    output.many([{"resource": {"href": "http://h/cimi/machines/7"}}], ("resource",), "table")
    assert capsys.readouterr().out.splitlines() == ["RESOURCE", "7"]
    output.one({"id": "http://h/cimi/quotas/1", "operations": [{"rel": "edit"}]}, "table")
    assert capsys.readouterr().out.splitlines() == ["id          1", "operations  edit"]


@pytest.mark.parametrize(
    ("where", "remedy"),
    [
        ("machineTemplate.machineConfig", "It is set by: --size, --cpu, --memory, --disk"),
        ("machineTemplate.machineConfig.cpu", "It is set by: --cpu"),
        ("machineTemplate.machineConfig.disks[0]", "It is set by: --disk"),
        ("disks[0].capacity", "It is set by: --disk"),
        ("name", "It is set by: --name"),
        ("provider", "It is set by: --provider"),
        ("machineTemplate.sirocco_provider", "It is set by: --provider"),
        ("cpu", "It is set by: --cpu"),
        ("machineTemplate.elsewhere", "Correct it."),
        ("", "Correct it."),
    ],
)
def test_a_refusal_names_the_options_that_set_what_it_is_about(stranger, where, remedy, monkeypatch):
    refusal = {"statusMessage": "no", "sirocco_remedy": "Correct it.", "sirocco_details": {"where": where}}
    stranger.status, stranger.headers = 400, {"Content-Type": "application/json"}
    stranger.body = json.dumps(refusal).encode()
    monkeypatch.setenv("SIROCCO_KEY", "k")
    arguments = ["--url", f"http://127.0.0.1:{stranger.server_port}", "machine", "create", "--image"]
    with pytest.raises(ClientError) as refused:
        sirocco([*arguments, "0" * 8 + "-0000-0000-0000-" + "0" * 12], standalone_mode=False)
    assert refused.value.remedy == remedy
