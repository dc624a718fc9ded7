"""What no HTTP server should have let through is refused like any other bad input, without a fault of ours."""

from io import BytesIO

import pytest
from gunicorn.http.errors import InvalidChunkSize


class Torn(BytesIO):
    """A body as a server gives it whose chunks are wrong."""

    def read(self, *_size):
        raise InvalidChunkSize(b"ZZ")

    readinto = readline = read


def refused(answer):
    assert (answer.status_code, answer.json["sirocco_code"]) == (400, "malformed-body"), answer.text
    assert answer.json["sirocco_remedy"]


def test_a_body_in_wrong_chunks(front):
    torn = {"wsgi.input": Torn(), "wsgi.input_terminated": True}
    headers = {"Authorization": f"Bearer {front.member.token}", "Content-Type": "application/json"}
    client = front.app.test_client()
    refused(client.post("/cimi/machineConfigs", headers=headers, environ_overrides=torn))


@pytest.mark.parametrize("host", ['a<b>"', "a b", "x:y:z"])
def test_a_host_that_no_address_can_hold(front, host):
    refused(front.member.get("machines", Host=host))
