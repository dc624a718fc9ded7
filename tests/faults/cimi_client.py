"""A patient client of the API: it repeats a request with its key until it is answered."""

import base64
import http.client
import json
import time
import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit


class NotAnsweredError(Exception):
    """Nobody answered in time."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: dict


@dataclass
class CimiClient:
    """Speaks to any of the addresses that ``urls`` names; each thread needs one of its own."""

    urls: list[str]
    user: str = "bob"
    password: str = "correct horse"
    patience: float = 60.0

    def once(self, method: str, path: str, body: dict | None = None, *, key: str = "", url: str = "") -> Answer:
        parts = urlsplit(url or self.urls[0])
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Accept": "application/json", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        try:
            connection.request(method, f"/cimi/{path}", json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            content = answer.read()
            return Answer(answer.status, dict(answer.getheaders()), json.loads(content) if content else {})
        finally:
            connection.close()

    def ask(self, method: str, path: str, body: dict | None = None) -> Answer:
        """Repeat with one key until somebody answers with something else than a failure of the server."""
        key, end, turn = uuid.uuid4().hex, time.monotonic() + self.patience, 0
        while time.monotonic() < end:
            try:
                answer = self.once(method, path, body, key=key, url=self.urls[turn % len(self.urls)])
            except (OSError, http.client.HTTPException, ValueError):
                answer = None
            if answer is not None and answer.status < 500:
                return answer
            turn += 1
            time.sleep(0.1)
        raise NotAnsweredError(f"{method} {path}")


def machine_create(name: str, image_id: str, *, url: str) -> dict:
    """The body that asks for a small machine."""
    return {
        "resourceURI": "http://schemas.dmtf.org/cimi/1/MachineCreate",
        "name": name,
        "machineTemplate": {
            "machineConfig": {"cpu": 1, "memory": 131072},
            "machineImage": {"href": f"{url}/cimi/machineImages/{image_id}"},
        },
    }


def last(reference: str) -> str:
    """The id at the end of a resource's address."""
    return reference.rstrip("/").rsplit("/", 1)[-1]
