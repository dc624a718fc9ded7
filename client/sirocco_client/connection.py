"""The server that a command speaks to, and what it shows of the answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import click

from sirocco_client import login, output
from sirocco_client.errors import ClientError
from sirocco_client.nouns import BY_COLLECTION
from sirocco_client.waiting import wait
from sirocco_client.wire import Answer, Api, Body
from sirocco_client.words import language, say

_MOST_NAMES = 200


def server(context: click.Context | None = None) -> Api:
    """The server, by options, environment or the kept login; connected when first needed."""
    found = (context or click.get_current_context()).find_root()
    if "api" not in found.meta:
        options = found.params
        who = login.current(options.get("url") or "", options.get("tenant") or "")
        found.meta["api"] = Api(who, language=language())
    return cast("Api", found.meta["api"])


def complete(collection: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Names of a collection from the server; nothing when it cannot be asked."""

    def names(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
        resource = BY_COLLECTION[collection]
        try:
            found = server(context).get(collection, last=_MOST_NAMES).get(resource.key, [])
        except ClientError:
            return []
        told = (str(item.get(resource.named) or "").rsplit("/", 1)[-1] for item in found)
        return [name for name in told if name.startswith(begun) and name and " " not in name]

    return names


@dataclass(frozen=True, slots=True)
class Caller:
    """A command's way with answers: whether it waits for jobs, for how many seconds, and the form it prints."""

    api: Api
    form: str = "table"
    waits: bool = False
    timeout: float = 3600.0

    def show(self, item: Body) -> None:
        """One resource."""
        output.one(item, self.form)

    def report(self, answer: Answer, *, again: str = "") -> None:
        """What a write has led to: with --wait the resource as it is then, else the resource or the job to follow."""
        if self.waits:
            job = wait(self.api, answer, seconds=self.timeout)
            address = answer.location or again
            self.show(self.api.get(address) if address else job or answer.body)
        elif self.form == "table" and answer.job and "token" not in answer.body:
            made = output.identity(answer.body)
            job_id = answer.job.rsplit("/", 1)[-1]
            ours = made in {"", job_id}
            click.echo(say("job {job}", job=job_id) if ours else say("{one}  job {job}", one=made, job=job_id))
        else:
            self.show(answer.body)
