"""Background work: the queue, one job with its error, and the switches of what runs by itself."""

from __future__ import annotations

import json
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.admin import audit
from marketplace.admin.attention import lag_text
from marketplace.admin.door import Question, asked, blueprint, me
from marketplace.admin.paging import chips, one_of, paged, word
from marketplace.admin.words import JOB, options
from marketplace.database import transaction
from marketplace.errors import NotFound, Refused
from marketplace.jobs import control
from marketplace.jobs.control import JobLine
from marketplace.jobs.models import DEAD, DONE, QUEUED, Job
from marketplace.runtime import runtime

COLUMNS = [getattr(Job, name) for name in JobLine.__slots__]


@blueprint.get("/jobs")
def jobs() -> Any:
    """List jobs, the newest first, with how far the queue is behind."""
    state, q = one_of("state", JOB), word()
    listed = select(*COLUMNS)
    if state:
        listed = listed.where(Job.state == state)
    if q:
        listed = listed.where(Job.kind.contains(q, autoescape=True))
    return render_template(
        "operator/jobs.html",
        page=paged(listed, Job.id),
        overview=control.overview(),
        lag=lag_text,
        states=chips("state", options("job")),
        q=q,
        kept={"state": state},
        labels=labels(),
    )


def labels() -> dict[str, Any]:
    """Give the readable names of kinds of work."""
    return {name: kind.label or name for name, kind in runtime().registry.jobs.items()}


@blueprint.get("/jobs/<int:job_id>")
def job(job_id: int) -> Any:
    """Show one job: what it was to do, and why it did not."""
    found = control.one(job_id)
    return render_template(
        "operator/job.html",
        job=found,
        payload=json.dumps(found.payload, indent=2, ensure_ascii=False),
        label=labels().get(found.kind, found.kind),
        entries=audit.entries(subject=("job", job_id), limit=10),
    )


@blueprint.route("/jobs/<int:job_id>/<any(retry, cancel):act>", methods=["GET", "POST"])
def job_act(job_id: int, act: str) -> Any:
    """Try a dead job again, or give up one that waits or is dead."""
    found = control.one(job_id)
    back = url_for("operator.job", job_id=job_id)
    if act == "retry":
        question = Question(
            _("Try job %(id)s again", id=job_id),
            _("It gets all its attempts again and runs as soon as a worker is free."),
            _("Try again"), back, icon="refresh-cw",
        )  # fmt: skip
        return asked(question, lambda reason: control.retry(job_id, me().id, reason), _("The job waits in the queue."))
    question = Question(
        _("Cancel job %(id)s", id=job_id),
        _("What it was to do (%(kind)s) will not be done, unless something asks for it anew.", kind=found.kind),
        _("Cancel the job"), back, danger=True, icon="circle-x",
    )  # fmt: skip
    return asked(question, lambda reason: cancel(job_id, reason), _("The job is cancelled."))


def cancel(job_id: int, reason: str) -> None:
    """Settle a job that waits or is dead without doing it; raises NotFound, and Refused for one that runs or is done."""
    with transaction() as session:
        found = session.get(Job, job_id, with_for_update=True, populate_existing=True)
        if found is None:
            raise NotFound(_("There is no such job."))
        if found.state not in (QUEUED, DEAD):
            raise Refused(_("Only a job that waits or is dead can be cancelled."), code="not_waiting")
        before = found.state
        found.state, found.finished_at = DONE, clock.now()
        found.last_error = f"cancelled by an operator\n{found.last_error}".strip()
        audit.record(me().id, "job.cancelled", "job", job_id, reason, {"kind": found.kind, "state": before})


@blueprint.get("/jobs/recurring")
def recurring() -> Any:
    """List what runs by itself, with its kill switches."""
    known = {name for name, kind in runtime().registry.jobs.items() if kind.every is not None}
    return render_template(
        "operator/recurring.html", rows=control.recurring_jobs(), labels=labels(), known=known, lag=lag_text
    )


@blueprint.route("/jobs/recurring/<kind>/<any(on, off):position>", methods=["GET", "POST"])
def recurring_switch(kind: str, position: str) -> Any:
    """Throw a kill switch, with a reason."""
    if kind not in {row.kind for row in control.recurring_jobs()}:
        raise NotFound(_("There is no such job."))
    name = {"kind": kind}
    off = position == "off"
    question = Question(
        _("Switch %(kind)s off", **name) if off else _("Switch %(kind)s on", **name),
        _("It does not run any more until somebody switches it on; a run that waits is taken back.")
        if off
        else _("It runs at once, and then at its interval."),
        _("Switch off") if off else _("Switch on"),
        url_for("operator.recurring"),
        danger=off,
        icon="power",
    )
    done = _("%(kind)s is off.", **name) if off else _("%(kind)s is on.", **name)
    return asked(question, lambda reason: control.switch(kind, not off, me().id, reason), done)


@blueprint.post("/jobs/recurring/<kind>/run")
def recurring_run(kind: str) -> Any:
    """Ask for one run now."""
    try:
        control.run_now(kind, me().id)
    except Refused as error:
        flash(error.message, "error")
    else:
        flash(_("%(kind)s runs as soon as a worker is free.", kind=kind), "success")
    return redirect(url_for("operator.recurring"))
