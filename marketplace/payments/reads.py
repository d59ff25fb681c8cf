"""What the pages about payments show: rows by keyset, a fixed number of statements each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.listings.models import Listing
from marketplace.payments.models import Payment, Payout, SavedMethod
from marketplace.payments.refunds import refunds_of
from marketplace.payments.share_models import PaymentShare
from marketplace.payments.shares import asked_for
from marketplace.users.models import User

PAGE = 20


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """A payment with what its page names: the listing, both parties, the method (only for the payer) and the refunds."""

    payment: Payment
    title: str
    payee: str
    payer: str
    method: SavedMethod | None
    refunds: Sequence[Any]


def page_of(payment: Payment, *, with_method: bool) -> PaymentPage:
    """Gather a payment's page by three statements."""
    payer = select(User.name).where(User.id == payment.payer_id).scalar_subquery()
    payee = select(User.name).where(User.id == payment.payee_id).scalar_subquery()
    row = db.session.execute(
        select(Listing.title, payer.label("payer"), payee.label("payee"))
        .join(Agreement, Agreement.listing_id == Listing.id)
        .where(Agreement.id == payment.agreement_id)
    ).one()
    shown = db.session.get(SavedMethod, payment.method_id) if with_method and payment.method_id else None
    return PaymentPage(payment, row.title, row.payee, row.payer, shown, refunds_of([payment.id]).get(payment.id, ()))


def payments_of_member(user_id: int, before: int | None = None) -> tuple[list[Any], int | None]:
    """Give rows of what a member paid and was paid, the newest first, and where the next page begins."""
    statement = (
        select(
            Payment.id, Payment.state, Payment.amount_minor, Payment.refunded_minor, Payment.earned_minor, Payment.currency,
            Payment.payer_id, Payment.agreement_id, Payment.created_at, Payment.charged_at, Payment.disputed_minor,
            Payment.method_kind, Payment.gateway, Payment.settled_at, Listing.title,
            select(PaymentShare.payment_id).where(PaymentShare.of_id == Payment.id).exists().label("shared"),
        )
        .join(Agreement, Agreement.id == Payment.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .where(or_((Payment.payer_id == user_id) & asked_for(), (Payment.payee_id == user_id) & (Payment.state == "succeeded")))
        .order_by(Payment.id.desc())
        .limit(PAGE + 1)
    )  # fmt: skip
    if before is not None:
        statement = statement.where(Payment.id < before)
    rows = list(db.session.execute(statement).all())
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None


def payouts_of(user_id: int) -> list[Payout]:
    """Give a member's newest pay-outs."""
    return list(
        db.session.scalars(select(Payout).where(Payout.user_id == user_id).order_by(Payout.id.desc()).limit(PAGE))
    )
