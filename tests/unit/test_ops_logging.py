import json
import subprocess
import sys

import pytest

from sirocco.ops.logging import MASK, redact


@pytest.mark.parametrize(
    "event",
    [
        {"password": "canary"},
        {"provider": {"settings": {"api_key": "canary"}}},
        {"list": [{"Authorization": "canary"}]},
        {"event": "login with password=canary failed"},
        {"event": '{"password": "canary"}'},
        {"event": "Authorization: Basic canarycanary=="},
        {"event": "header Bearer canary.canary.canary refused"},
        {"event": "cannot reach postgresql://sirocco:canary@db/sirocco"},
        {"event": ("many", "api-key: canary")},
    ],
)
def test_secrets_are_masked(event):
    cleaned = json.dumps(redact(None, "info", event))
    assert "canary" not in cleaned
    assert MASK in cleaned


@pytest.mark.parametrize(
    "event",
    [
        {"event": "machine started", "machine": "m1", "attempt": 3},
        {"event": "see http://127.0.0.1:8080/cimi", "list": [1, "two"]},
        {"token": "", "password": None, "secret": False},
        {"event": "the basic idea of a bearer of news"},
    ],
)
def test_other_words_stay(event):
    assert redact(None, "info", event) == event


_PROGRAM = """
import logging, sys, structlog
from sirocco.ops.logging import configure
from sirocco.ops.settings import load
configure(load(), "worker")
with structlog.contextvars.bound_contextvars(job="j1"):
    structlog.get_logger("ours").info("done", password="canary")
    logging.getLogger("library").warning("password=%s", "canary")
    try:
        raise ValueError("password=canary")
    except ValueError:
        structlog.get_logger("ours").exception("broken")
structlog.get_logger("ours").debug("unheard")
"""


def _run(**environment):
    environment = {"SIROCCO_HOME": "/nonexistent", "PATH": "/usr/bin", **environment}
    done = subprocess.run([sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=True)
    return done.stderr.splitlines()


def test_every_line_is_json_with_role_and_context():
    lines = [json.loads(line) for line in _run()]
    assert [line["event"] for line in lines] == ["done", f"password={MASK}", "broken"]
    assert {(line["role"], line["job"]) for line in lines} == {("worker", "j1")}
    assert [line["logger"] for line in lines] == ["ours", "library", "ours"]
    assert "ValueError" in lines[2]["exception"]
    assert "canary" not in json.dumps(lines)


def test_people_get_plain_lines():
    assert "done" in _run(SIROCCO_LOG_FORMAT="console")[0]
    with pytest.raises(json.JSONDecodeError):
        json.loads(_run(SIROCCO_LOG_FORMAT="console")[0])


def test_level_decides():
    assert len(_run(SIROCCO_LOG_LEVEL="error")) == 1
