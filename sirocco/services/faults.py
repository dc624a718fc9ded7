"""Why a resource cannot be used: written with what is behind it, so that every reader gets it in their own language."""

from sirocco.cmdb.models import Image, Job, Machine, Network, Provider, Volume
from sirocco.connectors.ports import ConnectorError
from sirocco.contracts.errors import kept


def blame(row: Machine | Volume | Network | Image, job: Job) -> None:
    """The job that failed is why."""
    row.fault, row.cause = job.status_message, kept(job.details, job.error)


def unreachable(provider: Provider, error: ConnectorError) -> None:
    """What the provider answered to a probe is why."""
    provider.fault, provider.cause = error.message, kept(error.details)
