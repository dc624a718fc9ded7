"""Waiting for a job, with a progress bar on a terminal."""

import sys
import time

import click

from sirocco_client.errors import ClientError, JobFailed
from sirocco_client.wire import Answer, Api, Body

_ENDS = {"SUCCESS": "succeeded", "FAILED": "failed", "STOPPED": "was stopped"}
_LOOK_EVERY = 0.25


def wait(api: Api, answer: Answer, *, seconds: float = 3600.0) -> Body:
    """The job of a write when it has ended; raises JobFailed unless it succeeded."""
    if not answer.job:
        return {}
    job = _follow(api, answer.job, seconds)
    if job["state"] != "SUCCESS":
        more = f"`sirocco job show {_id(job)}` shows its steps"
        remedy = "\n".join(filter(None, (str(job.get("sirocco_remedy") or ""), more)))
        said = f"the job {_ENDS[job['state']]}: {job.get('statusMessage') or ''}".rstrip(": ")
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
                    f"the job has not ended in {seconds:.0f} s", f"`sirocco job show {_id(job)}` tells more"
                )
            time.sleep(_LOOK_EVERY)
    except KeyboardInterrupt:
        click.echo(f"The job goes on; `sirocco job stop {address.rsplit('/', 1)[-1]}` ends it.", err=True)
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
        self._task = self._progress.add_task("queued", total=None)
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
