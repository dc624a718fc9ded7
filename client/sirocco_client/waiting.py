"""Waiting for a job, with a progress bar on a terminal."""

import sys
import time

import click

from sirocco_client.errors import ClientError, JobFailed
from sirocco_client.wire import Answer, Api, Body
from sirocco_client.words import say

_ENDS = {"SUCCESS": "the job succeeded", "FAILED": "the job failed", "STOPPED": "the job was stopped"}
_LOOK_EVERY = 0.25


def wait(api: Api, answer: Answer, *, seconds: float = 3600.0) -> Body:
    """The job of a write when it has ended; raises JobFailed unless it succeeded."""
    if not answer.job:
        return {}
    job = _follow(api, answer.job, seconds)
    if job["state"] != "SUCCESS":
        more = say("`sirocco job show {job}` shows its steps", job=_id(job))
        remedy = "\n".join(filter(None, (str(job.get("sirocco_remedy") or ""), more)))
        why = str(job.get("statusMessage") or "")
        said = say("{end}: {why}", end=say(_ENDS[job["state"]]), why=why) if why else say(_ENDS[job["state"]])
        raise JobFailed(said, remedy, str(job.get("sirocco_code") or ""))
    return job


def _id(job: Body) -> str:
    return str(job["id"]).rsplit("/", 1)[-1]


def _follow(api: Api, address: str, seconds: float) -> Body:
    end = time.monotonic() + seconds
    show = _Bar() if sys.stderr.isatty() else None
    try:
        while True:
            job = api.get(address)
            if show:
                show.update(job)
            if job["state"] in _ENDS:
                return job
            if time.monotonic() > end:
                raise ClientError(
                    "the job has not ended in {seconds} s",
                    "`sirocco job show {job}` tells more",
                    seconds=f"{seconds:.0f}",
                    job=_id(job),
                )
            time.sleep(_LOOK_EVERY)
    except KeyboardInterrupt:
        told = say("The job goes on; `sirocco job stop {job}` ends it.", job=address.rsplit("/", 1)[-1])
        click.echo(told, err=True)
        raise
    finally:
        if show:
            show.close()


class _Bar:
    """A bar that moves; rich is loaded only when there is somebody to see it."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        columns = (TextColumn("{task.description}"), BarColumn(pulse_style="cyan"), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task(say("queued"), total=None)
        self._progress.start()

    def update(self, job: Body) -> None:
        """Show where the job stands."""
        done = int(job.get("progress", 0))
        total = 100 if done else None
        verb = str(job.get("action", "")).rsplit("/", 1)[-1]
        self._progress.update(self._task, description=f"{verb} {job['state']}", completed=done, total=total)

    def close(self) -> None:
        """Clear the line."""
        self._progress.stop()
