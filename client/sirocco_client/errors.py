"""What can go wrong, in words for people."""

from collections.abc import Mapping
from typing import Any

from sirocco_client.words import say


class ClientError(Exception):
    """The command cannot be carried out; the message says why, the remedy what to do. Exit status 2 unless stated.

    Both are told in the reader's language; ``parts`` fill their places.
    """

    status = 2

    def __init__(self, message: str, remedy: str = "", code: str = "", /, **parts: object) -> None:
        self.message, self.remedy, self.code = say(message, **parts), say(remedy, **parts), code
        super().__init__(self.message)


class ApiError(ClientError):
    """The server refused: HTTP status, stable code, sentence, remedy and request id as it gave them."""

    status = 1

    def __init__(self, http_status: int, body: Mapping[str, Any], request_id: str = "") -> None:
        message = str(body.get("statusMessage") or say("the server answered {status}", status=http_status))
        super().__init__(message, str(body.get("sirocco_remedy") or ""), str(body.get("sirocco_code") or ""))
        self.http_status, self.request_id = http_status, request_id
        self.where = str((body.get("sirocco_details") or {}).get("where") or "")


class JobFailed(ClientError):  # noqa: N818 - named as its reader would say it
    """The job that was waited for did not succeed."""

    status = 3
