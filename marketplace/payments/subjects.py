"""What a payment is for, in the words that its payer knows."""

from __future__ import annotations

from sqlalchemy import select

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.listings.models import Listing
from marketplace.payments.models import Payment


def title_of(payment: Payment) -> str:
    """Give the title of the listing that the payment's agreement is about."""
    statement = (
        select(Listing.title)
        .join(Agreement, Agreement.listing_id == Listing.id)
        .where(Agreement.id == payment.agreement_id)
    )
    return db.session.scalar(statement) or ""
