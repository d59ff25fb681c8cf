"""A member's receipts and invoices: the list, and each as a page to print."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import aliased

from marketplace.access import is_operator
from marketplace.database import db
from marketplace.errors import NotFound
from marketplace.payments.billing.models import Bill, code_of
from marketplace.payments.billing.wording import KINDS, label_words
from marketplace.payments.guards import for_members
from marketplace.payments.views import me, payment_pages

PAGE = 30


@payment_pages.get("/account/bills")
@for_members
def bills() -> Any:
    """List a member's bills, the newest first."""
    before = request.args.get("before", "")
    wanted = (
        select(
            Bill.id, Bill.kind, Bill.series, Bill.year, Bill.number, Bill.issued_on, Bill.subject, Bill.total_minor,
            Bill.currency,
        )
        .where(Bill.user_id == me().id)
        .order_by(Bill.id.desc())
        .limit(PAGE + 1)
    )  # fmt: skip
    if before.isdecimal() and len(before) < 19:
        wanted = wanted.where(Bill.id < int(before))
    rows = db.session.execute(wanted).all()
    following = rows[PAGE - 1].id if len(rows) > PAGE else None
    return render_template(
        "payments/bills.html", rows=rows[:PAGE], following=following, paged=bool(before), kinds=KINDS, code=code_of
    )


@payment_pages.get("/account/bills/<int:bill_id>")
@for_members
def bill(bill_id: int) -> Any:
    """Show one bill the way it was sent, ready to print; also to operators."""
    found = db.session.get(Bill, bill_id)
    if found is None or (found.user_id != me().id and not is_operator(me())):
        raise NotFound(_("This page does not exist, or is not for you."))
    return render_template("payments/bill.html", bill=found, related=related(found), kinds=KINDS, label=label_words)


def related(found: Bill) -> list[Any]:
    """Give what a bill corrects and what corrects it, as rows of id, kind and code."""
    other = aliased(Bill)
    rows = db.session.execute(
        select(other.id, other.kind, other.series, other.year, other.number)
        .where((other.corrects_id == found.id) | (other.id == found.corrects_id))
        .order_by(other.id)
    ).all()
    return [{"id": row.id, "kind": row.kind, "code": code_of(row.series, row.year, row.number)} for row in rows]
