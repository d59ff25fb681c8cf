"""Where the books differ from the payment provider's balance, run by run, until somebody settles it with a reason."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.admin.books import under
from marketplace.admin.door import Question, asked, blueprint, me
from marketplace.admin.paging import chips, one_of, paged
from marketplace.admin.words import DIFFERENCE, options
from marketplace.database import db
from marketplace.payments.reconciliation import findings
from marketplace.payments.reconciliation.books import keys_of
from marketplace.payments.reconciliation.models import Comparison, Difference, ProviderEntry
from marketplace.users.models import User

RUNS_SHOWN = 7


@blueprint.get("/comparison")
def differences() -> Any:
    """List differences, the newest first, and how the last runs went."""
    state = one_of("state", DIFFERENCE)
    listed = select(
        Difference.id, Difference.subject, Difference.kind, Difference.theirs_minor, Difference.ours_minor,
        Difference.currency, Difference.state, Difference.why, Difference.first_at,
    )  # fmt: skip
    if state:
        listed = listed.where(Difference.state == state)
    runs = db.session.execute(
        select(
            Comparison.id, Comparison.started_at, Comparison.ended_at, Comparison.entries, Comparison.compared,
            Comparison.booked, Comparison.differences, Comparison.error,
        ).order_by(Comparison.id.desc()).limit(RUNS_SHOWN)
    ).all()  # fmt: skip
    return render_template(
        "operator/differences.html",
        page=paged(listed, Difference.id),
        runs=runs,
        states=chips("state", options("difference")),
    )


@blueprint.get("/comparison/<int:difference_id>")
def difference(difference_id: int) -> Any:
    """Show both sides of a difference: the provider's entries and our bookings."""
    found = findings.get(difference_id)
    entries = db.session.execute(
        select(ProviderEntry.ref, ProviderEntry.kind, ProviderEntry.amount_minor, ProviderEntry.fee_minor,
               ProviderEntry.currency, ProviderEntry.at)
        .where(ProviderEntry.gateway == found.gateway, ProviderEntry.subject == found.subject)
        .order_by(ProviderEntry.at, ProviderEntry.id)
    ).all()  # fmt: skip
    actor = db.session.get(User, found.actor_id) if found.actor_id else None
    bookings = under(keys_of([found.subject], [(found.subject, row.ref) for row in entries]))
    return render_template(
        "operator/difference.html", difference=found, entries=entries, bookings=bookings, actor=actor
    )


@blueprint.route("/comparison/<int:difference_id>/settle", methods=["GET", "POST"])
def difference_settle(difference_id: int) -> Any:
    """Ask why a difference may stay, and close it."""
    found = findings.get(difference_id)
    question = Question(
        _("May this difference stay?"),
        _("The books are not changed. It comes back when one of the two figures changes."),
        _("Settle it"),
        url_for("operator.difference", difference_id=found.id),
        icon="scale",
    )
    return asked(question, lambda reason: findings.settle(found.id, me().id, reason), _("The difference is settled."))


@blueprint.post("/comparison/run")
def comparison_run() -> Any:
    """Ask for a comparison now."""
    from marketplace.jobs.service import enqueue

    enqueue("payments.reconcile", {}, key="payments.reconcile:now")
    flash(_("The comparison runs in the background; look again in a minute."), "success")
    return redirect(url_for("operator.differences"), 303)
