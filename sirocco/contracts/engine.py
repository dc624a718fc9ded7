"""What the CMDB, the worker and the engine agree on: queues, workflow names, search attributes, payloads."""

from dataclasses import dataclass
from typing import Final

TASK_QUEUE: Final = "sirocco"
PLACEMENT_QUEUE: Final = "sirocco-placement"

SEARCH_ATTRIBUTES: Final = {
    "SiroccoTenant": "Keyword",
    "SiroccoResource": "Keyword",
    "SiroccoProvider": "Keyword",
    "SiroccoJob": "Keyword",
}


@dataclass(frozen=True, slots=True)
class JobOrder:
    """The argument of every workflow and of most steps: which job to carry out. All else is in the CMDB.

    ``final`` marks the order for the job's last step, which writes the job's success with its own.
    """

    job_id: str
    tenant_id: str = ""
    resource: str = ""
    provider_id: str = ""
    final: bool = False


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job failed: a problem's code of the catalogue and what fills its places."""

    job_id: str
    code: str
    details: dict[str, str]


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Choose a host, but none of those that have just refused."""

    job_id: str
    excluded: tuple[str, ...] = ()
