"""Pay-outs: members' earnings on their way to them."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.admin.door import blueprint
from marketplace.admin.paging import chips, one_of, paged
from marketplace.admin.words import PAYOUT, options
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import NotFound
from marketplace.listings.models import Listing
from marketplace.payments.models import Payment, Payout, PayoutAccount
from marketplace.payments.payout_models import PayoutPart
from marketplace.users.models import User

MOST = 500


@blueprint.get("/payouts")
def payouts() -> Any:
    """List pay-outs, the newest first."""
    state = one_of("state", PAYOUT)
    listed = select(
        Payout.id, Payout.state, Payout.amount_minor, Payout.currency, Payout.error_code, Payout.created_at, Payout.paid_at,
        Payout.user_id, User.name,
    ).join(User, User.id == Payout.user_id)  # fmt: skip
    if state:
        listed = listed.where(Payout.state == state)
    return render_template(
        "operator/payouts.html", page=paged(listed, Payout.id), states=chips("state", options("payout"))
    )


@blueprint.get("/payouts/<int:payout_id>")
def payout(payout_id: int) -> Any:
    """Show a pay-out: whose it is, where it goes, and what it consists of."""
    found = db.session.get(Payout, payout_id)
    if found is None:
        raise NotFound(_("There is no such pay-out."))
    member = db.session.get(User, found.user_id)
    account = db.session.scalars(
        select(PayoutAccount)
        .where(PayoutAccount.user_id == found.user_id, PayoutAccount.gateway == found.gateway)
        .order_by(PayoutAccount.id.desc())
        .limit(1)
    ).one_or_none()
    parts = (
        select(
            Payment.id, PayoutPart.amount_minor, PayoutPart.currency, PayoutPart.state, PayoutPart.sent_at,
            PayoutPart.reversed_minor, Listing.title,
        )
        .join(PayoutPart, PayoutPart.payment_id == Payment.id)
        .join(Agreement, Agreement.id == Payment.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .where(PayoutPart.payout_id == payout_id)
        .order_by(PayoutPart.id)
        .limit(MOST)
    )  # fmt: skip
    return render_template(
        "operator/payout.html", payout=found, person=member, account=account, parts=db.session.execute(parts).all()
    )
