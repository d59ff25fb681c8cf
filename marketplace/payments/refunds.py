"""Gives money back: counted against the payment when it is asked for, sent by a job, booked when it has moved."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.jobs.service import enqueue
from marketplace.money import Money
from marketplace.payments.apply_refunds import count
from marketplace.payments.attempts import live_attempt, live_refund_attempt, locked, open_attempt
from marketplace.payments.errands import Errand, carry_out, errand
from marketplace.payments.models import Payment, PaymentAttempt, Refund
from marketplace.payments.offline.asking import GATEWAYS as BY_HAND
from marketplace.payments.offline.returns import order_for
from marketplace.payments.orders import RefundOrder
from marketplace.payments.share_models import RefundShare


def refund(
    payment: Payment,
    amount: Money,
    reason: str = "",
    actor_id: int | None = None,
    *,
    fee_back: bool = True,
    bearer: str = "owner",
) -> Refund:
    """Ask for `amount` of a charged payment to go back to its payer; a job sends it after the commit.

    After the settlement the platform gives its fee back in proportion (`fee_back`), the provider keeps its own, and the
    rest comes out of what the payee earned, also when it was paid out: then it is taken back from the payee's account,
    and what can't be is borne by `bearer`, the "owner" or the "platform". Raises Refused when that much is not left or
    nothing was charged.
    """
    with transaction() as session:
        payment = locked(payment.id)
        charge = _refundable(payment, amount)
        row = Refund(
            payment_id=payment.id, gateway=charge.gateway, charge_ref=charge.ref or "", amount_minor=amount.minor,
            currency=amount.currency, reason=reason[:200], fee_back="pro_rata" if fee_back else "none", bearer=bearer,
            actor_id=actor_id, created_at=clock.now(), updated_at=clock.now(),
        )  # fmt: skip
        session.add(row)
        session.flush()
        count(payment, row)
        if not row.missing_minor:
            enqueue("payments.refund", {"refund": row.id}, key=f"payments.refund:{row.id}")
    return row


def _refundable(payment: Payment, amount: Money) -> PaymentAttempt:
    """Give the attempt that paid a locked payment; raises Refused unless so much can go back."""
    charge = live_attempt("charge", payment.id)
    if payment.state != "succeeded" or charge is None or charge.ref is None:
        raise Refused(_("This was not paid, so nothing can be refunded."), code="payment_state")
    if amount.currency != payment.currency or amount.minor <= 0:
        raise Refused(_("This is not an amount that can be refunded."), field="amount", code="refund_amount")
    if amount.minor > payment.kept.minor:
        raise Refused(_("That much is not left to be refunded."), field="amount", code="refund_amount")
    return charge


def run_refund(refund_id: int) -> None:
    """Send a refund that waits; does nothing when it was sent."""
    job = _prepare(refund_id)
    if job is not None:
        carry_out(job)


def _prepare(refund_id: int) -> Errand | None:
    with transaction():
        row = db.session.get(Refund, refund_id)
        if row is None:
            return None
        payment = locked(row.payment_id)
        db.session.refresh(row)
        live = live_refund_attempt(row.id)
        if live is not None:
            return errand(live) if live.state in ("open", "unknown") else None
        if row.state != "waiting" or row.missing_minor:
            return None
        if row.gateway in BY_HAND:
            order_for(row)
            return None
        order = RefundOrder(charge_ref=row.charge_ref, amount_minor=row.amount_minor, currency=row.currency)
        return errand(open_attempt("refund", order, user_id=payment.payer_id, refund_id=row.id))


def refunds_of(payment_ids: list[int]) -> dict[int, list[Any]]:
    """Give the refunds of many payments by one statement, oldest first: rows of payment_id, amount, state, at.

    Of a share it gives what its receiver gives for the refunds of the whole.
    """
    rest = (Refund.currency, Refund.state, Refund.created_at, Refund.surplus, Refund.id)
    whole = select(Refund.payment_id, Refund.amount_minor, *rest).where(Refund.payment_id.in_(payment_ids))
    parts = (
        select(RefundShare.payment_id, RefundShare.amount_minor, *rest)
        .join(Refund, Refund.id == RefundShare.refund_id)
        .where(RefundShare.payment_id.in_(payment_ids), RefundShare.payment_id != Refund.payment_id)
    )
    found: dict[int, list[Any]] = {}
    for row in db.session.execute(whole.union_all(parts).order_by("id")):
        found.setdefault(row.payment_id, []).append(row)
    return found
