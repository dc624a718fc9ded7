"""The container files agree with the settings, the commands and each other. No container engine is needed for that."""

import re
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from sirocco.admin import cli
from sirocco.contracts.engine import SEARCH_ATTRIBUTES
from sirocco.ops import settings as module
from sirocco.ops.settings import Settings, load

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("sirocco:")}
VARIABLES = {module.variable(name, field) for name, field in Settings.model_fields.items()}
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()


def _images():
    return {service["image"] for service in SERVICES.values()} | set(
        re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    )


@pytest.mark.parametrize("image", sorted(_images()))
def test_images_are_pinned_to_a_release(image):
    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?", image)


def test_all_processes_of_the_product_are_there():
    assert {tuple(service["command"]) for service in OURS.values()} == {
        ("migrate",),
        ("web",),
        ("console",),
        ("worker",),
        ("worker", "--solver"),
    }


@pytest.mark.parametrize("name", OURS)
def test_commands_exist(name):
    command, *options = OURS[name]["command"]
    found = cli.commands[command]
    known = {option for parameter in found.params if isinstance(parameter, click.Option) for option in parameter.opts}
    assert set(options) <= known


@pytest.mark.parametrize("name", OURS)
def test_variables_are_settings_with_usable_values(name, monkeypatch, tmp_path):
    environment = OURS[name]["environment"]
    assert set(environment) <= VARIABLES
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(module, "SECRETS", tmp_path)
    for secret in OURS[name]["secrets"]:
        (tmp_path / secret).write_text("from-a-file")
    settings = load()
    assert settings.database == "postgresql+psycopg://sirocco:from-a-file@postgres/sirocco"
    assert str(settings.home) in OURS[name]["volumes"][0]


def test_one_installation_speaks_of_one_engine():
    ours = OURS["worker"]["environment"]
    assert SERVICES["temporal-namespace"]["environment"]["TEMPORAL_NAMESPACE"] == ours["TEMPORAL_NAMESPACE"]
    host, port = ours["TEMPORAL_ADDRESS"].split(":")
    assert host in SERVICES
    assert port in SERVICES[host]["healthcheck"]["test"]
    assert SERVICES["temporal-ui"]["environment"]["TEMPORAL_CODEC_ENDPOINT"].startswith(ours["SIROCCO_PUBLIC_URL"])


def test_the_engine_is_told_every_search_attribute():
    script = (ROOT / "deploy" / "temporal" / "namespace.sh").read_text()
    assert dict(re.findall(r"--name (\S+) --type (\S+)", script)) == SEARCH_ATTRIBUTES


@pytest.mark.parametrize("name", SERVICES)
def test_what_stays_up_says_how_it_is(name):
    service = SERVICES[name]
    if service["restart"] == "unless-stopped":
        assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"])
    else:
        assert service["restart"] == "on-failure"


@pytest.mark.parametrize("name", OURS)
def test_health_is_asked_by_a_command_that_exists(name):
    check = OURS[name].get("healthcheck")
    if check:
        _, program, command, role = check["test"]
        assert program == "siroccod"
        assert role in cli.commands[command].params[0].type.choices


@pytest.mark.parametrize("name", SERVICES)
def test_who_is_waited_for_is_waited_for_rightly(name):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        lasting = SERVICES[other]["restart"] == "unless-stopped"
        assert how["condition"] == ("service_healthy" if lasting else "service_completed_successfully")


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name):
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_from_files(name):
    service = SERVICES[name]
    for variable, value in service.get("environment", {}).items():
        telling = re.search(r"PASS(WORD|WD)?|PWD|SECRET|TOKEN|API_KEY", variable)
        assert not telling or value.startswith("/run/secrets/") or variable == "TEMPORAL_CODEC_PASS_ACCESS_TOKEN"
    for secret in service.get("secrets", []):
        assert COMPOSE["secrets"][secret]["file"] == f"deploy/secrets/{secret}"


def test_our_secret_files_bear_names_that_settings_look_for():
    ours = {secret for service in OURS.values() for secret in service["secrets"]}
    assert ours <= {variable.lower() for variable in VARIABLES}


def test_every_secret_is_made():
    script = (ROOT / "deploy" / "make-secrets").read_text()
    assert set(COMPOSE["secrets"]) == set(re.search(r"for name in (.+); do", script)[1].split())


@pytest.mark.parametrize("name", SERVICES)
def test_mounted_files_exist(name):
    service = SERVICES[name]
    mounted = dict(volume.split(":")[:2] for volume in service.get("volumes", []))
    for source, target in mounted.items():
        assert (ROOT / source).is_dir() if source.startswith("./") else source in COMPOSE["volumes"]
        for argument in service.get("entrypoint", []):
            if argument.startswith(target):
                assert (ROOT / source / argument.removeprefix(f"{target}/")).is_file()


@pytest.mark.parametrize("script", sorted([*ROOT.glob("deploy/**/*.sh"), ROOT / "deploy" / "make-secrets"]), ids=str)
def test_scripts_are_sound(script):
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    assert script.stat().st_mode & 0o111


def test_no_secret_is_in_the_repository_or_the_image():
    kept = subprocess.run(["git", "ls-files", "deploy/secrets"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert kept.stdout.split() == ["deploy/secrets/.gitignore"]
    assert "deploy/secrets" in (ROOT / ".dockerignore").read_text().split()


def test_the_image_runs_as_an_ordinary_user_and_copies_what_exists():
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["sirocco"]
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists()


def test_secret_files_are_made_once(tmp_path):
    (tmp_path / "secrets").mkdir()
    script = tmp_path / "make-secrets"
    script.write_bytes((ROOT / "deploy" / "make-secrets").read_bytes())
    seen = []
    for _ in range(2):
        subprocess.run(["sh", str(script)], check=True, capture_output=True)
        seen.append({path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()})
    assert seen[0] == seen[1]
    assert len(set(seen[0].values())) == 3
    assert all(len(value) == 24 for value in seen[0].values())
