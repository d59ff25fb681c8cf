"""The moderation queue: what members reported about listings and messages, the oldest first."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _

from marketplace.admin.door import Question, asked, blueprint, me
from marketplace.admin.forms import MemberReasonForm
from marketplace.admin.listing_views import remove
from marketplace.admin.paging import Page, here, mark
from marketplace.database import db
from marketplace.errors import NotFound
from marketplace.listings import reports as listing_queue
from marketplace.listings.models import ListingReport
from marketplace.messages import moderation as message_queue
from marketplace.messages.models import MessageReport

PAGE = 20


@blueprint.get("/reports")
def reports() -> Any:
    """List open reports about listings."""
    after = mark(request.args.get("after")) or 0
    found = listing_queue.open_reports(after, PAGE + 1)
    rows = found[:PAGE]
    onward = here(after=rows[-1].id) if len(found) > PAGE else ""
    return render_template("operator/reports.html", page=Page(rows, here() if after else "", onward))


@blueprint.get("/reports/messages")
def message_reports() -> Any:
    """List open reports about messages."""
    before = mark(request.args.get("before"))
    found = message_queue.open_reports(before=before, limit=PAGE + 1)
    rows = found[:PAGE]
    onward = here(before=rows[-1].id) if len(found) > PAGE else ""
    return render_template("operator/message_reports.html", page=Page(rows, here() if before else "", onward))


@blueprint.route("/reports/<int:report_id>/<any(dismiss, remove):act>", methods=["GET", "POST"])
def report_decide(report_id: int, act: str) -> Any:
    """Dismiss a report about a listing, or remove the listing."""
    report = db.session.get(ListingReport, report_id)
    if report is None:
        raise NotFound(_("There is no such report."))
    back = url_for("operator.reports")
    if act == "dismiss":
        question = Question(
            _("Dismiss the report"), _("The listing stays as it is, and the report is settled."), _("Dismiss"), back,
            icon="check",
        )  # fmt: skip
        return asked(
            question,
            lambda reason: listing_queue.handle(report_id, actor=me(), note=reason),
            _("The report is settled."),
        )
    question = Question(
        _("Remove the listing"),
        _("Nobody but its owner and operators will see it any more. This can't be undone; reports about it are settled."),
        _("Remove"), back, danger=True, icon="trash-2",
    )  # fmt: skip
    return asked(
        question,
        lambda reason: remove(report.listing_id, reason),
        _("It is removed, and its owner is told why."),
        MemberReasonForm(),
    )


@blueprint.route("/reports/messages/<int:report_id>/<any(dismiss, remove):act>", methods=["GET", "POST"])
def message_report_decide(report_id: int, act: str) -> Any:
    """Dismiss a report about a message, or remove the message."""
    if db.session.get(MessageReport, report_id) is None:
        raise NotFound(_("There is no such report."))
    back = url_for("operator.message_reports")
    removing = act == "remove"
    question = Question(
        _("Remove the message") if removing else _("Dismiss the report"),
        _("Nobody can read its text any more. This can't be undone.")
        if removing
        else _("The message stays, and the report is settled."),
        _("Remove") if removing else _("Dismiss"),
        back,
        danger=removing,
        icon="trash-2" if removing else "check",
    )
    return asked(
        question,
        lambda reason: message_queue.settle(report_id, me().id, remove=removing, reason=reason),
        _("The message is removed.") if removing else _("The report is settled."),
    )
