"""What each conformance test has shown is kept for the generated page."""

import pytest

pytest.register_assert_rewrite("tests.connector.conformance")

from tests.connector.conformance import evidence  # noqa: E402  # after the registration, or asserts say nothing
from tests.connector.conformance.endpoint import Endpoint  # noqa: E402

SHOWN = pytest.StashKey[str]()


def _shown(test, endpoint):
    return evidence.weakest(test.evidence or "proven", endpoint.evidence) if endpoint.evidence else ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    names = getattr(getattr(item, "function", None), "proves", None)
    endpoint = next((one for one in item.funcargs.values() if isinstance(one, Endpoint)), None) if names else None
    if endpoint is not None:
        if report.failed and endpoint.evidence:
            item.stash[SHOWN] = "failed"
        elif report.skipped:
            item.stash[SHOWN] = (
                "not offered" if endpoint.evidence and "does not offer" in str(call.excinfo.value) else ""
            )
        elif report.when == "call":
            item.stash[SHOWN] = _shown(item.function, endpoint)
        if report.when == "teardown" and item.stash.get(SHOWN, ""):
            evidence.write(endpoint.name, item.name, names, item.stash[SHOWN])
    return report
