"""Jobs: what is being done, and what was done."""

from flask import g, render_template
from flask.typing import ResponseReturnValue

from sirocco.cmdb.models import Job, Provider, User
from sirocco.cmdb.transaction import Transaction
from sirocco.contracts.states import JobState
from sirocco.services import jobs
from web import lists
from web.area import Area, go

area = Area("jobs")
_SORTABLE = ("name", "state", "action", "progress", "created")


@area.page("/jobs")
def index(tx: Transaction) -> ResponseReturnValue:
    """The tenant's jobs."""
    question = lists.asked(_SORTABLE, filters=("state", "action"))
    shown = lists.Shown.of(question, jobs.page(tx, question.query()))
    return render_template("jobs/index.html", shown=shown, states=list(JobState))


@area.page("/jobs/<id>")
def show(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002 - the word of the address
    """A job's steps as they happen."""
    job = jobs.get(tx, id)
    by = tx.session.get(User, job.user_id)
    return render_template(
        "jobs/show.html",
        job=job,
        steps=jobs.steps(tx, job),
        nested=jobs.nested(tx, job),
        parent=tx.find(Job, job.parent_id) if job.parent_id else None,
        provider=tx.session.get(Provider, job.provider_id) if job.provider_id else None,
        by=by.name if by else "",
        engine=_engine(job),
    )


def _engine(job: Job) -> str:
    """The workflow in the engine's own interface, for operators."""
    settings = g.portal.settings
    if not (settings.temporal_ui_url and job.workflow):
        return ""
    return f"{settings.temporal_ui_url.rstrip('/')}/namespaces/{settings.temporal_namespace}/workflows/{job.id}"


@area.action("/jobs/<id>/stop")
def stop(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Ask a job to end early and undo what it did."""
    jobs.stop(tx, id)
    return go("jobs.show", id=id)


@area.action("/jobs/<id>/delete")
def delete(tx: Transaction, id: str) -> ResponseReturnValue:  # noqa: A002
    """Forget a job that has ended."""
    jobs.delete(tx, id)
    return go("jobs.index", done="deleted")
