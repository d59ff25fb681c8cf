"""Tells the parties of a loan, in the words of `loan_notices`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from marketplace.api import Agreement, Listing, User, db, notifications
from plugins.sharing.loan.booking_models import Loan


def tell(agreement: Agreement, user_id: int, kind: str, **facts: Any) -> None:
    """Tell one party; title, start and end of the loan and the other's name are known facts."""
    loan = db.session.get_one(Loan, agreement.id)
    other = agreement.owner_id if user_id == agreement.member_id else agreement.member_id
    params = {
        "title": db.session.scalar(select(Listing.title).where(Listing.id == agreement.listing_id)),
        "person": db.session.scalar(select(User.name).where(User.id == other)),
        "start": loan.starts_at,
        "until": loan.ends_at,
        **facts,
    }
    notifications.notify(user_id, f"sharing.{kind}", params=params, url=f"/agreements/{agreement.id}")


def tell_member(agreement: Agreement, kind: str, **facts: Any) -> None:
    """Tell who borrows."""
    tell(agreement, agreement.member_id, kind, **facts)


def tell_lender(agreement: Agreement, kind: str, **facts: Any) -> None:
    """Tell who lends."""
    tell(agreement, agreement.owner_id, kind, **facts)


def tell_both(agreement: Agreement, kind: str, **facts: Any) -> None:
    """Tell both."""
    tell_member(agreement, kind, **facts)
    tell_lender(agreement, kind, **facts)
