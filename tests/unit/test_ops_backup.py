import io
import os
import sqlite3
import stat
import tarfile

import pytest
from sqlalchemy import select

from sirocco.cmdb import migrate
from sirocco.cmdb.database import Database
from sirocco.cmdb.models import Account, Credential, Provider
from sirocco.cmdb.transaction import Cmdb
from sirocco.domain.principal import SYSTEM, Principal
from sirocco.ops.backup import BackupError, holds_keys, load, save
from sirocco.ops.keyring import KeyRing, KeyRingError, Sealer
from sirocco.ops.rotation import rotate
from sirocco.ops.settings import load as settings_for
from sirocco.ops.settings import prepare_home
from sirocco.services import credentials, providers, tenants
from tests.postgres import cluster

PHRASE = "a phrase that nobody guesses"


@pytest.fixture(scope="module")
def postgres():
    with cluster() as running:
        programs = os.environ["PATH"]
        os.environ["PATH"] = f"{running.programs}:{programs}"
        yield running
        os.environ["PATH"] = programs


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request, tmp_path):
    """Makes empty installations on one kind of database."""
    create = request.getfixturevalue("postgres").create_database if request.param == "postgresql" else str

    def make(name):
        return settings_for(home=tmp_path / name, database_url=create())

    return make


@pytest.fixture
def installation(fresh):
    """An installation with a secret of every kind."""
    settings = fresh("old")
    prepare_home(settings)
    migrate.upgrade(settings.database)
    with Opened(settings) as cmdb:
        with cmdb.writing(SYSTEM) as tx:
            provider = providers.create(tx, "cloud", "fake", {"store": "x"}, secrets={"token": "canary-provider"})
            tenant = tenants.create(tx, "team")
            providers.create_account(tx, provider.id, "main", "login", "canary-account", shared=True)
        who = Principal("", "someone", tenant.id, SYSTEM.role)
        with cmdb.writing(who) as tx:
            credentials.create(tx, "key", user_name="root", password="canary-credential")
    (settings.home / "sirocco.toml").write_text("log_level = 'warning'\n")
    return settings


class Opened:
    def __init__(self, settings):
        self._database = Database(settings.database)
        self._cmdb = Cmdb(self._database, Sealer(KeyRing.at(settings.keyring)))

    def __enter__(self):
        return self._cmdb

    def __exit__(self, *_):
        self._database.close()


def _secrets(settings):
    """Every secret, opened, and the ids of the keys that seal them."""
    with Opened(settings) as cmdb, cmdb.reading(SYSTEM) as tx:
        provider = tx.session.scalars(select(Provider)).one()
        account = tx.session.scalars(select(Account)).one()
        credential = tx.session.scalars(select(Credential)).one()
        opened = {
            providers.secrets_of(tx, provider)["token"],
            tx.sealer.open(account.secret, "account", account.id, "secret"),
            tx.sealer.open(credential.password, credential.tenant_id, credential.id, "password"),
        }
        sealed = {provider.secrets["token"], account.secret, credential.password}
    return opened, {text.partition(".")[0] for text in sealed}


ALL = {"canary-provider", "canary-account", "canary-credential"}


def test_what_is_saved_comes_back(installation, fresh, tmp_path):
    archive = tmp_path / "backup.tar"
    save(installation, archive, PHRASE)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert holds_keys(archive)
    restored = fresh("new")
    load(restored, archive, PHRASE)
    assert _secrets(restored)[0] == ALL
    assert (restored.home / "sirocco.toml").read_text() == "log_level = 'warning'\n"
    assert stat.S_IMODE(restored.keyring.stat().st_mode) == 0o600
    assert migrate.current(restored.database) == migrate.newest()


def test_no_secret_can_be_read_in_a_backup(installation, tmp_path):
    archive = tmp_path / "backup.tar"
    save(installation, archive, PHRASE)
    content = archive.read_bytes()
    assert b"canary" not in content
    assert installation.keyring.read_bytes()[30:60] not in content


def test_a_backup_without_keys_needs_the_ring_from_elsewhere(installation, fresh, tmp_path):
    archive = tmp_path / "backup.tar"
    assert "key ring is not in it" in save(installation, archive, None)
    assert not holds_keys(archive)
    restored = fresh("new")
    assert "Put the key ring back" in load(restored, archive, None)
    with pytest.raises(ValueError, match="altered"):
        _secrets(restored)
    restored.keyring.write_bytes(installation.keyring.read_bytes())
    assert _secrets(restored)[0] == ALL


def test_a_full_installation_is_never_overwritten(installation, tmp_path):
    archive = tmp_path / "backup.tar"
    save(installation, archive, PHRASE)
    with pytest.raises(BackupError, match="empty"):
        load(installation, archive, PHRASE)
    assert _secrets(installation)[0] == ALL


