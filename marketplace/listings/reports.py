"""Reports about listings: anybody may send one, operators read and settle them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from marketplace import access, clock
from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.listings.models import REPORT_REASONS, Listing, ListingReport
from marketplace.listings.service import visible
from marketplace.listings.text import cleaned
from marketplace.notifications import service as notifications
from marketplace.users.models import User

REASONS = (
    ("forbidden", _l("It is illegal or against the rules")),
    ("unsafe", _l("It is dangerous")),
    ("fraud", _l("It looks like fraud")),
    ("wrong", _l("It is wrong or misleading")),
    ("other", _l("Something else")),
)
NOTE_LENGTH = 2000
PAGE = 50


@dataclass(frozen=True, slots=True)
class OpenReport:
    """One report as an operator's list shows it; `at` is UTC, `reporter` None for a guest."""

    id: int
    at: datetime
    reason: str
    note: str
    listing_id: int
    title: str
    slug: str
    listing_state: str
    reporter_id: int | None
    reporter: str | None


def report(listing_id: int, *, reporter: Any, reason: str, note: str = "") -> ListingReport:
    """Tell the operators that something is wrong with a listing; `reporter` is a User, or a guest.

    A member who reports the same listing again adds to the report that is still open. Raises InvalidInput, Refused,
    NotFound.
    """
    listing = visible(listing_id, reporter)
    note = cleaned(note, lines=True)
    if reason not in REPORT_REASONS:
        raise InvalidInput({"reason": _("Choose what is wrong.")})
    if len(note) > NOTE_LENGTH:
        raise InvalidInput({"note": _("At most %(most)s characters.", most=NOTE_LENGTH)})
    if reason == "other" and not note:
        raise InvalidInput({"note": _("Tell us what is wrong.")})
    access.require(reporter, "listing.report", listing)
    with transaction() as session:
        known = _open_one(listing.id, reporter)
        if known is not None:
            known.reason, known.note = reason, cleaned(f"{known.note}\n\n{note}", lines=True)[: 2 * NOTE_LENGTH]
            return known
        row = ListingReport(
            listing_id=listing.id,
            reporter_id=reporter.id if reporter.is_authenticated else None,
            reason=reason,
            note=note,
            created_at=clock.now(),
        )
        session.add(row)
        _tell_operators(listing)
    return row


def open_reports(after: int = 0, limit: int = PAGE) -> Sequence[OpenReport]:
    """List reports that nobody has settled, oldest first, by one statement; `after` is the last id of the page before."""
    statement = (
        select(
            ListingReport.id,
            ListingReport.created_at,
            ListingReport.reason,
            ListingReport.note,
            Listing.id,
            Listing.title,
            Listing.slug,
            Listing.state,
            ListingReport.reporter_id,
            User.name,
        )
        .join(Listing, Listing.id == ListingReport.listing_id)
        .outerjoin(User, User.id == ListingReport.reporter_id)
        .where(ListingReport.state == "open", ListingReport.id > after)
        .order_by(ListingReport.id)
        .limit(limit)
    )
    rows: Sequence[Any] = db.session.execute(statement).all()
    return [OpenReport(*row) for row in rows]


def handle(report_id: int, *, actor: User, note: str = "") -> ListingReport:
    """Settle a report as an operator; what was done about the listing is its own act. Raises Refused, Forbidden, NotFound."""
    access.require(actor, "operator.act")
    with transaction():
        statement = select(ListingReport).where(ListingReport.id == report_id).with_for_update()
        row = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
        if row is None:
            raise NotFound(_("There is no such report."))
        if row.state != "open":
            raise Refused(_("Somebody settled this report already."))
        row.state, row.handled_at, row.handled_by_id = "handled", clock.now(), actor.id
        audit.record(
            actor.id, "report.handled", "listing", row.listing_id, note, {"report": row.id, "reason": row.reason}
        )
    return row


def _open_one(listing_id: int, reporter: Any) -> ListingReport | None:
    if not reporter.is_authenticated:
        return None
    statement = select(ListingReport).where(
        ListingReport.listing_id == listing_id,
        ListingReport.reporter_id == reporter.id,
        ListingReport.state == "open",
    )
    return db.session.scalars(statement.limit(1)).one_or_none()


def _tell_operators(listing: Listing) -> None:
    operators = db.session.scalars(select(User.id).where(User.role == "operator", User.state == "active")).all()
    notifications.notify_many(
        operators,
        "listing_reported",
        params={"title": listing.title},
        url=f"/listings/{listing.id}-{listing.slug}",
        mail=False,
    )
