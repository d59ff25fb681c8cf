"""What a thing costs a member: its price, less a part of the rent that the member paid for it lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from marketplace.api import Agreement, Money, clock, db, payments
from plugins.sharing.buy.buy_models import CountedRent
from plugins.sharing.item.item_models import Item
from plugins.sharing.loan.booking_models import Loan
from plugins.sharing.loan.loan_money import PRICE

HAD = ("active", "returned", "lost", "claimed", "closed")
"""Loans that went out: the rent of a loan that can still be cancelled for money back does not count yet."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A price for one member: `rents` are payments (id, what was kept of it in minor units) of which `percent` count."""

    price: Money
    percent: int = 0
    days: int = 0
    rents: tuple[tuple[int, int], ...] = ()

    @property
    def rented(self) -> Money:
        """Give what the member paid in rent and did not get back."""
        return Money(sum(kept for _id, kept in self.rents), self.price.currency)

    @property
    def counted(self) -> Money:
        """Give what of the rent counts, never more than the price; a part of a minor unit counts for nothing."""
        return Money(min(self.rented.minor * self.percent // 100, self.price.minor), self.price.currency)

    @property
    def total(self) -> Money:
        """Give what is to be paid; what is left and too little to be paid is waived."""
        left = self.price - self.counted
        if self.counted.minor and left < payments.least(left.currency):
            return Money(0, left.currency)
        return left

    @property
    def free(self) -> bool:
        """Tell whether nothing is to be paid any more."""
        return not self.total.minor


def quote(item: Item, member_id: int | None) -> Quote:
    """Say what one unit of an item costs a member, or somebody (None), now; one statement at most."""
    price = Money(item.buy_minor or 0, item.currency)
    if member_id is None or not item.buy_rent_percent or not item.buy_rent_days:
        return Quote(price, item.buy_rent_percent, item.buy_rent_days)
    return Quote(price, item.buy_rent_percent, item.buy_rent_days, _rents(item, member_id))


def agreed_quote(terms: Mapping[str, Any]) -> Quote:
    """Give what was worked out when it was asked for, from the frozen terms."""
    price = Money(int(terms["price_minor"]), str(terms["currency"]))
    return Quote(price, int(terms["rent_percent"]), int(terms["rent_days"]), ((0, int(terms["rented_minor"])),))


def _rents(item: Item, member_id: int) -> tuple[tuple[int, int], ...]:
    """Read what this member paid for loans of this item in the days that count, and no other purchase has counted."""
    paid: Any = payments.Payment
    kept = paid.amount_minor - paid.refunded_minor - paid.disputed_minor - paid.inquired_minor
    rows = db.session.execute(
        select(paid.id, kept)
        .join(Loan, Loan.agreement_id == paid.agreement_id)
        .join(Agreement, Agreement.id == paid.agreement_id)
        .outerjoin(CountedRent, CountedRent.payment_id == paid.id)
        .where(
            Loan.item_id == item.listing_id, Loan.member_id == member_id, paid.payer_id == member_id,
            paid.purpose.in_(PRICE), paid.state == "succeeded", paid.currency == item.currency, kept > 0,
            paid.charged_at > clock.now() - timedelta(days=item.buy_rent_days), Agreement.state.in_(HAD),
            CountedRent.payment_id.is_(None),
        )
        .order_by(paid.id)
    )  # fmt: skip
    return tuple((number, minor) for number, minor in rows)
