"""Requests made from the OpenAPI document, right and wrong ones: whatever is sent, no answer is a fault of ours."""

import time

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from sirocco.contracts.errors import catalogue
from sirocco.contracts.states import Role
from tests.api.front import Front
from tests.world import a_cmdb, populate

SECONDS = 50
EXAMPLES = 12
CODES = set(catalogue())


@pytest.fixture(scope="module")
def offered(tmp_path_factory):
    home = tmp_path_factory.mktemp("schemathesis")
    with a_cmdb(f"sqlite:///{home / 'cmdb.sqlite'}", home) as cmdb:
        front = Front(populate(cmdb))
        for name in ("one", "two"):
            front.machine(name)
        yield front


def operations(app):
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    return [result.ok() for result in schema.get_all_operations()]


def test_no_answer_is_a_fault_of_ours(offered):
    """Every operation gets its share of the time: at least a few requests each, in either mode."""
    key = f"Bearer {offered.caller(Role.TENANT_ADMIN).token}"
    found, sent = operations(offered.app), 0
    until = time.monotonic() + SECONDS
    for operation in found:
        left = until - time.monotonic()
        mode = GenerationMode.NEGATIVE if sent % 2 else GenerationMode.POSITIVE

        @settings(
            max_examples=EXAMPLES if left > 0 else 1,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def attack(case):
            nonlocal sent
            sent += 1
            judge(case.call(headers={**(case.headers or {}), "Authorization": key}), case)

        attack()
    assert len(found) > 300
    assert sent >= len(found)


def judge(answer, case):
    assert answer.status_code < 500, (case.method, case.path, case.body, answer.text)
    if answer.status_code >= 400 and "json" in answer.headers["content-type"][0]:
        refusal = answer.json()
        assert refusal["sirocco_code"] in CODES, (case.path, refusal)
        assert refusal["sirocco_remedy"]
