"""Names and addresses as they stand on a bill, taken when it is written: later changes do not touch it."""

from __future__ import annotations

from sqlalchemy import select

from marketplace.database import db
from marketplace.payments.billing.models import BillingDetails
from marketplace.runtime import runtime
from marketplace.settings.service import get
from marketplace.users.models import User


def platform() -> str:
    """Give the platform's own lines."""
    name = str(get("bills.name")) or runtime().settings.site_name
    address = [part.strip() for part in str(get("bills.address")).split(",")]
    return _lines(name, *address, str(get("bills.numbers")))


def member(user_id: int) -> str:
    """Give a member's lines: what the member told for bills, or else the name and place of the profile."""
    row = db.session.execute(
        select(
            User.name, User.place, BillingDetails.name.label("own"), BillingDetails.address, BillingDetails.tax_number
        )
        .outerjoin(BillingDetails, BillingDetails.user_id == User.id)
        .where(User.id == user_id)
    ).one()
    return _lines(row.own or row.name, *(row.address or row.place or "").splitlines(), row.tax_number or "")


def language(user_id: int) -> str:
    """Give the language in which a member reads."""
    chosen = db.session.scalar(select(User.locale).where(User.id == user_id))
    settings = runtime().settings
    return chosen if chosen in settings.locales else settings.locale


def _lines(*parts: str) -> str:
    return "\n".join(part.strip() for part in parts if part and part.strip())
