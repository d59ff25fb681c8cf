"""Listings: the list, one listing as operators see it, and taking it off the site."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace.admin import audit
from marketplace.admin.door import Question, asked, blueprint, me
from marketplace.admin.forms import MemberReasonForm
from marketplace.admin.paging import chips, one_of, paged, word
from marketplace.admin.words import LISTING, options
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import NotFound
from marketplace.listings import reports as listing_reports
from marketplace.listings import service
from marketplace.listings.models import Listing, ListingReport
from marketplace.runtime import runtime
from marketplace.users.models import User

NEWEST = 10


@blueprint.get("/listings")
def listings() -> Any:
    """List listings of every state, the newest first."""
    state, kind, q = one_of("state", LISTING), word("kind"), word()
    listed = select(
        Listing.id, Listing.title, Listing.kind, Listing.state, Listing.place, Listing.created_at, Listing.owner_id,
        User.name.label("owner"),
    ).join(User, User.id == Listing.owner_id)  # fmt: skip
    if state:
        listed = listed.where(Listing.state == state)
    if kind:
        listed = listed.where(Listing.kind == kind)
    if q:
        listed = listed.where(Listing.title.icontains(q, autoescape=True))
    kinds = [(name, one.plural) for name, one in runtime().registry.listing_kinds.items()]
    return render_template(
        "operator/listings.html",
        page=paged(listed, Listing.id),
        states=chips("state", options("listing")),
        kinds=chips("kind", kinds, _("Every kind")),
        q=q,
        kept={"state": state, "kind": kind},
    )


@blueprint.get("/listings/<int:listing_id>")
def listing(listing_id: int) -> Any:
    """Show a listing with its owner, what was reported, and what operators did."""
    found = _listing(listing_id)
    owner = db.session.get(User, found.owner_id)
    phases = select(Agreement.phase, func.count()).where(Agreement.listing_id == listing_id).group_by(Agreement.phase)
    reported = (
        select(
            ListingReport.id, ListingReport.reason, ListingReport.note, ListingReport.state, ListingReport.created_at,
            User.name.label("reporter"),
        )
        .outerjoin(User, User.id == ListingReport.reporter_id)
        .where(ListingReport.listing_id == listing_id)
        .order_by(ListingReport.id.desc())
        .limit(NEWEST)
    )  # fmt: skip
    return render_template(
        "operator/listing.html",
        listing=found,
        owner=owner,
        phases=db.session.execute(phases).all(),
        reports=db.session.execute(reported).all(),
        entries=audit.entries(subject=("listing", listing_id), limit=NEWEST),
    )


def _listing(listing_id: int) -> Listing:
    found = db.session.get(Listing, listing_id)
    if found is None:
        raise NotFound(_("There is no such listing."))
    return found


@blueprint.route("/listings/<int:listing_id>/remove", methods=["GET", "POST"])
def listing_remove(listing_id: int) -> Any:
    """Take a listing off the site; reports about it are settled with it."""
    found = _listing(listing_id)
    question = Question(
        _("Remove “%(title)s”", title=found.title),
        _(
            "Nobody but its owner and operators will see it any more. This can't be undone; reports about it are settled."
        ),
        _("Remove"),
        url_for("operator.listing", listing_id=listing_id),
        danger=True,
        icon="trash-2",
    )
    return asked(question, lambda reason: remove(listing_id, reason), _("It is removed, and its owner is told why."),
                 MemberReasonForm())  # fmt: skip


def remove(listing_id: int, reason: str) -> None:
    """Remove a listing and settle every open report about it, in one transaction."""
    with transaction() as session:
        service.remove(listing_id, actor=me(), reason=reason)
        waiting = select(ListingReport.id).where(ListingReport.listing_id == listing_id, ListingReport.state == "open")
        for report_id in session.scalars(waiting.order_by(ListingReport.id)).all():
            listing_reports.handle(report_id, actor=me(), note=reason)