def test_a_wrong_passphrase_changes_nothing(installation, fresh, tmp_path):
    archive = tmp_path / "backup.tar"
    save(installation, archive, PHRASE)
    restored = fresh("new")
    with pytest.raises(BackupError, match="passphrase does not open"):
        load(restored, archive, "a phrase that somebody guesses")
    assert not restored.home.exists()


def test_rotation_seals_everything_anew(installation):
    assert _secrets(installation) == (ALL, {"k1"})
    assert "3 secrets" in rotate(installation)
    assert _secrets(installation) == (ALL, {"k2"})


def test_rotation_changes_nothing_when_a_secret_cannot_be_opened(installation):
    ring = installation.keyring.read_text()
    installation.keyring.write_text(ring.replace('"k1"', '"k7"'))
    with pytest.raises(KeyRingError, match="'k1' is not on the ring"):
        rotate(installation)
    installation.keyring.write_text(ring)
    assert _secrets(installation) == (ALL, {"k1"})


@pytest.fixture
def small(tmp_path):
    settings = settings_for(home=tmp_path / "small", database_url="")
    prepare_home(settings)
    KeyRing.at(settings.keyring)
    migrate.upgrade(settings.database)
    return settings


def test_a_backup_while_others_write_is_of_one_moment(small, tmp_path):
    """A transaction that is open while the backup is made is in it wholly or not at all."""
    writer = sqlite3.connect(small.home / "cmdb.sqlite", isolation_level=None)
    writer.execute("CREATE TABLE pair (n integer)")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO pair VALUES (1)")
    save(small, tmp_path / "backup.tar", None)
    writer.execute("INSERT INTO pair VALUES (2)")
    writer.execute("COMMIT")
    writer.close()
    restored = settings_for(home=tmp_path / "restored", database_url="")
    load(restored, tmp_path / "backup.tar", None)
    with sqlite3.connect(restored.home / "cmdb.sqlite") as reader:
        assert reader.execute("SELECT count(*) FROM pair").fetchone() == (0,)
    reader.close()


def test_a_short_passphrase_is_refused(small, tmp_path):
    with pytest.raises(BackupError, match="too short"):
        save(small, tmp_path / "backup.tar", "short")
    assert not (tmp_path / "backup.tar").exists()


def test_an_existing_file_is_never_overwritten(small, tmp_path):
    (tmp_path / "backup.tar").write_text("precious")
    with pytest.raises(BackupError, match="exists already"):
        save(small, tmp_path / "backup.tar", PHRASE)
    assert (tmp_path / "backup.tar").read_text() == "precious"


def _tar(path, members):
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def _manifest(parts):
    return ('{"format": 1, "sirocco": "0", "made": "now", "parts": ' + parts + "}").encode()


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({}, "not a backup of Sirocco"),
        ({"manifest.json": b"{"}, "not a backup of Sirocco"),
        ({"manifest.json": b'{"format": 9, "parts": {}}'}, "does not understand"),
        ({"manifest.json": _manifest('{"../../evil": "x"}')}, "does not understand"),
        ({"manifest.json": _manifest('{"cmdb.sqlite": "x"}')}, "lacks cmdb.sqlite"),
        ({"manifest.json": _manifest('{"cmdb.sqlite": "x"}'), "cmdb.sqlite": b"?"}, "is damaged"),
        ({"manifest.json": _manifest("{}")}, "holds a CMDB of PostgreSQL"),
    ],
)
def test_foreign_archives_are_refused(tmp_path, members, told):
    _tar(tmp_path / "foreign.tar", members)
    target = settings_for(home=tmp_path / "target", database_url="")
    with pytest.raises(BackupError, match=told):
        load(target, tmp_path / "foreign.tar", PHRASE)
    assert not target.home.exists()


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "foreign.tar").write_text("hello")
    with pytest.raises(BackupError, match=r"is not a backup: it is no tar archive$"):
        load(settings_for(home=tmp_path / "target"), tmp_path / "foreign.tar", PHRASE)
    with pytest.raises(BackupError, match=r"cannot be read: Is a directory$"):
        load(settings_for(home=tmp_path / "target"), tmp_path, PHRASE)


@pytest.mark.parametrize("size", [100, 512, 520, 700, 1100, 3000])
def test_an_archive_that_was_cut_off_is_refused(tmp_path, size):
    _tar(tmp_path / "whole.tar", {"manifest.json": _manifest('{"cmdb.sqlite": "x"}'), "cmdb.sqlite": bytes(9000)})
    (tmp_path / "cut.tar").write_bytes((tmp_path / "whole.tar").read_bytes()[:size])
    with pytest.raises(BackupError):
        load(settings_for(home=tmp_path / "target", database_url=""), tmp_path / "cut.tar", PHRASE)
    assert not (tmp_path / "target").exists()
