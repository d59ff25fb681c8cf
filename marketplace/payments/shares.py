"""Shares of a payment's earnings that go to others than its payee: each a payment of its own, so that it is paid out like any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select

from marketplace import clock
from marketplace.database import db
from marketplace.errors import Refused
from marketplace.money import Money
from marketplace.payments import records
from marketplace.payments.models import Payment
from marketplace.payments.share_models import SHARE, PaymentShare


def asked_for() -> ColumnElement[bool]:
    """Give the condition of payments that somebody was asked for: a share of another is none."""
    return Payment.purpose != SHARE


def checked(payment: Payment, others: Mapping[int, Money], earned: Money) -> dict[int, Money]:
    """Give the shares above zero in the order of the members' ids; raises ValueError and Refused as `settle` says."""
    found = {user_id: others[user_id] for user_id in sorted(others) if others[user_id].minor}
    if any(part.minor < 0 or part.currency != payment.currency for part in found.values()):
        raise ValueError(f"shares of payment {payment.id} are amounts above zero in {payment.currency}")
    if payment.payee_id in found or sum(part.minor for part in found.values()) > earned.minor:
        raise ValueError(f"the shares of payment {payment.id} exceed the {earned} that is left for them")
    if found and payment.gateway == "direct":
        raise Refused(_("What was paid in cash to its receiver can't be shared out here."), code="paid_in_cash")
    return found


def write(payment: Payment, parts: Mapping[int, Money]) -> list[Payment]:
    """Write the shares of a locked payment that is being settled; who shares with them stands where a payer does."""
    at, made = clock.now(), []
    for user_id, part in parts.items():
        share = records.asked(
            at, agreement_id=payment.agreement_id, payer_id=payment.payee_id, payee_id=user_id, purpose=SHARE,
            amount_minor=part.minor, currency=part.currency, state="succeeded", gateway=payment.gateway,
            source_ref=payment.source_ref, charged_at=payment.charged_at, settled_at=at, earned_minor=part.minor,
            payable_minor=part.minor,
        )  # fmt: skip
        db.session.add(PaymentShare(payment_id=share.id, of_id=payment.id))
        made.append(share)
    db.session.flush()
    return made


def of(payment_id: int) -> list[Any]:
    """Give the shares of a payment: rows of id, payee_id, amount_minor, currency, in the order of their ids."""
    statement = (
        select(Payment.id, Payment.payee_id, Payment.amount_minor, Payment.currency)
        .join(PaymentShare, PaymentShare.payment_id == Payment.id)
        .where(PaymentShare.of_id == payment_id)
        .order_by(Payment.id)
    )
    return list(db.session.execute(statement).all())
