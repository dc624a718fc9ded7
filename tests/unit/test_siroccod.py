"""``siroccod`` as its users meet it: a process, its words and its exit status."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from sqlalchemy import select

from sirocco.cmdb.models import User
from sirocco.domain.principal import SYSTEM
from sirocco.hypervisor.layout import HypervisorError
from sirocco.identity.secrets import password_matches
from sirocco.ops.inventory import as_text
from sirocco.ops.words import said
from tests.world import a_cmdb


@pytest.fixture
def siroccod(tmp_path):
    def run(*arguments, **environment):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SIROCCO_", "TEMPORAL_"))}
        return subprocess.run(
            [sys.executable, "-m", "sirocco.admin", *arguments],
            env={**clean, "SIROCCO_HOME": str(tmp_path / "home"), "SIROCCO_PROVIDER": "fake", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_every_command_explains_itself(siroccod):
    listed = siroccod("--help").stdout
    for command in [
        "up",
        "down",
        "status",
        "inventory",
        "web",
        "worker",
        "console",
        "migrate",
        "doctor",
        "backup",
        "restore",
        "keys",
        "alive",
        "password",
    ]:
        assert f"\n  {command} " in listed
        assert siroccod(command, "--help").returncode == 0


def test_nothing_runs(siroccod):
    done = siroccod("status", "--json")
    assert done.returncode == 3
    known = json.loads(done.stdout)
    assert (known["running"], known["processes"], known["first_machine"]) == (False, [], None)
    assert "siroccod up" in siroccod("status").stdout
    stopped = siroccod("down")
    assert (stopped.returncode, stopped.stdout) == (0, "Sirocco does not run.\n")


@pytest.mark.parametrize("command", ["up", "status", "web", "worker", "migrate", "doctor"])
def test_wrong_settings_are_told_without_a_traceback(siroccod, command):
    done = siroccod(command, SIROCCO_PORT="many")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: port (environment variable SIROCCO_PORT): ")
    assert "Traceback" not in done.stderr


def test_migrate_makes_the_database_and_one_administrator(siroccod, tmp_path):
    first = siroccod("migrate")
    kept = tmp_path / "home" / "secrets" / "first-password"
    assert first.returncode == 0, first.stderr
    assert str(kept) in first.stdout
    assert kept.read_text() not in first.stdout
    password = kept.read_text()
    assert siroccod("migrate").stdout == ""
    assert kept.read_text() == password


def test_a_password_that_was_given_is_kept_nowhere(siroccod, tmp_path):
    assert siroccod("migrate", SIROCCO_ADMIN_PASSWORD="canary-password").returncode == 0
    for path in (tmp_path / "home").rglob("*"):
        assert not path.is_file() or b"canary-password" not in path.read_bytes()


def test_a_password_that_is_too_short_is_told(siroccod):
    done = siroccod("migrate", SIROCCO_ADMIN_PASSWORD="short")
    assert done.returncode == 1
    assert "password" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_of_a_newer_release_is_left_alone(siroccod, tmp_path):
    siroccod("migrate")
    with closing(sqlite3.connect(tmp_path / "home" / "cmdb.sqlite")) as kept, kept:
        kept.execute("UPDATE alembic_version SET version_num = 'of_tomorrow'")
    done = siroccod("migrate")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the CMDB is of a newer release than ")
    assert "Traceback" not in done.stderr


def test_a_lost_password_is_replaced(siroccod, tmp_path):
    siroccod("migrate")
    wanted = tmp_path / "wanted"
    wanted.write_text("a password of my own\n")
    given = ("--password-file", str(wanted))
    assert siroccod("password", "admin", *given).stdout == "admin has a new password, and is signed out everywhere.\n"
    with a_cmdb(f"sqlite:///{tmp_path / 'home' / 'cmdb.sqlite'}", tmp_path) as cmdb, cmdb.reading(SYSTEM) as tx:
        kept = tx.session.scalars(select(User.password_hash)).one()
    assert password_matches(kept, "a password of my own")
    assert not (tmp_path / "home" / "secrets" / "first-password").exists()
    unknown = siroccod("password", "nobody", *given)
    assert (unknown.returncode, unknown.stderr) == (1, "Error: there is no user named 'nobody'; there are: admin\n")
    assert "Give --password-file" in siroccod("password", "admin").stderr
    wanted.write_bytes(b"\xff\xfe")
    assert "cannot be read as text" in siroccod("password", "admin", *given).stderr
    wanted.write_text("short")
    assert "password: it needs 8 to" in siroccod("password", "admin", *given).stderr


@pytest.mark.parametrize(
    "command",
    [("inventory", "--provider", "local"), ("password", "admin", "--password-file", "/dev/null"), ("keys", "rotate")],
)
def test_commands_that_need_a_cmdb_say_that_there_is_none(siroccod, tmp_path, command):
    for home, told in (
        ({}, f"Error: {tmp_path / 'home'} holds no CMDB; is SIROCCO_HOME right?\n"),
        ({"SIROCCO_DATABASE_URL": "postgresql+psycopg://127.0.0.1:1/x"}, "Error: the CMDB does not answer: "),
    ):
        done = siroccod(*command, **home)
        assert done.returncode == 1
        assert done.stderr.startswith(told)
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "home" / "cmdb.sqlite").exists()


def test_a_database_that_does_not_answer_is_told_without_a_traceback(siroccod):
    done = siroccod("migrate", SIROCCO_DATABASE_URL="postgresql+psycopg://127.0.0.1:1/x")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the CMDB does not answer: ")


def test_a_folder_that_is_not_there_is_told_without_a_traceback(siroccod, tmp_path):
    siroccod("migrate")
    done = siroccod("backup", str(tmp_path / "absent" / "x.tar"), "--without-keys")
    assert done.returncode == 1
    assert done.stderr == f"Error: there is no folder {tmp_path / 'absent'}\n"


def test_inventory_of_an_unknown_provider_names_the_known_ones(siroccod):
    siroccod("migrate")
    done = siroccod("inventory", "--provider", "cloud")
    assert done.returncode == 1
    assert done.stderr == "Error: there is no provider named 'cloud'; there are: none\n"


def test_keys_are_rotated(siroccod):
    siroccod("migrate")
    assert siroccod("keys", "list").stdout == "k1 (current)\n"
    assert siroccod("keys", "rotate").stdout.startswith("Key k2 seals from now on; 0 secrets")
    assert siroccod("keys", "list").stdout == "k1\nk2 (current)\n"


def test_backup_and_restore(siroccod, tmp_path):
    siroccod("migrate")
    phrase = tmp_path / "phrase"
    phrase.write_text("a phrase that nobody guesses\n")
    archive = str(tmp_path / "backup.tar")
    assert siroccod("backup", archive, "--passphrase-file", str(phrase)).returncode == 0
    refused = siroccod("restore", archive, "--passphrase-file", str(phrase))
    assert refused.returncode == 1
    assert "a restore needs an empty SIROCCO_HOME" in refused.stderr
    moved = {"SIROCCO_HOME": str(tmp_path / "new")}
    assert "no terminal to ask" in siroccod("restore", archive, **moved).stderr
    assert siroccod("restore", archive, "--passphrase-file", str(phrase), **moved).returncode == 0
    assert siroccod("keys", "list", **moved).stdout == "k1 (current)\n"


def test_doctor_tells_what_is_missing_and_what_to_do(siroccod):
    found = json.loads(siroccod("doctor", "--json").stdout)
    assert {entry["variable"] for entry in found["settings"]} >= {"SIROCCO_HOME", "TEMPORAL_ADDRESS"}
    assert all(finding["remedy"] for finding in found["findings"] if not finding["good"])
    sick = siroccod("doctor", TEMPORAL_BIN="/nonexistent", SIROCCO_PROT="1")
    assert sick.returncode == 1
    assert "MISSING   workflow engine" in sick.stdout
    assert "-> make setup" in sick.stdout
    assert "variable SIROCCO_PROT" in sick.stdout


def test_doctor_changes_nothing(siroccod, tmp_path):
    siroccod("doctor")
    assert not (tmp_path / "home").exists()


def test_health_of_a_role_that_does_not_run(siroccod):
    assert siroccod("alive", "worker").returncode == 1
    assert siroccod("alive", "web", SIROCCO_PORT="1").returncode == 1


def test_status_loads_neither_database_nor_engine():
    """It is asked often, by scripts: it must not wait for a second of imports."""
    program = (
        "import sys; import sirocco.admin, sirocco.ops.lock, sirocco.ops.status;"
        "print([name for name in ('sqlalchemy', 'temporalio', 'flask', 'structlog', 'ortools') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("asked", "environment", "told"),
    [
        ("--help", {}, "Faire tourner et entretenir une installation de Sirocco."),
        (
            "status",
            {"SIROCCO_PORT": "many"},
            "port (variable d'environnement SIROCCO_PORT) : il faut un nombre",
        ),
        ("status", {"SIROCCO_LOG_LEVEL": "x"}, "valeurs admises : 'debug', 'info', 'warning', 'error'"),
        ("inventory --provider x", {}, "ne contient pas de CMDB ; SIROCCO_HOME est-il juste ?"),
        ("restore", {}, "Il manque l'argument 'ARCHIVE'."),
        ("migrate", {"SIROCCO_ADMIN_PASSWORD": "short"}, "password : il faut de 8 à 1024 caractères."),
    ],
)
def test_the_server_side_speaks_french(siroccod, asked, environment, told):
    said = siroccod(*asked.split(), LANG="fr_FR.UTF-8", PYTHONUTF8="1", **environment)
    assert told in " ".join((said.stdout + said.stderr).split())


def test_what_an_error_holds_is_worded_too_and_its_log_stays_english(monkeypatch):
    inner = HypervisorError(
        "{what} missing: {remedy}", what="root", remedy=HypervisorError("{size} GiB are needed", size=2)
    )
    error = HypervisorError("the local hypervisor cannot run here. {cause}", cause=inner)
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    assert said(error) == "l'hyperviseur local ne peut pas tourner ici. il manque root : il faut 2 Gio"
    assert str(error) == "the local hypervisor cannot run here. root missing: 2 GiB are needed"
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert said(error) == str(error)


def test_inventory_for_people():
    held = {"provider": "p", "kind": "fake", "machines": [{"name": "m", "state": "STARTED", "id": "1"}]}
    text = as_text({**held, "volumes": [], "images": [], "networks": []})
    assert "Machines: 1" in text
    assert "STARTED" in text
