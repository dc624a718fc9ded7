"""The resources that a job still holds."""

from collections.abc import Mapping
from typing import TypeVar

from sirocco.cmdb.models import Host, Image, Job, Machine, Network, Record, Volume, VolumeImage
from sirocco.cmdb.transaction import Transaction

R = TypeVar("R", bound=Record)

LOCKABLE: Mapping[str, type[Record]] = {
    "machine": Machine,
    "volume": Volume,
    "image": Image,
    "volume image": VolumeImage,
    "network": Network,
    "host": Host,
}


def held(tx: Transaction, job: Job) -> list[Record]:
    """The resources whose lock the job has; one that another job took over is left alone."""
    rows: list[Record] = []
    for item in job.affected:
        model = LOCKABLE.get(item["kind"])
        row = tx.locked(model, item["id"]) if model else None
        if row is not None and getattr(row, "job_id", None) == job.id:
            rows.append(row)
    return rows


def held_one(tx: Transaction, job: Job, model: type[R]) -> R | None:
    """The one resource of a kind that the job holds, if it still does."""
    return next((row for row in held(tx, job) if isinstance(row, model)), None)
