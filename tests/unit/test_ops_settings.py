import stat
from pathlib import Path

import pytest

from sirocco.ops import settings as module
from sirocco.ops.settings import InvalidSettings, Settings, known, load, prepare_home, strangers


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No variable of the tester's own shell decides, and a home of our own."""
    for field, details in Settings.model_fields.items():
        monkeypatch.delenv(module.variable(field, details), raising=False)
    monkeypatch.setenv("SIROCCO_HOME", str(tmp_path))
    monkeypatch.setattr(module, "SECRETS", tmp_path / "none")
    return tmp_path


def _origin(settings, name):
    return next(entry.origin for entry in known(settings) if entry.name == name)


def test_environment_beats_secret_file_beats_settings_file_beats_default(home, monkeypatch):
    assert load().port == 8080
    (home / "sirocco.toml").write_text("port = 1001\ntemporal_namespace = 'from-file'\n")
    assert load().port == 1001
    monkeypatch.setattr(module, "SECRETS", home / "mounted")
    (home / "mounted").mkdir()
    (home / "mounted" / "sirocco_port").write_text("1002\n")
    assert load().port == 1002
    monkeypatch.setenv("SIROCCO_PORT", "1003")
    assert load().port == 1003
    assert load().temporal_namespace == "from-file"


def test_origin_names_the_place(home, monkeypatch):
    (home / "sirocco.toml").write_text("provider = 'fake'\n")
    monkeypatch.setattr(module, "SECRETS", home / "mounted")
    (home / "mounted").mkdir()
    (home / "mounted" / "sirocco_database_password").write_text("geheim")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "engine:7233")
    settings = load(first_machine=False)
    assert _origin(settings, "provider") == f"file {home / 'sirocco.toml'}"
    assert _origin(settings, "database_password") == f"secret file {home / 'mounted' / 'sirocco_database_password'}"
    assert _origin(settings, "temporal_address") == "environment variable TEMPORAL_ADDRESS"
    assert _origin(settings, "first_machine") == "given by the program"
    assert _origin(settings, "port") == "default"


def test_no_secret_is_printed(monkeypatch):
    monkeypatch.setenv("SIROCCO_ADMIN_PASSWORD", "canary-1")
    monkeypatch.setenv("TEMPORAL_API_KEY", "canary-2")
    monkeypatch.setenv("SIROCCO_DATABASE_URL", "postgresql+psycopg://sirocco:canary-3@db/sirocco")
    settings = load()
    assert "canary" not in repr(known(settings))
    assert "canary-1" not in repr(settings)
    assert "canary-2" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SIROCCO_PORT", "99999", "port (environment variable SIROCCO_PORT): "),
        ("SIROCCO_HOST", "localhost", "host (environment variable SIROCCO_HOST): "),
        ("SIROCCO_PROVIDER", "cloud", "'auto', 'libvirt', 'fake'"),
        ("TEMPORAL_TLS", "perhaps", "temporal_tls (environment variable TEMPORAL_TLS): "),
    ],
)
def test_a_bad_value_is_named_with_its_place(monkeypatch, name, value, told):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings) as refused:
        load()
    assert told in str(refused.value)


def test_all_faults_of_a_file_are_told_at_once(home):
    (home / "sirocco.toml").write_text("port = 'x'\nprot = 1\n")
    with pytest.raises(InvalidSettings) as refused:
        load()
    told = str(refused.value).splitlines()
    assert any(line.startswith(f"port (file {home / 'sirocco.toml'}): ") for line in told)
    assert (
        f"prot (file {home / 'sirocco.toml'}): there is no such setting; docs/reference/settings.md lists them" in told
    )


@pytest.mark.parametrize(("content", "told"), [("port = ", "sirocco.toml: "), ("home = '/x'", "set SIROCCO_HOME")])
def test_an_unusable_file_is_named(home, content, told):
    (home / "sirocco.toml").write_text(content)
    with pytest.raises(InvalidSettings, match=told):
        load()


def test_empty_variables_count_as_absent(monkeypatch):
    monkeypatch.setenv("SIROCCO_PORT", "")
    assert load().port == 8080


def test_misspelt_variables_are_found(monkeypatch):
    monkeypatch.setenv("SIROCCO_PROT", "1")
    assert strangers() == ("SIROCCO_PROT",)


def test_password_is_put_into_the_database_url():
    settings = load(database_url="postgresql+psycopg://sirocco@db/sirocco", database_password="p@ss/word")
    assert settings.database == "postgresql+psycopg://sirocco:p%40ss%2Fword@db/sirocco"


def test_default_database_lies_in_the_home(home):
    assert load().database == f"sqlite:///{home / 'cmdb.sqlite'}"


def test_addresses_for_people():
    assert load().portal == "http://127.0.0.1:8080"
    assert load(host="0.0.0.0").portal == "http://127.0.0.1:8080"
    assert load(host="::1", console_port=9).console == "http://[::1]:9"
    assert load(public_url="https://cloud.example/").portal == "https://cloud.example"


def test_home_is_absolute_and_closed_where_it_must_be(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIROCCO_HOME", "state")
    settings = load()
    prepare_home(settings)
    prepare_home(settings)
    assert settings.home == tmp_path / "state"
    closed = {path.name for path in settings.home.iterdir() if not stat.S_IMODE(path.stat().st_mode) & 0o077}
    assert closed == {"secrets", "run", "log", "temporal", "fake", "cmdb.sqlite"}


def test_every_setting_is_explained():
    assert all(entry.description for entry in known(load()))


def test_default_home_is_var_of_the_checkout():
    assert module.default_home() == Path(module.__file__).resolve().parents[2] / "var"
